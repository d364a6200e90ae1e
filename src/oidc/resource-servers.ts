/** Resource servers (RFC 8707): their scopes, and the lifetime and format of access tokens for them. */
import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import { adminApiResource, adminScopesOf } from '../domain/administration/admin-scopes.ts'
import type { OidcDeps } from './deps.ts'
import type { ResourceServerInfo } from './configuration.ts'
import { readPolicy } from './interaction-policy.ts'

const cacheMilliseconds = 5000

/** Cached for some seconds, because only administrators change these rows. */
export function createResourceServers ({
  db,
  clock,
  config
}: Pick<OidcDeps, 'db' | 'clock' | 'config'>): (
    ctx: KoaContextWithOIDC,
    indicator: string,
    client?: unknown
  ) => Promise<ResourceServerInfo> {
  const cache = new Map<string, { info: ResourceServerInfo | null; until: number }>()
  const adminApi = adminApiResource(config.issuer)
  return async (ctx, indicator, client) => {
    if (indicator === adminApi) return adminApiInfo(ctx, adminApi, client)
    let entry = cache.get(indicator)
    if (entry === undefined || entry.until < clock.now()) {
      const row = await db
        .selectFrom('resourceServer')
        .selectAll()
        .where('identifier', '=', indicator)
        .executeTakeFirst()
      entry = {
        info:
          row === undefined
            ? null
            : {
                scope: row.scopes,
                audience: row.identifier,
                accessTokenTTL: row.ttlSeconds,
                accessTokenFormat: row.tokenFormat,
                ...(row.tokenFormat === 'jwt' ? { jwt: { sign: { alg: row.signingAlg as 'ES256' | 'RS256' } } } : {})
              },
        until: clock.now() + cacheMilliseconds
      }
      if (cache.size > 1000) cache.clear()
      cache.set(indicator, entry)
    }
    if (entry.info === null) throw new errors.InvalidTarget()
    return entry.info
  }
}

const adminApiTokenSeconds = 300

/**
 * The admin API is a resource server without a row. Its tokens are opaque, so that they can be revoked at once. Its
 * scopes are those of the client's policy, and only for client credentials.
 */
function adminApiInfo (ctx: KoaContextWithOIDC, audience: string, client: unknown): ResourceServerInfo {
  const scopes = adminScopesOf(readPolicy(client))
  if (scopes.length === 0 || ctx.oidc.params?.['grant_type'] !== 'client_credentials') throw new errors.InvalidTarget()
  return { scope: scopes.join(' '), audience, accessTokenTTL: adminApiTokenSeconds, accessTokenFormat: 'opaque' }
}
