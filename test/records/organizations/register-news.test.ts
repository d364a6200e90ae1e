import t from 'tap'
import {
  applyRegisterChange,
  insertOrganization,
  type RegisterChange
} from '../../../src/records/organizations/index.ts'
import { personByCertNo } from '../../../src/records/persons/index.ts'
import { eachDatabase } from '../../support/database.ts'
import {
  active,
  actor,
  certNo,
  draft,
  endedSession,
  events,
  left,
  mustChange,
  newPerson,
  signedIn,
  stateOf,
  submitted,
  times,
  told,
  uscc,
  wholeSession,
  world,
  type World
} from './delegations/support.ts'

const successor = (n: number) => ({ certType: 'resident_id', certNo: certNo(n), name: '测试·新代表' })
const news = async (w: World, more: Omit<RegisterChange, 'uscc'>) =>
  await applyRegisterChange(w.services, { uscc, ...more })
const organization = async (w: World) =>
  await w.services.db
    .selectFrom('organization')
    .selectAll()
    .where('id', '=', w.organizationId)
    .executeTakeFirstOrThrow()
const trust = async (w: World, person: string): Promise<void> => {
  await w.services.db.transaction().execute(async (trx) => {
    await w.login.trustBrowser(trx, { organizationId: w.organizationId, personId: person, browserHash: 'browser' })
  })
}

eachDatabase(
  t,
  'another legal representative: everything of the former one and all agents ends at once',
  async (t, database) => {
    const w = await world(database)
    const second = await newPerson(w.services)
    const one = await active(w)
    const suspendedBefore = await active(w, { agentId: second })
    await w.delegations.suspend(suspendedBefore.id, '', actor(w.lr))
    const applicant = await newPerson(w.services)
    const open = await submitted(w, { agentId: applicant })
    const drafter = await newPerson(w.services)
    const drafted = await w.delegations.propose(draft(w, { agentId: drafter }), 'agent', actor(drafter))
    const ofAgent = await signedIn(w, w.agent, one.id)
    const ofFormer = await signedIn(w, w.lr, `lr:${w.organizationId}`)
    const formerSelf = await signedIn(w, w.lr, 'self')
    await trust(w, w.lr)
    await trust(w, w.agent)

    t.match(await news(w, { version: 2, legalRepresentative: successor(700) }), {
      outcome: 'applied',
      changed: ['legal_representative']
    })

    const person = await personByCertNo(w.services.db, w.services.crypto, {
      certType: 'resident_id',
      certNo: certNo(700)
    })
    t.match(
      person,
      { status: 'active', name: '测试·新代表', passwordHash: null, assuranceLevel: 1 },
      'made, so that exactly this person can be proven'
    )
    t.notMatch(
      JSON.stringify(
        await w.services.db
          .selectFrom('person')
          .selectAll()
          .where('id', '=', person?.id ?? '')
          .execute()
      ),
      new RegExp(certNo(700))
    )
    t.match(await organization(w), { legalRepresentativeId: person?.id, passwordMustChange: true, registerVersion: 2 })
    t.match(
      await w.representations.resolve(person?.id ?? '', {
        role: 'legal_representative',
        organizationId: w.organizationId
      }),
      { role: 'legal_representative', organization: { uscc } }
    )
    t.equal(
      await w.representations.resolve(w.lr, { role: 'legal_representative', organizationId: w.organizationId }),
      null
    )
    t.equal(
      await w.representations.resolve(w.agent, {
        role: 'agent',
        organizationId: w.organizationId,
        delegationId: one.id
      }),
      null
    )
    t.same(
      [await stateOf(w, one.id), await stateOf(w, suspendedBefore.id), await stateOf(w, open.id)],
      ['suspended', 'suspended', 'withdrawn']
    )
    t.equal(drafted.ok && (await stateOf(w, drafted.id)), 'draft', 'what was not submitted goes to the new one')
    t.same(await left(w, ofAgent), endedSession)
    t.same(await left(w, ofFormer), endedSession)
    t.same(await left(w, formerSelf), wholeSession)
    for (const id of [w.lr, w.agent]) t.equal(await w.login.trustedBrowser(w.organizationId, id, 'browser'), false)

    t.match(await events(w, 'organization.representative-changed'), [
      { actor: 'system', details: { from: w.lr, to: person?.id, version: 2 } }
    ])
    t.match(await events(w, 'delegation.suspended'), [
      {},
      { actor: 'system', personId: w.agent, delegationId: one.id, reason: 'legal_representative_changed' }
    ])
    t.match(await events(w, 'delegation.withdrawn'), [{ actor: 'system', personId: applicant, delegationId: open.id }])
    t.ok((await told(w, w.lr)).includes('legal-representative-changed'))
    t.same(await told(w, person?.id ?? ''), ['legal-representative-changed'])
    t.equal((await told(w, w.agent)).at(-1), 'delegation-suspended')
    t.equal((await told(w, applicant)).at(-1), 'delegation-withdrawn')

    // the new one approves again
    const again = await active({ ...w, lr: person?.id ?? '' })
    t.match(again, { id: one.id, version: 2 })
    t.ok(
      await w.representations.resolve(w.agent, {
        role: 'agent',
        organizationId: w.organizationId,
        delegationId: one.id
      })
    )
  }
)

