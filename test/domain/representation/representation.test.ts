import t from 'tap'
import {
  contextId,
  parseRef,
  toRepresentationRef,
  self,
  usableAt,
  type Representation,
  type RepresentationRef
} from '../../../src/domain/representation/representation.ts'

const organization = {
  id: 'org_1',
  uscc: '91540102MA6T1A2BXK',
  name: '西藏示例科技有限公司',
  type: '91',
  status: 'active'
} as const
const delegation = {
  id: 'dlg_1',
  version: 1,
  functions: null,
  clientIds: ['tax'],
  validFrom: '2026-04-11',
  validTo: '2027-04-10'
}
const legal: Representation = { role: 'legal_representative', organization, since: null }
const agent: Representation = { role: 'agent', organization, delegation, approval: null }

t.test('references survive storage, and nothing else is one', async (t) => {
  const refs: RepresentationRef[] = [
    self,
    { role: 'legal_representative', organizationId: 'org_1' },
    { role: 'agent', organizationId: 'org_1', delegationId: 'dlg_1' }
  ]
  for (const ref of refs) t.same(parseRef(JSON.parse(JSON.stringify(ref))), ref)
  t.same([toRepresentationRef(self), toRepresentationRef(legal), toRepresentationRef(agent)], refs)
  t.equal(new Set(refs.map(contextId)).size, 3)
  for (const wrong of [
    null,
    'self',
    {},
    { role: 'admin' },
    { role: 'agent', organizationId: 'org_1' },
    { role: 'agent', delegationId: 'dlg_1' },
    { role: 'legal_representative', organizationId: 7 }
  ]) {
    t.equal(parseRef(wrong), null)
  }
  t.same(parseRef({ role: 'self', organizationId: 'org_1', approved: true }), self, 'nothing is smuggled in')
})

t.test('usable at a relying site', async (t) => {
  const site = {
    clientId: 'tax',
    subjectKinds: ['person', 'organization'],
    roles: ['self', 'legal_representative', 'agent']
  } as const
  const at = (
    representation: Representation,
    change: Partial<Parameters<typeof usableAt>[1]> = {},
    today = '2026-04-11'
  ): string => {
    const usable = usableAt(representation, { ...site, ...change }, today)
    return usable.ok ? 'ok' : usable.code
  }
  for (const representation of [self, legal, agent]) {
    t.equal(at(representation), 'ok')
    t.equal(at(representation, { roles: [] }), 'not_allowed_here')
    t.equal(
      at(representation, { subjectKinds: [representation.role === 'self' ? 'organization' : 'person'] }),
      'not_allowed_here'
    )
  }
  t.equal(at(agent, { clientId: 'land' }), 'not_allowed_here')
  t.equal(at({ ...agent, delegation: { ...delegation, clientIds: null } }, { clientId: 'land' }), 'ok')
  t.equal(
    at({ ...agent, delegation: { ...delegation, clientIds: [] } }),
    'not_allowed_here',
    'an empty list is nowhere'
  )
  t.same(
    ['2026-04-10', '2026-04-11', '2027-04-10', '2027-04-11'].map((today) => at(agent, {}, today)),
    ['not_yet_valid', 'ok', 'ok', 'expired']
  )
  for (const status of ['pending', 'suspended', 'dissolved'] as const) {
    for (const representation of [legal, agent]) {
      t.equal(at({ ...representation, organization: { ...organization, status } }), 'organization_suspended')
    }
    const own = [legal, agent].map((representation) =>
      at({ ...representation, organization: { ...organization, status } }, { ownService: true })
    )
    t.same(
      own,
      [status === 'pending' ? 'ok' : 'organization_suspended', 'organization_suspended'],
      'who was named in an application decides about it in the user centre'
    )
  }
})
