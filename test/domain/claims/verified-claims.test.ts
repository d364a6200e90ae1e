import t from 'tap'
import fc from 'fast-check'
import {
  verifiedClaims,
  verifiedClaimsMetadata,
  type VerifiedFacts
} from '../../../src/domain/claims/verified-claims.ts'
import type { Representation } from '../../../src/domain/representation/representation.ts'
import { schemaFaults, verifiedClaimsSchema } from './ida-schema.ts'

const issuer = 'https://sso.example.gov.cn'
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
  functions: ['tax.filing'],
  clientIds: null,
  validFrom: '2026-04-11',
  validTo: '2027-04-10'
}
const agent: Representation = {
  role: 'agent',
  organization,
  delegation,
  approval: { approvedAt: '2026-04-10T18:30:00.123Z', faceCheckId: 'fc_1' }
}
const legal: Representation = { role: 'legal_representative', organization, since: '2024-01-02T00:00:00.000Z' }
const everything = new Set(['name', 'gender', 'birthdate', 'cert_type', 'cert_no', 'authority'])

const facts: VerifiedFacts = {
  issuer,
  person: {
    assuranceLevel: 3,
    certType: 'resident_id',
    certNo: '540103199511214029',
    identityVerifiedAt: new Date('2026-01-05T01:02:03.456Z'),
    faceVerifiedAt: new Date('2026-02-05T01:02:03Z')
  },
  claims: {
    name: '次仁卓玛',
    gender: 'female',
    birthdate: '1995-11-21',
    cert_type: '111',
    cert_no: '540103199511214029'
  },
  allowed: everything,
  representation: agent,
  catalogue: ['tax.filing', 'tax.query'],
  audience: 'https://etax.example.gov.cn'
}

t.test('agent: to the letter of docs/claims.md', async (t) => {
  t.same(verifiedClaims(facts)[1], {
    verification: {
      trust_framework: `${issuer}/tf/delegation`,
      time: '2026-04-10T18:30:00Z',
      verification_process: 'dlg_1',
      evidence: [
        {
          type: 'vouch',
          check_details: [{ check_method: 'bvr', check_id: 'fc_1', time: '2026-04-10T18:30:00Z' }],
          attestation: {
            type: 'digital_attestation',
            reference_number: 'dlg_1',
            date_of_issuance: '2026-04-11',
            date_of_expiry: '2027-04-10',
            voucher: { occupation: '法定代表人', organization: '西藏示例科技有限公司' }
          }
        }
      ]
    },
    claims: {
      authority: {
        applies_to: {
          organization_name: '西藏示例科技有限公司',
          registration_number: '91540102MA6T1A2BXK',
          legal_jurisdiction: 'CN',
          organization_status: 'active'
        },
        permission: [
          {
            role: 'agent',
            function: ['tax.filing'],
            audience: ['https://etax.example.gov.cn'],
            validity: { start: '2026-04-11', end: '2027-04-10' },
            may_delegate: false
          }
        ],
        granted_by: { method: 'delegated', reason: '代理人审核通过' }
      }
    }
  })
})

t.test('legal representative: appointed, may delegate, by the company register', async (t) => {
  const [, authority] = verifiedClaims({ ...facts, representation: legal })
  t.match(authority, {
    verification: { evidence: [{ type: 'electronic_record', record: { type: 'company_register' } }] },
    claims: {
      authority: {
        permission: [{ role: 'legal_representative', may_delegate: true }],
        granted_by: { method: 'appointed' }
      }
    }
  })
})

t.test('person: document with face, population register; the validity of the card is not verified', async (t) => {
  const [person] = verifiedClaims(facts)
  t.match(person, {
    verification: {
      trust_framework: `${issuer}/tf/identity`,
      evidence: [
        {
          type: 'document',
          check_details: [{ check_method: 'bvr' }],
          document_details: {
            type: 'idcard',
            document_number: '540103199511214029'
          }
        },
        {
          type: 'electronic_record',
          check_details: [{ check_method: 'data' }],
          record: { type: 'population_register' }
        }
      ]
    },
    claims: { name: '次仁卓玛', birthdate: '1995-11-21' }
  })
  const [dated] = verifiedClaims({
    ...facts,
    person: { ...facts.person, certValidFrom: '2022-03-10', certValidTo: '2042-03-10' } as VerifiedFacts['person']
  })
  t.notMatch(JSON.stringify(dated), /2022-03-10|2042-03-10|date_of_/, 'S26: nobody verified the validity of the card')
  const counter = verifiedClaims({ ...facts, person: { ...facts.person, faceVerifiedAt: null } })
  t.match(
    counter[0],
    { verification: { time: '2026-01-05T01:02:03Z', evidence: [{ check_details: [{ check_method: 'pvp' }] }, {}] } },
    'a counter code is not a face check'
  )
  t.same(
    verifiedClaims({
      ...facts,
      person: { ...facts.person, faceVerifiedAt: null, identityVerifiedAt: null },
      representation: { role: 'self' }
    }),
    [],
    'never verified'
  )
})

