import { sql } from 'kysely'
import t from 'tap'
import {
  assertMasterKeyFits,
  createFieldCrypto,
  FieldCryptoError,
  isDatabaseUnavailable,
  isUniqueViolation,
  MasterKeyMismatch,
  migrate,
  pendingMigrations,
  queryCounter,
  statement
} from '../../src/database/index.ts'
import { eachDatabase } from '../support/database.ts'

const browser = { personId: 'p1', browserHash: 'b1', label: '' }
const person = {
  id: 'p1',
  sub: 's1',
  status: 'active',
  nameEnc: 'x',
  certType: 'resident_id',
  certNoEnc: 'x',
  certNoIndex: 'i1'
} as const

await eachDatabase(t, 'values have the same JavaScript types', async (t, { db }) => {
  const {
    rows: [row]
  } = await sql<Record<string, unknown>>`select
    7::int8 as big, (select count(*) from cache_epoch) as how_many, 2::int4 as int, 1.5::float8 as float,
      1.50::numeric as exact,
    true as yes, null::text as nothing, '雪山' as words,
    '2026-01-02 03:04:05.678+08'::timestamptz as at, '2026-01-02 03:04:05'::timestamp as local_at,
      '2026-01-02'::date as day,
    '{"first_name": {"in_side": [1, null]}}'::jsonb as some_json, '[1, "b"]'::json as list,
    '\\x00ff'::bytea as bytes, array['a', 'b'] as letters, array[1, 2]::int8[] as bigs,
    array['2026-01-02 00:00:00+00']::timestamptz[] as times, interval '1 day' as span`.execute(db)
  t.strictSame(row, {
    big: 7,
    howMany: 2,
    int: 2,
    float: 1.5,
    exact: '1.50',
    yes: true,
    nothing: null,
    words: '雪山',
    at: new Date('2026-01-01T19:04:05.678Z'),
    localAt: new Date('2026-01-02T03:04:05Z'),
    day: '2026-01-02',
    someJson: { first_name: { in_side: [1, null] } },
    list: [1, 'b'],
    bytes: Buffer.from([0, 255]),
    letters: ['a', 'b'],
    bigs: [1, 2],
    times: [new Date('2026-01-02T00:00:00Z')],
    span: '1 day'
  })
  const {
    rows: [early]
  } = await sql<{ at: Date }>`select '1900-01-01 00:00:00+00'::timestamptz as at`.execute(db)
  t.strictSame(early?.at, new Date('1900-01-01T00:00:00Z'))
  await t.rejects(sql`select 9007199254740993::int8`.execute(db), { name: 'RangeError' }, 'never a rounded identifier')
})

await eachDatabase(t, 'parameters arrive as they were given', async (t, { db }) => {
  const at = new Date('2026-05-06T07:08:09.123Z')
  const {
    rows: [row]
  } = await sql<Record<string, unknown>>`select ${at}::timestamptz as at, ${7}::int8 as n, ${'7'}::int8 as m,
    ${JSON.stringify({ a_b: [1] })}::jsonb as j, ${{ a_b: 1 }}::jsonb as o, ${null}::text as nothing,
      ${Buffer.from([1, 2])}::bytea as b,
    2 = any(${[1, 2]}::int8[]) as found, ${'\\ \' "雪'}::text as words`.execute(db)
  t.strictSame(row, {
    at,
    n: 7,
    m: 7,
    j: { a_b: [1] },
    o: { a_b: 1 },
    nothing: null,
    b: Buffer.from([1, 2]),
    found: true,
    words: '\\ \' "雪'
  })
  await t.rejects(sql`select ${[1]}::jsonb`.execute(db), 'an array for jsonb must be JSON text')
  const {
    rows: [zone]
  } = await sql<{ zone: string }>`select current_setting('timezone') as zone`.execute(db)
  t.equal(zone?.zone, 'UTC')
})

