import { randomBytes } from 'node:crypto'
import t from 'tap'
import fastify from 'fastify'
import { sql } from 'kysely'
import { scrub } from '../../src/domain/scrub-text.ts'
import { createLogger, registerRequestLog } from '../../src/runtime/logging.ts'
import { createMetrics } from '../../src/adapters/metrics.ts'
import { testDatabase } from '../support/database.ts'

type Line = Record<string, unknown>
function capture (level = 'info'): { log: ReturnType<typeof createLogger>; lines: Line[]; text: () => string } {
  const raw: string[] = []
  const lines: Line[] = []
  const log = createLogger(
    { level },
    {
      write: (line: string) => {
        raw.push(line)
        lines.push(JSON.parse(line) as Line)
      }
    }
  )
  return { log, lines, text: () => raw.join('') }
}

t.test('lines are JSON with time and level, and only what is allowed', async (t) => {
  const { log, lines, text } = capture()
  log.info(
    {
      route: '/login',
      status: 200,
      phone: '13800138000',
      person: { name: '张三' },
      reason: 'certNo 11010519491231002X'
    },
    'done'
  )
  t.match(lines[0], {
    level: 'info',
    time: /^\d{4}-.*Z$/,
    msg: 'done',
    route: '/login',
    status: 200,
    reason: 'certNo [number]',
    withheld: ['phone', 'person']
  })
  t.notMatch(text(), /13800138000|张三|110105/)
})

t.test('an error is named, without what it quotes', async (t) => {
  const { log, lines, text } = capture()
  const cause = Object.assign(new Error('Key (phone)=(13800138000) exists'), { code: '23505', detail: 'secret 张三' })
  log.error(new TypeError('bad number 11010519491231002X', { cause }))
  log.warn({ err: cause }, 'again')
  log.warn({ err: 'just text 13800138000' }, 'once more')
  t.match(lines[0], {
    level: 'error',
    msg: 'bad number [number]',
    err: {
      type: 'TypeError',
      message: 'bad number [number]',
      stack: /^\s+at /,
      cause: { code: '23505', message: 'Key (phone)=([number]) exists' }
    }
  })
  t.match(lines[1], { err: { type: 'Error', code: '23505' }, msg: 'again' })
  t.notMatch(text(), /13800138000|110105|张三/)
})

t.test('messages, placeholders and child loggers are covered too', async (t) => {
  const { log, lines, text } = capture()
  log.info('sent to 13800138000')
  log.info('sent to %s', '13800138000')
  log.child({ component: 'outbox', token: 'abc' }).info({ code: 'x' }, 'child')
  t.match(lines[2], { component: 'outbox', code: 'x', msg: 'child' })
  t.notMatch(text(), /13800138000|"token":"abc"/)
})

t.test('numbers and tokens are scrubbed, words and short codes stay', async (t) => {
  for (const secret of [
    '13800138000',
    '11010519491231002X',
    '91350100M000100Y43abc',
    'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0aaaaaaaaaa.c2lnbmF0dXJlc2lnbmF0dXJl',
    'Zx81kd02LLp03kd93kd02kd9',
    '123456'
  ]) {
    t.notMatch(scrub(`a ${secret} b`), secret.slice(3, 12), secret)
    t.match(scrub(`a ${secret} b`), /^a \S+ b$/)
  }
  for (const harmless of [
    'connect ECONNREFUSED 127.0.0.1:5432',
    'relation "audit_event" does not exist',
    'face_check_already_decided_by_provider'
  ]) {
    t.equal(scrub(harmless), harmless)
  }
  const start = process.cpuUsage()
  for (const long of ['a'.repeat(100_000), '1'.repeat(100_000), 'a.'.repeat(50_000), `${'a1-'.repeat(30_000)}!`]) {
    scrub(long)
  }
  t.ok(process.cpuUsage(start).user < 1_000_000, 'in little time, whatever the length')
})

t.test('one line for each request: pattern, never the address', async (t) => {
  const { log, lines, text } = capture()
  const metrics = createMetrics({ defaults: false })
  const app = fastify({ genReqId: () => randomBytes(16).toString('hex') })
  t.teardown(async () => {
    await app.close()
  })
  const { db } = await testDatabase(t)
  registerRequestLog(app, { log, metrics })
  app.addHook('preHandler', async () => {
    await sql`select 1`.execute(db)
  })
  app.get('/persons/:id', async () => {
    await Promise.all([sql`select 2`.execute(db), sql`select 3`.execute(db)])
    return 'ok'
  })
  app.get('/broken', async () => {
    throw new Error('boom')
  })
  app.get('/readyz', async (_request, reply) => await reply.code(503).send('draining'))
  await app.inject('/persons/11010519491231002X?code=SplxlOBeZQQYbYS6WxSbIA')
  await app.inject('/nowhere/13800138000')
  await app.inject('/broken')
  await app.inject('/readyz')
  t.match(lines, [
    {
      level: 'info',
      method: 'GET',
      route: '/persons/:id',
      status: 200,
      ms: Number,
      traceId: /^[\da-f]{32}$/,
      queries: 3,
      msg: 'request'
    },
    { level: 'info', route: 'unmatched', status: 404, queries: 1 },
    { level: 'error', route: '/broken', status: 500 },
    // not ready is an answer
    { level: 'info', route: '/readyz', status: 503 }
  ])
  t.notMatch(text(), /110105|Splxl|13800138000|nowhere/)
  const exposed = await metrics.registry.metrics()
  t.match(exposed, /http_request_duration_seconds_count\{route="\/persons\/:id",method="GET",status="200"\} 1/)
  t.match(exposed, /db_queries_per_request_sum\{route="\/persons\/:id"\} 3/)
})
