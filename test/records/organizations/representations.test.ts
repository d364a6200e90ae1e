import t from 'tap'
import { queryCounter } from '../../../src/database/index.ts'
import { clientPolicy } from '../../../src/domain/client/policy.ts'
import { self, type RepresentationRef } from '../../../src/domain/representation/representation.ts'
import {
  insertOrganization,
  replaceOrganizationPasswordHash,
  revokeTrustedBrowsers,
  setOrganizationPassword,
  listTrustedBrowsers
} from '../../../src/records/organizations/index.ts'
import { eachDatabase } from '../../support/database.ts'
import {
  active,
  actor,
  approver,
  draft,
  events,
  moveDates,
  mustChange,
  newPerson,
  submitted,
  told,
  uscc,
  world
} from './delegations/support.ts'

const anySite = { clientId: 'any', policy: clientPolicy({ subjectKinds: ['person', 'organization'] }) }

eachDatabase(t, 'resolve: the facts in one query, null as soon as anything has ended', async (t, database) => {
  const w = await world(database)
  const { id } = await active(w)
  const legal: RepresentationRef = { role: 'legal_representative', organizationId: w.organizationId }
  const agent: RepresentationRef = { role: 'agent', organizationId: w.organizationId, delegationId: id }
  const queries = async (work: () => Promise<unknown>): Promise<number> => {
    const counter = { queries: 0 }
    await queryCounter.run(counter, work)
    return counter.queries
  }
  const { resolve } = w.representations
  t.match(await resolve(w.lr, legal), {
    role: 'legal_representative',
    organization: { id: w.organizationId, uscc, type: '91', status: 'active' },
    since: /^\d{4}-.*Z$/
  })
  t.match(await resolve(w.agent, agent), {
    role: 'agent',
    delegation: { id, version: 1, functions: ['tax.filing'], clientIds: ['tax'], validFrom: w.day(0) },
    approval: { faceCheckId: 'fc_1', approvedAt: /Z$/ }
  })
  t.same(await resolve(w.agent, self), self)
  for (const [person, ref] of [
    [w.lr, legal],
    [w.agent, agent],
    [w.agent, self]
  ] as const) {
    t.equal(await queries(async () => await resolve(person, ref)), 1, ref.role)
  }

  // forged references
  const other = await insertOrganization(w.services.db, {
    crypto: w.services.crypto,
    organization: {
      uscc: '91540000741928375U',
      name: '另一公司',
      status: 'active'
    }
  })
  t.equal(await resolve(w.agent, legal), null)
  t.equal(await resolve(w.lr, agent), null)
  t.equal(await resolve(w.agent, { ...agent, organizationId: other.id }), null)
  t.equal(await resolve(w.agent, { ...agent, delegationId: 'dlg_none' }), null)
  t.equal(await resolve(w.lr, { ...legal, organizationId: other.id }), null)
  t.equal(await resolve('per_none', self), null)

  for (const status of ['locked', 'disabled', 'unactivated'] as const) {
    await w.services.db.updateTable('person').set({ status }).where('id', 'in', [w.lr, w.agent]).execute()
    for (const [person, ref] of [
      [w.lr, legal],
      [w.agent, agent],
      [w.agent, self]
    ] as const) {
      t.equal(await resolve(person, ref), null, `${ref.role} ${status}`)
    }
    t.same(await w.representations.listOptions(w.agent, anySite), [])
  }
})

