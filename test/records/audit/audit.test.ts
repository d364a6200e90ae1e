import t from 'tap'
import { sql } from 'kysely'
import {
  auditEvents,
  createAudit,
  createAuditSealer,
  loginHash,
  sealBatch,
  verifyChain,
  type AuditEvent
} from '../../../src/records/audit/index.ts'
import { createLogger } from '../../../src/runtime/logging.ts'
import { openDatabase } from '../../../src/database/connection.ts'
import { eachDatabase, patient, type TestDatabase } from '../../support/database.ts'

const silent = createLogger({ level: 'silent' })
const record = async ({ db, crypto }: Pick<TestDatabase, 'db' | 'crypto'>, ...events: AuditEvent[]): Promise<void> => {
  const audit = createAudit({ crypto })
  for (const event of events) {
    await db.transaction().execute(async (trx) => {
      await audit.record(trx, event)
    })
  }
}
const login: AuditEvent = {
  type: 'login.succeeded',
  personId: 'p1',
  clientId: 'tax',
  loginAttemptUid: 'u1',
  address: '192.0.2.7',
  traceId: 't1',
  details: { b: 1, a: ['x', 'y'], c: null }
}

t.test('the catalogue has each name once, in one form', async (t) => {
  const names = Object.keys(auditEvents)
  t.ok(names.length >= 60)
  for (const name of names) t.match(name, /^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$/)
})

eachDatabase(t, "an event is stored whole, in the caller's transaction", async (t, database) => {
  const { db, crypto } = database
  await record(
    database,
    login,
    { type: 'client.created', actor: 'staff:s1', clientId: 'tax' },
    { type: 'login.failed', reason: 'wrong_password' }
  )
  const [first, second, third] = await db.selectFrom('auditEvent').selectAll().orderBy('id').execute()
  t.match(first, {
    type: 'login.succeeded',
    outcome: 'success',
    actor: 'person:p1',
    personId: 'p1',
    clientId: 'tax',
    loginAttemptUid: loginHash('u1'),
    address: '192.0.2.7',
    traceId: 't1',
    reason: null,
    details: { a: ['x', 'y'], b: 1, c: null },
    sequence: null
  })
  t.match(second, { actor: 'staff:s1', outcome: 'success' })
  t.match(third, { actor: 'anonymous', outcome: 'failure', reason: 'wrong_password' })
  t.ok(Math.abs(first!.at.getTime() - Date.now()) < 60_000)

  await t.rejects(
    db.transaction().execute(async (trx) => {
      await createAudit({ crypto }).record(trx, login)
      throw new Error('the act failed')
    })
  )
  t.equal((await db.selectFrom('auditEvent').select('id').execute()).length, 3, 'no act, no event')
})

eachDatabase(t, 'events of many requests are stored together, each as it is', async (t, { db, crypto }) => {
  const audit = createAudit({ crypto })
  const numbers = Array.from({ length: 100 }, (_, n) => n)
  await Promise.all(
    numbers.map((n) => audit.recordSingle(db, { type: 'login.failed', personId: `p${n}`, details: { n, text: 'a\0b' } }))
  )
  await audit.recordSingle(db, { type: 'login.failed', reason: 'alone' })
  const rows = await db.selectFrom('auditEvent').select(['personId', 'actor', 'details', 'reason']).execute()
  t.equal(rows.length, 101)
  t.same(
    rows.filter(({ reason }) => reason === null).map(({ personId }) => personId).sort(),
    numbers.map((n) => `p${n}`).sort()
  )
  t.match(
    rows.find(({ personId }) => personId === 'p7'),
    { actor: 'person:p7', details: { n: 7, text: 'ab' } }
  )
  await sealBatch(db, crypto)
  t.match(await verifyChain(db, crypto), { ok: true, checked: 101 })
})

eachDatabase(t, 'an event that cannot be stored stops the act', async (t, { db, crypto }) => {
  await sql`alter table audit_event add constraint full_disk check (type <> 'person.locked')`.execute(db)
  await t.rejects(
    db.transaction().execute(async (trx) => {
      await trx.updateTable('cacheEpoch').set({ epoch: 99 }).where('name', '=', 'clients').execute()
      await createAudit({ crypto }).record(trx, { type: 'person.locked', actor: 'staff:s1', personId: 'p1' })
    })
  )
  const row = await db.selectFrom('cacheEpoch').select('epoch').where('name', '=', 'clients').executeTakeFirst()
  t.not(row?.epoch, 99)
})

