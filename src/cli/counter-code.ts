import { write } from '../database/transaction.ts'
import { parseAccount } from '../domain/identity/account-identifier.ts'
import { issueCounterCode } from '../records/counter-codes/index.ts'
import { personByCertNo, personByPhone } from '../records/persons/index.ts'
import { shanghaiDate } from '../ports/clock.ts'
import type { OperatorServices } from '../services.ts'
import { readArguments } from './arguments.ts'

const options = {
  account: { type: 'string' },
  staff: { type: 'string' },
  reason: { type: 'string' },
  json: { type: 'boolean' }
} as const

export const command = {
  summary: 'issue a one-time counter code (窗口核验码) for a person checked at a counter',
  usage:
    'kora counter-code --account <ID number or phone> --staff <who checked> --reason <code, for example no-camera> ' +
    '[--json]',
  async run (args: string[], deps: OperatorServices): Promise<number> {
    const wrong = (problem: string): number => {
      console.error(`${problem}\nUsage: ${this.usage}`)
      return 2
    }
    let values
    try {
      ;({ values } = readArguments(args, { options, identifiers: ['account', 'staff'] }))
    } catch (error) {
      return wrong((error as Error).message)
    }
    const { account: typed = '', staff = '', reason = '' } = values
    const missing = Object.entries({ account: typed, staff, reason }).filter(([, value]) => value === '')
    if (missing.length > 0) return wrong(`Missing: ${missing.map(([name]) => `--${name}`).join(', ')}`)
    const account = parseAccount(typed, shanghaiDate(deps.clock.now()))
    if (!account.ok) {
      console.error(`--account: not an ID number or phone (${account.code})`)
      return 2
    }
    const { identifier } = account
    const person =
      identifier.kind === 'phone'
        ? await personByPhone(deps.db, deps.crypto, identifier.value)
        : await personByCertNo(deps.db, deps.crypto, { certType: identifier.certType, certNo: identifier.value })
    const issued =
      person === null
        ? null
        : await write(deps, issueCounterCode, { personId: person.id, issuedBy: `staff:${staff}`, reason })
    if (issued === null) {
      console.error('There is no such person who could use a code.')
      return 1
    }
    if (values.json === true) {
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