eachDatabase(t, 'hats: self first, all that could be chosen, with what stands in the way', async (t, database) => {
  const w = await world(database)
  const { db, crypto } = w.services
  const orgOf = async (
    code: string,
    name: string,
    status: 'active' | 'pending' | 'suspended' | 'dissolved',
    lr: string
  ) =>
    (await insertOrganization(db, { crypto, organization: { uscc: code, name, status, legalRepresentativeId: lr } }))
      .id
  const boss = await newPerson(w.services)
  await orgOf('91540000741928375U', 'a 待激活', 'pending', w.agent)
  await orgOf('12540000433200155G', 'b 停用', 'suspended', w.agent)
  await orgOf('51540000501892318C', 'c 注销', 'dissolved', w.agent)
  await orgOf('71540102MC1234566M', 'd 寺庙', 'active', w.agent)
  const { id } = await active(w)
  const waitingAt = await orgOf('N2540121MF1234XY4L', 'e 村集体', 'active', boss)
  await submitted({ ...w, lr: boss, organizationId: waitingAt })
  const hats = async (person: string, policy = {}) =>
    (
      await w.representations.listOptions(person, {
        clientId: 'tax',
        policy: clientPolicy({ subjectKinds: ['person', 'organization'], ...policy })
      })
    ).map(
      ({ representation, blocked }) =>
        `${representation.role}${representation.role === 'self' ? '' : ` ${representation.organization.uscc}`} ${blocked}`
    )

  const mine = await hats(w.agent)
  t.equal(mine[0], 'self null')
  t.same(mine.slice(1, 4), [
    'legal_representative 91540000741928375U to_decide',
    'legal_representative 12540000433200155G organization_suspended',
    'legal_representative 71540102MC1234566M null'
  ])
  t.same(mine.slice(4).sort(), [`agent ${uscc} null`, 'agent N2540121MF1234XY4L pending'].sort())
  t.same(await hats(w.lr), ['self null', `legal_representative ${uscc} null`])

  t.match(await hats(w.lr, { subjectKinds: ['person'] }), ['self null', /not_allowed_here/])
  t.match(await hats(w.lr, { subjectKinds: ['organization'], roles: ['agent'] }), [
    'self not_allowed_here',
    /not_allowed_here/
  ])
  const at = async (clientId: string) =>
    (await w.representations.listOptions(w.agent, { clientId, policy: anySite.policy })).find(
      ({ representation }) => representation.role === 'agent' && representation.delegation.id === id
    )?.blocked
  t.equal(await at('tax'), null)
  t.equal(await at('land'), 'not_allowed_here', 'a site that the delegation does not name')
  await moveDates(w, id, w.day(1), w.day(2))
  t.equal(await at('tax'), 'not_yet_valid')
  await moveDates(w, id, w.day(-2), w.day(-1))
  t.equal(await at('tax'), 'expired')
  await w.delegations.expireDue()
  t.equal(await at('tax'), 'expired')
  const again = await active(w)
  const state = async () => (await hats(w.agent)).find((hat) => hat.startsWith(`agent ${uscc}`))
  t.equal(await state(), `agent ${uscc} null`)
  await w.delegations.suspend(again.id, '', actor(w.lr))
  t.equal(await state(), `agent ${uscc} suspended`)
  await w.delegations.revoke(again.id, '', actor(w.lr))
  t.equal(await state(), undefined, 'what was taken back is no hat')
})

eachDatabase(t, 'the remembered choice, for each site, as long as it is good', async (t, database) => {
  const w = await world(database)
  const { id } = await active(w)
  const { rememberedChoice, rememberChoice } = w.representations
  const choose = async (person: string, clientId: string, ref: RepresentationRef): Promise<void> => {
    await w.services.db.transaction().execute(async (trx) => {
      await rememberChoice(trx, { personId: person, clientId, ref })
    })
  }
  t.equal(await rememberedChoice(w.agent, 'tax'), null)
  const agent: RepresentationRef = { role: 'agent', organizationId: w.organizationId, delegationId: id }
  await choose(w.agent, 'tax', self)
  await choose(w.agent, 'tax', agent)
  await choose(w.agent, 'land', self)
  await choose(w.lr, 'tax', { role: 'legal_representative', organizationId: w.organizationId })
  t.same(await rememberedChoice(w.agent, 'tax'), agent)
  t.same(await rememberedChoice(w.agent, 'land'), self)
  t.same(await rememberedChoice(w.lr, 'tax'), { role: 'legal_representative', organizationId: w.organizationId })
  await w.delegations.revoke(id, '', actor(w.lr))
  t.equal(await rememberedChoice(w.agent, 'tax'), null)
})