eachDatabase(t, 'odd text from a request neither fails nor breaks the chain', async (t, database) => {
  await record(
    database,
    {
      type: 'login.failed',
      reason: 'a\0b',
      clientId: 'x\ud800y',
      details: { 'k\0': 'v\0', big: 1e25, small: 0.1, minus: -0, none: NaN, long: '长'.repeat(5000) }
    },
    { type: 'login.failed', traceId: '"\\\n\u2028', details: { list: ['\udc00', "'; drop table audit_event; --"] } }
  )
  await sealBatch(database.db, database.crypto)
  t.match(await verifyChain(database.db, database.crypto), { ok: true, checked: 2 })
})

eachDatabase(t, 'sealing numbers committed events in batches, each event once', async (t, database) => {
  const { db, crypto } = database
  await record(database, ...Array.from({ length: 7 }, () => login))
  t.match(await verifyChain(db, crypto), { ok: true, checked: 0, unsealed: 7 })
  t.match(
    await sealBatch(db, crypto, { limit: 3 }),
    { sealed: 3, busy: false, checkpoint: { sequence: 3 } },
    'each batch is signed'
  )
  t.match(await sealBatch(db, crypto, { limit: 3 }), { sealed: 3, checkpoint: { sequence: 6 } })
  t.match(await sealBatch(db, crypto, { limit: 3 }), { sealed: 1 })
  t.match(await sealBatch(db, crypto), { sealed: 0, busy: false })
  const rows = await db
    .selectFrom('auditEvent')
    .select(['sequence', 'previousHash', 'hash'])
    .orderBy('sequence')
    .execute()
  t.same(
    rows.map((row) => row.sequence),
    [1, 2, 3, 4, 5, 6, 7]
  )
  rows.forEach((row, index) => t.equal(row.previousHash, index === 0 ? '' : rows[index - 1]!.hash))
  t.match(await verifyChain(db, crypto), { ok: true, from: 1, to: 7, checked: 7, unsealed: 0 })
  t.match(await verifyChain(db, crypto, { from: 3, to: 5 }), { ok: true, from: 3, to: 5, checked: 3 })
})

eachDatabase(t, 'the sealer works off everything and stops cleanly', async (t, database) => {
  await record(database, ...Array.from({ length: 12 }, () => login))
  const sealer = createAuditSealer({ ...database, log: silent }, { limit: 5 })
  t.equal(await sealer.sealAll(), 12)
  sealer.start()
  await record(database, login)
  await sealer.stop()
  t.match(
    await verifyChain(database.db, database.crypto),
    { ok: true, checked: 13, unsealed: 0 },
    'what was recorded up to the end is sealed'
  )
})

eachDatabase(t, 'on many processes at once: one chain, nothing twice, nobody waits', async (t, database) => {
  if (database.url === null) return
  const others = await Promise.all(
    [1, 2, 3].map(
      async () => await openDatabase({ databaseUrl: database.url, dataDir: '', poolSize: 3, timeouts: patient })
    )
  )
  t.teardown(async () => {
    await Promise.all(
      others.map(async (other) => {
        await other.close()
      })
    )
  })
  const sealers = others.map(({ db }) => createAuditSealer({ db, crypto: database.crypto, log: silent }, { limit: 7 }))
  await Promise.all([
    ...others.map(async ({ db }) => {
      await record({ db, crypto: database.crypto }, ...Array.from({ length: 40 }, () => login))
    }),
    ...sealers.flatMap((sealer) => Array.from({ length: 15 }, async () => await sealer.sealAll()))
  ])
  await sealers[0]!.sealAll()
  t.match(await verifyChain(database.db, database.crypto), { ok: true, checked: 120, unsealed: 0 })

  await record(database, login)
  await database.db.transaction().execute(async (trx) => {
    await sql`select one_row from audit_head for update`.execute(trx)
    t.match(await sealBatch(others[0]!.db, database.crypto), { sealed: 0, busy: true }, 'another process is at it')
    await record({ db: others[1]!.db, crypto: database.crypto }, login)
    t.pass('and recording goes on meanwhile')
  })
})

eachDatabase(t, 'a lower id that commits later is sealed later', async (t, database) => {
  if (database.url === null) return
  const audit = createAudit(database)
  await database.db.transaction().execute(async (slow) => {
    await audit.record(slow, { type: 'login.failed', reason: 'slow' })
    await record(database, { type: 'login.failed', reason: 'quick' })
    t.match(await sealBatch(database.db, database.crypto), { sealed: 1 })
  })
  t.match(await sealBatch(database.db, database.crypto), { sealed: 1 })
  const rows = await database.db.selectFrom('auditEvent').select(['reason', 'id']).orderBy('sequence').execute()
  t.same(
    rows.map((row) => row.reason),
    ['quick', 'slow']
  )
  t.ok(rows[0]!.id > rows[1]!.id)
  t.match(await verifyChain(database.db, database.crypto), { ok: true, checked: 2 })
})
