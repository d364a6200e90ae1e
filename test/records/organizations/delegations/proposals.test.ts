import t from 'tap'
import { eachDatabase } from '../../../support/database.ts'
import { approve, active, actor, approver, draft, newPerson, submitted, tax, world } from './support.ts'

eachDatabase(t, 'functions, sites and days that cannot be', async (t, database) => {
  const w = await world(database, { maximumDays: 366, maximumAgents: 5 })
  const propose = async (extra: Parameters<typeof draft>[1]) => {
    const result = await w.delegations.propose(draft(w, extra), 'legal_representative', actor(w.lr))
    return result.ok ? 'ok' : result.code === 'validity' ? result.fault : result.code
  }
  for (const clientIds of [['nobody'], ['persons-only'], ['no-agents'], ['gone'], [tax, 'nobody'], []]) {
    t.equal(await propose({ clientIds, functions: null }), 'unknown_client', clientIds.join())
  }
  for (const functions of [['tax.none'], ['land.transfer'], ['person.thing'], []]) {
    t.equal(await propose({ functions }), 'unknown_function', functions.join())
  }
  t.equal(
    await propose({ functions: ['person.thing'], clientIds: null }),
    'unknown_function',
    'of a site that takes no agents'
  )
  t.equal(await propose({ validFrom: '2026-02-30' }), 'date')
  t.equal(await propose({ validTo: 'soon' }), 'date')
  t.equal(await propose({ validTo: w.day(-1), validFrom: w.day(-2) }), 'past')
  t.equal(await propose({ validFrom: w.day(-1) }), 'past', 'no power for days gone by')
  t.equal(await propose({ validFrom: w.day(2), validTo: w.day(1) }), 'order')
  t.equal(await propose({ validTo: w.day(366) }), 'too_long')
  await t.rejects(w.delegations.propose(draft(w, { agentId: 'per_none' }), 'legal_representative', actor(w.lr)), {
    code: 'unknown_person'
  })
  await t.rejects(
    w.delegations.propose(draft(w, { organizationId: 'org_none' }), 'legal_representative', actor(w.lr)),
    { code: 'organization_not_active' }
  )
  t.same(await w.services.db.selectFrom('delegation').select('id').execute(), [], 'nothing was stored')

  t.equal(
    await propose({ validTo: w.day(365), functions: ['tax.refund', 'tax.filing', 'tax.filing'], clientIds: null }),
    'ok'
  )
  const [view] = await w.delegations.listOfOrganization(w.organizationId)
  t.match(view, {
    functions: ['tax.filing', 'tax.refund'],
    clientIds: null,
    agent: { maskedName: '****西', maskedPhone: '13*******02' },
    state: 'submitted'
  })
})

eachDatabase(t, 'a new version may keep the first day of the one it replaces', async (t, database) => {
  const w = await world(database)
  const { id } = await active(w)
  await w.services.db
    .updateTable('delegation')
    .set({ validFrom: w.day(-30) })
    .where('id', '=', id)
    .execute()
  t.match(await w.delegations.propose(draft(w, { validFrom: w.day(-31) }), 'legal_representative', actor(w.lr)), {
    code: 'validity',
    fault: 'past'
  })
  t.match(await w.delegations.propose(draft(w, { validFrom: w.day(-30) }), 'legal_representative', actor(w.lr)), {
    ok: true,
    id,
    version: 2
  })
  t.match(await w.delegations.propose(draft(w), 'legal_representative', actor(w.lr)), { code: 'already_waiting' })
})

eachDatabase(
  t,
  "limit of agents: strangers' applications take no places, and none is approved beyond it",
  async (t, database) => {
    const w = await world(database, { maximumDays: 366, maximumAgents: 2 })
    const applications: Array<{ id: string; version: number; digest: string }> = []
    for (let n = 0; n < 2; n++) {
      const agentId = await newPerson(w.services)
      const proposed = await w.delegations.propose(draft(w, { agentId }), 'agent', actor(agentId))
      if (!proposed.ok) throw new Error(proposed.code)
      await w.services.db.transaction().execute(async (trx) => await w.delegations.agentVerified(trx, proposed.id, 1))
      t.equal(await w.delegations.submit(proposed.id, 1, actor(agentId)), true)
      applications.push({
        id: proposed.id,
        version: 1,
        digest: (await w.delegations.content(proposed.id, 1))?.digest ?? ''
      })
    }
    const third = await newPerson(w.services)
    t.match(await w.delegations.propose(draft(w, { agentId: third }), 'agent', actor(third)), {
      code: 'too_many_agents'
    })
    await active(w)
    const decide = async (open: (typeof applications)[number] | undefined) =>
      open && (await approve(w.delegations, open, await approver(w, w.lr, open)))
    t.same(await decide(applications[0]), { ok: true })
    t.same(await decide(applications[1]), { ok: false, code: 'too_many_agents' })
    t.match(await w.delegations.propose(draft(w, { agentId: third }), 'legal_representative', actor(w.lr)), {
      code: 'too_many_agents'
    })
    t.match(
      await w.delegations.propose(draft(w, { validTo: w.day(9) }), 'legal_representative', actor(w.lr)),
      { ok: true },
      'who is there already may get a new version'
    )
  }
)

eachDatabase(t, 'lists', async (t, database) => {
  const w = await world(database)
  const { id } = await active(w)
  const open = await submitted(w, { validTo: w.day(5) })
  const stranger = await newPerson(w.services)
  await w.delegations.propose(draft(w, { agentId: stranger }), 'agent', actor(stranger))
  t.same(
    (await w.delegations.listOfOrganization(w.organizationId)).map(({ version, state }) => `${version} ${state}`),
    ['2 submitted', '1 active'],
    'no drafts'
  )
  t.same(
    (await w.delegations.listOfAgent(w.agent)).map(({ version }) => version),
    [2, 1]
  )
  t.same(
    (await w.delegations.listOfAgent(stranger)).map(({ state }) => state),
    ['draft']
  )
  t.match(await w.delegations.find(id), {
    version: 1,
    state: 'active',
    organizationName: '西藏示例科技有限公司',
    uscc: '91540102MA6T1A2BXK'
  })
  await w.delegations.revoke(id, '离职', actor(w.lr))
  t.match(await w.delegations.find(open.id), { version: 2, state: 'withdrawn' })
  t.equal(await w.delegations.find('dlg_none'), null)
  t.equal(await w.delegations.content('dlg_none', 1), null)
  t.notMatch(JSON.stringify(await w.delegations.listOfOrganization(w.organizationId)), /540102199|1380013/)
})
