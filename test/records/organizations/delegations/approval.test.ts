import t from 'tap'
import { usableAt } from '../../../../src/domain/representation/representation.ts'
import { insertPerson } from '../../../../src/records/persons/index.ts'
import { applyRegisterChange } from '../../../../src/records/organizations/index.ts'
import { eachDatabase } from '../../../support/database.ts'
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
  signedIn,
  stateOf,
  submitted,
  tax,
  told,
  world
} from './support.ts'

eachDatabase(t, 'proposed, shown, approved: evidence, audit, one notice each', async (t, database) => {
  const w = await world(database)
  const open = await submitted(w)
  t.equal(await stateOf(w, open.id), 'submitted')
  const shown = await w.delegations.content(open.id, 1)
  t.match(shown?.content, {
    delegationId: open.id,
    version: 1,
    organization: { uscc: '91540102MA6T1A2BXK', name: '西藏示例科技有限公司' },
    agent: { personId: w.agent, maskedName: '****西' },
    functions: ['tax.filing'],
    clientIds: [tax]
  })
  t.notMatch(JSON.stringify(shown), /540102199003072515|扎西/)

  const lr = await approver(w, w.lr, open)
  t.same(await approve(w.delegations, open, lr), { ok: true })
  const row = await w.services.db
    .selectFrom('delegation')
    .selectAll()
    .where('id', '=', open.id)
    .executeTakeFirstOrThrow()
  t.match(row, {
    state: 'active',
    approverId: w.lr,
    approvalTicketId: lr.ticketId,
    faceCheckId: 'fc_1',
    digest: open.digest,
    decidedAt: Date
  })
  t.match(await events(w, 'delegation.approved'), [
    {
      actor: `person:${w.lr}`,
      personId: w.lr,
      organizationId: w.organizationId,
      delegationId: open.id,
      role: 'legal_representative',
      details: { agent: w.agent, version: 1, digest: open.digest }
    }
  ])
  t.same(await told(w, w.agent), ['delegation-submitted', 'delegation-approved'])
  t.same(await told(w, w.lr), ['delegation-approved'])
  t.equal(await w.delegations.content(open.id, 1), null, 'nothing is left to approve')

  t.same(await approve(w.delegations, open, lr), { ok: false, code: 'stale' }, 'a second click')
  t.same(await events(w, 'delegation.refused'), [])
})

eachDatabase(t, 'a counter code stands for the face', async (t, database) => {
  const w = await world(database)
  const open = await submitted(w)
  t.same(await approve(w.delegations, open, await approver(w, w.lr, open, { proof: 'counter' })), {
    ok: true
  })
  t.match(
    await w.representations.resolve(w.agent, {
      role: 'agent',
      organizationId: w.organizationId,
      delegationId: open.id
    }),
    { approval: { faceCheckId: null } }
  )
})

eachDatabase(
  t,
  'without scan and face of the approver, by exactly this ticket, nothing is approved',
  async (t, database) => {
    const w = await world(database)
    const open = await submitted(w)
    const other = await submitted(w, { agentId: await newPerson(w.services) })
    const good = await approver(w, w.lr, open)
    const [scan, face] = good.proofs
    if (scan?.kind !== 'scan' || face?.kind !== 'face') throw new Error('proofs')
    const faceless = await approver(w, w.lr, open, { proof: null })
    const disguises: Record<string, typeof good> = {
      'no proofs': { ...good, proofs: [] },
      'scan only': { ...good, proofs: [scan] },
      'face only': { ...good, proofs: [face] },
      "somebody else's face": { ...good, proofs: [scan, { ...face, personId: w.agent }] },
      "somebody else's scan": { ...good, proofs: [{ ...scan, personId: w.agent }, face] },
      'a scan of another ticket': { ...good, proofs: [{ ...scan, ticketId: 'st_other' }, face] },
      'a password': { ...good, proofs: [scan, { kind: 'password', personId: w.lr, at: 1 }] },
      'a ticket that is not there': { ...good, ticketId: 'st_none', proofs: [{ ...scan, ticketId: 'st_none' }, face] },
      'a login ticket': await approver(w, w.lr, open, { purpose: 'login' }),
      'a ticket for another delegation': await approver(w, w.lr, other),
      'a ticket for another digest': await approver(w, w.lr, { ...open, digest: 'x' }),
      'a ticket not consumed': await approver(w, w.lr, open, { state: 'confirmed' }),
      'a ticket without a face, whatever is claimed': { ...faceless, proofs: [...faceless.proofs, face] },
      'a ticket of the agent': { ...(await approver(w, w.agent, open)), personId: w.lr }
    }
    for (const [name, disguise] of Object.entries(disguises)) {
      t.same(
        await approve(w.delegations, open, disguise),
        { ok: false, code: 'face_required' },
        name
      )
    }
    t.equal(await stateOf(w, open.id), 'submitted')
    const refused = await events(w, 'delegation.refused')
    t.equal(refused.length, Object.keys(disguises).length, 'each is kept')
    t.match(refused[0], {
      outcome: 'denied',
      reason: 'face_required',
      personId: w.lr,
      delegationId: open.id,
      details: { act: 'approve' }
    })
    t.same(await approve(w.delegations, open, good), { ok: true }, 'and the right one still works')
  }
)

