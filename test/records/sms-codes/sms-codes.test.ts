import t from 'tap'
import { sql } from 'kysely'
import pino from 'pino'
import { loadConfig } from '../../../src/config.ts'
import { smsLimits } from '../../../src/domain/login/sms-code.ts'
import { createMetrics } from '../../../src/adapters/metrics.ts'
import { SmsUnavailable } from '../../../src/ports/sms.ts'
import { createAudit } from '../../../src/records/audit/index.ts'
import { smsByAge, smsHandler, smsTopic } from '../../../src/records/messages/index.ts'
import { createOutboxWorker, enqueue, resendDead } from '../../../src/records/outbox/index.ts'
import { insertPerson } from '../../../src/records/persons/index.ts'
import { createSmsCodes, sweepSmsCodes, type SmsBinding } from '../../../src/records/sms-codes/index.ts'
import { addressPrefix } from '../../../src/http/client-address.ts'
import { createSmsSandbox } from '../../../src/simulators/sms/index.ts'
import { eachDatabase, testDatabase, type TestDatabase } from '../../support/database.ts'

const phone = '+8613800138000'
const binding: SmsBinding = { phone, purpose: 'register', browserHash: 'browser', transaction: 'reg_1' }
const staff = { actor: 'admin:adm_x', reason: 'x', address: null, traceId: null } as const
const from = { source: '10.0.0.0/24', address: '10.0.0.7', traceId: 'trace' }

function parts (database: TestDatabase) {
  const sms = createSmsSandbox()
  const services = {
    ...database,
    audit: createAudit(database),
    config: loadConfig({ NODE_ENV: 'test', ISSUER: 'https://sso.example.gov.cn' }),
    sms
  }
  const outbox = createOutboxWorker({
    ...database,
    log: pino({ level: 'silent' }),
    handlers: { [smsTopic]: smsHandler(services) }
  })
  const codes = createSmsCodes(services)
  const send = async (to: SmsBinding = binding): Promise<string> => {
    const sent = await codes.send(to, from)
    if (!sent.ok) throw new Error(sent.code)
    await outbox.runDue()
    return sms.lastCode(to.phone) ?? ''
  }
  return { ...services, codes, outbox, send }
}

const wrongFor = (code: string): string => String((Number(code) + 1) % 1_000_000).padStart(6, '0')
const later = async ({ db }: Pick<TestDatabase, 'db'>, seconds: number): Promise<void> => {
  await sql`update throttle set window_ends_at = window_ends_at - make_interval(secs => ${seconds})`.execute(db)
}

eachDatabase(t, 'a code is good for its phone, purpose and browser, once', async (t, database) => {
  const { codes, send, sms } = parts(database)
  const code = await send()
  t.match(code, /^\d{6}$/)
  t.match(
    sms.messages()[0],
    {
      phone,
      template: 'verification-code',
      parameters: { code, purpose: '法人注册', host: 'sso.example.gov.cn', minutes: '5' }
    },
    'says what it is for and where'
  )
  for (const other of [
    { ...binding, purpose: 'recover' },
    { ...binding, browserHash: 'another' },
    // S33: a code of one draft in another of the same browser
    { ...binding, transaction: 'reg_2' },
    { ...binding, phone: '+8613800138001' }
  ] as SmsBinding[]) {
    t.same(await codes.verify(other, code, from), { ok: false, code: 'expired' }, 'T038')
  }
  const verdict = await codes.verify(binding, ` ${code.slice(0, 3)} ${code.slice(3)} `, from)
  t.match(verdict, { ok: true })
  t.same(await codes.verify(binding, code, from), { ok: false, code: 'expired' }, 'not twice')
  const codeId = verdict.ok ? verdict.codeId : ''
  const spend = async (with_: SmsBinding): Promise<boolean> =>
    await database.db.transaction().execute(async (trx) => await codes.spend(trx, codeId, with_))
  t.notOk(await spend({ ...binding, browserHash: 'another' }))
  const spent = []
  for (let n = 0; n < 3; n++) spent.push(await spend(binding))
  t.same(spent, [true, false, false])
})

eachDatabase(
  t,
  'of thirty tries at once five are compared; then even the right one is refused (T036)',
  async (t, database) => {
    const { codes, send } = parts(database)
    const code = await send()
    const verdicts = await Promise.all(
      Array.from({ length: 30 }, async () => await codes.verify(binding, wrongFor(code), from))
    )
    const row = await database.db.selectFrom('smsCode').select('tries').executeTakeFirstOrThrow()
    t.equal(row.tries, 5)
    t.same(
      verdicts.flatMap((verdict) => (verdict.ok || verdict.code !== 'wrong' ? [] : [verdict.left])).sort(),
      [1, 2, 3, 4]
    )
    t.same(await codes.verify(binding, code, from), { ok: false, code: 'exhausted' })
  }
)

