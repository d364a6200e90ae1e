/** Migrations that commit step by step: beside writers, by several processes at once, after an interruption. */
import { sql, type Kysely } from 'kysely'
import t from 'tap'
import {
  addConstraint,
  createIndex,
  findUnvalidated,
  checkOneOf,
  replaceConstraint
} from '../../src/database/constraints.ts'
import { checkOldRows, migrate, pendingMigrations } from '../../src/database/migrator.ts'
import { eachDatabase } from '../support/database.ts'
import { readVocabularies } from './catalog.ts'
import { emptyDatabase } from './empty.ts'

const beforeIndexes = '0017_closed_vocabularies'

async function readIndexes (db: Kysely<any>, table: string): Promise<unknown> {
  const { rows } = await sql`select indexrelid::regclass::text as name, indisvalid as valid from pg_index
    where indrelid = ${table}::regclass order by 1`.execute(db)
  return rows
}

await eachDatabase(t, 'an index is built beside transactions that write', async (t, present) => {
  if (present.kind === 'pglite') {
    t.pass('one connection: nobody is beside it')
    return
  }
  const { db, open } = await emptyDatabase(t, present)
  await migrate(db, beforeIndexes)
  await sql`insert into client (client_id, status, metadata, policy) values ('c', 'live', '{}', '{}')`.execute(db)
  const write = async (writer: Kysely<any>, uid: string): Promise<void> => {
    await sql`insert into login_attempt (uid, browser_hash, client_id, request, expires_at)
      values (${uid}, 'b', 'c', '{}', now())`.execute(writer)
  }
  const migrator = await open()
  let migrating: Promise<string[]> | undefined
  await db.transaction().execute(async (trx) => {
    await write(trx, 'before')
    migrating = migrate(migrator.db, '0018_foreign_key_indexes')
    // it waits for this transaction now
    const watcher = await open()
    for (let building = false; !building;) {
      const { rows } = await sql`select from pg_stat_progress_create_index
        where relid = 'login_attempt'::regclass and phase like 'waiting%'`.execute(watcher.db)
      building = rows.length > 0
    }
    await write(watcher.db, 'meanwhile')
    await write(trx, 'after')
  })
  t.equal((await migrating)?.[0], '0018_foreign_key_indexes')
  t.equal((await sql`select from login_attempt`.execute(db)).rows.length, 3)
})

await eachDatabase(t, 'processes that start together run each migration once', async (t, present) => {
  const { db, open } = await emptyDatabase(t, present)
  const others = present.kind === 'pglite' ? [] : [await open(), await open()]
  const ran = await Promise.all([db, db, ...others.map((other) => other.db)].map(async (one) => await migrate(one)))
  t.strictSame(ran.flat().length, new Set(ran.flat()).size)
  t.strictSame(await pendingMigrations(db), [])
  t.strictSame(
    ran.flat().sort(),
    ran.find((names) => names.length > 0),
    'all by the first'
  )
})

await eachDatabase(t, 'an index that was left half built is built again', async (t, { db }) => {
  await sql`create table thing (id int primary key, word text)`.execute(db)
  await sql`insert into thing values (1, 'same'), (2, 'same')`.execute(db)
  await t.rejects(sql`create unique index concurrently thing_word on thing (word)`.execute(db), { code: '23505' })
  t.match(await readIndexes(db, 'thing'), [{ name: 'thing_pkey' }, { name: 'thing_word', valid: false }])
  await createIndex(db, 'thing_word', 'thing (word)')
  await createIndex(db, 'thing_word', 'thing (word)')
  t.match(await readIndexes(db, 'thing'), [{ name: 'thing_pkey' }, { name: 'thing_word', valid: true }])
})

await eachDatabase(t, 'constraints are added once, replaced, and validated', async (t, { db }) => {
  await sql`create table thing (id int primary key, word text)`.execute(db)
  await sql`insert into thing values (1, 'old')`.execute(db)
  const once = async (): Promise<void> =>
    await addConstraint(db, { table: 'thing', name: 'thing_word_check', definition: checkOneOf('word', ['new']) })
  await once()
  await once()
  await t.rejects(sql`insert into thing values (2, 'other')`.execute(db), { code: '23514' })
  t.match(await checkOldRows(db), [{ table: 'thing', name: 'thing_word_check' }])
  await replaceConstraint(db, {
    table: 'thing',
    name: 'thing_word_check',
    definition: checkOneOf('word', ['old', 'new'])
  })
  t.match(await findUnvalidated(db), [{ name: 'thing_word_check' }])
  t.strictSame(await checkOldRows(db), [])
  t.strictSame((await readVocabularies(db)).get('thing.word'), ['new', 'old'])
})

await eachDatabase(t, 'a statement that waits for an exclusive lock lets others pass', async (t, { db, kind }) => {
  if (kind === 'pglite') {
    t.pass('one connection: nobody is beside it')
    return
  }
  await sql`create table thing (id int primary key, word text)`.execute(db)
  let adding: Promise<void> | undefined
  await db.transaction().execute(async (trx) => {
    await sql`insert into thing values (1, 'new')`.execute(trx)
    adding = db
      .connection()
      .execute(
        async (other) =>
          await addConstraint(other, {
            table: 'thing',
            name: 'thing_word_check',
            definition: checkOneOf('word', ['new'])
          })
      )
    for (let waiting = false; !waiting;) {
      const { rows } = await sql`select from pg_locks where relation = 'thing'::regclass and not granted`.execute(trx)
      waiting = rows.length > 0
    }
    // behind it in the queue; it gives way long before the limit of a statement
    await sql`insert into thing values (2, 'new')`.execute(db)
  })
  await adding
  t.strictSame(await checkOldRows(db), [])
  await t.rejects(sql`insert into thing values (3, 'other')`.execute(db), { code: '23514' })
})
