import t from 'tap'
import type { CompanyAnswer, CompanyRecord, CompanyRegister } from '../../../src/ports/registry.ts'
import { RegisterUnavailable } from '../../../src/ports/registry.ts'
import {
  actOnDelegation,
  listOrganizations,
  organizationDetail,
  recheck,
  release,
  suspend
} from '../../../src/journeys/support/index.ts'
import { applyRegisterChange, insertOrganization } from '../../../src/records/organizations/index.ts'
import {
  approve,
  active,
  endedSession,
  events,
  left,
  mustChange,
  people,
  signedIn,
  stateOf,
  submitted,
  times,
  told,
  uscc,
  wholeSession,
  world,
  approver
} from '../../records/organizations/delegations/support.ts'
import { eachDatabase } from '../../support/database.ts'
import { act, counted } from './support.ts'

/** A register that says this; or is not there. */
function register (
  record: CompanyRecord | { found: false } | null,
  answer: CompanyAnswer = { certain: false }
): CompanyRegister {
  const say = async <T>(value: T): Promise<T> => {
    if (record === null) throw new RegisterUnavailable('away')
    return value
  }
  return {
    name: 'test',
    lookup: async () => await say(record as CompanyRecord),
    verify: async () => await say(answer),
    changes: async () => {
      throw new RegisterUnavailable('away')
    }
  }
}
const record = (more: Partial<CompanyRecord> = {}): CompanyRecord => ({
  found: true,
  name: '西藏示例科技有限公司',
  type: '91',
  status: 'active',
  version: 1,
  ...more
})

eachDatabase(
  t,
  'found by code and by part of the name, whatever it holds; pages; masked representative',
  async (t, database) => {
    const w = await world(database)
    await insertOrganization(database.db, {
      crypto: database.crypto,
      organization: {
        uscc: '31540000MD01234545',
        name: '100%_测试\\律师',
        status: 'pending'
      }
    })
    const find = async (text: string): Promise<string[]> =>
      (await listOrganizations(w.services, { text })).map(({ name }) => name)
    t.same(await find(uscc.toLowerCase()), ['西藏示例科技有限公司'])
    t.same(await find(' 示例科技 '), ['西藏示例科技有限公司'])
    t.same(await find('%_测'), ['100%_测试\\律师'])
    t.same(await find('%'), ['100%_测试\\律师'])
    t.same(await find('\\'), ['100%_测试\\律师'])
    t.same(await find("' or ''='"), [])
    t.equal((await find('')).length, 2)
    t.equal((await listOrganizations(w.services, { status: 'pending' })).length, 1)
    const [first] = await listOrganizations(w.services, { limit: 1 })
    const [second, ...none] = await listOrganizations(w.services, { after: first?.id })
    t.not(second?.id, first?.id)
    t.same(none, [])
    const { id } = await active(w)
    const detail = await organizationDetail(w.services, w.organizationId)
    t.match(detail, {
      uscc,
      held: false,
      legalRepresentative: { id: w.lr, name: '****姆', certNo: '5****************4' },
      delegations: [{ id, state: 'active' }]
    })
    t.notMatch(JSON.stringify(detail), people.lhamo.certNo)
    t.match(await listOrganizations(w.services, { text: uscc }), [{ agents: 1 }])
    t.equal(await organizationDetail(w.services, 'org_none'), null)
  }
)

