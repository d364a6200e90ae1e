import { createHash } from 'node:crypto'
import t from 'tap'
import { sql, type RawBuilder } from 'kysely'
import { createMetrics } from '../../../src/adapters/metrics.ts'
import {
  createAudit,
  createAuditSealer,
  sealBatch,
  verifyChain,
  type AuditEvent,
  type ChainFault,
  type Checkpoint
} from '../../../src/records/audit/index.ts'
import { chainHash, rowColumns, type SealedRow } from '../../../src/records/audit/canonical.ts'
import { createLogger } from '../../../src/runtime/logging.ts'
import { openDatabase } from '../../../src/database/connection.ts'
import { eachDatabase, patient, type TestDatabase } from '../../support/database.ts'

const silent = createLogger({ level: 'silent' })

async function record ({ db, crypto }: TestDatabase, ...events: AuditEvent[]): Promise<void> {
  const audit = createAudit({ crypto })
  await db.transaction().execute(async (trx) => {
    for (const event of events) await audit.record(trx, event)
  })
}

const some = (length: number): AuditEvent[] =>
  Array.from({ length }, (_, n) => ({ type: 'login.failed' as const, reason: `r${n}`, traceId: `t${n}` }))

async function seal (database: TestDatabase, ...events: AuditEvent[]): Promise<Checkpoint | null> {
  await record(database, ...events)
  return (await sealBatch(database.db, database.crypto)).checkpoint
}

/** As the owner of the tables may: no trigger and no index stands in the way. */
async function asOwner ({ db }: TestDatabase, ...statements: Array<RawBuilder<unknown>>): Promise<void> {
  for (const table of ['audit_event', 'audit_checkpoint', 'audit_head']) {
    await sql`alter table ${sql.table(table)} disable trigger all`.execute(db)
  }
  await sql`drop index if exists audit_event_event_id`.execute(db)
  for (const statement of statements) await statement.execute(db)
  for (const table of ['audit_event', 'audit_checkpoint', 'audit_head']) {
    await sql`alter table ${sql.table(table)} enable trigger all`.execute(db)
  }
}

/** Everything from this place on is numbered and chained again, as somebody may who has the code but not the key. */
async function rechain ({ db }: TestDatabase): Promise<void> {
  const { rows } = await sql<SealedRow>`select ${sql.raw(rowColumns)}, sequence, previous_hash, hash from audit_event
    where sequence is not null order by sequence`.execute(db)
  let previous = ''
  for (const [index, row] of rows.entries()) {
    const hash = chainHash(previous, index + 1, row)
    await sql`update audit_event set sequence = ${index + 1}, previous_hash = ${previous}, hash = ${hash}
      where id = ${row.id}`.execute(db)
    previous = hash
  }
}

const insertAgain = (which: RawBuilder<unknown>): RawBuilder<unknown> => {
  const columns = sql.raw(`type, outcome, actor, person_id, organization_id, delegation_id, role, client_id,
    login_attempt_uid, device_id, address, trace_id, reason, details, event_id, recorded_at, mac`)
  return sql`insert into audit_event (${columns}) select ${columns} from audit_event where ${which}`
}

