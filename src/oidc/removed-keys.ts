/**
 * Counts tokens that a removed key has signed and that sites still present: `id_token_hint` (logout, authorization,
 * PAR) and JWT access tokens (userinfo, introspection, revocation). The library refuses them. The counts show which
 * site to notify, or that a leaked key is in use. Signatures are verified, because anybody can write a `kid`.
 *
 * Each process keeps a bounded number of counts in memory and writes them at most once a minute.
 */
import { createPublicKey, verify, type JsonWebKey, type KeyObject } from 'node:crypto'
import { Counter } from 'prom-client'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import { createPeriodicFlush, type PeriodicFlush } from '../database/periodic-flush.ts'
import { statement } from '../database/statement.ts'
import type { Database } from '../database/schema.ts'
import { inTransaction } from '../database/transaction.ts'
import type { Audit } from '../records/audit/index.ts'
import type { Metrics } from '../ports/metrics.ts'

const removedStatement = statement<[number], { kid: string; alg: string; publicJwk: JsonWebKey }>(
  'removed keys',
  `
  select kid, alg, public_jwk from signing_key where state = 'removed' order by removed_at desc limit $1`
)

// a leaked key can sign any client_id: one that is no client of Kora is counted without a name
const countStatement = statement<
  [string],
  { kid: string; clientId: string; place: string; uses: number; first: boolean }
>(
  'removed key uses',
  `
  insert into removed_key_use as r (kid, client_id, place, uses)
  select seen.kid, coalesce(client.client_id, ''), seen.place, sum(seen.uses)
  from jsonb_to_recordset($1::jsonb) as seen (kid text, client_id text, place text, uses bigint)
  left join client on client.client_id = seen.client_id group by 1, 2, 3
  on conflict (kid, client_id, place) do update set uses = r.uses + excluded.uses, last_at = now()
  returning kid, client_id, place, uses, xmax = 0 as first`
)

/** Where a site presented the token. */
export type Place = 'id_token_hint' | 'access_token'

const writeMilliseconds = 60_000
const keysRemembered = 100
const countersRemembered = 1000

/** A flush writes the counts since the last one, with an audit event for each pair that is new. */
export interface RemovedKeys extends PeriodicFlush {
  /** To be called for each new provider, before it serves. */
  observe(provider: Provider): void
  /** Reads the removed keys again when the table has changed. */
  reload(): Promise<void>
}

interface Services {
  db: Kysely<Database>
  audit: Audit
  log: Pick<Logger, 'warn'>
  metrics: Pick<Metrics, 'registry'>
}

export function createRemovedKeys (
  { db, audit, log, metrics }: Services,
  { intervalMs = writeMilliseconds } = {}
): RemovedKeys {
  const used = new Counter({
    name: 'removed_key_uses_total',
    help: 'Tokens presented that a removed key has signed',
    labelNames: ['place'],
    registers: [metrics.registry]
  })
  let keys = new Map<string, { alg: string; key: KeyObject }>()
  let counts = new Map<string, { kid: string; clientId: string; place: Place; uses: number }>()

  async function reload (): Promise<void> {
    keys = new Map(
      (await removedStatement(db, keysRemembered)).map(({ kid, alg, publicJwk }) => [
        kid,
        { alg, key: createPublicKey({ key: publicJwk, format: 'jwk' }) }
      ])
    )
  }

  function countUse (token: unknown, place: Place): void {
    if (keys.size === 0 || typeof token !== 'string') return
    const kid = readKid(token)
    const found = kid === null ? undefined : keys.get(kid)
    if (kid === null || found === undefined || !verifySignature(token, found)) return
    used.inc({ place })
    // of the token, whose signature is verified: a resource server may present a token that it got from the client
    const clientId = readClientId(token)
    const name = JSON.stringify([kid, clientId, place])
    const count = counts.get(name)
    if (count !== undefined) count.uses += 1
    else if (counts.size < countersRemembered) counts.set(name, { kid, clientId, place, uses: 1 })
  }

  const write = async (): Promise<void> => {
    if (counts.size === 0) return
    const batch = [...counts.values()]
    counts = new Map()
    try {
      const total = await inTransaction(db, async (trx) => {
        const rows = await countStatement(
          trx,
          JSON.stringify(batch.map(({ kid, clientId, place, uses }) => ({ kid, client_id: clientId, place, uses })))
        )
        for (const { kid, clientId, place, uses } of rows.filter(({ first }) => first)) {
          await audit.record(trx, {
            type: 'signing-key.removed-used',
            clientId: clientId === '' ? null : clientId,
            details: { kid, place, uses }
          })
        }
        return rows.length
      })
      log.warn(
        { event: 'signing-key.removed-used', pairs: total, uses: batch.reduce((sum, { uses }) => sum + uses, 0) },
        'sites use what a removed signing key has signed'
      )
    } catch (error) {
      // added to the next counts
      for (const one of batch) {
        const name = JSON.stringify([one.kid, one.clientId, one.place])
        const count = counts.get(name)
        if (count === undefined) counts.set(name, one)
        else count.uses += one.uses
      }
      log.warn({ err: error }, 'use of removed keys could not be written')
    }
  }

  return {
    observe (provider) {
      provider.use(async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
        try {
          await next()
        } finally {
          if (keys.size > 0 && ctx.oidc !== undefined) {
            const params = ctx.oidc.params ?? {}
            countUse(params['id_token_hint'], 'id_token_hint')
            if (tokenRoutes.has(ctx.oidc.route)) countUse(params['token'], 'access_token')
            if (ctx.oidc.route === 'userinfo') {
              countUse(
                /^(?:Bearer|DPoP) (\S+)$/i.exec(ctx.get('authorization'))?.[1] ?? params['access_token'],
                'access_token'
              )
            }
          }
        }
      })
    },
    reload,
    ...createPeriodicFlush(write, intervalMs)
  }
}

const tokenRoutes = new Set(['introspection', 'revocation'])

const readPart = (token: string, at: number): Record<string, unknown> | null => {
  try {
    const value: unknown = JSON.parse(Buffer.from(token.split('.', 3)[at] ?? '', 'base64url').toString())
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

function readKid (token: string): string | null {
  if (token.length > 8192 || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return null
  const kid = readPart(token, 0)?.['kid']
  return typeof kid === 'string' ? kid : null
}

/** Whether this key signed the JWS (RFC 7518 §3.3, §3.4). The algorithm of the header is not read. */
function verifySignature (token: string, { alg, key }: { alg: string; key: KeyObject }): boolean {
  const end = token.lastIndexOf('.')
  const data = Buffer.from(token.slice(0, end))
  const signature = Buffer.from(token.slice(end + 1), 'base64url')
  try {
    return verify('sha256', data, alg === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' } : key, signature)
  } catch {
    // no signature at all
    return false
  }
}

function readClientId (token: string): string {
  const claims = readPart(token, 1) ?? {}
  const audience = claims['client_id'] ?? (Array.isArray(claims['aud']) ? claims['aud'][0] : claims['aud'])
  return typeof audience === 'string' ? audience.slice(0, 200) : ''
}