eachDatabase(t, 'login: who may be behind the code, in which state', async (t, database) => {
  const w = await world(database)
  t.match(await w.login.find(uscc), {
    id: w.organizationId,
    passwordHash: 'hash',
    passwordMustChange: false,
    legalRepresentativeId: w.lr
  })
  t.equal(await w.login.find('91350100M000100Y43'), null)
  t.same(await w.login.candidates(w.organizationId, 'legal_representative'), [
    { personId: w.lr, role: 'legal_representative', delegationId: null, state: 'active' }
  ])
  t.same(await w.login.candidates('org_none', 'legal_representative'), [])

  const states = new Map<string, string>()
  const { id } = await active(w)
  await submitted(w, { validTo: w.day(7) })
  states.set(w.agent, 'active')
  const add = async (
    state: string,
    end: (id: string, person: string) => Promise<unknown>,
    open = false
  ): Promise<void> => {
    const person = await newPerson(w.services)
    await end((open ? await submitted(w, { agentId: person }) : await active(w, { agentId: person })).id, person)
    states.set(person, state)
  }
  await add('pending', async () => {}, true)
  await add(
    'rejected',
    async (one) => await w.delegations.reject({ id: one, version: 1, reason: '', actor: actor(w.lr) }),
    true
  )
  await add('suspended', async (one) => await w.delegations.suspend(one, '', actor(w.lr)))
  await add('revoked', async (one) => await w.delegations.revoke(one, '', actor(w.lr)))
  await add('revoked', async (one, person) => await w.delegations.resign(one, actor(person)))
  await add('expired', async (one) => {
    await moveDates(w, one, w.day(-3), w.day(-1))
  })
  const withdrawn = await newPerson(w.services)
  await w.delegations.withdraw((await submitted(w, { agentId: withdrawn })).id, 1, actor(withdrawn))
  const drafter = await newPerson(w.services)
  await w.delegations.propose(draft(w, { agentId: drafter }), 'agent', actor(drafter))
  const candidates = await w.login.candidates(w.organizationId, 'agent')
  t.same(new Map(candidates.map(({ personId, state }) => [personId, state])), states)
  t.equal(candidates.find(({ personId }) => personId === w.agent)?.delegationId, id)
})

eachDatabase(t, 'trusted browsers: person × organization × browser, 30 days, revocable', async (t, database) => {
  const w = await world(database)
  const { db } = w.services
  const trust = async (person: string, browser: string): Promise<void> => {
    await db.transaction().execute(async (trx) => {
      await w.login.trustBrowser(trx, { organizationId: w.organizationId, personId: person, browserHash: browser })
    })
  }
  await trust(w.lr, 'a')
  await trust(w.lr, 'b')
  const is = async (person: string, browser: string): Promise<boolean> =>
    await w.login.trustedBrowser(w.organizationId, person, browser)
  t.same(
    [
      await is(w.lr, 'a'),
      await is(w.lr, 'c'),
      await is(w.agent, 'a'),
      await w.login.trustedBrowser('org_x', w.lr, 'a')
    ],
    [true, false, false, false]
  )
  const [first] = await listTrustedBrowsers(db, w.lr)
  t.equal(Math.round(((first?.expiresAt.getTime() ?? 0) - Date.now()) / 86_400_000), 30)
  t.equal(await revokeTrustedBrowsers(db, { organizationId: w.organizationId, personId: w.lr, browserHash: 'a' }), 1)
  t.same([await is(w.lr, 'a'), await is(w.lr, 'b')], [false, true])
  await trust(w.lr, 'a')
  t.equal(await is(w.lr, 'a'), true, 'proven again')
  await db
    .updateTable('trustedBrowser')
    .set({ expiresAt: new Date(Date.now() - 1000) })
    .execute()
  t.same([await is(w.lr, 'a'), (await listTrustedBrowsers(db, w.lr)).length], [false, 0])
})

eachDatabase(t, "the password is the legal representative's to set, with scan and face", async (t, database) => {
  const w = await world(database)
  const proven = async (person: string, options = {}) => {
    const { personId, ticketId, proofs } = await approver(w, person, { id: 'x', version: 1, digest: 'x' }, options)
    return await w.services.db.transaction().execute(
      async (trx) =>
        await setOrganizationPassword(trx, w.services, {
          organizationId: w.organizationId,
          passwordHash: `by ${person}`,
          personId,
          ticketId,
          proofs
        })
    )
  }
  const { id } = await active(w)
  await w.delegations.revoke(id, '', actor(w.lr))
  t.equal(await mustChange(w), true)
  t.same(await proven(w.agent), { ok: false, code: 'not_legal_representative' })
  t.same(await proven(w.lr, { proof: null }), { ok: false, code: 'face_required' })
  t.equal((await w.login.find(uscc))?.passwordHash, 'hash')
  t.same(await proven(w.lr), { ok: true })
  t.match(await w.login.find(uscc), { passwordHash: `by ${w.lr}`, passwordMustChange: false })
  t.same(
    (await events(w, 'organization.password-changed')).map(({ outcome, personId }) => `${outcome} ${personId}`),
    [`denied ${w.agent}`, `denied ${w.lr}`, `success ${w.lr}`]
  )
  t.equal((await told(w, w.lr)).at(-1), 'security-organization-password-changed')
  await replaceOrganizationPasswordHash(w.services.db, { id: w.organizationId, from: 'hash', to: 'better' })
  t.equal((await w.login.find(uscc))?.passwordHash, `by ${w.lr}`, 'an outdated rehash changes nothing')
})