/** What is done to a chain of eight events, and the faults that verification names. */
const deeds: Record<string, { deed: (database: TestDatabase) => Promise<void>; faults: Array<Partial<ChainFault>> }> =
  {
    'a genuine event inserted again, with a new time': {
      deed: async (d) => {
        await asOwner(d, insertAgain(sql`sequence = 3`))
      },
      faults: [{ kind: 'repeated', sequence: 0, id: 9 }]
    },
    'a genuine event taken out and inserted again two days later': {
      deed: async (d) => {
        await asOwner(
          d,
          insertAgain(sql`sequence = 8`),
          sql`delete from audit_event where sequence = 8`,
          sql`alter table audit_event disable trigger all`,
          sql`update audit_event set at = at + interval '2 days' where sequence is null`
        )
      },
      faults: [
        { kind: 'truncated', sequence: 8 },
        { kind: 'redated', sequence: 0 }
      ]
    },
    'the tail cut': {
      deed: async (d) => {
        await asOwner(d, sql`delete from audit_event where sequence > 6`)
      },
      faults: [{ kind: 'truncated', sequence: 7 }]
    },
    'the tail cut, with its checkpoints, and the head set back': {
      deed: async (d) => {
        await asOwner(
          d,
          sql`delete from audit_event where sequence > 6`,
          sql`delete from audit_checkpoint where sequence > 6`,
          sql`update audit_head set sequence = 6, hash = (select hash from audit_event where sequence = 6)`
        )
      },
      faults: [{ kind: 'forged', sequence: 6 }]
    },
    'a middle event removed and the rest chained again': {
      deed: async (d) => {
        await asOwner(d, sql`delete from audit_event where sequence = 5`)
        await asOwner(d, sql`select 1`)
        await sql`alter table audit_event disable trigger all`.execute(d.db)
        await rechain(d)
        await asOwner(
          d,
          sql`delete from audit_checkpoint`,
          sql`update audit_head set sequence = 7, hash = (select hash from audit_event where sequence = 7)`
        )
      },
      faults: [{ kind: 'forged', sequence: 7 }]
    },
    'the beginning moved': {
      deed: async (d) => {
        await sql`update audit_head set first_sequence = 4,
        first_previous_hash = (select hash from audit_event where sequence = 3)`.execute(d.db)
      },
      faults: [{ kind: 'forged', sequence: 8 }]
    },
    'a row that Kora did not write': {
      deed: async (d) => {
        await sql`insert into audit_event (type, outcome, mac) values ('login.succeeded', 'success', 'x')`.execute(
          d.db
        )
      },
      faults: [{ kind: 'altered', sequence: 0, id: 9 }]
    }
  }

for (const [name, { deed, faults }] of Object.entries(deeds)) {
  await eachDatabase(t, `S5: nothing is sealed after ${name}`, async (t, database) => {
    const { db, crypto } = database
    await seal(database, ...some(8))
    await deed(database)
    await record(database, { type: 'login.failed', reason: 'afterwards' })
    const head = async (): Promise<unknown> => (await sql`select * from audit_head`.execute(db)).rows[0]
    const before = await head()
    t.match(await sealBatch(db, crypto), { sealed: 0, checkpoint: null, fault: { kind: faults[0]!.kind } })
    t.same(await head(), before, 'the head is not signed again')
    t.match(await verifyChain(db, crypto), { ok: false, faults })
  })
}

eachDatabase(t, 'S5: an event cannot be stored twice', async (t, database) => {
  await seal(database, ...some(3))
  await t.rejects(insertAgain(sql`sequence = 3`).execute(database.db), { code: '23505' })
})

eachDatabase(t, 'S5: events of the former version stay whole, and none is added later', async (t, database) => {
  const { db, crypto } = database
  // as a process of the former version wrote it: neither id nor time under the MAC
  const former = async (reason: string): Promise<void> => {
    const text = JSON.stringify([
      'kora-audit-1',
      'login.failed',
      'failure',
      'anonymous',
      ...Array<null>(9).fill(null),
      reason,
      []
    ])
    await sql`insert into audit_event (type, outcome, actor, reason, mac)
      values ('login.failed', 'failure', 'anonymous', ${reason}, ${crypto.mac('audit', text)})`.execute(db)
  }
  await former('one')
  const head = JSON.stringify([0, '', 1, ''])
  await sql`update audit_head set mac = ${crypto.mac('audit-head', head)}`.execute(db)
  t.match(await sealBatch(db, crypto), { sealed: 1, fault: null })
  await former('beside the new version, during an upgrade')
  await record(database, ...some(2))
  t.match(await sealBatch(db, crypto), { sealed: 3, fault: null })
  t.match(await verifyChain(db, crypto), { ok: true, checked: 4 })

  await former('weeks later')
  await asOwner(database, sql`update audit_head set without_id_until = now() - interval '1 minute'`)
  t.match(await sealBatch(db, crypto), { sealed: 0, fault: { kind: 'forged' } }, 'this time is under the MAC')
  const {
    rows: [old]
  } = await sql<{ hash: string; until: string }>`select hash, to_char(without_id_until at time zone
    'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as until from audit_head`.execute(db)
  const signed = crypto.mac('audit-head', JSON.stringify(['kora-audit-head-2', 4, old!.hash, 1, '', old!.until]))
  await asOwner(database, sql`update audit_head set mac = ${signed}`)
  t.match(await sealBatch(db, crypto), { sealed: 0, fault: { kind: 'added', sequence: 0 } }, 'and it is over')
})

