/** Which clients may introspect and revoke a token. */
import type { Client, KoaContextWithOIDC, Provider } from 'oidc-provider'
import { lookup } from '../database/together.ts'
import { adminApiResource, readAdminScopes } from '../domain/administration/admin-scopes.ts'
import { representationClaim } from '../domain/claims/claims.ts'
import { clientPolicy } from '../domain/client/policy.ts'
import { mayLogIn, type Person } from '../domain/identity/person.ts'
import type { OidcDeps } from './deps.ts'
import { readSiteFacts, type ActingFor } from './acting-for.ts'
import { readPolicy } from './interaction-policy.ts'
import { findApiAccess } from '../records/resource-servers/index.ts'
import { isStrongEnough } from './resource-servers.ts'
import { narrowScope, setIntrospectionClaims } from './overrides/set-introspection-claims.ts'

interface Token {
  kind?: string
  scope?: string
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
export function createIntrospectionPolicy ({ db, config }: Pick<OidcDeps, 'config' | 'db'>, actingFor: ActingFor) {
  const adminApi = adminApiResource(config.issuer)
  /**
   * Whether the client may still use the API that the token is for. The response says only the scopes that are left;
   * with none, and for a login that is too weak now, the token is inactive.
   */
  async function keepsGrantedScopes (provider: Provider, token: Token): Promise<boolean> {
    const { kind, aud, clientId = '', scope = '' } = token
    if (aud === undefined || kind === 'RefreshToken') return true
    if (aud === adminApi) {
      const administers: readonly string[] = readAdminScopes(readPolicy(await provider.Client.find(clientId)))
      narrowScope(token, scope.split(' ').filter((one) => administers.includes(one)).join(' '))
      return administers.length > 0
    }
    const access = await findApiAccess(db, clientId, aud)
    if (access === null || (kind === 'AccessToken' && !isStrongEnough(access.minimumLevel, token.extra?.['acr']))) {
      return false
    }
    const granted = kind === 'ClientCredentials' ? access.machineScopes : access.personScopes
    const left = scope.split(' ').filter((one) => granted.includes(one))
    if (left.length === 0 && scope !== '') return false
    narrowScope(token, left.join(' '))
    return granted.length > 0
  }
  return async (ctx: KoaContextWithOIDC, client: unknown, given: unknown): Promise<boolean> => {
    const token = given as Token
    if (!mayAsk(client, token)) return false
    const { provider } = ctx.oidc
    if (token.accountId === undefined) return await keepsGrantedScopes(provider, token)
    const [[person], granted] = await Promise.all([
      findPerson(db, token.accountId),
      keepsGrantedScopes(provider, token)
    ])
    if (!granted || person === undefined || !mayLogIn(person)) return false
    const owner: Client | undefined = await ctx.oidc.provider.Client.find(token.clientId ?? '')
    if (owner === undefined) return false
    const acting = await actingFor.ofToken(person.id, token.grantId, owner)
    if (acting === null) return false
    const { catalogue } = readSiteFacts(owner)
    setIntrospectionClaims(token, { representation: representationClaim(acting.representation, catalogue) })
    return true
  }
}

/** A client may revoke its tokens only (RFC 7009 §2.1). For others the response is that for an unknown token. */
export async function mayRevoke (_ctx: KoaContextWithOIDC, client: unknown, token: unknown): Promise<boolean> {
  return (token as Token).clientId === getClientId(client)
}
