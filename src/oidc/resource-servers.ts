/**
 * Resource servers (RFC 8707): which of their scopes a client may ask for, what their tokens are like, and how strong
 * the login behind a token must be. Everything is read for each request: what was taken away is gone with the commit.
 */
import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import { adminApiResource, readAdminScopes } from '../domain/administration/admin-scopes.ts'
import { levelOfAcr } from '../domain/identity/assurance.ts'
import { findApiAccess, type ApiAccess } from '../records/resource-servers/index.ts'
import type { OidcDeps } from './deps.ts'
import type { ResourceServerInfo } from './configuration.ts'
import { readPolicy } from './interaction-policy.ts'
import { getRequestState } from './request-state.ts'

type GetInfo = (ctx: KoaContextWithOIDC, indicator: string, client?: unknown) => Promise<ResourceServerInfo>

export function createResourceServers ({ db, config }: Pick<OidcDeps, 'db' | 'config'>): GetInfo {
  const adminApi = adminApiResource(config.issuer)
  return async (ctx, indicator, client) => {
    if (indicator === adminApi) return adminApiInfo(ctx, adminApi, client)
    // once a request, however often it is named
    const known = getRequestState(ctx).apis.get(indicator)
    const access = known ?? (await findApiAccess(db, (client as { clientId: string }).clientId, indicator))
    const scopes = access === null ? [] : grantedScopes(ctx, access)
    if (access === null || scopes.length === 0) throw new errors.InvalidTarget()
    refuseOtherScopes(ctx, access, scopes)
    requireLevel(ctx, access)
    getRequestState(ctx).apis.set(indicator, access)
    const { ttlSeconds, tokenFormat, signingAlg } = access
    return {
      scope: scopes.join(' '),
      audience: indicator,
      accessTokenTTL: ttlSeconds,
      accessTokenFormat: tokenFormat,
      ...(tokenFormat === 'jwt' ? { jwt: { sign: { alg: signingAlg } } } : {})
    }
  }
}

const grantedScopes = (ctx: KoaContextWithOIDC, { personScopes, machineScopes }: ApiAccess): string[] =>
  ctx.oidc.params?.['grant_type'] === 'client_credentials' ? machineScopes : personScopes

/** A scope that the API has and the client was not granted is refused by name (RFC 6749 §3.3). */
function refuseOtherScopes (ctx: KoaContextWithOIDC, access: ApiAccess, granted: readonly string[]): void {
  const requested = String(ctx.oidc.params?.['scope'] ?? '').split(' ')
  const other = requested.find((scope) => Object.hasOwn(access.scopes, scope) && !granted.includes(scope))
  if (other !== undefined) throw new errors.InvalidScope('requested scope is not allowed at this resource', other)
}

/**
 * At the token endpoint nobody can be asked for a stronger login (RFC 9470): a code or refresh token of a weaker one is
 * good for other resources only. The authorization endpoint asks (interaction-policy.ts).
 */
function requireLevel (ctx: KoaContextWithOIDC, { minimumLevel }: ApiAccess): void {
  const { AuthorizationCode, DeviceCode, RefreshToken } = ctx.oidc.entities as Record<
    string,
    { acr?: string } | undefined
  >
  const source = AuthorizationCode ?? DeviceCode ?? RefreshToken
  if (source === undefined || isStrongEnough(minimumLevel, source.acr)) return
  throw new errors.InvalidTarget('the resource requires a stronger login')
}

/** Whether a login with this `acr` is enough for an API. */
export const isStrongEnough = (minimumLevel: number | null, acr: unknown): boolean =>
  (levelOfAcr(String(acr ?? '')) ?? 1) >= (minimumLevel ?? 1)

const adminApiTokenSeconds = 300

/**
 * The admin API is a resource server without a row. Its tokens are opaque, so that they can be revoked at once. Its
 * scopes are those of the client's policy, and only for client credentials.
 */
function adminApiInfo (ctx: KoaContextWithOIDC, audience: string, client: unknown): ResourceServerInfo {
  const scopes = readAdminScopes(readPolicy(client))
  if (scopes.length === 0 || ctx.oidc.params?.['grant_type'] !== 'client_credentials') throw new errors.InvalidTarget()
  return { scope: scopes.join(' '), audience, accessTokenTTL: adminApiTokenSeconds, accessTokenFormat: 'opaque' }
}
