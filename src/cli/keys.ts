import { removeKey, prePublish, rotate, signingAlgs, type SigningAlg } from '../oidc/signing-keys.ts'
import { DomainError } from '../domain/errors.ts'
import type { RunningServices } from '../services.ts'

const isAlg = (text: string | undefined): text is SigningAlg => signingAlgs.includes(text as SigningAlg)

export const command = {
  summary: 'signing keys: list, publish, rotate, remove',
  usage: 'kora keys list | publish <ES256|RS256> | rotate <ES256|RS256> [--now] | remove <kid> [--now]  [--json]',
  async run (args: string[], services: RunningServices): Promise<number> {
    const [action = 'list', target] = args.filter((arg) => !arg.startsWith('--'))
    const now = args.includes('--now') ? 0 : undefined
    const { db, crypto } = services
    try {
      if (action === 'publish' && isAlg(target)) return report(args, { published: await prePublish(db, crypto, target) })
      if (action === 'rotate' && isAlg(target)) {
        // without a published successor there is nothing to rotate to; --now publishes and uses one at once
        if (now === 0) await prePublish(db, crypto, target)
        return report(args, await db.transaction().execute(async (trx) => await rotate(trx, target, now)))
      }
      if (action === 'remove' && target !== undefined) {
        await db.transaction().execute(async (trx) => { await removeKey(trx, target, now) })
        return report(args, { removed: target })
      }
      if (action === 'list') {
        const keys = await db.selectFrom('signingKey').select(['kid', 'alg', 'state', 'createdAt', 'activatedAt', 'retiredAt', 'removedAt']).orderBy('createdAt').execute()
        if (args.includes('--json')) console.log(JSON.stringify(keys))
        else for (const key of keys) console.log(`${key.kid}  ${key.alg}  ${key.state.padEnd(13)}  made ${key.createdAt.toISOString()}`)
        return 0
      }
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      console.error(`Refused: ${error.code}`)
      return 1
    }
    console.error(`Usage: ${this.usage}`)
    return 2
  }
}

function report (args: string[], result: object): number {
  console.log(args.includes('--json') ? JSON.stringify(result) : Object.entries(result).map(([name, value]) => `${name}: ${value}`).join('\n'))
  return 0
}
