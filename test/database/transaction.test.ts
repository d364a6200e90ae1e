import { sql, type Kysely } from 'kysely'
import t from 'tap'
import type { Database } from '../../src/database/schema.ts'
import { inTransaction } from '../../src/database/transaction.ts'
import { eachDatabase } from '../support/database.ts'

const write = async (db: Kysely<Database>, name: string): Promise<void> => {
  await db.insertInto('setting').values({ name, value: '1', changedBy: 'test', reason: 'test' }).execute()
}
const written = async (db: Kysely<Database>): Promise<string[]> =>
  (await db.selectFrom('setting').select('name').where('name', 'like', 'trx.%').orderBy('name').execute()).map(
    ({ name }) => name
  )

eachDatabase(t, 'what is written is committed together, parts included', async (t, { db }) => {
  const answer = await inTransaction(db, async (trx) => {
    await write(trx, 'trx.1')
    const part = await inTransaction(trx, async (inner) => {
      await write(inner, 'trx.2')
      return await inTransaction(inner, async (innermost) => {
        await write(innermost, 'trx.3')
        return 'innermost'
      })
    })
    await write(trx, 'trx.4')
    return part
  })
  t.equal(answer, 'innermost')
  t.same(await written(db), ['trx.1', 'trx.2', 'trx.3', 'trx.4'])
})

eachDatabase(t, 'a part that is rolled back leaves what was written around it', async (t, { db }) => {
  await inTransaction(db, async (trx) => {
    await write(trx, 'trx.1')
    const outcome = await inTransaction<'refused' | 'done'>(trx, async (inner, rollback) => {
      await write(inner, 'trx.2')
      throw rollback('refused')
    })
    t.equal(outcome, 'refused')
    await t.rejects(
      inTransaction(trx, async (inner) => {
        await write(inner, 'trx.3')
        await write(inner, 'trx.3')
      }),
      { code: '23505' },
      'the failure of a statement in a part, too'
    )
    await write(trx, 'trx.4')
  })
  t.same(await written(db), ['trx.1', 'trx.4'])
})

eachDatabase(t, 'a rollback undoes its own transaction and gives its outcome', async (t, { db }) => {
  const outcome = await inTransaction<{ ok: boolean; code?: string }>(db, async (trx, rollback) => {
    await write(trx, 'trx.1')
    await inTransaction(trx, async (inner) => {
      await write(inner, 'trx.2')
      throw rollback({ ok: false, code: 'stale' })
    })
    return { ok: true }
  })
  t.same(outcome, { ok: false, code: 'stale' }, 'said by a part about the whole')
  t.same(await written(db), [])
})

eachDatabase(t, 'any other error undoes everything and is thrown', async (t, { db }) => {
  await t.rejects(
    inTransaction(db, async (trx) => {
      await write(trx, 'trx.1')
      await inTransaction(trx, async (inner) => {
        await write(inner, 'trx.2')
      })
      throw new Error('an ordinary error')
    }),
    { message: 'an ordinary error' }
  )
  t.same(await written(db), [])
  await inTransaction(db, async (trx) => {
    await write(trx, 'trx.3')
  })
  t.same(await written(db), ['trx.3'], 'the database goes on')
})

eachDatabase(t, 'transactions and parts of one may run at the same time', async (t, { db }) => {
  await Promise.all(
    Array.from({ length: 12 }, async (_, at) =>
      await inTransaction<undefined>(db, async (trx, rollback) => {
        await write(trx, `trx.${String(at).padStart(2, '0')}`)
        if (at % 2 === 1) throw rollback(undefined)
      })
    )
  )
  t.same(await written(db), ['trx.00', 'trx.02', 'trx.04', 'trx.06', 'trx.08', 'trx.10'])
  await inTransaction(db, async (trx) => {
    await Promise.all(
      Array.from({ length: 6 }, async (_, at) =>
        await inTransaction<undefined>(trx, async (inner, rollback) => {
          await write(inner, `trx.part.${at}`)
          await inTransaction(inner, async (innermost) => {
            await write(innermost, `trx.part.${at}.x`)
          })
          if (at % 3 !== 0) throw rollback(undefined)
        })
      )
    )
  })
  t.same(
    (await written(db)).filter((name) => name.startsWith('trx.part')),
    ['trx.part.0', 'trx.part.0.x', 'trx.part.3', 'trx.part.3.x']
  )
})

eachDatabase(t, 'R13: a transaction that the database ended because of others runs again', async (t, { db }) => {
  for (const state of ['40P01', '40001']) {
    let runs = 0
    const name = `trx.${state}`
    const answer = await inTransaction(db, async (trx) => {
      runs += 1
      await write(trx, name)
      if (runs < 3) await sql`do $$ begin raise exception 'others' using errcode = ${sql.lit(state)}; end $$`.execute(trx)
      return runs
    })
    t.equal(answer, 3)
    t.ok((await written(db)).includes(name), 'once')
  }
  let runs = 0
  await t.rejects(
    inTransaction(db, async (trx) => {
      runs += 1
      await inTransaction(trx, async (inner) => {
        await sql`do $$ begin raise exception 'others' using errcode = '40P01'; end $$`.execute(inner)
      })
    }),
    { code: '40P01' }
  )
  t.equal(runs, 4, 'bounded, and the whole, not the part')
})
