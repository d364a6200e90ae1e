// 窗口核验码: eight digits, one person, five tries wherever made, one use.
import t from 'tap'
import { sql } from 'kysely'
import { write } from '../../../src/database/transaction.ts'
import { issueCounterCode, redeemCounterCode, revokeCounterCode } from '../../../src/records/counter-codes/index.ts'
import { eachDatabase } from '../../support/database.ts'
import { events, pema, person, sandboxOf, times, world, type World } from '../scan-tickets/support.ts'

const sandbox = await sandboxOf(t)
const staff = { issuedBy: 'staff:1', reason: 'no_camera' } as const

async function issued (w: World, personId = w.personId) {
  const code = await write(w.services, issueCounterCode, { personId, ...staff })
  if (code === null) throw new Error('not issued')
  return code
}
const redeem = async (w: World, code: string, personId = w.personId) =>
  await w.services.db
    .transaction()
    .execute(async (trx) => await redeemCounterCode(trx, w.services, { personId, code, usedFor: 'scan-ticket:st_1' }))
const wrong = (code: string, by = 1): string => String((Number(code) + by) % 100_000_000).padStart(8, '0')

await eachDatabase(t, 'counter codes', async (t, database) => {
  const w = await world(database, sandbox)

  await t.test('shown once, kept as a keyed hash', async (t) => {
    const { code, codeId, expiresAt } = await issued(w)
    t.match(code, /^\d{8}$/)
    t.ok(Math.abs(expiresAt.getTime() - Date.now() - 86_400_000) < 60_000, 'a day')
    const row = await w.services.db
      .selectFrom('counterCode')
      .selectAll()
      .where('id', '=', codeId)
      .executeTakeFirstOrThrow()
    t.match(row, { issuedBy: 'staff:1', reason: 'no_camera', tries: 0, usedAt: null })
    t.notMatch(JSON.stringify(row), code)
    const event = await w.services.db
      .selectFrom('auditEvent')
      .selectAll()
      .where('type', '=', 'counter-code.issued')
      .orderBy('id')
      .executeTakeFirstOrThrow()
    t.match(event, { actor: 'staff:1', personId: w.personId })
    t.notMatch(JSON.stringify(event.details), code)
    t.equal(await write(w.services, issueCounterCode, { personId: 'per_nobody', ...staff }), null)
  })

  await t.test('used once, also by twenty at once', async (t) => {
    const { code, codeId } = await issued(w)
    const results = await times(20, async () => await redeem(w, code))
    t.same(
      results.filter((result) => result !== null),
      [codeId]
    )
    t.equal(await events(w, 'counter-code.used'), 1)
  })

  await t.test('as typed', async (t) => {
    const { code, codeId } = await issued(w)
    t.equal(await redeem(w, code.slice(0, 7)), null, 'a slip is no try')
    t.equal(
      (
        await w.services.db
          .selectFrom('counterCode')
          .select('tries')
          .where('id', '=', codeId)
          .executeTakeFirstOrThrow()
      ).tries,
      0
    )
    t.equal(await redeem(w, ` ${code.slice(0, 4)}-${code.slice(4)} `), codeId)
  })

  await t.test('five tries, also at once', async (t) => {
    const { code } = await issued(w)
    await times(20, async (at) => await redeem(w, wrong(code, at + 1)))
    t.equal(await redeem(w, code), null, 'the right one comes too late')
    const second = await issued(w)
    for (let i = 1; i <= 4; i++) await redeem(w, wrong(second.code, i))
    t.equal(await redeem(w, second.code), second.codeId, 'the fifth may be right')
  })

  await t.test('nothing for another person', async (t) => {
    const other = await person(w.services, pema)
    const { code } = await issued(w)
    t.equal(await redeem(w, code, other.id), null)
  })

  await t.test('ends: a day, a new one, staff', async (t) => {
    const late = await issued(w)
    await sql`update counter_code set expires_at = now() - interval '1 second' where id = ${late.codeId}`.execute(
      w.services.db
    )
    t.equal(await redeem(w, late.code), null)
    const all = await times(5, async () => await issued(w))
    const results: Array<string | null> = []
    for (const { code } of all) results.push(await redeem(w, code))
    t.ok(results.filter((result) => result !== null).length <= 1, 'one live code for each person')
    const taken = await issued(w)
    t.equal(
      await write(w.services, revokeCounterCode, { codeId: taken.codeId, personId: 'per_other', actor: 'staff:2' }),
      false,
      'from the page of somebody else'
    )
    t.equal(
      await write(w.services, revokeCounterCode, { codeId: taken.codeId, personId: w.personId, actor: 'staff:2' }),
      true
    )
    t.equal(await write(w.services, revokeCounterCode, { codeId: taken.codeId, actor: 'staff:2' }), false)
    t.equal(await redeem(w, taken.code), null)
  })
})
