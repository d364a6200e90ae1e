/**
 * Clients that could not prove who they are (RFC 6749 §5.2 `invalid_client`). Anybody can send such requests, so they
 * must not fill the audit trail: the first failure of a client is an event at once, and the failures of each following
 * minute are one event with their number. Requests that name no registered client share one entry.
 */
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import { createPeriodicFlush, type PeriodicFlush } from '../database/periodic-flush.ts'
import type { Database } from '../database/schema.ts'
import type { Audit, AuditEvent } from '../records/audit/index.ts'
import { getTraceId } from './error-pages.ts'
import { getAddress } from './trail.ts'

const authenticatedRoutes = new Set([
  'token',
  'introspection',
  'revocation',
  'pushed_authorization_request',
  'device_authorization'
])
/** Clients counted at one time; the failures of further ones count as those of no registered client. */
const clientsRemembered = 2000

/** A flush writes one event for each client that has failed since its last event. */
export interface FailedAuthentications extends PeriodicFlush {
  /** To be called for each new provider, before it serves. */
  observe(provider: Provider): void
}

interface Parts {
  db: Kysely<Database>
  audit: Audit
  log: Pick<Logger, 'warn'>
}

export function createFailedAuthentications (
  { db, audit, log }: Parts,
  { intervalMs = 60_000 } = {}
): FailedAuthentications {
  // failures since the last event of the client; '' = no registered client
  const counts = new Map<string, number>()

  const record = async (clientId: string, failures: number, about: Partial<AuditEvent> = {}): Promise<void> => {
    await audit.recordSingle(db, {
      type: 'client.authentication-failed',
      // nobody has proved to be this client
      actor: 'anonymous',
      clientId: clientId === '' ? null : clientId,
      address: about.address,
      traceId: about.traceId,
      details: { failures }
    })
  }

  async function note (ctx: KoaContextWithOIDC): Promise<void> {
    const known = ctx.oidc.client?.clientId ?? ''
    const clientId = counts.has(known) || counts.size < clientsRemembered ? known : ''
    const count = counts.get(clientId)
    counts.set(clientId, count === undefined ? 0 : count + 1)
    if (count !== undefined) return
    try {
      await record(clientId, 1, { address: getAddress(ctx), traceId: getTraceId(ctx) })
    } catch (error) {
      counts.set(clientId, (counts.get(clientId) ?? 0) + 1)
      log.warn({ err: error }, 'a failed client authentication could not be recorded')
    }
  }

  const write = async (): Promise<void> => {
    for (const [clientId, failures] of counts) {
      if (failures === 0) {
        counts.delete(clientId)
        continue
      }
      counts.set(clientId, 0)
      try {
        await record(clientId, failures)
      } catch (error) {
        counts.set(clientId, (counts.get(clientId) ?? 0) + failures)
        log.warn({ err: error }, 'failed client authentications could not be recorded')
        return
      }
    }
  }

  return {
    observe (provider) {
      provider.use(async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
        await next()
        if (ctx.status !== 401 || ctx.oidc === undefined || !authenticatedRoutes.has(ctx.oidc.route)) return
        if ((ctx.body as { error?: unknown } | null | undefined)?.error === 'invalid_client') await note(ctx)
      })
    },
    ...createPeriodicFlush(write, intervalMs)
  }
}
