import t from 'tap'
import { createOutboxWorker } from '../../../../src/records/outbox/index.ts'
import { smsHandler } from '../../../../src/records/messages/index.ts'
import type { SmsSandbox } from '../../../../src/simulators/sms/index.ts'
import { eachDatabase } from '../../../support/database.ts'
import {
  active,
  actor,
  draft,
  endedSession,
  events,
  left,
  moveDates,
  mustChange,
  newPerson,
  signedIn,
  stateOf,
  submitted,
  told,
  wholeSession,
  world,
  type World
} from './support.ts'

const ref = (w: World, delegationId: string) =>
  ({ role: 'agent', organizationId: w.organizationId, delegationId }) as const
const good = async (w: World, id: string): Promise<boolean> =>
  (await w.representations.resolve(w.agent, ref(w, id))) !== null

const endings: Record<
  string,
  {
    end: (w: World, id: string) => Promise<unknown>
    state: string
    event: 'delegation.revoked' | 'delegation.suspended' | 'delegation.resigned' | 'delegation.expired'
    message: string
    mustChange: boolean
    by: string
  }
> = {
  revoke: {
    end: async (w, id) => await w.delegations.revoke(id, '离职\0', actor(w.lr)),
    state: 'revoked',
    event: 'delegation.revoked',
    message: 'delegation-revoked',
    mustChange: true,
    by: 'lr'
  },
  suspend: {
    end: async (w, id) => await w.delegations.suspend(id, '休假', actor(w.lr)),
    state: 'suspended',
    event: 'delegation.suspended',
    message: 'delegation-suspended',
    mustChange: false,
    by: 'lr'
  },
  resign: {
    end: async (w, id) => await w.delegations.resign(id, actor(w.agent)),
    state: 'revoked',
    event: 'delegation.resigned',
    message: 'delegation-resigned',
    mustChange: true,
    by: 'agent'
  },
  expire: {
    end: async (w, id) => {
      await moveDates(w, id, w.day(-10), w.day(-1))
      return (await w.delegations.expireDue()) === 1
    },
    state: 'expired',
    event: 'delegation.expired',
    message: 'delegation-expired',
    mustChange: false,
    by: 'system'
  }
}

for (const [name, ending] of Object.entries(endings)) {
  eachDatabase(t, `${name}: the context ends at once, other contexts live on, both are told`, async (t, database) => {
    const w = await world(database)
    const { id } = await active(w)
    const asAgent = await signedIn(w, w.agent, id)
    const asSelf = await signedIn(w, w.agent, 'self')
    const ofLr = await signedIn(w, w.lr, `lr:${w.organizationId}`)
    await w.services.db.transaction().execute(async (trx) => {
      await w.login.trustBrowser(trx, { organizationId: w.organizationId, personId: w.agent, browserHash: 'browser' })
      await w.login.trustBrowser(trx, { organizationId: w.organizationId, personId: w.lr, browserHash: 'browser' })
    })
    t.equal(await good(w, id), true)

    t.equal(await ending.end(w, id), true)
    t.equal(await good(w, id), false)
    t.equal(await stateOf(w, id), ending.state)
    t.same(await left(w, asAgent), endedSession)
    t.same(await left(w, asSelf), wholeSession)
    t.same(await left(w, ofLr), wholeSession)
    t.equal(await w.login.trustedBrowser(w.organizationId, w.agent, 'browser'), false)
    t.equal(await w.login.trustedBrowser(w.organizationId, w.lr, 'browser'), true)
    t.equal(await mustChange(w), ending.mustChange)
    const by = ending.by === 'system' ? 'system' : `person:${ending.by === 'lr' ? w.lr : w.agent}`
    t.match(await events(w, ending.event), [{ actor: by, delegationId: id, organizationId: w.organizationId }])
    t.equal((await events(w, 'session.ended')).length, 1)
    for (const person of [w.agent, w.lr]) {
      t.equal((await told(w, person)).filter((kind) => kind === ending.message).length, 1)
    }

    t.equal(await ending.end(w, id), false, 'not twice')
    t.equal((await events(w, ending.event)).length, 1)

    // and by short message, to numbers that the outbox never held
    const stored = await w.services.db.selectFrom('outbox').select('payloadEnc').execute()
    t.notMatch(JSON.stringify(stored), /1380013800/)
    const worker = createOutboxWorker({ ...w.services, handlers: { sms: smsHandler(w.services) } })
    await worker.runDue()
    const sms = w.services.sms as SmsSandbox
    t.equal(sms.messages('+8613800138001').filter(({ parameters }) => parameters['kind'] === ending.message).length, 1)
    t.equal(sms.messages('+8613800138002').filter(({ parameters }) => parameters['kind'] === ending.message).length, 1)
    t.match(sms.messages()[0], { template: 'notice', parameters: { organization: '西藏示例科技有限公司' } })
  })
}

