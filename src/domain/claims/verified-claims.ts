/**
 * `verified_claims` (OpenID Connect for Identity Assurance 1.0): what was verified, by which rules, on what evidence.
 * One element for the person, one for the authority to act for an organization (`authority`, OpenID Authority claims).
 * Pure, from the same facts as the `representation` claim. ida-filter.ts selects what a request gets.
 */
import { functionsHere } from './claims.ts'
import type { Person } from '../identity/person.ts'
import type {
  ApprovalFacts,
  DelegationFacts,
  OrganizationFacts,
  Representation
} from '../representation/representation.ts'

export interface VerifiedClaims {
  verification: {
    trust_framework: string
    time?: string
    verification_process?: string
    evidence?: Array<Record<string, unknown>>
  }
  claims: Record<string, unknown>
}

/** The rules behind each kind of element, named under the issuer, because no other issuer's rules are the same. */
export const trustFrameworks = (
  issuer: string
): { identity: string; legalRepresentative: string; delegation: string } => ({
  identity: `${issuer}/tf/identity`,
  legalRepresentative: `${issuer}/tf/legal-representative`,
  delegation: `${issuer}/tf/delegation`
})

/** Claims about the person that were compared with the population register. */
export const verifiedPersonClaims = ['name', 'gender', 'birthdate', 'cert_type', 'cert_no'] as const

/** OP metadata (OIDC4IDA §9): what may be found in an element. */
export const verifiedClaimsMetadata = (issuer: string): Record<string, unknown> => ({
  verified_claims_supported: true,
  trust_frameworks_supported: Object.values(trustFrameworks(issuer)),
  claims_in_verified_claims_supported: [...verifiedPersonClaims, 'authority'],
  evidence_supported: ['document', 'electronic_record', 'vouch'],
  documents_supported: ['idcard', 'residence_permit', 'passport', 'travel_permit', 'other'],
  documents_check_methods_supported: ['bvr', 'pvp'],
  electronic_records_supported: ['population_register', 'company_register'],
  attestations_supported: ['digital_attestation']
})

export interface VerifiedFacts {
  issuer: string
  person: Pick<
    Person,
    | 'assuranceLevel'
    | 'certType'
    | 'certNo'
    | 'identityVerifiedAt'
    | 'faceVerifiedAt'
  >
  /** Claims of the person, as `personClaims` gives them. */
  claims: Readonly<Record<string, unknown>>
  /** Which of them, and of `authority`, may be released here. */
  allowed: ReadonlySet<string>
  representation: Representation
  catalogue: readonly string[]
  /** Address of the relying site. */
  audience: string
}

/** The elements of this login: the person's, and the authority's when acting for an organization. */
export function verifiedClaims (facts: VerifiedFacts): VerifiedClaims[] {
  return [personElement(facts), facts.allowed.has('authority') ? authorityElement(facts) : null].filter(
    (element) => element !== null
  )
}

const instant = (time: Date | string): string => new Date(time).toISOString().replace(/\.\d{3}Z$/, 'Z')

const documentTypes: Readonly<Record<string, string>> = {
  resident_id: 'idcard',
  hkm_residence: 'residence_permit',
  tw_residence: 'residence_permit',
  foreign_pr: 'residence_permit',
  passport: 'passport',
  hkm_travel: 'travel_permit',
  tw_travel: 'travel_permit'
}

