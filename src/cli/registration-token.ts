/** kora registration-token: lets sites register themselves (RFC 7591), within limits. */
import { scopes as offered } from '../domain/claims/claims.ts'
import { clientKinds } from '../domain/client/record.ts'
import { createRegistrationToken } from '../journeys/dynamic-registration/index.ts'
import type { Services } from '../services.ts'
import { readArguments } from './arguments.ts'
import { readAct, actOptions, actUsage } from './operator.ts'
import { printLine } from './print.ts'

const usage = `kora registration-token [--kind server]… [--scope "profile phone"] [--host gjj.example.gov.cn]… [--uses 1] [--days 7] ${actUsage} [--json]

  Needs DYNAMIC_REGISTRATION=on at the server. The token is shown once; clients made with it begin in status test.
  Their addresses are of the hosts named; without --host they have none.
  kora registration-token --host gjj.example.gov.cn --scope profile --uses 3 --reason "ticket 4711"`

export const command = {
  summary: 'a token with which sites register themselves (RFC 7591)',
  usage,
  async run (
    args: string[],
    deps: Pick<Services, 'db' | 'audit' | 'config'>,
    print: (line: string) => void = printLine
  ): Promise<number> {
    const wrong = (problem: string): number => {
      console.error(`${problem}\nUsage: ${usage}`)
      return 2
    }
    let values
    try {
      values = readArguments(args, {
        options: {
          json: { type: 'boolean' },
          kind: { type: 'string', multiple: true },
          scope: { type: 'string' },
          host: { type: 'string', multiple: true },
          uses: { type: 'string' },
          days: { type: 'string' },
          ...actOptions
        }
      }).values
    } catch (error) {
      return wrong((error as Error).message)
    }
    const act = readAct(values)
    if (act === null) return wrong('--reason is missing: it goes into the audit trail.')
    const kinds = values.kind ?? ['server']
    const scopes = (values.scope ?? '').split(' ').filter(Boolean)
    const [uses, days] = [Number(values.uses ?? 1), Number(values.days ?? 7)]
    const oddKind = kinds.find((kind) => !(clientKinds as readonly string[]).includes(kind))
    if (oddKind !== undefined) return wrong(`--kind ${oddKind}: one of ${clientKinds.join(', ')}`)
    const oddScope = scopes.find((scope) => ![...offered, 'offline_access'].includes(scope))
    if (oddScope !== undefined) return wrong(`--scope ${oddScope}: of ${offered.join(' ')}`)
    if (!Number.isInteger(uses) || uses < 1 || uses > 1000) return wrong('--uses is a number from 1 to 1000')
    if (!Number.isFinite(days) || days <= 0 || days > 90) return wrong('--days is a number up to 90')
    const made = await createRegistrationToken(deps, act, {
      kinds,
      scopes,
      hosts: (values.host ?? []).map((host) => host.toLowerCase()),
      uses,
      seconds: days * 86_400
    })
    const endpoint = `${deps.config.issuer}/connect/register`
    print(
      values.json === true
        ? JSON.stringify({
          id: made.id,
          token: made.token,
          expires_at: made.expiresAt,
          registration_endpoint: endpoint
        })
        : `token     ${made.token}   shown once\nexpires   ${made.expiresAt.toISOString()}\nendpoint  ${endpoint}`
    )
    return 0
  }
}