eachDatabase(t, 'after the last day, before the first day, and on both', async (t, database) => {
  const w = await world(database)
  const { id } = await active(w)
  await moveDates(w, id, w.day(0), w.day(0))
  t.equal(await good(w, id), true, 'both days included')
  t.equal(await w.delegations.expireDue(), 0)
  await moveDates(w, id, w.day(1), w.day(9))
  t.equal(await good(w, id), false)
  await moveDates(w, id, w.day(-9), w.day(-1))
  t.equal(await good(w, id), false, 'before any worker came by')
})

eachDatabase(
  t,
  'revoking takes an open new version with it; rejecting or withdrawing one leaves what is in force',
  async (t, database) => {
    const w = await world(database)
    const { id } = await active(w)
    const session = await signedIn(w, w.agent, id)
    await submitted(w, { validTo: w.day(30) })
    t.equal(await w.delegations.reject({ id, version: 2, reason: '不用', actor: actor(w.lr) }), true)
    await submitted(w, { validTo: w.day(30) })
    t.equal(await w.delegations.withdraw(id, 3, actor(w.lr)), true)
    t.equal(await good(w, id), true)
    t.same(await left(w, session), wholeSession)
    await submitted(w, { validTo: w.day(30) })
    t.equal(await w.delegations.revoke(id, '', actor(w.lr)), true)
    t.same(
      [await stateOf(w, id, 1), await stateOf(w, id, 2), await stateOf(w, id, 3), await stateOf(w, id, 4)],
      ['revoked', 'rejected', 'withdrawn', 'withdrawn']
    )

    const next = await submitted(w)
    t.not(next.id, id, 'what has ended is not continued')
    t.equal(next.version, 1)
  }
)

eachDatabase(
  t,
  'suspended is not the end: a new version, approved like any other, begins it again',
  async (t, database) => {
    const w = await world(database)
    const { id } = await active(w)
    await w.delegations.suspend(id, '', actor(w.lr))
    const again = await active(w)
    t.equal(again.id, id)
    t.equal(again.version, 2)
    t.equal(await good(w, id), true)
    t.equal(await stateOf(w, id, 1), 'superseded')
  }
)

eachDatabase(t, 'expiry works in batches, and takes suspended ones along', async (t, database) => {
  const w = await world(database)
  const ids: string[] = []
  for (let n = 0; n < 4; n++) ids.push((await active(w, { agentId: await newPerson(w.services) })).id)
  await w.delegations.suspend(ids[0] ?? '', '', actor(w.lr))
  for (const id of ids.slice(0, 3)) await moveDates(w, id, w.day(-10), w.day(-1))
  const { expireDue } = await import('../../../../src/records/organizations/delegations/end.ts')
  t.equal(await expireDue(w.services, 2), 2)
  t.equal(await expireDue(w.services, 2), 1)
  t.equal(await expireDue(w.services, 2), 0)
  t.equal(await stateOf(w, ids[3] ?? ''), 'active')
})

eachDatabase(t, "an agent's own application: draft, verified, submitted, approved", async (t, database) => {
  const w = await world(database)
  const { delegations } = w
  await t.rejects(delegations.propose(draft(w), 'agent', actor(w.lr)), { code: 'not_agent' })
  await t.rejects(delegations.propose(draft(w), 'legal_representative', actor(w.agent)), {
    code: 'not_legal_representative'
  })
  const first = await delegations.propose(draft(w), 'agent', actor(w.agent))
  const proposed = await delegations.propose(draft(w), 'agent', actor(w.agent))
  if (!proposed.ok || !first.ok) throw new Error('refused')
  const { id } = proposed
  t.equal(await stateOf(w, first.id), 'withdrawn', 'a draft gives way to the next')
  t.same(await w.login.candidates(w.organizationId, 'agent'), [], 'a draft is nobody yet')
  t.equal(await delegations.submit(id, 1, actor(w.agent)), false, 'not verified')
  const verify = async (): Promise<boolean> =>
    await w.services.db.transaction().execute(async (trx) => await delegations.agentVerified(trx, id, 1))
  t.equal(await verify(), true)
  t.equal(await verify(), false)
  t.equal(await delegations.submit(id, 1, actor(await newPerson(w.services))), false)
  t.equal(await delegations.content(id, 1), null)
  t.equal(await delegations.submit(id, 1, actor(w.agent)), true)
  t.equal(await delegations.submit(id, 1, actor(w.agent)), false)
  t.same(await told(w, w.lr), ['delegation-submitted'])
  t.match(await w.login.candidates(w.organizationId, 'agent'), [
    { personId: w.agent, delegationId: id, state: 'pending' }
  ])
  t.ok(await delegations.content(id, 1))
  t.same(
    (await events(w, 'delegation.created', 'delegation.agent-verified', 'delegation.submitted')).map(
      ({ type }) => type
    ),
    ['delegation.created', 'delegation.created', 'delegation.agent-verified', 'delegation.submitted']
  )
})
