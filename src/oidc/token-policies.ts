/** Who may ask about a token, and who may end it. */
import type { KoaContextWithOIDC } from 'oidc-provider'
import { statement } from '../database/statement.ts'
import { clientPolicy } from '../domain/client-policy.ts'
import { mayLogIn, type Person } from '../domain/person.ts'
import type { Services } from '../services.ts'
import { policyOf } from './interaction-policy.ts'

interface Token { kind?: string, clientId?: string, accountId?: string, aud?: string }
const clientIdOf = (client: unknown): string => (client as { clientId: string }).clientId

const statusStatement = statement<[string], { status: Person['status'] }>('person status by sub', 'select status from person where sub = $1')

/**
 * A client may ask about its own tokens, a resource server about access tokens for what it is registered for (RFC 7662
 * §4). A token of somebody who may not log in any more is inactive at once, whoever asks.
 */
export function createIntrospectionPolicy ({ db }: Pick<Services, 'db'>) {
  return async (_ctx: KoaContextWithOIDC, client: unknown, given: unknown): Promise<boolean> => {
    const token = given as Token
    if (token.clientId !== clientIdOf(client)) {
      const { introspects } = clientPolicy(policyOf(client))
      if (token.kind === 'RefreshToken') return false
      if (!introspects.includes('*') && (token.aud === undefined || !introspects.includes(token.aud))) return false
    }
    if (token.accountId === undefined) return true
    const [person] = await statusStatement(db, token.accountId)
    return person !== undefined && mayLogIn(person)
  }
}

/** Own tokens only (RFC 7009 §2.1); for those of others the answer is the same as for unknown ones. */
export async function mayRevoke (_ctx: KoaContextWithOIDC, client: unknown, token: unknown): Promise<boolean> {
  return (token as Token).clientId === clientIdOf(client)
}
