import t from 'tap'
import fastify, { type FastifyInstance } from 'fastify'
import { createAudit } from '../../src/records/audit/index.ts'
import { enqueue } from '../../src/records/outbox/index.ts'
import { registerMetrics } from '../../src/http/metrics.ts'
import { createMetrics } from '../../src/adapters/metrics.ts'
import { testDatabase } from '../support/database.ts'

const hasher = { depth: () => ({ running: 2, waiting: 7 }) }

t.test('figures of process and database', async (t) => {
  const database = await testDatabase(t)
  const metrics = createMetrics({ defaults: true })
  const app = fastify()
  t.teardown(async () => {
    await app.close()
  })
  registerMetrics(app, { config: { metricsToken: null }, db: database.db, hasher, metrics })
  metrics.logins.inc({ outcome: 'succeeded', method: 'password' })
  metrics.faceChecks.inc({ outcome: 'passed' })
  metrics.scanTickets.inc({ state: 'waiting' })
  await database.db.transaction().execute(async (trx) => {
    await enqueue(trx, database, { topic: 'sms', payload: {} })
    await createAudit(database).record(trx, { type: 'login.succeeded' })
  })
  const answer = await app.inject('/metrics')
  t.equal(answer.statusCode, 200)
  t.match(answer.headers, { 'content-type': /^text\/plain/, 'cache-control': 'no-store' })
  for (const line of [
    'logins_total{outcome="succeeded",method="password"} 1',
    'face_checks_total{outcome="passed"} 1',
    'scan_tickets_total{state="waiting"} 1',
    'hash_queue_depth{state="waiting"} 7',
    'outbox_depth{state="pending"} 1',
    'outbox_depth{state="dead"} 0',
    'audit_unsealed 1',
    'nodejs_eventloop_lag_seconds'
  ]) {
    t.match(answer.body, line)
  }

  await database.close()
  const without = await app.inject('/metrics')
  t.equal(without.statusCode, 200, 'readable while the database is away')
  t.match(without.body, 'outbox_depth{state="pending"} Nan')
  t.match(without.body, 'hash_queue_depth{state="running"} 2')
})

t.test('short messages that are left', async (t) => {
  const { db } = await testDatabase(t)
  const read = async (balance?: () => Promise<{ remaining: number; alarmBelow: number } | null>): Promise<string> => {
    const app = fastify()
    t.teardown(async () => {
      await app.close()
    })
    registerMetrics(app, {
      config: { metricsToken: null },
      db,
      hasher,
      metrics: createMetrics({ defaults: false }),
      ...(balance === undefined ? {} : { sms: { balance } })
    })
    return (await app.inject('/metrics')).body
  }
  const told = await read(async () => ({ remaining: 812, alarmBelow: 1000 }))
  t.match(told, /^sms_balance 812$/m)
  t.match(told, /^sms_balance_alarm_below 1000$/m)
  for (const balance of [
    undefined,
    async () => null,
    async () => {
      throw new Error('scripted')
    }
  ]) {
    t.match(await read(balance), /^sms_balance Nan$/im)
  }
})

t.test('who may read', async (t) => {
  const { db } = await testDatabase(t)
  const build = (metricsToken: string | null): FastifyInstance => {
    const app = fastify()
    t.teardown(async () => {
      await app.close()
    })
    registerMetrics(app, { config: { metricsToken }, db, hasher, metrics: createMetrics({ defaults: false }) })
    return app
  }
  const open = build(null)
  const status = async (
    app: FastifyInstance,
    options: { remoteAddress?: string; headers?: Record<string, string> }
  ): Promise<number> => (await app.inject({ url: '/metrics', ...options })).statusCode
  t.equal(await status(open, { remoteAddress: '127.0.0.1' }), 200)
  t.equal(await status(open, { remoteAddress: '::1' }), 200)
  t.equal(await status(open, { remoteAddress: '10.0.0.5' }), 404)
  t.equal(
    await status(open, { remoteAddress: '127.0.0.1', headers: { 'x-forwarded-for': '203.0.113.5' } }),
    404,
    'through a proxy on this machine'
  )
  t.equal(await status(open, { remoteAddress: '10.0.0.5', headers: { authorization: 'Bearer null' } }), 404)

  const guarded = build('s3cret')
  t.equal(await status(guarded, { remoteAddress: '10.0.0.5', headers: { authorization: 'Bearer s3cret' } }), 200)
  for (const headers of [
    {},
    { authorization: 'Bearer ' },
    { authorization: 'Bearer s3cret2' },
    { authorization: 's3cret' }
  ]) {
    const answer = await guarded.inject({ url: '/metrics', headers })
    t.equal(answer.statusCode, 401)
    t.match(answer.headers['www-authenticate'], /^Bearer/)
    t.notMatch(answer.body, 'hash_queue')
  }
})
