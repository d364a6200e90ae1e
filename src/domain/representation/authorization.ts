/** Why a person who comes with an organization's password may not act for it now. */
import type { OrganizationRole } from './representation-request.ts'
import type { OrganizationFacts } from './representation.ts'

/** How a person stands to an organization: its legal representative, or an agent with the latest delegation. */
export type CandidateState = 'active' | 'pending' | 'rejected' | 'suspended' | 'revoked' | 'expired'

export type DenialCode =
  | Exclude<CandidateState, 'active'>
  | 'not_allowed_here'
  | 'password_change'
  | 'no_agent'
  | 'no_representative'
  | 'to_decide'
  | 'organization_pending'
  | 'organization_suspended'

export interface AuthorizationFacts {
  role: OrganizationRole
  organization: { status: OrganizationFacts['status']; passwordMustChange: boolean }
  /** Null: the person is nothing to the organization in this role. */
  candidate: CandidateState | null
}

/** A former agent knows the password: agents wait for a new one, the legal representative comes to set it. */
export const waitsForPassword = ({ role, organization }: Omit<AuthorizationFacts, 'candidate'>): boolean =>
  role === 'agent' && organization.passwordMustChange

/** What an agent waits for is said even before the organization is active. */
export function denialCode ({ role, organization, candidate }: AuthorizationFacts): DenialCode {
  const { status } = organization
  if (candidate === 'active' && waitsForPassword({ role, organization })) return 'password_change'
  if (status === 'suspended' || status === 'dissolved') return 'organization_suspended'
  if (candidate === null) return role === 'agent' ? 'no_agent' : 'no_representative'
  if (status === 'pending' && role === 'legal_representative') return 'to_decide'
  if (candidate === 'active') return status === 'pending' ? 'organization_pending' : 'not_allowed_here'
  return candidate
}
