/** Which clients may introspect and revoke a token. */
import type { Client, KoaContextWithOIDC } from 'oidc-provider'
import { lookup } from '../database/together.ts'
import { representationClaim } from '../domain/claims/claims.ts'
import { clientPolicy } from '../domain/client/policy.ts'
import { mayLogIn, type Person } from '../domain/identity/person.ts'
import type { OidcDeps } from './deps.ts'
import { readSiteFacts, type ActingFor } from './acting-for.ts'
import { readPolicy } from './interaction-policy.ts'
import { setIntrospectionClaims } from './overrides/set-introspection-claims.ts'

interface Token {
  kind?: string
  clientId?: string
  accountId?: string
  grantId?: string
  aud?: string
  extra?: Record<string, unknown>
}
const getClientId = (client: unknown): string => (client as { clientId: string }).clientId

const findPerson = lookup<{ id: string; sub: string; status: Person['status'] }>(
  'person id and status by sub',
  'select id, sub, status from person where sub = any($1::text[])',
  ({ sub }) => sub
)

/**
 * A client may introspect its tokens, and a resource server access tokens for the resources that it is registered for
 * (RFC 7662 §4).
 */
function mayAsk (client: unknown, token: Token): boolean {
  if (token.clientId === getClientId(client)) return true
  const { introspects } = clientPolicy(readPolicy(client))
  if (token.kind === 'RefreshToken') return false
  return introspects.includes('*') || (token.aud !== undefined && introspects.includes(token.aud))
}

/**
 * A token is inactive as soon as its person may not sign in any more or its representation has ended. An active one
 * gets the `representation` of this moment.
 */
export function createIntrospectionPolicy ({ db }: Pick<OidcDeps, 'db'>, actingFor: ActingFor) {
  return async (ctx: KoaContextWithOIDC, client: unknown, given: unknown): Promise<boolean> => {
    const token = given as Token
    if (!mayAsk(client, token)) return false
    if (token.accountId === undefined) return true
    const [person] = await findPerson(db, token.accountId)
    if (person === undefined || !mayLogIn(person)) return false
    const owner: Client | undefined = await ctx.oidc.provider.Client.find(token.clientId ?? '')
    if (owner === undefined) return false
    const representation = await actingFor.ofToken(person.id, token.grantId, owner)
    if (representation === null) return false
    const { catalogue } = readSiteFacts(owner)
    setIntrospectionClaims(token, { representation: representationClaim(representation, catalogue) })
    return true
  }
}

/** A client may revoke its tokens only (RFC 7009 §2.1). For others the response is that for an unknown token. */
export async function mayRevoke (_ctx: KoaContextWithOIDC, client: unknown, token: unknown): Promise<boolean> {
  return (token as Token).clientId === getClientId(client)
}
