import t from 'tap'
import { sql } from 'kysely'
import { grantUnmasking, findUnmaskGrants, unmask, unmaskGranted } from '../../../src/journeys/support/index.ts'
import { events, people, times, world } from '../../records/organizations/delegations/support.ts'
import { eachDatabase } from '../../support/database.ts'
import { act, counted } from './support.ts'

eachDatabase(t, 'reveal: with a reason, in the trail by field, the value nowhere else', async (t, database) => {
  const w = await world(database)
  t.same(await unmask(w.services, { act: act('核对来访人'), personId: w.lr, fields: ['cert_no', 'phone'] }), {
    outcome: 'shown',
    values: { cert_no: people.lhamo.certNo, phone: '+8613800138001' }
  })
  t.same(await unmask(w.services, { act: act(), personId: 'per_nobody', fields: ['phone'] }), { outcome: 'unknown' })
  await t.rejects(unmask(w.services, { act: act(''), personId: w.lr, fields: ['phone'] }), { code: 'reason_required' })
  const trail = await events(w, 'person.revealed')
  t.match(trail, [
    { actor: 'admin:adm_1', personId: w.lr, reason: '核对来访人', details: { fields: ['cert_no', 'phone'] } }
  ])
  t.notMatch(JSON.stringify(trail), people.lhamo.certNo)
})

eachDatabase(
  t,
  'four eyes: granted to one administrator for one person, seen once, within the hour; twenty at once see it once',
  async (t, database) => {
    const w = await world(database)
    const grant = async (): Promise<string> =>
      await database.db.transaction().execute(
        async (trx) =>
          await grantUnmasking(trx, {
            personId: w.lr,
            fields: ['cert_no'],
            grantedTo: 'admin:adm_1',
            grantedBy: 'admin:adm_2'
          })
      )
    const id = await grant()
    t.match(await findUnmaskGrants(database.db, 'admin:adm_1', { personId: w.lr }), [{ id, fields: ['cert_no'] }])
    t.same(await findUnmaskGrants(database.db, 'admin:adm_2', { personId: w.lr }), [])
    t.match(await unmaskGranted(w.services, { act: act('x', 'admin:adm_2'), personId: w.lr, grantId: id }), {
      outcome: 'not_granted'
    })
    t.match(await unmaskGranted(w.services, { act: act(), personId: w.agent, grantId: id }), {
      outcome: 'not_granted'
    })
    t.same(
      counted(
        (
          await times(20, async () => await unmaskGranted(w.services, { act: act(), personId: w.lr, grantId: id }))
        ).map(({ outcome }) => outcome)
      ),
      { shown: 1, not_granted: 19 }
    )
    t.same(await findUnmaskGrants(database.db, 'admin:adm_1', { personId: w.lr }), [])
    t.match(await events(w, 'person.revealed'), [{ details: { fields: ['cert_no'], granted: id } }])
    const late = await grant()
    await database.db
      .updateTable('revealGrant')
      .set({ expiresAt: sql<Date>`now() - interval '1 second'` })
      .where('id', '=', late)
      .execute()
    t.match(await unmaskGranted(w.services, { act: act(), personId: w.lr, grantId: late }), { outcome: 'not_granted' })
  }
)
