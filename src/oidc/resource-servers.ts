/** Resource servers (RFC 8707): which APIs exist, their scopes and what access tokens for them look like. */
import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import { adminApiResource, adminScopesOf } from '../domain/administration/admin-scopes.ts'
import type { OidcDeps } from './deps.ts'
import type { ResourceServerInfo } from './configuration.ts'
import { readPolicy } from './interaction-policy.ts'

const cacheMilliseconds = 5000

/** Look-up with a few seconds of cache: these rows change by administration only. */
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
 * The admin API is one by itself: its tokens are opaque (they end at once), its scopes those that the client's policy
 * gives, and nobody who sends people here gets any.
 */
function adminApiInfo (ctx: KoaContextWithOIDC, audience: string, client: unknown): ResourceServerInfo {
  const scopes = adminScopesOf(readPolicy(client))
  if (scopes.length === 0 || ctx.oidc.params?.['grant_type'] !== 'client_credentials') throw new errors.InvalidTarget()
  return { scope: scopes.join(' '), audience, accessTokenTTL: adminApiTokenSeconds, accessTokenFormat: 'opaque' }
}
