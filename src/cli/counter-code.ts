import { write } from '../database/transaction.ts'
import { parseAccount } from '../domain/identity/account-identifier.ts'
import { issueCounterCode } from '../records/counter-codes/index.ts'
import { personByCertNo, personByPhone } from '../records/persons/index.ts'
import { shanghaiDate } from '../ports/clock.ts'
import type { RunningServices } from '../services.ts'

export const command = {
  summary: 'issue a one-time counter code (窗口核验码) for a person checked at a counter',
  usage:
    'kora counter-code --account <ID number or phone> --staff <who checked> --reason <code, for example no-camera> ' +
    '[--json]',
  async run (args: string[], deps: RunningServices): Promise<number> {
    const option = (name: string): string => args[args.indexOf(`--${name}`) + 1] ?? ''
    const missing = ['account', 'staff', 'reason'].filter((name) => !args.includes(`--${name}`) || option(name) === '')
    if (missing.length > 0) {
      console.error(`Missing: ${missing.map((name) => `--${name}`).join(', ')}\nUsage: ${this.usage}`)
      return 2
    }
    const account = parseAccount(option('account'), shanghaiDate(deps.clock.now()))
    if (!account.ok) {
      console.error(`--account: not an ID number or phone (${account.code})`)
      return 2
    }
    const { identifier } = account
    const person =
      identifier.kind === 'phone'
        ? await personByPhone(deps.db, deps.crypto, identifier.value)
        : await personByCertNo(deps.db, deps.crypto, identifier.certType, identifier.value)
    const issued =
      person === null
        ? null
        : await write(deps, issueCounterCode, {
          personId: person.id,
          issuedBy: `staff:${option('staff')}`,
          reason: option('reason')
        })
    if (issued === null) {
      console.error('There is no such person who could use a code.')
      return 1
    }
    if (args.includes('--json')) {
      console.log(
        JSON.stringify({ code: issued.code, code_id: issued.codeId, expires_at: issued.expiresAt.toISOString() })
      )
    } else {
      console.log(
        `${issued.code.slice(0, 4)} ${issued.code.slice(4)}   valid until ${issued.expiresAt.toISOString()}, once; it is not shown again.`
      )
    }
    return 0
  }
}