t.test('without the identity scope the document says nothing about the person', async (t) => {
  const [person] = verifiedClaims({ ...facts, allowed: new Set(['name']) })
  t.same(person?.claims, { name: '次仁卓玛' })
  t.notMatch(JSON.stringify(person), /5401|2022-03-10|2042|1995/)
  t.same(verifiedClaims({ ...facts, allowed: new Set(['phone_number']) }), [])
})

t.test('every combination is valid by the schema; nothing but what metadata announces', async (t) => {
  t.match(
    schemaFaults(verifiedClaimsSchema, [{ verification: {}, claims: { name: 'x' } }]),
    /trust_framework/,
    'the schema can fail'
  )
  const metadata = verifiedClaimsMetadata(issuer) as Record<string, string[]>
  const instants = fc.option(
    fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
  )
  fc.assert(
    fc.property(
      fc.record({
        identityVerifiedAt: instants,
        faceVerifiedAt: instants,
        level: fc.constantFrom(1 as const, 2 as const, 3 as const),
        certType: fc.constantFrom('resident_id', 'passport', 'military', 'unheard of'),
        allowed: fc.subarray([...everything]),
        catalogue: fc.subarray(['tax.filing', 'tax.query']),
        representation: fc.constantFrom<Representation>(
          { role: 'self' },
          legal,
          { ...legal, since: null },
          agent,
          { ...agent, approval: null },
          { ...agent, approval: { approvedAt: '2026-04-11T00:00:00Z', faceCheckId: null } },
          { ...agent, delegation: { ...delegation, functions: null } }
        ),
        forToken: fc.boolean()
      }),
      ({
        identityVerifiedAt,
        faceVerifiedAt,
        level,
        certType,
        allowed,
        catalogue,
        representation,
        forToken
      }) => {
        const claims = forToken ? { name: '次仁卓玛', gender: 'female' } : facts.claims
        const elements = verifiedClaims({
          ...facts,
          claims,
          person: {
            ...facts.person,
            assuranceLevel: level,
            identityVerifiedAt,
            faceVerifiedAt,
            certType
          },
          allowed: new Set(allowed),
          catalogue,
          representation
        })
        if (elements.length === 0) return
        const fault = schemaFaults(verifiedClaimsSchema, elements)
        if (fault !== null) throw new Error(fault)
        const text = JSON.stringify(elements)
        if (forToken && text.includes('540103199511214029')) throw new Error('number in an ID token')
        for (const { verification, claims } of elements) {
          if (metadata['trust_frameworks_supported']?.includes(verification.trust_framework) !== true) {
            throw new Error(verification.trust_framework)
          }
          if (
            Object.keys(claims).some(
              (name) => metadata['claims_in_verified_claims_supported']?.includes(name) !== true
            )
          ) {
            throw new Error('claims')
          }
          for (const {
            type,
            document_details: document,
            record,
            check_details: checks
          } of verification.evidence as Array<{
            type: string
            document_details?: { type: string }
            record?: { type: string }
            check_details?: Array<{ check_method: string }>
          }>) {
            if (metadata['evidence_supported']?.includes(type) !== true) throw new Error(type)
            if (document !== undefined && metadata['documents_supported']?.includes(document.type) !== true) {
              throw new Error(document.type)
            }
            if (record !== undefined && metadata['electronic_records_supported']?.includes(record.type) !== true) {
              throw new Error(record.type)
            }
            if (
              type === 'document' &&
              checks?.some(
                ({ check_method: method }) => metadata['documents_check_methods_supported']?.includes(method) !== true
              ) === true
            ) {
              throw new Error('check method')
            }
          }
        }
      }
    ),
    { numRuns: 300 }
  )
})