eachDatabase(t, 'S5: an alarm for a broken trail, while everything else goes on', async (t, database) => {
  const { db, crypto } = database
  const metrics = createMetrics({ defaults: false })
  const sealer = createAuditSealer({ db, crypto, log: silent, audit: createAudit(database), metrics })
  const alarms = async (): Promise<unknown> => (await metrics.registry.getSingleMetric('kora_alarm')!.get()).values
  await record(database, ...some(3))
  t.equal(await sealer.sealAll(), 3)
  t.same(metrics.alarms.raised(), [])
  await asOwner(database, sql`delete from audit_event where sequence = 3`)
  t.equal(await sealer.sealAll(), 0)
  t.equal(await sealer.sealAll(), 0)
  t.same(metrics.alarms.raised(), ['audit_broken'])
  t.match(await alarms(), [{ labels: { code: 'audit_broken' }, value: 1 }])
  const events = await db.selectFrom('auditEvent').select(['details']).where('type', '=', 'audit.broken').execute()
  t.match(events, [{ details: { kind: 'truncated', sequence: 3 } }], 'once for one cause')
  await record(database, ...some(1))
  t.equal(await sealer.sealAll(), 0)
  // mended by the owner: here by putting the head where the chain ends
  const end = (await sql<SealedRow>`select sequence, hash from audit_event where sequence = 2`.execute(db)).rows[0]!
  await asOwner(
    database,
    sql`delete from audit_checkpoint`,
    sql`update audit_head set sequence = 2, hash = ${end.hash}, without_id_until = null, mac =
      ${crypto.mac('audit-head', JSON.stringify([2, end.hash, 1, '']))}`
  )
  t.equal(await sealer.sealAll(), 2)
  t.same(metrics.alarms.raised(), [], 'the alarm ends')
  t.match(await alarms(), [{ value: 0 }])
})

eachDatabase(t, 'S5: verification goes on after a fault and names all', async (t, database) => {
  const { db, crypto } = database
  await seal(database, ...some(20))
  await asOwner(
    database,
    sql`update audit_event set reason = 'x' where sequence in (3, 9)`,
    sql`delete from audit_event where sequence in (5, 6, 12)`,
    sql`update audit_event set sequence = 1000 where sequence = 15`,
    sql`update audit_event set sequence = 15 where sequence = 17`,
    sql`update audit_event set sequence = 17 where sequence = 1000`,
    sql`delete from audit_event where sequence = 20`,
    sql`insert into audit_event (type, outcome, mac) values ('login.succeeded', 'success', 'x')`
  )
  const found = await verifyChain(db, crypto)
  t.match(found, { ok: false, checked: 16, fault: { kind: 'altered', sequence: 3 } })
  t.same(
    found.faults.map(({ kind, sequence, otherSequence }) => [kind, sequence, otherSequence ?? null]),
    [
      ['altered', 3, null],
      ['missing', 5, 6],
      ['altered', 9, null],
      ['missing', 12, 12],
      ['swapped', 15, 17],
      ['swapped', 17, 15],
      ['truncated', 20, null],
      ['altered', 0, null]
    ]
  )
})

eachDatabase(t, 'R5: every seal is signed, so a roll-back of seconds is found', async (t, database) => {
  const { db, crypto } = database
  const first = await seal(database, ...some(3))
  const second = await seal(database, { type: 'person.locked', actor: 'staff:s1', personId: 'p1' })
  t.match([first, second], [{ sequence: 3 }, { sequence: 4 }])
  t.match(await verifyChain(db, crypto, { checkpoint: second! }), { ok: true, checkpoint: 'given' })
  t.match(await verifyChain(db, crypto), { ok: true, checkpoint: 'none' })
  // the database as it was before the second seal
  await asOwner(
    database,
    sql`delete from audit_event where sequence = 4`,
    sql`delete from audit_checkpoint where sequence = 4`
  )
  const old = (
    await sql<{ until: string }>`select to_char(without_id_until at time zone 'UTC',
    'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as until from audit_head`.execute(db)
  ).rows[0]!
  const mac = crypto.mac('audit-head', JSON.stringify(['kora-audit-head-2', 3, first!.hash, 1, '', old.until]))
  await asOwner(database, sql`update audit_head set sequence = 3, hash = ${first!.hash}, mac = ${mac}`)
  t.match(await verifyChain(db, crypto), { ok: true }, 'nothing in the database shows it')
  t.match(await verifyChain(db, crypto, { checkpoint: second! }), {
    ok: false,
    fault: { kind: 'truncated', sequence: 4 }
  })
})

