import t from 'tap'
import fc from 'fast-check'
import {
  claimsByScope,
  functionsHere,
  personClaims,
  representationClaim,
  restrictedClaims,
  type ClaimFacts
} from '../../../src/domain/claims/claims.ts'
import { self } from '../../../src/domain/representation/representation.ts'

const facts: ClaimFacts = {
  person: {
    id: 'per_1',
    sub: 'random',
    status: 'active',
    name: '扎西顿珠',
    nameBo: 'བཀྲ་ཤིས།',
    certType: 'resident_id',
    certNo: '540102199003072515',
    certValidFrom: '2018-06-01',
    certValidTo: null,
    certTerm: 'long',
    phone: '+8613800138000',
    phoneVerifiedAt: new Date('2026-11-22T00:00:00Z'),
    email: null,
    locale: null,
    assuranceLevel: 3,
    identityVerifiedAt: null,
    faceVerifiedAt: null,
    updatedAt: new Date('2026-11-22T00:00:00Z')
  },
  representation: self,
  gender: 'male',
  birthdate: '1990-03-07',
  certTypeCode: '111'
}

t.test('userinfo: every claim that there is, and no empty ones', (t) => {
  t.strictSame(
    personClaims(facts, 'userinfo'),
    {
      assurance_level: 3,
      representation: { role: 'self' },
      name: '扎西顿珠',
      'name#bo': 'བཀྲ་ཤིས།',
      gender: 'male',
      updated_at: 1795305600,
      phone_number: '+8613800138000',
      phone_number_verified: true,
      cert_type: '111',
      cert_no: '540102199003072515',
      cert_valid_from: '2018-06-01',
      cert_validity_verified: false,
      birthdate: '1990-03-07'
    },
    '长期 omits the end date, no e-mail means no e-mail claims'
  )
  t.end()
})

t.test('an ID token never has a restricted claim, whatever is wanted', (t) => {
  const names = Object.values(claimsByScope).flat()
  fc.assert(
    fc.property(fc.subarray(names), (wanted) => {
      const given = Object.keys(personClaims(facts, 'id_token', new Set(wanted)))
      return given.every((name) => wanted.includes(name as never) && !restrictedClaims.includes(name))
    })
  )
  t.notOk(Object.keys(personClaims(facts, 'id_token')).some((name) => restrictedClaims.includes(name)))
  t.end()
})

t.test('what is not wanted is not even looked at', (t) => {
  const guarded = {
    ...facts,
    person: new Proxy(facts.person, {
      get (person, name) {
        if (name === 'certNo' || name === 'phone') throw new Error('opened')
        return Reflect.get(person, name)
      }
    })
  }
  t.strictSame(personClaims(guarded, 'userinfo', new Set(['name', 'assurance_level'])), {
    assurance_level: 3,
    name: '扎西顿珠'
  })
  t.end()
})

t.test('a person for themself is nothing more than that', (t) => {
  t.strictSame(representationClaim(self), { role: 'self' })
  t.end()
})

t.test('an agent: the organization, and of the delegation what concerns the asking site', (t) => {
  const organization = {
    id: 'org_1',
    uscc: '91540102MA6T1A2BXK',
    name: '西藏示例科技有限公司',
    type: '91',
    status: 'active' as const
  }
  const delegation = {
    id: 'dlg_1',
    version: 3,
    functions: ['tax.filing', 'property.query'],
    clientIds: null,
    validFrom: '2026-04-11',
    validTo: '2027-04-10'
  }
  const agent = { role: 'agent' as const, organization, delegation, approval: null }
  t.strictSame(representationClaim(agent, ['property.query', 'property.register']), {
    role: 'agent',
    organization: { uscc: '91540102MA6T1A2BXK', name: '西藏示例科技有限公司', type: '91', status: 'active' },
    delegation: {
      id: 'dlg_1',
      version: 3,
      functions: ['property.query'],
      valid_from: '2026-04-11',
      valid_to: '2027-04-10'
    }
  })
  t.strictSame(functionsHere({ functions: null }, []), undefined, 'no limit and no catalogue: nothing to list')
  t.strictSame(functionsHere({ functions: null }, ['a']), ['a'])
  t.strictSame(functionsHere({ functions: ['b'] }, ['a']), [])
  t.strictSame(representationClaim({ role: 'legal_representative', organization, since: null }, []), {
    role: 'legal_representative',
    organization: { uscc: '91540102MA6T1A2BXK', name: '西藏示例科技有限公司', type: '91', status: 'active' }
  })
  t.strictSame(personClaims({ ...facts, representation: agent }, 'userinfo', new Set(['organization'])), {
    organization: { uscc: '91540102MA6T1A2BXK', name: '西藏示例科技有限公司', type: '91', status: 'active' }
  })
  t.end()
})

t.test('S11: a phone that somebody else typed is not verified', async (t) => {
  const typed = { ...facts, person: { ...facts.person, phoneVerifiedAt: null } }
  t.match(personClaims(typed, 'userinfo'), { phone_number: '+8613800138000', phone_number_verified: false })
})
