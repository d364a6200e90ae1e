import { sql } from 'kysely'
import t from 'tap'
import { queryCounter } from '../../src/database/query-counter.ts'
import { lookup, batchStatements } from '../../src/database/together.ts'
import { eachDatabase } from '../support/database.ts'

const epochs = lookup<{ name: string; epoch: number }>(
  'test epochs together',
  'select name, epoch from cache_epoch where name = any($1::text[])',
  ({ name }) => name
)

await eachDatabase(t, 'look-ups of one turn are one statement, and each gets its own rows', async (t, { db }) => {
  await sql`insert into cache_epoch (name, epoch) select 'n' || i, i from generate_series(1, 100) i`.execute(db)
  const counter = { queries: 0 }
  await queryCounter.run(counter, async () => {
    const found = await Promise.all(Array.from({ length: 60 }, async (_, at) => await epochs(db, `n${at + 50}`)))
    t.equal(counter.queries, 1)
    t.strictSame(
      found.map((rows) => rows.map(({ epoch }) => epoch)),
      Array.from({ length: 60 }, (_, at) => (at < 51 ? [at + 50] : []))
    )

    counter.queries = 0
    const [one, same] = await Promise.all([epochs(db, 'n7'), epochs(db, 'n7'), epochs(db, 'n8')])
    t.equal(counter.queries, 1)
    t.strictSame(one, same)
    t.not(one?.[0], same?.[0], 'a caller may change what it was given')

    counter.queries = 0
    t.strictSame(await epochs(db, "n1' or true --"), [])
    t.equal(counter.queries, 1)

    counter.queries = 0
    t.equal(
      (await Promise.all(Array.from({ length: 100 }, async (_, at) => await epochs(db, `n${at + 1}`)))).flat().length,
      100
    )
    t.equal(counter.queries, 2, 'not without end')
  })
})

await eachDatabase(t, 'a transaction reads what it wrote, and nobody else does', async (t, { db }) => {
  await db.transaction().execute(async (trx) => {
    await sql`insert into cache_epoch (name, epoch) values ('mine', 1)`.execute(trx)
    t.equal((await epochs(trx, 'mine')).length, 1)
  })
  t.equal((await epochs(db, 'mine')).length, 1, 'a later turn sees a later state')
})

await t.test('a batch that fails or decides nothing leaves each item to itself', async (t) => {
  const db = { isTransaction: false } as never
  const done: string[] = []
  const alone = async (_db: unknown, item: string): Promise<string> => {
    done.push(item)
    if (item === 'bad') throw new Error('bad by itself')
    return `${item} alone`
  }
  const failing = batchStatements<string, string>(
    {
      keyOf: (item) => item,
      batch: async () => {
        throw new Error('one of them is bad')
      },
      single: alone
    }
  )
  t.strictSame(await Promise.allSettled([failing(db, 'a'), failing(db, 'bad'), failing(db, 'b')]), [
    { status: 'fulfilled', value: 'a alone' },
    { status: 'rejected', reason: new Error('bad by itself') },
    { status: 'fulfilled', value: 'b alone' }
  ])
  const absent = Object.assign(new Error('connection terminated'), { code: 'ECONNRESET' })
  const unreachable = batchStatements<string, string>(
    {
      keyOf: (item) => item,
      batch: async () => {
        throw absent
      },
      single: alone
    }
  )
  done.length = 0
  t.strictSame(
    (await Promise.allSettled([unreachable(db, 'a'), unreachable(db, 'b')])).map(({ status }) => status),
    ['rejected', 'rejected']
  )
  t.strictSame(done, [], 'an absent database is not asked again by everybody')

  let batches = 0
  const half = batchStatements<string, string>(
    {
      keyOf: (item) => item.slice(0, 1),
      batch: async (_db, items) => {
        batches++
        return items.map((item) => (item === 'a1' ? 'a1 together' : undefined))
      },
      single: alone
    }
  )
  t.strictSame(
    await Promise.all([half(db, 'a1'), half(db, 'a2'), half(db, 'c1')]),
    ['a1 together', 'a2 alone', 'c1 alone'],
    'two of one key are never in one batch'
  )
  t.equal(batches, 1)
})
