import t from 'tap'
import { sql, type RawBuilder, type Transaction } from 'kysely'
import {
  archiveAudit,
  createAudit,
  sealBatch,
  verifyChain,
  type Checkpoint
} from '../../../src/records/audit/index.ts'
import { chainHash, rowColumns, type SealedRow } from '../../../src/records/audit/canonical.ts'
import type { Database } from '../../../src/database/schema.ts'
import { eachDatabase, type TestDatabase } from '../../support/database.ts'

async function chain ({ db, crypto }: TestDatabase, length = 8, daysAgo = 0): Promise<Checkpoint> {
  const audit = createAudit({ crypto, now: () => Date.now() - daysAgo * 86_400_000 })
  await db.transaction().execute(async (trx) => {
    for (let i = 1; i <= length; i++) {
      await audit.record(trx, { type: 'login.failed', reason: `r${i}`, details: { i } })
    }
  })
  return (await sealBatch(db, crypto)).checkpoint!
}

/** As the owner of the tables may. */
async function asOwner ({ db }: TestDatabase, ...statements: Array<RawBuilder<unknown>>): Promise<void> {
  for (const table of ['audit_event', 'audit_checkpoint', 'audit_head']) {
    await sql`alter table ${sql.table(table)}
    disable trigger all`.execute(db)
  }
  for (const statement of statements) await statement.execute(db)
}

/** Everything from this sequence on chained anew, as somebody would who knows the code but not the key. */
async function rechain ({ db }: TestDatabase, from: number): Promise<void> {
  const { rows } = await sql<SealedRow>`select ${sql.raw(rowColumns)}, sequence, previous_hash, hash from audit_event
      where sequence >= ${from - 1} order by sequence`.execute(db)
  let previous = rows[0]!.sequence === from ? '' : rows.shift()!.hash
  for (const [index, row] of rows.entries()) {
    const hash = chainHash(previous, from + index, row)
    await sql`update audit_event set sequence = ${from + index}, previous_hash = ${previous}, hash = ${hash}
      where id = ${row.id}`.execute(db)
    previous = hash
  }
}

const deeds: Record<string, { deed: (database: TestDatabase) => Promise<void>; fault: object }> = {
  'a reason altered': {
    deed: async (d) => {
      await asOwner(d, sql`update audit_event set reason = 'nothing' where sequence = 4`)
    },
    fault: { kind: 'altered', sequence: 4 }
  },
  'a detail altered': {
    deed: async (d) => {
      await asOwner(d, sql`update audit_event set details = '{"i": 44}' where sequence = 4`)
    },
    fault: { kind: 'altered', sequence: 4 }
  },
  'a time altered by a microsecond': {
    deed: async (d) => {
      await asOwner(d, sql`update audit_event set at = at - interval '1 microsecond' where sequence = 6`)
    },
    fault: { kind: 'altered', sequence: 6 }
  },
  'content altered and everything chained anew': {
    deed: async (d) => {
      await asOwner(d, sql`update audit_event set person_id = 'somebody' where sequence = 3`)
      await rechain(d, 3)
    },
    fault: { kind: 'altered', sequence: 3 }
  },
  'one dropped': {
    deed: async (d) => {
      await asOwner(d, sql`delete from audit_event where sequence = 5`)
    },
    fault: { kind: 'missing', sequence: 5 }
  },
  'the first dropped': {
    deed: async (d) => {
      await asOwner(d, sql`delete from audit_event where sequence = 1`)
    },
    fault: { kind: 'missing', sequence: 1 }
  },
  'one dropped and the numbers closed up': {
    deed: async (d) => {
      await asOwner(
        d,
        sql`delete from audit_event where sequence = 5`,
        ...[6, 7, 8].map((n) => sql`update audit_event set sequence = ${n - 1} where sequence = ${n}`)
      )
    },
    fault: { kind: 'missing', sequence: 5 }
  },
  'two numbers swapped': {
    deed: async (d) => {
      await asOwner(
        d,
        sql`update audit_event set sequence = 1000 where sequence = 3`,
        sql`update audit_event set sequence = 3 where sequence = 6`,
        sql`update audit_event set sequence = 6 where sequence = 1000`
      )
    },
    fault: { kind: 'swapped', sequence: 3, otherSequence: 6 }
  },
  'two neighbours swapped': {
    deed: async (d) => {
      await asOwner(
        d,
        sql`update audit_event set sequence = 1000 where sequence = 3`,
        sql`update audit_event set sequence = 3 where sequence = 4`,
        sql`update audit_event set sequence = 4 where sequence = 1000`
      )
    },
    fault: { kind: 'swapped', sequence: 3, otherSequence: 4 }
  },
  'contents of two swapped with their MACs': {
    deed: async (d) => {
      await asOwner(
        d,
        sql`update audit_event a set reason = b.reason, details = b.details, mac = b.mac from audit_event b
        where (a.sequence = 2 and b.sequence = 7) or (a.sequence = 7 and b.sequence = 2)`
      )
    },
    fault: { kind: 'swapped', sequence: 2, otherSequence: 7 }
  },
  'contents of two swapped without their MACs': {
    deed: async (d) => {
      await asOwner(
        d,
        sql`update audit_event a set reason = b.reason, details = b.details from audit_event b
        where (a.sequence = 2 and b.sequence = 7) or (a.sequence = 7 and b.sequence = 2)`
      )
    },
    fault: { kind: 'swapped', sequence: 2, otherSequence: 7 }
  },
  'two swapped and everything chained anew': {
    deed: async (d) => {
      await asOwner(
        d,
        sql`update audit_event set sequence = 1000 where sequence = 3`,
        sql`update audit_event set sequence = 3 where sequence = 6`,
        sql`update audit_event set sequence = 6 where sequence = 1000`
      )
      await rechain(d, 3)
    },
    fault: { kind: 'rewritten', sequence: 8 }
  },
  'the tail cut off': {
    deed: async (d) => {
      await asOwner(d, sql`delete from audit_event where sequence > 6`)
    },
    fault: { kind: 'truncated', sequence: 7 }
  },
  'everything gone': {
    deed: async (d) => {
      await asOwner(d, sql`truncate audit_event`)
    },
    fault: { kind: 'truncated', sequence: 1 }
  },
  'the tail cut off and the head set back': {
    deed: async (d) => {
      await asOwner(
        d,
        sql`delete from audit_event where sequence > 6`,
        sql`update audit_head set sequence = 6, hash = (select hash from audit_event where sequence = 6)`
      )
    },
    fault: { kind: 'forged', sequence: 6 }
  },
  'everything gone, head as on the first day': {
    deed: async (d) => {
      await asOwner(d, sql`truncate audit_event`, sql`truncate audit_head`, sql`insert into audit_head default values`)
    },
    fault: { kind: 'truncated', sequence: 1 }
  },
  'a waiting event altered': {
    deed: async (d) => {
      await createAudit(d).record(d.db as Transaction<Database>, { type: 'login.failed' })
      await asOwner(d, sql`update audit_event set address = '192.0.2.1' where sequence is null`)
    },
    fault: { kind: 'altered', sequence: 0 }
  },
  'a checkpoint of somebody else': {
    deed: async (d) => {
      await asOwner(d, sql`update audit_checkpoint set mac = hash`)
    },
    fault: { kind: 'forged', sequence: 8 }
  }
}

