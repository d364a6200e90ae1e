/**
 * kora keys: the signing keys. Publishing, rotating and removing follow the schedule's rules; `emergency` is for a key
 * that leaked. Every act has a reason and an audit event.
 */
import type { Act } from '../domain/administration/administration.ts'
import { inTransaction } from '../database/transaction.ts'
import { DomainError } from '../domain/errors.ts'
import {
  emergencyRemoval,
  listKeys,
  listRemovedKeyUses,
  publishNext,
  reencrypt,
  removeRetired,
  rotateNow
} from '../records/keys/index.ts'
import { keyTimes, signingAlgs, type SigningAlg } from '../tokens/signing-keys.ts'
import type { RunningServices } from '../services.ts'
import { readArguments } from './arguments.ts'
import { readAct, actOptions, actUsage } from './operator.ts'
import { printLine } from './print.ts'
import { reportProgress } from './progress.ts'

type Result = Record<string, unknown>

const isAlg = (text: string | undefined): text is SigningAlg => signingAlgs.includes(text as SigningAlg)

const advice: Record<string, string> = {
  signing_key_missing: 'no successor is published: kora keys publish <algorithm>, and two hours later rotate',
  signing_key_too_young: `its successor was published less than ${keyTimes.published / 3600} h ago: relying sites may not know it yet. If the active key leaked: kora keys emergency <kid>`,
  signing_key_published: 'a successor is published already: see kora keys list',
  signing_key_in_use: `unknown, still signing, or retired less than ${keyTimes.retired / 3600} h ago. If it leaked: kora keys emergency <kid>`,
  signing_key_unknown: 'no such key, or it was removed already: see kora keys list'
}

export const command = {
  summary: 'signing keys: list, publish, rotate, remove, emergency; master key: reencrypt',
  usage: `kora keys list [--json]
       kora keys publish|rotate <${signingAlgs.join('|')}> ${actUsage} [--json]
       kora keys remove <kid> ${actUsage} [--json]
       kora keys emergency <kid> ${actUsage} [--json]   this key leaked: it is out at once, its successor signs
       kora keys reencrypt ${actUsage} [--json]   everything under the current master key (docs/runbooks/master-key.md)

  kora keys rotate ES256 --reason "planned, ticket 4711"`,

  async run (
    args: string[],
    deps: Pick<RunningServices, 'db' | 'crypto' | 'audit'>,
    print: (line: string) => void = printLine
  ): Promise<number> {
    const wrong = (problem: string): number => {
      console.error(`${problem}\nUsage: ${this.usage}`)
      return 2
    }
    let parsed
    try {
      parsed = readArguments(args, {
        options: { json: { type: 'boolean' }, ...actOptions },
        actions: { remove: 1, emergency: 1 }
      })
    } catch (error) {
      return wrong((error as Error).message)
    }
    const {
      values,
      positionals: [action = 'list', target, ...more]
    } = parsed
    const json = values.json === true
    if (more.length > 0) return wrong(`Too many arguments: ${more.join(' ')}`)
    if (action === 'list') return await list(deps, json, print)
    const act = readAct(values)
    if (action === 'reencrypt' && target === undefined) {
      return act === null
        ? wrong('--reason is missing: it goes into the audit trail.')
        : await renew(deps, act, { json, print })
    }
    if (!['publish', 'rotate', 'remove', 'emergency'].includes(action)) return wrong(`Unknown: ${action}`)
    if (target === undefined || ((action === 'publish' || action === 'rotate') && !isAlg(target))) {
      return wrong(
        `${action}: ${action === 'publish' || action === 'rotate' ? `which of ${signingAlgs.join(', ')}?` : 'which kid?'}`
      )
    }
    if (act === null) return wrong('--reason is missing: it goes into the audit trail.')
    const { db, audit } = deps
    try {
      const work: Record<string, () => Promise<Result>> = {
        publish: async () => ({ published: await publishNext(deps, act, target as SigningAlg) }),
        rotate: async () => ({
          ...(await inTransaction(db, async (trx) => await rotateNow(trx, { audit }, act, target as SigningAlg)))
        }),
        remove: async () => {
          await inTransaction(db, async (trx) => {
            await removeRetired(trx, { keyServices: { audit }, act, kid: target })
          })
          return { removed: target }
        },
        emergency: async () => ({ ...(await emergencyRemoval(deps, act, target)) })
      }
      const result = await work[action]!()
      if (json) print(JSON.stringify(result))
      else for (const line of lines(action, result)) print(line)
      return 0
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      if (json) print(JSON.stringify({ error: error.code }))
      console.error(`Refused: ${error.code}: ${advice[error.code] ?? ''}`)
      return 1
    }
  }
}

