import t from 'tap'
import { openDatabase } from '../../../../src/database/index.ts'
import { createDelegations } from '../../../../src/records/organizations/delegations/index.ts'
import { applyRegisterChange } from '../../../../src/records/organizations/index.ts'
import { eachDatabase, patient, type TestDatabase } from '../../../support/database.ts'
import {
  approve,
  active,
  actor,
  approver,
  certNo,
  draft,
  endedSession,
  events,
  left,
  newPerson,
  servicesOn,
  signedIn,
  stateOf,
  submitted,
  times,
  told,
  uscc,
  world,
  type World
} from './support.ts'

/** The same services in another process: connections of its own. */
async function secondProcess (
  t: Pick<typeof globalThis, never> & { teardown(work: () => Promise<void>): void },
  database: TestDatabase,
  w: World
): Promise<World> {
  if (database.url === null) return w
  const { db, close } = await openDatabase({
    databaseUrl: database.url,
    dataDir: ':memory:',
    poolSize: 5,
    timeouts: patient
  })
  t.teardown(close)
  const services = servicesOn({ db, crypto: database.crypto })
  return { ...w, services, delegations: createDelegations(services) }
}

const decisions = ['delegation.approved', 'delegation.rejected', 'delegation.withdrawn'] as const
const message = {
  active: 'delegation-approved',
  rejected: 'delegation-rejected',
  withdrawn: 'delegation-withdrawn'
} as Record<string, string>

eachDatabase(t, '30 parallel approvals: one', async (t, database) => {
  const w = await world(database)
  const other = await secondProcess(t, database, w)
  const open = await submitted(w)
  const results = await times(
    30,
    async (at) => await approve((at % 2 === 0 ? w : other).delegations, open, await approver(w, w.lr, open))
  )
  t.equal(results.filter(({ ok }) => ok).length, 1)
  t.same(new Set(results.map((result) => (result.ok ? 'ok' : result.code))), new Set(['ok', 'stale']))
  t.equal((await events(w, ...decisions)).length, 1)
  t.same(await events(w, 'delegation.refused'), [], 'the losers are second clicks')
  t.same(await told(w, w.agent), ['delegation-submitted', 'delegation-approved'])
})

eachDatabase(
  t,
  '30 parallel approve, reject, withdraw, revoke: one decision, one event, one notice',
  async (t, database) => {
    const w = await world(database)
    const other = await secondProcess(t, database, w)
    const seen = new Set<string>()
    for (let round = 0; round < 4; round++) {
      const agent = await newPerson(w.services)
      const open = await submitted(w, { agentId: agent })
      const results = await times(30, async (at): Promise<string | null> => {
        const { delegations } = at % 2 === 0 ? w : other
        const turn = (at + round) % 4
        if (turn === 0) {
          return (await approve(delegations, open, await approver(w, w.lr, open))).ok ? 'active' : null
        }
        if (turn === 1) {
          return (await delegations.reject({ id: open.id, version: 1, reason: '不认识', actor: actor(w.lr) }))
            ? 'rejected'
            : null
        }
        if (turn === 2) return (await delegations.withdraw(open.id, 1, actor(agent))) ? 'withdrawn' : null
        return (await delegations.revoke(open.id, '', actor(w.lr))) ? 'revoked' : null
      })
      const won = results.filter((result) => result !== null)
      const decided = won.filter((result) => result !== 'revoked')
      t.equal(decided.length, 1, 'one decision')
      const outcome = decided[0] ?? ''
      seen.add(outcome)
      const revoked = won.filter((result) => result === 'revoked').length
      t.ok(revoked === 0 || (revoked === 1 && outcome === 'active'), 'only what was approved is revoked, once')
      t.equal(await stateOf(w, open.id), revoked === 1 ? 'revoked' : outcome)
      const mine = (await events(w, ...decisions, 'delegation.revoked')).filter(
        ({ delegationId }) => delegationId === open.id
      )
      t.equal(mine.length, 1 + revoked, 'one event for each')
      t.same(
        await told(w, agent),
        ['delegation-submitted', message[outcome], ...(revoked === 1 ? ['delegation-revoked'] : [])],
        'one notice for each'
      )
    }
    t.ok(seen.size > 0)
  }
)

eachDatabase(t, '30 parallel revoke, suspend, resign, expire: the context ends once', async (t, database) => {
  const w = await world(database)
  const other = await secondProcess(t, database, w)
  const { id } = await active(w)
  const session = await signedIn(w, w.agent, id)
  const results = await times(30, async (at) => {
    const { delegations } = at % 2 === 0 ? w : other
    return at % 3 === 0
      ? await delegations.revoke(id, '', actor(w.lr))
      : at % 3 === 1
        ? await delegations.resign(id, actor(w.agent))
        : (await delegations.expireDue()) > 0
  })
  t.equal(results.filter(Boolean).length, 1)
  t.equal(await stateOf(w, id), 'revoked')
  t.equal((await events(w, 'delegation.revoked', 'delegation.resigned')).length, 1)
  t.equal((await told(w, w.lr)).length, 2, 'approved, ended')
  t.same(await left(w, session), endedSession)
  t.equal((await events(w, 'session.ended')).length, 1)
})

eachDatabase(
  t,
  'approvals by the former legal representative while the register tells of the new one',
  async (t, database) => {
    const w = await world(database)
    const other = await secondProcess(t, database, w)
    for (let round = 0; round < 5; round++) {
      const lr = (await w.login.candidates(w.organizationId, 'legal_representative'))[0]?.personId ?? ''
      const agent = await newPerson(w.services)
      const open = await submitted({ ...w, lr }, { agentId: agent })
      const lrProof = await approver(w, lr, open)
      const [approved] = await Promise.all([
        approve(w.delegations, open, lrProof),
        applyRegisterChange(other.services, {
          uscc,
          version: round + 2,
          legalRepresentative: { certType: 'resident_id', certNo: certNo(500 + round), name: '测试·新代表' }
        })
      ])
      t.equal(
        await stateOf(w, open.id),
        approved.ok ? 'suspended' : 'withdrawn',
        approved.ok ? 'approved first' : 'too late'
      )
      t.equal(
        await w.representations.resolve(agent, {
          role: 'agent',
          organizationId: w.organizationId,
          delegationId: open.id
        }),
        null
      )
    }
  }
)

eachDatabase(
  t,
  '20 parallel proposals of one agent: one waits; of many agents: no more than the limit',
  async (t, database) => {
    const w = await world(database, { maximumAgents: 3, maximumDays: 400 })
    const one = await times(20, async () => await w.delegations.propose(draft(w), 'legal_representative', actor(w.lr)))
    t.equal(one.filter(({ ok }) => ok).length, 1)
    t.match(
      one.find(({ ok }) => !ok),
      { code: 'already_waiting' }
    )
    const agents: string[] = []
    for (let n = 0; n < 8; n++) agents.push(await newPerson(w.services))
    const many = await Promise.all(
      agents.map(
        async (agentId) => await w.delegations.propose(draft(w, { agentId }), 'legal_representative', actor(w.lr))
      )
    )
    t.equal(many.filter(({ ok }) => ok).length, 2)
    t.match(
      many.find(({ ok }) => !ok),
      { code: 'too_many_agents' }
    )
  }
)