eachDatabase(t, 'stale digest, swapped version, swapped content', async (t, database) => {
  const w = await world(database)
  const first = await active(w)
  const second = await submitted(w, { functions: ['tax.filing', 'tax.refund'] })
  t.equal(second.id, first.id)
  t.equal(second.version, 2)
  t.not(second.digest, first.digest)
  const attempt = async (version: number, digest: string) =>
    await approve(
      w.delegations,
      { id: second.id, version, digest },
      await approver(w, w.lr, { id: second.id, version, digest })
    )
  t.same(await attempt(2, first.digest), { ok: false, code: 'stale' }, 'the text of another version')
  t.same(await attempt(1, second.digest), { ok: false, code: 'stale' }, 'another version under this text')
  t.same(await attempt(3, second.digest), { ok: false, code: 'stale' }, 'no such version')
  t.same(await attempt(2, ''), { ok: false, code: 'stale' })
  t.same(
    (await events(w, 'delegation.refused')).map(({ reason }) => reason),
    ['stale', 'stale', 'stale', 'stale']
  )

  // an attacker with the table before him, but without the digest's text
  await w.services.db
    .updateTable('delegation')
    .set({ functions: JSON.stringify(['land.transfer']) })
    .where('id', '=', second.id)
    .where('version', '=', 2)
    .execute()
  t.equal(await w.delegations.content(second.id, 2), null)
  t.same(
    await attempt(2, second.digest),
    { ok: false, code: 'stale' },
    'the row says something else than what was submitted'
  )
  t.equal(await stateOf(w, first.id, 1), 'active', 'what was in force stays')
})

eachDatabase(t, 'the organization is renamed between showing and approving', async (t, database) => {
  const w = await world(database)
  const open = await submitted(w)
  await applyRegisterChange(w.services, { uscc: '91540102MA6T1A2BXK', version: 2, name: '西藏新名科技有限公司' })
  t.same(await approve(w.delegations, open, await approver(w, w.lr, open)), {
    ok: false,
    code: 'stale'
  })
  const shown = await w.delegations.content(open.id, 1)
  t.equal(shown?.content.organization.name, '西藏新名科技有限公司')
  const now = { ...open, digest: shown?.digest ?? '' }
  t.same(await approve(w.delegations, now, await approver(w, w.lr, now)), { ok: true })
})

eachDatabase(t, 'nobody approves oneself, in any disguise', async (t, database) => {
  const w = await world(database)
  t.match(await w.delegations.propose(draft(w, { agentId: w.lr }), 'legal_representative', actor(w.lr)), {
    ok: false,
    code: 'self_delegation'
  })
  t.match(await w.delegations.propose(draft(w, { agentId: w.lr }), 'agent', actor(w.lr)), {
    ok: false,
    code: 'self_delegation'
  })

  const open = await submitted(w)
  t.same(
    await approve(w.delegations, open, await approver(w, w.agent, open)),
    { ok: false, code: 'self_approval' },
    'the agent'
  )

  // the agent becomes legal representative after the application
  await w.services.db
    .updateTable('organization')
    .set({ legalRepresentativeId: w.agent })
    .where('id', '=', w.organizationId)
    .execute()
  t.same(await approve(w.delegations, open, await approver(w, w.agent, open)), {
    ok: false,
    code: 'self_approval'
  })
  t.equal(await stateOf(w, open.id), 'submitted')

  // two accounts of one human being: the same document, which the unique index otherwise prevents
  await w.services.db.schema.dropIndex('person_cert_no').execute()
  const { id: twin } = await insertPerson(w.services.db, w.services.crypto, {
    person: {
      status: 'active',
      name: '测试·扎西',
      certType: 'resident_id',
      certNo: '540102199003072515'
    }
  })
  await w.services.db
    .updateTable('organization')
    .set({ legalRepresentativeId: twin })
    .where('id', '=', w.organizationId)
    .execute()
  t.same(await approve(w.delegations, open, await approver(w, twin, open)), {
    ok: false,
    code: 'self_approval'
  })
  t.equal(await stateOf(w, open.id), 'submitted')
  const again = draft(w, { agentId: w.agent })
  t.match(await w.delegations.propose(again, 'legal_representative', actor(twin)), {
    ok: false,
    code: 'self_delegation'
  })
  t.same(
    (await events(w, 'delegation.refused')).map(({ reason }) => reason),
    ['self_approval', 'self_approval', 'self_approval']
  )
})

