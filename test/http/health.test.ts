import t, { type Test } from 'tap'
import { Agent, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import fastify, { type FastifyInstance } from 'fastify'
import { createLifecycle, registerHealth, type Lifecycle } from '../../src/http/health.ts'
import { systemClock, type Clock } from '../../src/ports/clock.ts'
import { openDatabase } from '../../src/database/connection.ts'
import { until } from '../support/until.ts'
import { eachDatabase, testDatabase, type TestDatabase } from '../support/database.ts'

const build = (
  t: Test,
  { db }: Pick<TestDatabase, 'db'>,
  { clock = systemClock, migrated = async () => true }: { clock?: Clock; migrated?: () => Promise<boolean> } = {}
): { app: FastifyInstance; lifecycle: Lifecycle } => {
  const app = fastify({ forceCloseConnections: false })
  const lifecycle = createLifecycle()
  t.teardown(async () => {
    await app.close()
  })
  registerHealth(app, { deps: { db, clock }, lifecycle, migrated })
  return { app, lifecycle }
}
const ready = async (app: FastifyInstance): Promise<{ status: number; reason?: string }> => {
  const answer = await app.inject('/readyz')
  return { status: answer.statusCode, ...(answer.json() as object) }
}
/** With a database that answers, but on a busy machine perhaps later than the half second of the probe. */
const readyInTime = async (app: FastifyInstance): Promise<unknown> => {
  let answer: { status: number; reason?: string } = { status: 0 }
  await until(async () => {
    answer = await ready(app)
    return answer.reason !== 'database'
  })
  return answer
}

eachDatabase(t, 'ready when database, migrations and clock are', async (t, database) => {
  const { app } = build(t, database)
  t.match(await readyInTime(app), { status: 'ready' })
  t.equal((await app.inject('/healthz')).statusCode, 200)
  const fast = build(t, database, { clock: { now: () => Date.now() + 6000 } })
  t.match(await readyInTime(fast.app), { status: 'unready', reason: 'clock' })
  const slow = build(t, database, { clock: { now: () => Date.now() - 6000 } })
  t.match(await readyInTime(slow.app), { reason: 'clock' })
  const close = build(t, database, { clock: { now: () => Date.now() + 3000 } })
  t.match(await readyInTime(close.app), { status: 'ready' })
  let done = false
  const early = build(t, database, { migrated: async () => done })
  t.match(await readyInTime(early.app), { reason: 'migrations' })
  done = true
  t.match(await readyInTime(early.app), { status: 'ready' })
})

t.test('not ready without the database, and told within its limit; alive all the same', async (t) => {
  const away = await openDatabase({ databaseUrl: 'postgres://nobody@127.0.0.1:1/none', dataDir: '', poolSize: 1 })
  t.teardown(away.close)
  const { app } = build(t, away)
  t.match(await ready(app), { status: 'unready', reason: 'database' })
  t.equal((await app.inject('/healthz')).statusCode, 200)

  let asked = 0
  const hangs = build(t, await testDatabase(t), {
    migrated: async () => {
      asked++
      return await new Promise(() => {})
    }
  })
  // what they ask never answers: that they do is the limit
  t.match(
    await Promise.all([ready(hangs.app), ready(hangs.app), ready(hangs.app)]),
    [{ reason: 'database' }, { reason: 'database' }, { reason: 'database' }],
    'answered, not hanging'
  )
  t.equal(asked, 1, 'probes do not pile up')
})

t.test('draining: not ready, and every connection closes after its response', async (t) => {
  const { app, lifecycle } = build(t, await testDatabase(t))
  let finish = (): void => {}
  let began = (): void => {}
  const beginning = new Promise<void>((resolve) => {
    began = resolve
  })
  let streaming = (): void => {}
  const streamBegun = new Promise<void>((resolve) => {
    streaming = resolve
  })
  app.get('/slow', async () => {
    began()
    await new Promise<void>((resolve) => {
      finish = resolve
    })
    return 'slow'
  })
  app.get('/raw', async (_request, reply) => {
    reply.hijack()
    reply.raw.end('raw')
  })
  app.get('/stream', async (_request, reply) => {
    reply.hijack()
    reply.raw.write('first ')
    lifecycle.signal.addEventListener('abort', () => {
      reply.raw.end('last')
    })
    streaming()
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => {
    agent.destroy()
  })
  const fetched = async (path: string): Promise<{ connection: string | undefined; body: string }> =>
    await new Promise((resolve, reject) => {
      get({ port, host: '127.0.0.1', path, agent }, (response: IncomingMessage) => {
        let body = ''
        response
          .setEncoding('utf8')
          .on('data', (chunk: string) => {
            body += chunk
          })
          .on('end', () => {
            resolve({ connection: response.headers.connection, body })
          })
      }).on('error', reject)
    })

  t.match(await fetched('/healthz'), { connection: 'keep-alive' })
  const slow = fetched('/slow')
  const stream = fetched('/stream')
  await Promise.all([beginning, streamBegun])
  lifecycle.drain()
  lifecycle.drain()
  t.equal(lifecycle.draining, true)
  t.match(await ready(app), { status: 'unready', reason: 'draining' })
  t.match(await fetched('/raw'), { connection: 'close', body: 'raw' }, 'also a response that fastify does not send')
  finish()
  t.match(await slow, { connection: 'close', body: 'slow' }, 'also one begun before')
  t.equal((await stream).body, 'first last', 'streams are told')
  t.match(await fetched('/healthz'), { connection: 'close' })
})