function lines (action: string, result: Result): string[] {
  const { active, retired, removed, published } = result
  if (action === 'publish') return [`Published ${published}; it may sign in ${keyTimes.published / 3600} h.`]
  if (action === 'rotate') {
    return [
      `${active} signs from now on.`,
      ...(retired === null ? [] : [`${retired} only verifies; it is taken out in ${keyTimes.retired / 3600} h.`])
    ]
  }
  if (action === 'remove') return [`Removed ${removed}.`]
  return [
    `Removed ${removed}: nothing it signed is accepted here any more.`,
    ...(active === null ? ['It did not sign; the signing key stays.'] : [`${active} signs from now on.`]),
    ...(result['successorKnown'] === true
      ? []
      : [
          'Relying sites do not have it yet: standard libraries fetch the key set again when they meet an unknown kid.'
        ]),
    `Relying sites may go on trusting the removed key for up to ${Number(result['sitesMayTrustForSeconds']) / 60} minutes, from their copy of the key set. Ask them to fetch it again now.`
  ]
}

async function renew (
  deps: Pick<RunningServices, 'db' | 'crypto' | 'audit'>,
  act: Act,
  { json, print }: { json: boolean; print: (line: string) => void }
): Promise<number> {
  const progress = reportProgress('rows')
  const result = await reencrypt(deps, act, { onProgress: progress.at })
  progress.end()
  if (json) print(JSON.stringify(result))
  else {
    const counts = (rows: Record<string, number>): string =>
      Object.entries(rows)
        .map(([table, count]) => `${table} ${count}`)
        .join(', ') || 'none'
    print(`Encrypted again: ${counts(result.written)}.`)
    if (Object.keys(result.unreadable).length > 0) {
      print(
        `Unreadable with every known key: ${counts(result.unreadable)}. Is a former key missing in MASTER_KEY_PREVIOUS?`
      )
    }
    print(result.complete ? 'Everything stored is under the current master key.' : 'Not everything yet: run it again.')
  }
  return result.complete ? 0 : 1
}

async function list (
  { db }: Pick<RunningServices, 'db'>,
  json: boolean,
  print: (line: string) => void
): Promise<number> {
  const [keys, uses] = [await listKeys(db), await listRemovedKeyUses(db)]
  if (json) {
    print(JSON.stringify({ keys: keys.map(({ publicJwk: _jwk, ...key }) => key), removed_key_uses: uses }))
    return 0
  }
  const day = (date: Date | null): string => (date === null ? '–' : date.toISOString().slice(0, 16).replace('T', ' '))
  for (const { kid, alg, state, createdAt, activatedAt, retiredAt, removedAt, dueAt } of keys) {
    const due = dueAt === null ? '' : `  ${state === 'retired' ? 'removable' : 'may sign'} from ${day(dueAt)}`
    print(
      `${kid}  ${alg}  ${state.padEnd(13)}  published ${day(createdAt)}  active ${day(activatedAt)}  retired ${day(retiredAt)}  removed ${day(removedAt)}${due}`
    )
  }
  for (const { kid, clientId, place, uses: times, lastAt } of uses) {
    print(
      `! removed key ${kid} still used by ${clientId === '' ? '(unknown)' : clientId} as ${place}: ${times} times, last ${day(lastAt)}`
    )
  }
  return 0
}