eachDatabase(
  t,
  "suspended by staff: every context of the organization ends, people's own go on; good news of the register do not " +
    'end it',
  async (t, database) => {
    const w = await world(database)
    const { id } = await active(w)
    const [lr, agent, own] = [
      await signedIn(w, w.lr, `lr:${w.organizationId}`),
      await signedIn(w, w.agent, id),
      await signedIn(w, w.agent, 'self')
    ]
    t.same(counted(await times(20, async () => await suspend(w.services, act('涉嫌冒用'), w.organizationId))), {
      done: 1,
      unchanged: 19
    })
    t.same([await left(w, lr), await left(w, agent), await left(w, own)], [endedSession, endedSession, wholeSession])
    t.equal(await stateOf(w, id), 'suspended')
    t.match(await events(w, 'organization.suspended'), [
      { actor: 'admin:adm_1', reason: '涉嫌冒用', organizationId: w.organizationId }
    ])
    t.ok((await told(w, w.lr)).includes('organization-suspended'))
    t.ok((await told(w, w.agent)).includes('organization-suspended'))
    t.equal(
      await w.representations.resolve(w.lr, { role: 'legal_representative', organizationId: w.organizationId }),
      null
    )
    await applyRegisterChange(w.services, { uscc, version: 5, status: 'active', name: '新名' })
    t.match(await organizationDetail(w.services, w.organizationId), { status: 'suspended', held: true, name: '新名' })
    t.equal(await suspend(w.services, act(), 'org_none'), 'unknown')
  }
)

eachDatabase(
  t,
  'released: the register is asked first; what is suspended there stays so; delegations are approved anew',
  async (t, database) => {
    const w = await world(database)
    const { id } = await active(w)
    await suspend(w.services, act(), w.organizationId)
    t.equal(
      await release({ ...w.services, companies: register(null) }, act(), w.organizationId),
      'register_unavailable'
    )
    t.match(await organizationDetail(w.services, w.organizationId), { held: true })
    const good = { ...w.services, companies: register(record()) }
    t.same(counted(await times(10, async () => await release(good, act(), w.organizationId))), {
      done: 1,
      unchanged: 9
    })
    t.match(await organizationDetail(w.services, w.organizationId), { status: 'active', held: false })
    t.equal(await stateOf(w, id), 'suspended')
    t.ok((await told(w, w.lr)).includes('organization-resumed'))
    await suspend(w.services, act(), w.organizationId)
    t.equal(
      await release({ ...w.services, companies: register(record({ status: 'suspended' })) }, act(), w.organizationId),
      'done'
    )
    t.match(await organizationDetail(w.services, w.organizationId), { status: 'suspended', held: false })
    t.equal(await release(good, act(), w.organizationId), 'unchanged', 'not theirs to end')
  }
)

eachDatabase(
  t,
  're-check: newer is applied when the representative is the same; another representative is said, never taken from ' +
    'here',
  async (t, database) => {
    const w = await world(database)
    const same = {
      certain: true,
      nameMatches: true,
      isLegalRepresentative: true,
      status: 'active',
      version: 7
    } as const
    t.match(
      await recheck(
        { ...w.services, companies: register(record({ version: 7, name: '改名了' }), same) },
        act(),
        w.organizationId
      ),
      { outcome: 'checked', result: { found: true, changed: ['name'], legalRepresentative: true } }
    )
    t.match(await organizationDetail(w.services, w.organizationId), { name: '改名了', register: { version: 7 } })
    t.match(
      await recheck(
        {
          ...w.services,
          companies: register(record({ version: 9, name: '又改名' }), {
            ...same,
            isLegalRepresentative: false,
            version: 9
          })
        },
        act(),
        w.organizationId
      ),
      { outcome: 'checked', result: { changed: [], name: '又改名', legalRepresentative: false } }
    )
    t.match(await organizationDetail(w.services, w.organizationId), {
      name: '改名了',
      register: { version: 7 },
      legalRepresentative: { id: w.lr }
    })
    t.match(await recheck({ ...w.services, companies: register({ found: false }) }, act(), w.organizationId), {
      outcome: 'checked',
      result: { found: false, legalRepresentative: null }
    })
    t.match(await recheck({ ...w.services, companies: register(null) }, act(), w.organizationId), {
      outcome: 'register_unavailable'
    })
    t.match(await recheck(w.services, act(), 'org_none'), { outcome: 'unknown' })
    t.equal((await events(w, 'organization.checked')).length, 3)
  }
)