eachDatabase(t, 'of twenty right ones at once one verifies (T039)', async (t, database) => {
  const { codes, send } = parts(database)
  const code = await send()
  const verdicts = await Promise.all(Array.from({ length: 20 }, async () => await codes.verify(binding, code, from)))
  t.equal(verdicts.filter(({ ok }) => ok).length, 1)
})

eachDatabase(t, 'ten presses at once send one message; a new code voids the old (T037, T039)', async (t, database) => {
  const { codes, outbox, sms, db } = parts(database)
  const sent = await Promise.all(Array.from({ length: 10 }, async () => await codes.send(binding, from)))
  await outbox.runDue()
  t.equal(sms.messages(phone).length, 1)
  const refused = sent.filter((one) => !one.ok)
  t.equal(refused.length, 9)
  for (const one of refused) t.match(one, { code: 'wait', retryAfterSeconds: Number })
  const first = sms.lastCode(phone) ?? ''
  await later({ db }, 61)
  t.match(await codes.send(binding, from), { ok: true })
  await outbox.runDue()
  const second = sms.lastCode(phone) ?? ''
  if (first !== second) t.match(await codes.verify(binding, first, from), { ok: false, code: 'wrong' })
  t.match(await codes.verify(binding, second, from), { ok: true })
})

t.test('limits by phone, over all purposes and browsers; by network; by deployment', async (t) => {
  const database = await testDatabase(t)
  const { codes } = parts(database)
  const outcomes: string[] = []
  for (let n = 0; n < 7; n++) {
    const sent = await codes.send(
      { phone, purpose: n % 2 === 0 ? 'register' : 'recover', browserHash: `b${n}`, transaction: `t${n}` },
      { ...from, source: `s${n}` }
    )
    outcomes.push(sent.ok ? 'sent' : sent.code)
    await later(database, 61)
  }
  t.same(outcomes, ['sent', 'sent', 'sent', 'sent', 'sent', 'too_many', 'too_many'], 'five an hour')
  await later(database, 3600)
  for (let n = 0; n < 7; n++) {
    const sent = await codes.send(binding, { ...from, source: `t${n}` })
    outcomes.push(sent.ok ? 'sent' : sent.code)
    await later(database, n === 4 ? 3600 : 61)
  }
  t.equal(outcomes.filter((one) => one === 'sent').length, 10, 'ten a day')
  let refused = 0
  for (let n = 0; n < smsLimits.source.limit + 3; n++) {
    const sent = await codes.send(
      { ...binding, phone: `+86139${String(n).padStart(8, '0')}` },
      { ...from, source: 'one network' }
    )
    if (!sent.ok) refused++
  }
  t.equal(refused, 3)
  const events = await database.db
    .selectFrom('auditEvent')
    .select('type')
    .where('type', '=', 'sms-code.throttled')
    .orderBy('id')
    .execute()
  t.ok(events.length > 0, 'kept')
})

t.test('S17 one IPv6 network does not use up the budget of everybody', async (t) => {
  const database = await testDatabase(t)
  const { codes } = parts(database)
  let phone = 0
  const send = async (source: string): Promise<boolean> =>
    (await codes.send({ ...binding, phone: `+86138${String(phone++).padStart(8, '0')}` }, { ...from, source })).ok
  let sent = 0
  for (let n = 0; n < 256; n++) if (await send(addressPrefix(`2001:db8:7:${(n * 256).toString(16)}::1`))) sent++
  t.equal(sent, smsLimits.customer.limit, 'a /48 is one customer')
  // many of one company: as if that many had been sent in this hour
  await sql`update throttle set count = ${smsLimits.company.limit}
    where count >= ${smsLimits.customer.limit}`.execute(database.db)
  t.equal(await send(addressPrefix('2001:db8:8::1')), false, 'the company has had its part')
  t.equal(await send(addressPrefix('2409:8000::1')), true, 'others have theirs')
  t.equal(await send(addressPrefix('10.0.0.7')), true)
  t.ok(smsLimits.company.limit * 4 <= smsLimits.all.limit, 'a quarter at most')
})

