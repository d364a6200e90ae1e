/**
 * Metrics for Prometheus: the counters of the process and where they are read.
 *
 * Labels are route patterns, states and codes of ours, never anything about a person or a raw address. Each has few
 * values, because a flood of odd requests must not fill the memory.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import { Gauge } from 'prom-client'
import type { Config } from '../ports/config.ts'
import type { Database } from '../database/schema.ts'
import type { SmsBalance, SmsSender } from '../ports/sms.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { PasswordHasher } from '../ports/password-hasher.ts'

export interface MetricsServices {
  config: Pick<Config, 'metricsToken'>
  db: Kysely<Database>
  hasher: Pick<PasswordHasher, 'depth'>
  metrics: Metrics
  sms?: Pick<SmsSender, 'balance'>
}

/**
 * GET /metrics: with METRICS_TOKEN configured for its bearer only, otherwise for this machine only.
 * Anyone else gets 401 or 404.
 */
export function registerMetrics (app: FastifyInstance, deps: MetricsServices): void {
  const { registry } = deps.metrics
  const registers = [registry]
  const hashQueue = new Gauge({
    name: 'hash_queue_depth',
    help: 'Password hashes by state',
    labelNames: ['state'],
    registers
  })
  const outboxDepth = new Gauge({
    name: 'outbox_depth',
    help: 'Outbox rows by state',
    labelNames: ['state'],
    registers
  })
  const auditBacklog = new Gauge({ name: 'audit_unsealed', help: 'Audit events not chained yet', registers })

  const smsBalance = new Gauge({
    name: 'sms_balance',
    help: 'Short messages that can still be sent; NaN while the provider does not tell',
    registers
  })
  const smsAlarm = new Gauge({
    name: 'sms_balance_alarm_below',
    help: 'Below so many short messages more should be bought',
    registers
  })
  const readBalance = async (): Promise<SmsBalance | null> => (await deps.sms?.balance?.().catch(() => null)) ?? null

  app.get('/metrics', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    if (!permitted(request, reply, deps.config.metricsToken)) return await reply
    const { running, waiting } = deps.hasher.depth()
    hashQueue.set({ state: 'running' }, running)
    hashQueue.set({ state: 'waiting' }, waiting)
    const [depths, balance] = await Promise.all([databaseDepths(deps.db), within(1000, readBalance(), null)])
    smsBalance.set(balance?.remaining ?? NaN)
    smsAlarm.set(balance?.alarmBelow ?? NaN)
    outboxDepth.set({ state: 'pending' }, depths.pending)
    outboxDepth.set({ state: 'dead' }, depths.dead)
    auditBacklog.set(depths.unsealed)
    return await reply.type(registry.contentType).send(await registry.metrics())
  })
}

const loopback = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1'])

function permitted (request: FastifyRequest, reply: FastifyReply, token: string | null): boolean {
  if (token !== null) {
    const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
    const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? ''
    if (timingSafeEqual(digest(given), digest(token))) return true
    // RFC 6750 §3
    reply.code(401).header('www-authenticate', 'Bearer realm="metrics"').send({ error: 'invalid_token' })
    return false
  }
  // a proxy on this machine also comes from loopback, but it forwards somebody else's request
  const forwarded = request.headers['x-forwarded-for'] ?? request.headers['forwarded'] ?? request.headers['x-real-ip']
  if (loopback.has(request.socket.remoteAddress ?? '') && forwarded === undefined) return true
  reply.code(404).send({ error: 'not_found' })
  return false
}

/** Figures from the database; NaN while it cannot be reached, so the other metrics stay readable. */
async function databaseDepths (db: Kysely<Database>): Promise<{ pending: number; dead: number; unsealed: number }> {
  const unknown = { pending: NaN, dead: NaN, unsealed: NaN }
  const counted = sql<{ pending: unknown; dead: unknown; unsealed: unknown }>`select
    (select count(*) from outbox where done_at is null and dead_at is null) as pending,
    (select count(*) from outbox where dead_at is not null) as dead,
    (select count(*) from audit_event where sequence is null) as unsealed`
    .execute(db)
    .then(
      ({ rows: [row] }) =>
        row === undefined
          ? unknown
          : { pending: Number(row.pending), dead: Number(row.dead), unsealed: Number(row.unsealed) },
      () => unknown
    )
  return await within(1000, counted, unknown)
}

/** The promise's value, or the fallback when it takes longer than `limitMs` milliseconds. */
export async function within<T> (limitMs: number, promise: Promise<T>, fallback: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(() => {
      resolve(fallback)
    }, limitMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