await eachDatabase(t, 'a transaction is all or nothing', async (t, { db }) => {
  const count = async (): Promise<number> =>
    (
      await db
        .selectFrom('person')
        .select((e) => e.fn.countAll<number>().as('n'))
        .executeTakeFirstOrThrow()
    ).n
  await t.rejects(
    db.transaction().execute(async (trx) => {
      await trx.insertInto('person').values(person).execute()
      throw new Error('changed my mind')
    }),
    { message: 'changed my mind' }
  )
  t.equal(await count(), 0)
  await t.rejects(
    db.transaction().execute(async (trx) => {
      await trx.insertInto('person').values(person).execute()
      await trx
        .insertInto('person')
        .values({ ...person, id: 'p2' })
        .execute()
    }),
    { code: '23505' }
  )
  t.equal(await count(), 0, 'a failed statement takes the whole transaction with it')
  await db.transaction().execute(async (trx) => trx.insertInto('person').values(person).execute())
  t.equal(await count(), 1)
})

await eachDatabase(t, 'one conditional statement has one winner', async (t, { db }) => {
  await db.insertInto('person').values(person).execute()
  await db.insertInto('knownBrowser').values(browser).execute()
  const revoke = statement<[string], { browserHash: string }>(
    'test.revoke-browser',
    'update known_browser set revoked_at = now() where browser_hash = $1 and revoked_at is null returning browser_hash'
  )
  const outcomes = await Promise.all(Array.from({ length: 8 }, () => revoke(db, 'b1')))
  t.strictSame(outcomes.flat(), [{ browserHash: 'b1' }])
})

await eachDatabase(t, 'statements run by name', async (t, { db, kind }) => {
  const byName = statement<[string, number], { epoch: number; someName: string; payload: object }>(
    'test.epoch-by-name',
    "select epoch, name as some_name, jsonb_build_object('a_b', $2::int8) as payload from cache_epoch where name = $1"
  )
  const expected = [{ epoch: 1, someName: 'clients', payload: { a_b: 3 } }]
  await db.connection().execute(async (connection) => {
    t.strictSame(await byName(connection, 'clients', 3), expected)
    t.strictSame(await byName(connection, 'clients', 3), expected, 'again')
    t.strictSame(await byName(connection, 'nobody', 3), [])
    const { rows } = await sql<{ name: string }>`select name from pg_prepared_statements where name <> ''`.execute(
      connection
    )
    t.strictSame(rows, kind === 'postgres' ? [{ name: 'test.epoch-by-name' }] : [])
  })
  await db.transaction().execute(async (trx) => {
    await trx.updateTable('cacheEpoch').set({ epoch: 9 }).where('name', '=', 'clients').execute()
    t.equal((await byName(trx, 'clients', 0))[0]?.epoch, 9, 'inside the transaction it sees its writes')
  })
  // a migration during a rolling upgrade
  await sql`alter table cache_epoch add column later text`.execute(db)
  t.equal((await byName(db, 'clients', 0))[0]?.epoch, 9, 'survives an added column')
  await t.rejects(byName(db, 'clients', 'no number' as unknown as number))
  t.equal((await byName(db, 'clients', 0))[0]?.epoch, 9, 'and a failure')
})

await eachDatabase(t, 'unique violations are told apart and carry no values', async (t, { db }) => {
  await db
    .insertInto('person')
    .values({ ...person, certNoIndex: 'secret-index' })
    .execute()
  const again = await db
    .insertInto('person')
    .values({ ...person, id: 'p2', sub: 's2', certNoIndex: 'secret-index' })
    .execute()
    .catch((error: unknown) => error)
  t.ok(isUniqueViolation(again))
  t.ok(isUniqueViolation(again, 'person_cert_no'))
  t.notOk(isUniqueViolation(again, 'person_phone'))
  const nobody = await db
    .insertInto('knownBrowser')
    .values({ ...browser, personId: 'secret-person' })
    .execute()
    .catch((error: unknown) => error)
  t.notOk(isUniqueViolation(nobody), 'a foreign key is something else')
  const malformed = await sql`select ${'secret-number'}::text::int4`.execute(db).catch((error: unknown) => error)
  for (const error of [again, nobody, malformed]) {
    t.type(error, Error)
    t.notOk(isDatabaseUnavailable(error))
    const everything = JSON.stringify({
      ...(error as Error),
      message: (error as Error).message,
      stack: (error as Error).stack
    })
    t.notMatch(everything, /secret-/)
  }
})

