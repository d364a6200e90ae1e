/**
 * Health checks for a supervisor and a load balancer, and the drain.
 *
 * /healthz: this process answers. /readyz: it can serve (database, migrations, clock, not draining). Draining:
 * readiness ends first; then every response says `Connection: close`, because an idle keep-alive connection would
 * otherwise delay the shutdown for over a minute.
 */
import type { ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { sql, type Kysely } from 'kysely'
import type { Database } from '../database/schema.ts'
import type { Clock } from '../ports/clock.ts'
import type { Metrics } from '../ports/metrics.ts'
import { within } from './metrics.ts'

export interface Lifecycle {
  readonly draining: boolean
  /** Aborted when draining begins: streams end themselves on it. */
  readonly signal: AbortSignal
  /** Not ready from now on; connections close after their current response. Idempotent. */
  drain(): void
  /** Mark a response of this server, also one answered outside of fastify's reply. */
  track(response: ServerResponse): void
}

export function createLifecycle (): Lifecycle {
  const controller = new AbortController()
  const open = new Set<ServerResponse>()
  const close = (response: ServerResponse): void => {
    if (!response.headersSent) response.setHeader('connection', 'close')
  }
  return {
    get draining () {
      return controller.signal.aborted
    },
    signal: controller.signal,
    drain () {
      if (controller.signal.aborted) return
      for (const response of open) close(response)
      controller.abort()
    },
    track (response) {
      if (controller.signal.aborted) {
        close(response)
        return
      }
      open.add(response)
      response.once('close', () => {
        open.delete(response)
      })
    }
  }
}

/** Why not ready; a code and no more, because anyone may ask. */
export type Unready = 'draining' | 'database' | 'migrations' | 'clock'

export interface HealthServices {
  db: Kysely<Database>
  clock: Clock
  metrics?: Pick<Metrics, 'alarms'>
}

const databaseLimitMs = 500
/** Tokens carry the process's time: beyond this, relying sites would refuse them. */
const maxSkewMs = 5000

/**
 * @param migrated whether the database has every migration this process was built with
 */
export function registerHealth (
  app: FastifyInstance,
  { deps, lifecycle, migrated }: { deps: HealthServices; lifecycle: Lifecycle; migrated: () => Promise<boolean> }
): void {
  app.addHook('onRequest', async (_request, reply) => {
    lifecycle.track(reply.raw)
  })

  app.get(
    '/healthz',
    async (_request, reply) => await reply.header('cache-control', 'no-store').send({ status: 'ok' })
  )

  const check = checker(deps, migrated)
  app.get('/readyz', async (_request, reply) => {
    const unready = lifecycle.draining ? 'draining' : await check()
    reply.header('cache-control', 'no-store')
    // a broken trail is no reason to send people away: it is told, and logins go on
    const broken = deps.metrics?.alarms.raised().includes('audit_broken') === true
    if (unready === null) return await reply.send({ status: 'ready', ...(broken ? { audit: 'broken' } : {}) })
    return await reply.code(503).header('retry-after', '5').send({ status: 'unready', reason: unready })
  })
}

function checker (deps: HealthServices, migrated: () => Promise<boolean>): () => Promise<Unready | null> {
  // one look at a time: probes must not pile up behind a database that hangs
  let running: Promise<Unready | null> | null = null
  let isMigrated = false
  const look = async (): Promise<Unready | null> => {
    try {
      const before = deps.clock.now()
      const {
        rows: [row]
      } = await sql<{ ms: unknown }>`select extract(epoch from clock_timestamp()) * 1000 as ms`.execute(deps.db)
      const after = deps.clock.now()
      // migrations only move forward: once true it stays true
      isMigrated ||= await migrated()
      if (!isMigrated) return 'migrations'
      const time = Number(row?.ms)
      const skew = Math.max(time - after, before - time)
      return skew <= maxSkewMs ? null : 'clock'
    } catch {
      return 'database'
    }
  }
  return async () => {
    running ??= look().finally(() => {
      running = null
    })
    return await within<Unready | null>(databaseLimitMs, running, 'database')
  }
}