t.test('a message that would come too late is not sent; one that is tried again is sent once', async (t) => {
  const database = await testDatabase(t)
  const { codes, outbox, sms, db } = parts(database)
  sms.script(['unavailable', null])
  await codes.send(binding, from)
  await outbox.runDue()
  await sql`update outbox set run_at = now()`.execute(db)
  await outbox.runDue()
  t.equal(sms.messages(phone).length, 1)
  const other = { ...binding, phone: '+8613800138001' }
  sms.script(['unavailable'])
  await codes.send(other, from)
  await outbox.runDue()
  const rows = await db.selectFrom('outbox').selectAll().where('doneAt', 'is', null).execute()
  for (const row of rows) {
    const order = JSON.parse(
      database.crypto.decrypt('outbox', 'payload_enc', row.dedupeKey ?? '', row.payloadEnc)
    ) as object
    await db
      .updateTable('outbox')
      .set({
        runAt: sql<Date>`now()`,
        payloadEnc: database.crypto.encrypt(
          'outbox',
          'payload_enc',
          row.dedupeKey ?? '',
          JSON.stringify({ ...order, notAfter: '2020-01-01T00:00:00Z' })
        )
      })
      .where('id', '=', row.id)
      .execute()
  }
  await outbox.runDue()
  t.equal(sms.messages(other.phone).length, 0)
})

t.test('known and unknown phones get the same (T040); what is stored tells no code (T041)', async (t) => {
  const database = await testDatabase(t)
  const { codes, send, db } = parts(database)
  await insertPerson(db, database.crypto, {
    person: {
      status: 'active',
      name: '扎西',
      certType: 'resident_id',
      certNo: '540102199003072515',
      phone
    }
  })
  const unknown = { ...binding, phone: '+8613800138001' }
  const [a, b] = [await codes.send(binding, from), await codes.send(unknown, from)]
  t.same(a, b)
  t.same(await codes.send(binding, from), await codes.send(unknown, from))
  t.same(await codes.verify(binding, '000000x', from), await codes.verify(unknown, '000000x', from))
  const third = { ...binding, phone: '+8613800138002' }
  const code = await send(third)
  const dump = JSON.stringify([
    await db.selectFrom('smsCode').selectAll().execute(),
    await db.selectFrom('outbox').select(['topic', 'dedupeKey', 'payloadEnc']).execute(),
    await db.selectFrom('auditEvent').select(['type', 'details']).orderBy('id').execute()
  ])
  t.notMatch(dump, new RegExp(`"${code}"|13800138`))
  await sql`update sms_code set created_at = now() - interval '3 days'`.execute(db)
  t.equal(await sweepSmsCodes(db), 3)
})

t.test('codes are spread evenly and begin with zeros too (T041)', async (t) => {
  const database = await testDatabase(t)
  const { codes, outbox, sms } = parts(database)
  const seen: string[] = []
  for (let n = 0; n < 150; n++) {
    await codes.send({ ...binding, phone: `+86137${String(n).padStart(8, '0')}` }, { ...from, source: `s${n}` })
  }
  await outbox.runDue()
  seen.push(...sms.messages().map((message) => message.parameters['code'] ?? ''))
  t.equal(seen.length, 150)
  t.ok(seen.every((code) => /^\d{6}$/.test(code)))
  t.ok(new Set(seen).size >= 148)
  t.equal(new Set(seen.join('')).size, 10, 'every digit occurs')
  t.ok(
    seen.some((code) => code.startsWith('0')),
    'leading zeros are kept'
  )
})

/** A provider that does what the test says, with the real worker. */
function failing (database: TestDatabase) {
  const asked: string[] = []
  let answer: Error | null = null
  const metrics = createMetrics({ defaults: false })
  const services = {
    ...database,
    audit: createAudit(database),
    config: loadConfig({ NODE_ENV: 'test', ISSUER: 'https://sso.example.gov.cn' }),
    metrics,
    sms: {
      async send ({ messageId }: { messageId: string }) {
        asked.push(messageId)
        if (answer !== null) throw answer
      }
    }
  }
  return {
    asked,
    metrics,
    fail (error: Error | null) {
      answer = error
    },
    codes: createSmsCodes(services),
    outbox: createOutboxWorker({
      ...services,
      log: pino({ level: 'silent' }),
      handlers: { [smsTopic]: smsHandler(services) },
      byAge: { [smsTopic]: smsByAge }
    }),
    rows: async () =>
      (
        await sql<{ wait: number; dead: boolean; done: boolean; notTried: number; lastError: string | null }>`
          select extract(epoch from run_at - clock_timestamp())::float8 as wait, dead_at is not null as dead,
            done_at is not null as done, not_tried, last_error from outbox order by id`.execute(database.db)
      ).rows,
    due: async () => {
      await sql`update outbox set run_at = now()`.execute(database.db)
    },
    /** All messages are older. */
    age: async (seconds: number) => {
      await sql`update outbox set created_at = created_at - make_interval(secs => ${seconds})`.execute(database.db)
    }
  }
}

