import t from 'tap'
import { sql } from 'kysely'
import {
  startInPersonSession,
  cancelOwnCode,
  codesGiven,
  inPersonChecks,
  findInPersonSession,
  giveCode,
  lockPerson,
  sweepSupport,
  inPersonLimits
} from '../../../src/journeys/support/index.ts'
import { redeemCounterCode } from '../../../src/records/counter-codes/index.ts'
import {
  certNo,
  events,
  people,
  times,
  told,
  world,
  type World
} from '../../records/organizations/delegations/support.ts'
import { eachDatabase } from '../../support/database.ts'
import { act, counted, operator } from './support.ts'

const given = { checks: inPersonChecks, reason: 'face_fails' }

async function visit (w: World, who = operator()): Promise<string> {
  const begun = await startInPersonSession(w.services, who, people.lhamo.certNo)
  if (!begun.ok) throw new Error(begun.code)
  return begun.sessionId
}

const redeem = async ({ services, lr }: World, code: string): Promise<string | null> =>
  await services.db
    .transaction()
    .execute(async (trx) => await redeemCounterCode(trx, services, { personId: lr, code, usedFor: 'scan-ticket:x' }))

eachDatabase(
  t,
  'a visit: the whole number, masked person, every check ticked, one code; told, audited, kept nowhere',
  async (t, database) => {
    const w = await world(database)
    const id = await visit(w)
    t.match(await findInPersonSession(w.services, operator(), id), {
      name: '****姆',
      certNo: '5****************4',
      liveUntil: null
    })
    t.equal(await findInPersonSession(w.services, operator('adm_other'), id), null)
    t.match(
      await giveCode({
        deps: w.services,
        operator: operator(),
        sessionId: id,
        ...given,
        checks: inPersonChecks.slice(1)
      }),
      {
        ok: false,
        code: 'unchecked'
      }
    )
    t.match(await giveCode({ deps: w.services, operator: operator(), sessionId: id, ...given, reason: '本人要求' }), {
      ok: false,
      code: 'reason'
    })
    t.match(await giveCode({ deps: w.services, operator: operator('adm_other'), sessionId: id, ...given }), {
      ok: false,
      code: 'gone'
    })
    const code = await giveCode({ deps: w.services, operator: operator(), sessionId: id, ...given })
    if (!code.ok) throw new Error(code.code)
    t.match(code.code, /^\d{8}$/)
    t.match(
      await giveCode({ deps: w.services, operator: operator(), sessionId: id, ...given }),
      { ok: false, code: 'gone' },
      'sent again: no second code'
    )
    t.match(await events(w, 'counter-code.issued'), [
      { actor: 'admin:adm_w', personId: w.lr, reason: 'face_fails', details: { visit: id, checks: inPersonChecks } }
    ])
    t.same(await told(w, w.lr), ['security-counter-code-issued'])
    for (const table of ['auditEvent', 'counterVisit', 'counterCode', 'message'] as const) {
      t.notMatch(JSON.stringify(await database.db.selectFrom(table).selectAll().execute()), code.code)
    }
    t.match(await codesGiven(w.services, operator()), [{ id: code.codeId, name: '****姆', state: 'live' }])
    t.same(await codesGiven(w.services, operator('adm_other')), [])
    t.ok(await redeem(w, code.code))
    t.match(await codesGiven(w.services, operator()), [{ state: 'used' }])
  }
)

eachDatabase(t, 'twenty presses at once: one code', async (t, database) => {
  const w = await world(database)
  const id = await visit(w)
  const answers = await times(
    20,
    async () => await giveCode({ deps: w.services, operator: operator(), sessionId: id, ...given })
  )
  t.same(counted(answers.map((one) => (one.ok ? 'given' : one.code))), { given: 1, gone: 19 })
  t.equal((await events(w, 'counter-code.issued')).length, 1)
  t.equal((await told(w, w.lr)).length, 1)
})

eachDatabase(
  t,
  'taken back by its operator only, once; worthless then; a later visit ends the code before',
  async (t, database) => {
    const w = await world(database)
    const first = await giveCode({ deps: w.services, operator: operator(), sessionId: await visit(w), ...given })
    if (!first.ok) throw new Error(first.code)
    t.equal(await cancelOwnCode(w.services, operator('adm_other'), first.codeId), false)
    t.equal(await cancelOwnCode(w.services, operator(), first.codeId), true)
    t.equal(await cancelOwnCode(w.services, operator(), first.codeId), false)
    t.equal(await redeem(w, first.code), null)
    const second = await giveCode({ deps: w.services, operator: operator(), sessionId: await visit(w), ...given })
    const again = await visit(w)
    t.ok((await findInPersonSession(w.services, operator(), again))?.liveUntil)
    const third = await giveCode({ deps: w.services, operator: operator(), sessionId: again, ...given })
    if (!second.ok || !third.ok) throw new Error('no code')
    t.equal(await redeem(w, second.code), null)
    t.ok(await redeem(w, third.code))
  }
)

eachDatabase(t, 'not readable, unknown, locked, locked meanwhile, late: nothing is given', async (t, database) => {
  const w = await world(database)
  t.match(await startInPersonSession(w.services, operator(), '123'), { ok: false, code: 'unreadable' })
  t.match(await startInPersonSession(w.services, operator(), certNo(999)), { ok: false, code: 'unknown' })
  const late = await visit(w)
  await database.db
    .updateTable('counterVisit')
    .set({ expiresAt: sql<Date>`now() - interval '2 days'` })
    .where('id', '=', late)
    .execute()
  t.match(await giveCode({ deps: w.services, operator: operator(), sessionId: late, ...given }), {
    ok: false,
    code: 'gone'
  })
  const open = await visit(w)
  await lockPerson(w.services, act(), w.lr)
  t.match(await giveCode({ deps: w.services, operator: operator(), sessionId: open, ...given }), {
    ok: false,
    code: 'gone'
  })
  t.match(await findInPersonSession(w.services, operator(), open), { id: open }, 'rolled back as a whole')
  t.match(await startInPersonSession(w.services, operator(), people.lhamo.certNo), { ok: false, code: 'not_usable' })
  t.equal((await events(w, 'counter-code.issued')).length, 0)
  t.equal(await sweepSupport(database.db), 1)
  t.notMatch(JSON.stringify(await events(w, 'person.searched')), people.lhamo.certNo)
})

eachDatabase(t, "limits are each operator's own", async (t, database) => {
  const w = await world(database)
  const answers = await times(
    inPersonLimits.lookups.limit + 5,
    async () => await startInPersonSession(w.services, operator(), certNo(999))
  )
  t.same(counted(answers.map((one) => (one.ok ? 'found' : one.code))), {
    unknown: inPersonLimits.lookups.limit,
    too_many: 5
  })
  t.match(await startInPersonSession(w.services, operator('adm_other'), certNo(999)), { ok: false, code: 'unknown' })
})