eachDatabase(t, 'S5: a process with a wrong clock cannot break the trail', async (t, database) => {
  const { db, crypto } = database
  for (const days of [-2, 2, 20_000]) {
    const audit = createAudit({ crypto, now: () => Date.now() + days * 86_400_000 })
    await t.rejects(audit.recordSingle(db, { type: 'login.failed' }), { name: 'AuditUnavailable' }, `${days} days`)
  }
  await createAudit({ crypto, now: () => Date.now() - 3_600_000 }).recordSingle(db, { type: 'login.failed' })
  t.match(await sealBatch(db, crypto), { sealed: 1, fault: null }, 'an hour is told elsewhere')
  t.match(await verifyChain(db, crypto), { ok: true })
})

eachDatabase(t, 'S5: during an upgrade the former version seals what this one records', async (t, database) => {
  const { db, crypto } = database
  await seal(database, ...some(2))
  await record(database, ...some(2))
  // as the former version did: neither id nor recorded time in its hash, and its own form of the head's MAC
  const { rows } = await sql<SealedRow>`select ${sql.raw(rowColumns)} from audit_event
    where sequence is null order by id`.execute(db)
  const { rows: [head] } = await sql<{ hash: string }>`select hash from audit_head`.execute(db)
  let hash = head!.hash
  for (const [index, row] of rows.entries()) {
    const { type, outcome, actor, reason, traceId } = row
    const nulls = Array<null>(8).fill(null)
    const content = JSON.stringify(['kora-audit-1', type, outcome, actor, ...nulls, traceId, reason, []])
    const previous = hash
    hash = createHash('sha256')
      .update(JSON.stringify([previous, 3 + index, row.id, row.atText, content, row.mac]))
      .digest('base64url')
    await sql`update audit_event set sequence = ${3 + index}, previous_hash = ${previous}, hash = ${hash}
      where id = ${row.id}`.execute(db)
  }
  const mac = crypto.mac('audit-head', JSON.stringify([4, hash, 1, '']))
  await sql`update audit_head set sequence = 4, hash = ${hash}, mac = ${mac},
    without_id_until = now() + interval '1 hour'`.execute(db)
  t.match(await verifyChain(db, crypto), { ok: true, checked: 4 })
  await record(database, ...some(1))
  t.match(await sealBatch(db, crypto), { sealed: 1, fault: null }, 'and this one goes on')
  t.match(await verifyChain(db, crypto), { ok: true, checked: 5 })
})

eachDatabase(t, 'S5: two processes find the same fault, and one event tells of it', async (t, database) => {
  if (database.url === null) return
  const second = await openDatabase({ databaseUrl: database.url, dataDir: '', poolSize: 3, timeouts: patient })
  t.teardown(second.close)
  const { crypto } = database
  const processes = [database.db, second.db].map((db) => {
    const metrics = createMetrics({ defaults: false })
    return { metrics, sealer: createAuditSealer({ db, crypto, log: silent, audit: createAudit({ crypto }), metrics }) }
  })
  await seal(database, ...some(5))
  await asOwner(database, sql`delete from audit_event where sequence = 5`)
  await record(database, ...some(1))
  const rounds = processes.flatMap(({ sealer }) => [1, 2, 3].map(async () => await sealer.sealAll()))
  t.same(new Set(await Promise.all(rounds)), new Set([0]))
  for (const { sealer, metrics } of processes) {
    await sealer.sealAll()
    t.same(metrics.alarms.raised(), ['audit_broken'])
  }
  const events = await database.db.selectFrom('auditEvent').select('id').where('type', '=', 'audit.broken').execute()
  t.equal(events.length, 1)
})