eachDatabase(
  t,
  'a delegation: stopped or taken back by staff with a reason that both read; everything of it ends',
  async (t, database) => {
    const w = await world(database)
    const { id } = await active(w)
    const [agent, own] = [await signedIn(w, w.agent, id), await signedIn(w, w.agent, 'self')]
    t.equal(await actOnDelegation(w.services, { act: act('代理人被投诉'), id, what: 'suspend' }), 'done')
    t.same([await left(w, agent), await left(w, own)], [endedSession, wholeSession])
    t.equal(await actOnDelegation(w.services, { act: act(), id, what: 'suspend' }), 'unchanged')
    t.same(
      counted(
        await times(
          20,
          async () => await actOnDelegation(w.services, { act: act('代理人被投诉'), id, what: 'revoke' })
        )
      ),
      {
        done: 1,
        unchanged: 19
      }
    )
    t.equal(await stateOf(w, id), 'revoked')
    t.equal(await mustChange(w), true)
    t.match(await events(w, 'delegation.suspended', 'delegation.revoked'), [
      { actor: 'admin:adm_1', reason: '代理人被投诉' },
      { actor: 'admin:adm_1', personId: w.agent }
    ])
    for (const who of [w.lr, w.agent]) {
      const [revoked] = await w.messages.list(who)
      t.match(revoked, { kind: 'delegation-revoked', data: { reason: 'by_staff: 代理人被投诉' } })
    }
    t.equal(await actOnDelegation(w.services, { act: act(), id: 'dlg_none', what: 'revoke' }), 'unknown')
    await t.rejects(actOnDelegation(w.services, { act: act(''), id, what: 'revoke' }), { code: 'reason_required' })
  }
)

eachDatabase(t, 'R13: staff take back a delegation that waits: nobody can approve it any more', async (t, database) => {
  const w = await world(database)
  const open = await submitted(w)
  const shown = await approver(w, w.lr, open)
  t.equal(await actOnDelegation(w.services, { act: act(), id: open.id, what: 'suspend' }), 'unchanged')
  t.equal(await actOnDelegation(w.services, { act: act('代理人被投诉'), id: open.id, what: 'revoke' }), 'done')
  t.equal(await stateOf(w, open.id), 'withdrawn')
  t.match(await approve(w.delegations, open, shown), { ok: false })
  t.match(await events(w, 'delegation.withdrawn'), [{ actor: 'admin:adm_1', reason: '代理人被投诉' }])
  for (const who of [w.lr, w.agent]) t.match((await w.messages.list(who))[0], { kind: 'delegation-withdrawn' })
  t.equal(await actOnDelegation(w.services, { act: act(), id: open.id, what: 'revoke' }), 'unchanged')
})

eachDatabase(
  t,
  "T033: nobody of staff approves in the legal representative's place, however it is asked for",
  async (t, database) => {
    const w = await world(database)
    const open = await submitted(w)
    for (const what of ['approve', 'active', 'resume', 'APPROVE', '']) {
      t.equal(await actOnDelegation(w.services, { act: act('代为通过'), id: open.id, what }), 'refused')
    }
    // a ticket and face of their own do not help: they are not the representative
    const clerk = await approver(w, w.agent, open)
    t.match(await approve(w.delegations, open, { ...clerk, personId: 'admin:adm_1' }), {
      ok: false
    })
    t.equal(await stateOf(w, open.id), 'submitted')
    const refused = await events(w, 'delegation.refused')
    t.match(
      refused.slice(0, 5),
      Array.from({ length: 5 }, () => ({
        actor: 'admin:adm_1',
        delegationId: open.id,
        reason: 'not_legal_representative',
        outcome: 'denied'
      }))
    )
    // suspended by staff and let go again: still nothing but a new approval
    const done = await approve(w.delegations, open, await approver(w, w.lr, open))
    t.match(done, { ok: true })
    await actOnDelegation(w.services, { act: act(), id: open.id, what: 'suspend' })
    t.equal(await actOnDelegation(w.services, { act: act(), id: open.id, what: 'resume' }), 'refused')
    t.equal(await stateOf(w, open.id), 'suspended')
  }
)