eachDatabase(t, 'every deed is found, with its place', async (t, database) => {
  await chain(database)
  const undone = new Error('undo')
  for (const [name, { deed, fault }] of Object.entries(deeds)) {
    await database.db
      .transaction()
      .execute(async (trx) => {
        const own = { ...database, db: trx }
        t.match(await verifyChain(trx, own.crypto), { ok: true, checked: 8 })
        await deed(own)
        t.match(await verifyChain(trx, own.crypto), { ok: false, fault }, name)
        throw undone
      })
      .catch((error: unknown) => {
        if (error !== undone) throw error
      })
  }
})

eachDatabase(t, 'found: an event put in that the application did not write', async (t, database) => {
  await chain(database)
  await sql`insert into audit_event (type, outcome, mac) values ('login.succeeded', 'success', 'x')`.execute(
    database.db
  )
  t.match(await verifyChain(database.db, database.crypto), {
    ok: false,
    fault: { kind: 'altered', sequence: 0, id: 9 }
  })
  await sealBatch(database.db, database.crypto)
  t.match(await verifyChain(database.db, database.crypto), {
    ok: false,
    fault: { kind: 'altered', sequence: 0, id: 9 }
  }, 'it is not sealed')
})

eachDatabase(
  t,
  'found with a checkpoint kept elsewhere: history rewritten with all that is stored',
  async (t, database) => {
    const kept = await chain(database, 5)
    t.match(await verifyChain(database.db, database.crypto, { checkpoint: kept }), { ok: true })
    // the state of an earlier day restored, signatures and all
    await asOwner(
      database,
      sql`truncate audit_event`,
      sql`truncate audit_checkpoint`,
      sql`truncate audit_head`,
      sql`insert into audit_head default values`
    )
    t.match(
      await verifyChain(database.db, database.crypto),
      { ok: true, checked: 0 },
      'nothing in the database shows it'
    )
    t.match(await verifyChain(database.db, database.crypto, { checkpoint: kept }), {
      ok: false,
      fault: { kind: 'truncated', sequence: 1 }
    })
    await chain(database, 6)
    t.match(await verifyChain(database.db, database.crypto, { checkpoint: kept }), {
      ok: false,
      fault: { kind: 'rewritten', sequence: 5 }
    })
    t.match(await verifyChain(database.db, database.crypto, { checkpoint: { ...kept, sequence: 4 } }), {
      ok: false,
      fault: { kind: 'forged', sequence: 4 }
    })
  }
)

