import t from 'tap'
import { approvalSubject } from '../../../../src/domain/representation/delegation.ts'
import { createDelegations } from '../../../../src/records/organizations/delegations/index.ts'
import { insertOrganization } from '../../../../src/records/organizations/index.ts'
import { eachDatabase } from '../../../support/database.ts'
import { confirm, consume, ready, sandboxOf, world as scanWorld } from '../../scan-tickets/support.ts'
import { approve, actor, newPerson, uscc } from './support.ts'

const sandbox = await sandboxOf(t)

eachDatabase(
  t,
  'a real ticket: scanned, face, confirmed and consumed for exactly this version',
  async (t, database) => {
    const phones = await scanWorld(database, sandbox, { clock: { now: () => Date.now() } })
    const { services, personId: lr } = phones
    const delegations = createDelegations(services)
    const { id: organizationId } = await insertOrganization(services.db, {
      crypto: services.crypto,
      organization: {
        uscc,
        name: '西藏示例科技有限公司',
        status: 'active',
        legalRepresentativeId: lr
      }
    })
    const today = new Date(Date.now() + 8 * 3600_000).toISOString().slice(0, 10)
    const proposed = await delegations.propose(
      {
        organizationId,
        agentId: await newPerson(services),
        functions: null,
        clientIds: null,
        validFrom: today,
        validTo: today
      },
      'legal_representative',
      actor(lr)
    )
    if (!proposed.ok) throw new Error(proposed.code)
    const { id, version } = proposed
    const shown = await delegations.content(id, version)
    const digest = shown?.digest ?? ''
    const subjectRef = approvalSubject(id, version, digest)

    // a login confirmed by the same person, with face
    const login = await ready(phones, { requires: ['face'] })
    await confirm(phones, login)
    const ofLogin = await consume(phones, login)
    t.same(
      await approve(delegations, { id, version, digest }, {
        ...actor(lr),
        ticketId: login.created.ticketId,
        proofs: ofLogin?.proofs ?? []
      }),
      { ok: false, code: 'face_required' }
    )

    const held = await ready(phones, { purpose: 'approve-delegation', subjectRef, requires: ['face'] })
    await confirm(phones, held)
    t.equal(await consume(phones, held, { purpose: 'login' }), null)
    t.equal(await consume(phones, held, { subjectRef: approvalSubject(id, 2, digest) }), null)
    const given = await consume(phones, held)
    t.same(
      await approve(delegations, { id, version, digest }, {
        ...actor(lr),
        ticketId: held.created.ticketId,
        proofs: given?.proofs ?? []
      }),
      { ok: true }
    )
    const face = given?.proofs.find((proof) => proof.kind === 'face')
    t.equal(
      (await services.db.selectFrom('delegation').select('faceCheckId').where('id', '=', id).executeTakeFirstOrThrow())
        .faceCheckId,
      face?.kind === 'face' ? face.checkId : ''
    )
  }
)
