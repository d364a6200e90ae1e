import type { RepresentationRef } from '../../domain/representation/representation.ts'
import type { Candidate } from '../../records/organizations/index.ts'

/** The person who comes for an organization, and in whose name that login is. */
export const nameCandidate = (
  organizationId: string,
  { personId, role, delegationId }: Candidate
): { personId: string; representation: RepresentationRef } => ({
  personId,
  representation:
    role === 'agent' && delegationId !== null
      ? { role: 'agent', organizationId, delegationId }
      : { role: 'legal_representative', organizationId }
})