eachDatabase(t, 'news out of order and repeated', async (t, database) => {
  const w = await world(database)
  t.match(await news(w, { version: 5, legalRepresentative: successor(701) }), { outcome: 'applied' })
  const now = (await organization(w)).legalRepresentativeId
  t.match(await news(w, { version: 4, legalRepresentative: successor(702), name: '旧名', status: 'dissolved' }), {
    outcome: 'outdated'
  })
  t.match(await news(w, { version: 5, legalRepresentative: successor(702) }), { outcome: 'outdated' })
  t.match(await organization(w), {
    legalRepresentativeId: now,
    name: '西藏示例科技有限公司',
    status: 'active',
    registerVersion: 5
  })
  t.equal(
    await personByCertNo(w.services.db, w.services.crypto, { certType: 'resident_id', certNo: certNo(702) }),
    null,
    'nobody is made for old news'
  )
  t.match(
    await news(w, { version: 6, legalRepresentative: successor(701), name: '西藏示例科技有限公司', status: 'active' }),
    { outcome: 'applied', changed: [] }
  )
  t.equal((await events(w, 'organization.representative-changed')).length, 1)
  t.same(await applyRegisterChange(w.services, { uscc: '91350100M000100Y43', version: 1 }), {
    outcome: 'unknown_organization'
  })
  t.match(await news(w, { version: 7, legalRepresentative: { ...successor(703), certNo: '540102199003072516' } }), {
    outcome: 'applied',
    changed: ['legal_representative'],
    faults: ['legal_representative.cert_no_check']
  })
  t.match(await news(w, { version: 8, legalRepresentative: { ...successor(703), certType: 'nonsense' } }), {
    outcome: 'applied',
    changed: [],
    faults: ['legal_representative.cert_type']
  })
  t.match(await news(w, { version: 9, name: '新名' }), { faults: ['legal_representative.cert_type'] })
  t.match(await organization(w), { registerVersion: 9, legalRepresentativeId: null })
  t.match(await events(w, 'organization.updated'), [
    { reason: 'register_unreadable' },
    { reason: 'register_unreadable' },
    { reason: 'register' }
  ])
})

