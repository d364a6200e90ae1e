/** Examples of claims in the documentation, made by the functions that make the real ones. The people are invented. */
import { personClaims, representationClaim, type ClaimFacts } from '../../domain/claims.ts'
import type { Person } from '../../domain/person.ts'
import { self, type Representation } from '../../domain/representation.ts'
import { verifiedClaims } from '../../domain/verified-claims.ts'

const organization = { id: 'org_example', uscc: '91540102MA6T1A2BXK', name: '西藏示例科技有限公司', type: '91', status: 'active' } as const

const person: Person = {
  id: 'per_example',
  sub: 'yTQ5oC1l6bJb0mWkq8cVJg2nT4xZr7aE',
  status: 'active',
  name: '扎西顿珠',
  nameBo: 'བཀྲ་ཤིས་དོན་གྲུབ།',
  certType: 'resident_id',
  certNo: '540102199003072515',
  certValidFrom: '2020-05-01',
  certValidTo: '2040-05-01',
  certTerm: '20',
  phone: '+8613800138000',
  email: null,
  locale: 'zh-CN',
  assuranceLevel: 3,
  identityVerifiedAt: new Date('2026-03-01T02:00:00Z'),
  faceVerifiedAt: new Date('2026-03-01T02:05:00Z'),
  updatedAt: new Date('2026-03-01T02:05:00Z')
}

const representations = {
  self,
  legalRepresentative: { role: 'legal_representative', organization, since: '2024-06-01' },
  agent: {
    role: 'agent',
    organization,
    delegation: { id: 'dlg_q0Jt1bU8sY', version: 3, functions: ['tax.filing'], clientIds: null, validFrom: '2026-04-11', validTo: '2027-04-10' },
    approval: { approvedAt: '2026-04-10T06:30:00Z', faceCheckId: '5f0c1e7a9b' }
  }
} as const satisfies Record<string, Representation>

const catalogue = ['tax.filing', 'tax.query']

const facts = (representation: Representation): ClaimFacts => ({ person, representation, catalogue, gender: 'male', birthdate: '1990-03-07', certTypeCode: '111' })

const json = (value: unknown): string => JSON.stringify(value, null, 2)

/** Texts by the name under which documents call them. */
export function claimExamples (issuer: string): Record<string, string> {
  const now = Math.floor(Date.UTC(2026, 3, 12, 1, 0, 0) / 1000)
  const verified = (representation: Representation): string => json({
    verified_claims: verifiedClaims({
      issuer, person, representation, catalogue, audience: 'https://etax.example.gov.cn', claims: personClaims(facts(representation), 'userinfo'), allowed: new Set(['name', 'authority'])
    })
  })
  return {
    exampleSelf: json({ representation: representationClaim(representations.self) }),
    exampleLegal: json({ representation: representationClaim(representations.legalRepresentative, catalogue) }),
    exampleAgent: json({ representation: representationClaim(representations.agent, catalogue) }),
    exampleIdToken: json({
      iss: issuer,
      sub: person.sub,
      aud: 'my-site',
      exp: now + 600,
      iat: now,
      auth_time: now - 20,
      nonce: '…',
      acr: 'urn:kora:loa:2',
      amr: ['pwd'],
      sid: '…',
      ...personClaims(facts(representations.agent), 'id_token', new Set(['assurance_level', 'representation']))
    }),
    exampleUserinfo: json({ sub: person.sub, ...personClaims(facts(representations.self), 'userinfo', new Set(['assurance_level', 'representation', 'name', 'name#bo', 'gender', 'updated_at', 'phone_number', 'phone_number_verified'])) }),
    exampleVerifiedLegal: verified(representations.legalRepresentative),
    exampleVerifiedAgent: verified(representations.agent)
  }
}
