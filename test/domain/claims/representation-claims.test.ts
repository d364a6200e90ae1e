import t from 'tap'
import fc from 'fast-check'
import {
  claimsByScope,
  functionsHere,
  personClaims,
  representationClaim,
  restrictedClaims,
  withAliases
} from '../../../src/domain/claims/claims.ts'
import type { Representation } from '../../../src/domain/representation/representation.ts'
import type { Person } from '../../../src/domain/identity/person.ts'

const organization = {
  id: 'org_1',
  uscc: '91540102MA6T1A2BXK',
  name: '西藏示例科技有限公司',
  type: '91',
  status: 'active'
} as const
const delegation = {
  id: 'dlg_1',
  version: 3,
  functions: ['tax.filing', 'property.query'],
  clientIds: ['tax'],
  validFrom: '2026-04-11',
  validTo: '2027-04-10'
}
const agent: Representation = {
  role: 'agent',
  organization,
  delegation,
  approval: { approvedAt: '2026-04-11T02:00:00.000Z', faceCheckId: 'fc_1' }
}
const legal: Representation = { role: 'legal_representative', organization, since: '2024-01-02T00:00:00.000Z' }
const catalogue = ['tax.filing', 'tax.query']

const person: Person = {
  id: 'per_1',
  sub: 'sub',
  status: 'active',
  name: '次仁卓玛',
  nameBo: null,
  certType: 'resident_id',
  certNo: '540103199511214029',
  certValidFrom: '2022-03-10',
  certValidTo: '2042-03-10',
  certTerm: '20',
  phone: '+8613900139000',
  phoneVerifiedAt: new Date(),
  email: null,
  locale: null,
  assuranceLevel: 3,
  identityVerifiedAt: new Date(),
  faceVerifiedAt: new Date(),
  updatedAt: new Date(1000)
}

t.test('representation: exactly what docs/claims.md shows', async (t) => {
  t.same(representationClaim({ role: 'self' }, catalogue), { role: 'self' })
  t.same(representationClaim(legal, catalogue), {
    role: 'legal_representative',
    organization: { uscc: '91540102MA6T1A2BXK', name: '西藏示例科技有限公司', type: '91', status: 'active' }
  })
  t.same(representationClaim(agent, catalogue), {
    role: 'agent',
    organization: { uscc: '91540102MA6T1A2BXK', name: '西藏示例科技有限公司', type: '91', status: 'active' },
    delegation: {
      id: 'dlg_1',
      version: 3,
      functions: ['tax.filing'],
      valid_from: '2026-04-11',
      valid_to: '2027-04-10'
    }
  })
  t.notMatch(JSON.stringify(representationClaim(agent, catalogue)), /org_1|per_/, 'no internal identifier')
})

t.test('functions: those that concern the site, never more than either side says', async (t) => {
  t.same(functionsHere({ functions: null }, catalogue), catalogue, 'everything = everything published')
  t.equal(functionsHere({ functions: null }, []), undefined, 'nothing published, nothing limited')
  t.same(
    functionsHere({ functions: ['property.query'] }, catalogue),
    [],
    'limited to something else: no function here'
  )
  t.same(functionsHere({ functions: ['property.query'] }, []), [], 'a limit without a catalogue is no permission')
  const codes = fc.uniqueArray(fc.constantFrom<string>('a', 'b', 'c', 'd', 'e'))
  fc.assert(
    fc.property(codes, codes, (functions, published) => {
      const here = functionsHere({ functions }, published)
      return (
        here !== undefined &&
        here.every((code) => functions.includes(code) && published.includes(code)) &&
        published.filter((code) => functions.includes(code)).length === here.length
      )
    })
  )
})

t.test('person: restricted claims never in an ID token; organization only when acting for one', async (t) => {
  const facts = { person, catalogue, gender: 'female', birthdate: '1995-11-21', certTypeCode: '111' } as const
  const forToken = personClaims({ ...facts, representation: agent }, 'id_token')
  for (const claim of restrictedClaims) t.notHas(forToken, claim)
  t.notMatch(JSON.stringify(forToken), /540103199511214029/)
  t.same(forToken['organization'], { uscc: organization.uscc, name: organization.name, type: '91', status: 'active' })
  const self = personClaims({ ...facts, representation: { role: 'self' } }, 'userinfo')
  t.notHas(self, 'organization')
  t.equal(self['cert_no'], '540103199511214029')
})

t.test('aliases: repeat what is released, replace nothing', async (t) => {
  const released = {
    sub: 's',
    name: '次仁卓玛',
    representation: representationClaim(agent, catalogue),
    'name#bo': 'x'
  }
  t.same(
    withAliases(released, {
      name: 'userName',
      'representation.role': 'userType',
      'representation.organization.uscc': 'uscc',
      'representation.organization.name': 'corpName',
      'name#bo': 'boName'
    }),
    {
      ...released,
      userName: '次仁卓玛',
      userType: 'agent',
      uscc: organization.uscc,
      corpName: organization.name,
      boName: 'x'
    }
  )
  t.same(
    withAliases(released, {
      cert_no: 'idNo',
      'representation.delegation.nothing': 'x',
      'representation.role.length': 'y',
      'representation.__proto__': 'z'
    }),
    released,
    'nothing that is not there'
  )
  t.same(
    withAliases(released, {
      name: 'sub',
      'representation.role': 'acr',
      'representation.organization.uscc': 'representation',
      'representation.organization.name': 'name'
    }),
    released,
    'no claim of ours is replaced'
  )
  t.same(withAliases(released, { name: '__proto__' }), released)
  const names = fc.oneof(
    fc.string(),
    fc.constantFrom(...Object.values(claimsByScope).flat(), 'iss', 'aud', '__proto__')
  )
  fc.assert(
    fc.property(fc.dictionary(fc.oneof(names, fc.constantFrom('name', 'representation.role')), names), (aliases) => {
      const result = withAliases(released, aliases)
      return (
        Object.entries(released).every(([name, value]) => result[name] === value) &&
        Object.getPrototypeOf(result) === Object.prototype
      )
    })
  )
})