eachDatabase(
  t,
  '20 pieces of news at once, in any order: the newest stays, each change ended once',
  async (t, database) => {
    const w = await world(database)
    const { id } = await active(w)
    const session = await signedIn(w, w.agent, id)
    const order = [7, 3, 19, 1, 12, 20, 5, 9, 2, 16, 11, 4, 18, 8, 14, 6, 10, 13, 17, 15]
    const outcomes = await times(
      20,
      async (at) =>
        await news(w, {
          version: 1 + (order[at] ?? 0),
          name: `名称${order[at]}`,
          legalRepresentative: successor(720 + ((order[at] ?? 0) % 3))
        })
    )
    t.ok(outcomes.every(({ outcome }) => outcome === 'applied' || outcome === 'outdated'))
    t.match(await organization(w), {
      registerVersion: 21,
      name: '名称20',
      legalRepresentativeId: (
        await personByCertNo(w.services.db, w.services.crypto, {
          certType: 'resident_id',
          certNo: certNo(720 + (20 % 3))
        })
      )?.id
    })
    t.equal((await events(w, 'delegation.suspended')).length, 1)
    t.same(await left(w, session), endedSession)
    const persons = await w.services.db.selectFrom('person').select('id').execute()
    t.ok(persons.length <= 2 + 3, 'each person once')
  }
)

for (const [status, state, message] of [
  ['suspended', 'suspended', 'organization-suspended'],
  ['dissolved', 'revoked', 'organization-dissolved']
] as const) {
  eachDatabase(t, `${status}: everything of the organization ends`, async (t, database) => {
    const w = await world(database)
    const { id } = await active(w)
    const open = await submitted(w, { agentId: await newPerson(w.services) })
    const ofAgent = await signedIn(w, w.agent, id)
    const ofLr = await signedIn(w, w.lr, `lr:${w.organizationId}`)
    await trust(w, w.lr)
    t.match(await news(w, { version: 2, status }), { outcome: 'applied', changed: ['status'] })
    t.equal(
      await w.representations.resolve(w.lr, { role: 'legal_representative', organizationId: w.organizationId }),
      null
    )
    t.equal(
      await w.representations.resolve(w.agent, { role: 'agent', organizationId: w.organizationId, delegationId: id }),
      null
    )
    t.equal(await stateOf(w, id), state)
    t.equal(await stateOf(w, open.id), status === 'dissolved' ? 'withdrawn' : 'submitted')
    t.same(await left(w, ofAgent), endedSession)
    t.same(await left(w, ofLr), endedSession)
    t.equal(await w.login.trustedBrowser(w.organizationId, w.lr, 'browser'), false)
    for (const person of [w.lr, w.agent]) t.equal((await told(w, person)).at(-1), message)
    t.equal((await events(w, status === 'suspended' ? 'organization.suspended' : 'organization.closed')).length, 1)
    await t.rejects(w.delegations.propose(draft(w), 'legal_representative', actor(w.lr)), {
      code: 'organization_not_active'
    })

    t.match(await news(w, { version: 3, status: 'active' }), { changed: ['status'] })
    t.ok(await w.representations.resolve(w.lr, { role: 'legal_representative', organizationId: w.organizationId }))
    t.equal(
      await w.representations.resolve(w.agent, { role: 'agent', organizationId: w.organizationId, delegationId: id }),
      null,
      'agents are approved anew'
    )
  })
}

eachDatabase(
  t,
  'the first legal representative takes nothing; a pending organization does not become active by news',
  async (t, database) => {
    const w = await world(database)
    const { id } = await insertOrganization(w.services.db, {
      crypto: w.services.crypto,
      organization: {
        uscc: 'N2540121MF1234XY4L',
        name: '测试村经济合作社',
        status: 'pending'
      }
    })
    t.match(
      await applyRegisterChange(w.services, {
        uscc: 'N2540121MF1234XY4L',
        version: 1,
        status: 'active',
        legalRepresentative: successor(705)
      }),
      { outcome: 'applied', changed: ['legal_representative'] }
    )
    t.match(
      await w.services.db.selectFrom('organization').selectAll().where('id', '=', id).executeTakeFirstOrThrow(),
      {
        status: 'pending',
        passwordMustChange: false,
        type: 'N2'
      }
    )
    t.equal(await mustChange(w), false)
  }
)