function personElement ({ issuer, person, claims, allowed }: VerifiedFacts): VerifiedClaims | null {
  const { identityVerifiedAt, faceVerifiedAt } = person
  const time = faceVerifiedAt ?? identityVerifiedAt
  if (time === null) return null
  const released = Object.fromEntries(
    verifiedPersonClaims
      .filter((name) => allowed.has(name) && claims[name] !== undefined)
      .map((name) => [name, claims[name]])
  )
  if (Object.keys(released).length === 0) return null
  // the document itself says as much as its number: only for clients that may have the number; its validity is what
  // the person wrote, verified by nobody
  const details =
    allowed.has('cert_no') && claims['cert_no'] !== undefined
      ? { document_number: person.certNo }
      : {}
  // an in-person code, the equal of a face check, means that staff compared person and card
  const check =
    faceVerifiedAt !== null
      ? [{ check_method: 'bvr', time: instant(faceVerifiedAt) }]
      : person.assuranceLevel >= 3
        ? [{ check_method: 'pvp' }]
        : []
  return {
    verification: {
      trust_framework: trustFrameworks(issuer).identity,
      time: instant(time),
      evidence: [
        {
          type: 'document',
          ...(check.length === 0 ? {} : { check_details: check }),
          document_details: { type: documentTypes[person.certType] ?? 'other', ...details }
        },
        ...(identityVerifiedAt === null
          ? []
          : [
              {
                type: 'electronic_record',
                check_details: [{ check_method: 'data', time: instant(identityVerifiedAt) }],
                record: { type: 'population_register', source: { country_code: 'CHN' } }
              }
            ])
      ]
    },
    claims: released
  }
}

function authorityElement (facts: VerifiedFacts): VerifiedClaims | null {
  const { representation } = facts
  switch (representation.role) {
    case 'self':
      return null
    case 'legal_representative':
      return legalRepresentativeElement(facts, representation.organization, representation.since)
    case 'agent':
      return agentElement({
        verifiedFacts: facts,
        organization: representation.organization,
        delegation: representation.delegation,
        approval: representation.approval
      })
  }
}

const appliesTo = ({ name, uscc, status }: OrganizationFacts): Record<string, unknown> => ({
  organization_name: name,
  registration_number: uscc,
  legal_jurisdiction: 'CN',
  organization_status: status
})

function legalRepresentativeElement (
  { issuer, audience }: VerifiedFacts,
  organization: OrganizationFacts,
  since: string | null
): VerifiedClaims {
  return {
    verification: {
      trust_framework: trustFrameworks(issuer).legalRepresentative,
      ...(since === null ? {} : { time: instant(since) }),
      evidence: [
        {
          type: 'electronic_record',
          check_details: [{ check_method: 'data', ...(since === null ? {} : { time: instant(since) }) }],
          record: { type: 'company_register', source: { country_code: 'CHN' } }
        }
      ]
    },
    claims: {
      authority: {
        applies_to: appliesTo(organization),
        permission: [{ role: 'legal_representative', audience: [audience], may_delegate: true }],
        granted_by: { method: 'appointed', reason: '登记的法定代表人' }
      }
    }
  }
}

interface AgentElementInput {
  verifiedFacts: VerifiedFacts
  organization: OrganizationFacts
  delegation: DelegationFacts
  approval: ApprovalFacts | null
}

function agentElement ({
  verifiedFacts: { issuer, audience, catalogue },
  organization,
  delegation,
  approval
}: AgentElementInput): VerifiedClaims {
  const { id, validFrom, validTo } = delegation
  const functions = functionsHere(delegation, catalogue)
  const check =
    approval === null
      ? []
      : [
          {
            check_method: approval.faceCheckId === null ? 'pvp' : 'bvr',
            ...(approval.faceCheckId === null ? {} : { check_id: approval.faceCheckId }),
            time: instant(approval.approvedAt)
          }
        ]
  return {
    verification: {
      trust_framework: trustFrameworks(issuer).delegation,
      ...(approval === null ? {} : { time: instant(approval.approvedAt) }),
      verification_process: id,
      evidence: [
        {
          type: 'vouch',
          ...(check.length === 0 ? {} : { check_details: check }),
          attestation: {
            type: 'digital_attestation',
            reference_number: id,
            date_of_issuance: validFrom,
            date_of_expiry: validTo,
            voucher: { occupation: '法定代表人', organization: organization.name }
          }
        }
      ]
    },
    claims: {
      authority: {
        applies_to: appliesTo(organization),
        permission: [
          {
            role: 'agent',
            ...(functions === undefined ? {} : { function: functions }),
            audience: [audience],
            validity: { start: validFrom, end: validTo },
            may_delegate: false
          }
        ],
        granted_by: { method: 'delegated', reason: '代理人审核通过' }
      }
    }
  }
}