eachDatabase(
  t,
  'only the legal representative of this moment approves, rejects, revokes or suspends',
  async (t, database) => {
    const w = await world(database)
    const stranger = await newPerson(w.services)
    const open = await submitted(w)
    t.same(await approve(w.delegations, open, await approver(w, stranger, open)), {
      ok: false,
      code: 'not_legal_representative'
    })
    t.equal(await w.delegations.reject({ id: open.id, version: 1, reason: '', actor: actor(stranger) }), false)
    t.equal(await w.delegations.reject({ id: open.id, version: 1, reason: '', actor: actor(w.agent) }), false)
    t.equal(await w.delegations.withdraw(open.id, 1, actor(stranger)), false)
    await approve(w.delegations, open, await approver(w, w.lr, open))
    for (const person of [stranger, w.agent]) {
      t.equal(await w.delegations.revoke(open.id, '', actor(person)), false)
      t.equal(await w.delegations.suspend(open.id, '', actor(person)), false)
    }
    t.equal(await w.delegations.resign(open.id, actor(w.lr)), false)
    t.equal(await stateOf(w, open.id), 'active')
    t.same(
      (await events(w, 'delegation.refused')).map(({ reason, details }) => `${details['act']} ${reason}`),
      [
        'approve not_legal_representative',
        'reject not_legal_representative',
        'reject not_legal_representative',
        'revoke not_legal_representative',
        'suspend not_legal_representative',
        'revoke not_legal_representative',
        'suspend not_legal_representative'
      ]
    )

    // a locked or former representative
    const next = await submitted(w, { validTo: w.day(100) })
    await w.services.db.updateTable('person').set({ status: 'locked' }).where('id', '=', w.lr).execute()
    t.match(await approve(w.delegations, next, await approver(w, w.lr, next)), { ok: false })
    await w.services.db.updateTable('person').set({ status: 'active' }).where('id', '=', w.lr).execute()
    await applyRegisterChange(w.services, {
      uscc: '91540102MA6T1A2BXK',
      version: 2,
      legalRepresentative: { certType: 'resident_id', certNo: certNo(900), name: '测试·新代表' }
    })
    t.match(await approve(w.delegations, next, await approver(w, w.lr, next)), {
      ok: false,
      code: 'not_legal_representative'
    })
    t.equal(await stateOf(w, next.id, 2), 'withdrawn')
  }
)

eachDatabase(t, 'a new version replaces the old one, and ends what was given under it', async (t, database) => {
  const w = await world(database)
  const first = await active(w)
  const session = await signedIn(w, w.agent, first.id)
  const second = await submitted(w, { functions: ['tax.refund'] })
  t.match(
    await w.representations.resolve(w.agent, {
      role: 'agent',
      organizationId: w.organizationId,
      delegationId: first.id
    }),
    { delegation: { version: 1 } },
    'until then the old one is in force'
  )
  t.same(await approve(w.delegations, second, await approver(w, w.lr, second)), { ok: true })
  t.equal(await stateOf(w, first.id, 1), 'superseded')
  t.same(await left(w, session), endedSession)
  t.match(
    await w.representations.resolve(w.agent, {
      role: 'agent',
      organizationId: w.organizationId,
      delegationId: first.id
    }),
    { delegation: { version: 2, functions: ['tax.refund'] } }
  )
})

eachDatabase(
  t,
  'an organization that its agent registered becomes active by the first approval',
  async (t, database) => {
    const w = await world(database)
    await w.services.db
      .updateTable('organization')
      .set({ status: 'pending' })
      .where('id', '=', w.organizationId)
      .execute()
    const open = await submitted(w)
    // it counts at Kora's own services only, where she decides
    const before = await w.representations.resolve(w.lr, {
      role: 'legal_representative',
      organizationId: w.organizationId
    })
    t.match(before, { organization: { status: 'pending' } })
    const everybody = {
      clientId: 'any',
      subjectKinds: ['person', 'organization'],
      roles: ['self', 'legal_representative', 'agent']
    } satisfies Parameters<typeof usableAt>[1]
    t.match(usableAt(before!, everybody, '2026-06-01'), { ok: false })
    t.match(usableAt(before!, { ...everybody, ownService: true }, '2026-06-01'), { ok: true })
    await approve(w.delegations, open, await approver(w, w.lr, open))
    t.match(
      await w.representations.resolve(w.lr, { role: 'legal_representative', organizationId: w.organizationId }),
      {
        organization: { status: 'active' }
      }
    )
    t.equal((await events(w, 'organization.approved')).length, 1)
  }
)