eachDatabase(t, 'the application cannot change or remove events', async (t, database) => {
  const { db } = database
  await chain(database)
  const refused = async (statement: RawBuilder<unknown>, what: string): Promise<void> => {
    await t.rejects(statement.execute(db), { code: 'KA001' }, what)
  }
  await refused(sql`update audit_event set reason = 'x' where sequence = 2`, 'change')
  await refused(sql`update audit_event set sequence = 99 where sequence = 2`, 'renumber')
  await refused(
    sql`update audit_event set sequence = null, previous_hash = null, hash = null where sequence = 2`,
    'unseal'
  )
  await refused(sql`delete from audit_event where sequence = 2`, 'delete')
  await refused(sql`truncate audit_event`, 'truncate')
  await refused(sql`update audit_checkpoint set hash = 'x'`, 'change a checkpoint')
  await refused(sql`delete from audit_checkpoint`, 'delete a checkpoint')
  await refused(sql`delete from audit_head`, 'delete the head')
  await sql`set session_replication_role = replica`.execute(db)
  await refused(sql`delete from audit_event where sequence = 2`, 'delete as a replica')
  await sql`set session_replication_role = origin`.execute(db)
  await db.transaction().execute(async (trx) => {
    await createAudit(database).record(trx, { type: 'login.failed' })
    await t.rejects(
      sql`savepoint s`.execute(trx).then(
        async () =>
          await sql`update audit_event set sequence = 9, previous_hash = 'x', hash = 'y', reason = 'z'
              where sequence is null`.execute(trx)
      ),
      { code: 'KA001' },
      'change while sealing'
    )
    await sql`rollback to s`.execute(trx)
  })
  await sql`insert into audit_event (type, outcome, mac, at, sequence)
    values ('x', 'success', 'x', '2001-01-01', 77)`.execute(db)
  const [row] = await db
    .selectFrom('auditEvent')
    .select(['at', 'sequence'])
    .where('type', '=', 'x')
    .orderBy('id')
    .execute()
  t.equal(row?.sequence, null)
  t.ok(row!.at.getFullYear() > 2020, 'nobody writes into the past')
})

eachDatabase(t, 'old events go to the archive, and both parts stay one chain', async (t, database) => {
  const { db, crypto } = database
  const services = { db, crypto, audit: createAudit({ crypto }) }
  // events of long ago
  await sql`alter table audit_event disable trigger audit_event_stamp`.execute(db)
  await sql`alter table audit_event alter column at set default now() - interval '200 days'`.execute(db)
  await chain(database, 5, 200)
  await sql`alter table audit_event alter column at set default now()`.execute(db)
  await sql`alter table audit_event enable trigger audit_event_stamp`.execute(db)
  await chain(database, 3)

  const archive: SealedRow[] = []
  const write = async (lines: string[]): Promise<void> => {
    archive.push(...lines.map((line) => JSON.parse(line) as SealedRow))
  }
  await t.rejects(archiveAudit(services, { olderThanDays: 179, write }), RangeError)
  await t.rejects(
    archiveAudit(services, {
      olderThanDays: 180,
      write: async () => {
        throw new Error('disk full')
      }
    })
  )
  t.match(await verifyChain(db, crypto), { ok: true, from: 1, to: 8 }, 'nothing was deleted')

  t.same(await archiveAudit(services, { olderThanDays: 180, limit: 4, write }), { rows: 4, from: 1, to: 4 })
  t.same(await archiveAudit(services, { olderThanDays: 180, limit: 4, write }), { rows: 1, from: 5, to: 5 })
  t.same(await archiveAudit(services, { olderThanDays: 180, write }), { rows: 0, from: 6, to: 5 })
  await sealBatch(db, crypto)
  t.match(await verifyChain(db, crypto), { ok: true, from: 6, to: 10, checked: 5 })
  t.same(
    archive.map((row) => row.sequence),
    [1, 2, 3, 4, 5]
  )
  let previous = ''
  for (const row of archive) previous = chainHash(previous, row.sequence, row)
  const [next] = await db
    .selectFrom('auditEvent')
    .select('previousHash')
    .where('sequence', '=', 6)
    .orderBy('id')
    .execute()
  t.equal(next?.previousHash, previous)
  await asOwner(database, sql`delete from audit_event where sequence = 6`)
  t.match(await verifyChain(db, crypto), { ok: false, fault: { kind: 'missing', sequence: 6 } })
})
