/** Resource servers (RFC 8707): which APIs exist, their scopes and what access tokens for them look like. */
import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import type { Services } from '../services.ts'
import type { ResourceServerInfo } from './configuration.ts'

const cacheMilliseconds = 5000

/** Look-up with a few seconds of cache: these rows change by administration only. */
export function createResourceServers ({ db, clock }: Pick<Services, 'db' | 'clock'>): (ctx: KoaContextWithOIDC, indicator: string) => Promise<ResourceServerInfo> {
  const cache = new Map<string, { info: ResourceServerInfo | null, until: number }>()
  return async (_ctx, indicator) => {
    let entry = cache.get(indicator)
    if (entry === undefined || entry.until < clock.now()) {
      const row = await db.selectFrom('resourceServer').selectAll().where('identifier', '=', indicator).executeTakeFirst()
      entry = {
        info: row === undefined
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