await eachDatabase(t, 'queries are counted where they are asked for', async (t, { db }) => {
  const one = statement<[], { one: number }>('test.one', 'select 1 as one')
  const counter = { queries: 0 }
  await queryCounter.run(counter, async () => {
    await db.selectFrom('cacheEpoch').selectAll().execute()
    await one(db)
    await db.transaction().execute(async (trx) => {
      await one(trx)
      await trx.selectFrom('cacheEpoch').selectAll().execute()
    })
  })
  t.equal(counter.queries, 4, 'transaction control does not count')
  await one(db)
  t.equal(counter.queries, 4, 'nor what runs elsewhere')
})

await eachDatabase(t, 'migrations run once and forward', async (t, { db }) => {
  t.strictSame(await pendingMigrations(db), [])
  t.strictSame(await migrate(db), [])
  await sql`insert into kysely_migration (name, timestamp) values ('9999_from_the_next_version', '2030-01-01')`.execute(
    db
  )
  t.strictSame(await migrate(db), [], 'the former version still starts on a newer database')
  await sql`delete from kysely_migration where name in (select max(name) from kysely_migration
    where name < '9')`.execute(db)
  t.equal((await pendingMigrations(db)).length, 1)
  await t.rejects(migrate(db), 'a database that lost its place is not repaired by guessing')
})

await eachDatabase(t, 'the master key must fit the data', async (t, { db, crypto }) => {
  await assertMasterKeyFits(db, crypto)
  await assertMasterKeyFits(db, crypto)
  const masterKey = Buffer.alloc(32, 'test')
  const others = {
    'another key': createFieldCrypto({ masterKey: Buffer.alloc(32, 'other'), keyId: 'test', cipher: 'aes-256-gcm' }),
    'another id': createFieldCrypto({ masterKey, keyId: 'k2', cipher: 'aes-256-gcm' }),
    'another cipher': createFieldCrypto({ masterKey, keyId: 'test', cipher: 'sm4-gcm' }),
    'a new key that knows another former one': createFieldCrypto({
      masterKey: Buffer.alloc(32, 'other'),
      keyId: 'k2',
      cipher: 'aes-256-gcm',
      previousKeys: { test: Buffer.alloc(32, 'third') }
    })
  }
  for (const [name, other] of Object.entries(others)) {
    await t.rejects(assertMasterKeyFits(db, other), MasterKeyMismatch, name)
  }
  // S18: it finds and reads everything (test/records/keys/reencrypt.test.ts)
  const knowing = { masterKey: Buffer.alloc(32, 'other'), keyId: 'k2', previousKeys: { test: masterKey } }
  await assertMasterKeyFits(db, createFieldCrypto({ ...knowing, cipher: 'aes-256-gcm' }))
})

await eachDatabase(t, 'a ciphertext is bound to its row and column', async (t, { db, crypto }) => {
  const encrypted = (id: string): string => crypto.encrypt('person', 'name_enc', id, '次仁')
  await db
    .insertInto('person')
    .values([
      { ...person, nameEnc: encrypted('p1') },
      { ...person, id: 'p2', sub: 's2', certNoIndex: 'i2', nameEnc: encrypted('p2') }
    ])
    .execute()
  await sql`update person set name_enc = (select name_enc from person where id = 'p1') where id = 'p2'`.execute(db)
  const read = async (id: string): Promise<string> => {
    const { nameEnc } = await db.selectFrom('person').select('nameEnc').where('id', '=', id).executeTakeFirstOrThrow()
    return crypto.decrypt('person', 'name_enc', id, nameEnc)
  }
  t.equal(await read('p1'), '次仁')
  await t.rejects(read('p2'), FieldCryptoError)
})