eachDatabase(t, 'R8: a code is tried again in short steps as long as it lives', async (t, database) => {
  const w = failing(database)
  w.fail(new SmsUnavailable('down'))
  await w.codes.send(binding, from)
  for (let at = 0; at < 12; at++) {
    await w.due()
    t.equal(await w.outbox.runDue(), 1)
    const [row] = await w.rows()
    t.ok(row !== undefined && row.wait <= 5 && !row.dead, `after attempt ${at + 1}: ${row?.wait} s`)
  }
  w.fail(new SmsUnavailable('breaker', { kind: 'not_asked' }))
  for (let at = 0; at < 12; at++) {
    await w.due()
    t.equal(await w.outbox.runDue(), 1)
  }
  t.match(await w.rows(), [{ notTried: 12, dead: false, done: false }], 'a breaker that is open is no attempt')
  w.fail(null)
  await w.due()
  await w.outbox.runDue()
  t.match(await w.rows(), [{ done: true, lastError: null }])
})

eachDatabase(t, 'R8: a notice ends by its age, not by its attempts', async (t, database) => {
  const w = failing(database)
  w.fail(new SmsUnavailable('down'))
  await database.db.transaction().execute(async (trx) => {
    const payload = { to: { phone }, template: 'notice', parameters: {} }
    await enqueue(trx, database, { topic: smsTopic, payload })
  })
  for (let at = 0; at < 12; at++) {
    await w.due()
    t.equal(await w.outbox.runDue(), 1)
  }
  t.match(await w.rows(), [{ dead: false }])
  await w.age(86_401)
  await w.due()
  await w.outbox.runDue()
  t.match(await w.rows(), [{ dead: true }])
  await resendDead({ ...database, audit: createAudit(database) }, staff, { topic: smsTopic })
  await w.outbox.runDue()
  t.match(await w.rows(), [{ dead: false }], 'sent again by staff: its age begins there')
})

eachDatabase(t, 'R9: a code that is replaced is not sent any more', async (t, database) => {
  const w = failing(database)
  w.fail(new SmsUnavailable('down'))
  await w.codes.send(binding, from)
  await w.outbox.runDue()
  await later(database, 61)
  await w.codes.send(binding, from)
  w.fail(null)
  await w.due()
  t.equal(await w.outbox.runDue(), 1)
  t.equal(new Set(w.asked).size, 2)
  t.match(await w.rows(), [
    { done: true, lastError: 'superseded' },
    { done: true, lastError: null }
  ])
})

eachDatabase(t, 'R11: a code that is over has its own outcome, and the page can tell', async (t, database) => {
  const w = failing(database)
  w.fail(new SmsUnavailable('down'))
  t.equal(await w.codes.delivery(binding), 'fine')
  await w.codes.send(binding, from)
  t.equal(await w.codes.delivery(binding), 'fine', 'not tried yet')
  await w.outbox.runDue()
  t.equal(await w.codes.delivery(binding), 'disturbed')
  t.equal(await w.codes.delivery({ ...binding, phone: '+8613800138002' }), 'disturbed', 'for everybody')
  const row = await database.db.selectFrom('outbox').selectAll().executeTakeFirstOrThrow()
  const payload = JSON.parse(
    database.crypto.decrypt('outbox', 'payload_enc', row.dedupeKey ?? '', row.payloadEnc)
  ) as object
  const over = JSON.stringify({ ...payload, notAfter: new Date(Date.now() - 60_000).toISOString() })
  await database.db
    .updateTable('outbox')
    .set({ payloadEnc: database.crypto.encrypt('outbox', 'payload_enc', row.dedupeKey ?? '', over) })
    .execute()
  await w.due()
  await w.outbox.runDue()
  t.equal(w.asked.length, 1, 'not sent')
  t.match(await w.rows(), [{ done: true, lastError: 'expired' }])
  t.same(w.metrics.alarms.raised(), ['sms_late'])
  t.match(await w.metrics.registry.metrics(), /outbox_deliveries_total\{topic="sms",outcome="expired"\} 1/)
  t.equal(await w.codes.delivery(binding), 'disturbed')
  await later(database, 61)
  w.fail(null)
  await w.codes.send(binding, from)
  await w.outbox.runDue()
  t.equal(await w.codes.delivery(binding), 'fine')
  t.same(w.metrics.alarms.raised(), [])
})

eachDatabase(
  t,
  'R12: an answer that is not the provider’s is repeated once, then somebody is told',
  async (t, database) => {
    const w = failing(database)
    w.fail(new SmsUnavailable('signature', { kind: 'untrusted' }))
    await w.codes.send(binding, from)
    for (let at = 0; at < 5; at++) {
      await w.due()
      await w.outbox.runDue()
    }
    t.equal(w.asked.length, 2)
    t.match(await w.rows(), [{ dead: true }])
    t.same(w.metrics.alarms.raised(), ['sms_untrusted'])
  }
)
