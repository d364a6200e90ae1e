/**
 * Representation: in whose name a person acts in one login, in their own or for an organization as its legal
 * representative or agent. A reference is what is stored and compared; a representation is a reference looked up now.
 */

/** What grants, sessions and choices keep. */
export type RepresentationRef =
  | { role: 'self' }
  | { role: 'legal_representative'; organizationId: string }
  | { role: 'agent'; organizationId: string; delegationId: string }

export type Role = RepresentationRef['role']

export interface OrganizationFacts {
  id: string
  uscc: string
  name: string
  /** First two characters of the code: department and category (GB 32100). */
  type: string
  status: 'pending' | 'active' | 'suspended' | 'dissolved'
}

export interface DelegationFacts {
  id: string
  version: number
  /** Null = every function of every site in `clientIds`. */
  functions: string[] | null
  /** Null = every relying site. */
  clientIds: string[] | null
  /** 'YYYY-MM-DD', Asia/Shanghai, both days included. */
  validFrom: string
  validTo: string
}

/** A reference with the facts of this moment; what claims are made from. */
export type Representation =
  | { role: 'self' }
  | { role: 'legal_representative'; organization: OrganizationFacts; since: string | null }
  | { role: 'agent'; organization: OrganizationFacts; delegation: DelegationFacts; approval: ApprovalFacts | null }

/** How a delegation was approved: evidence in verified_claims. */
export interface ApprovalFacts {
  approvedAt: string
  faceCheckId: string | null
}

export const self = { role: 'self' } as const

/** Identifies the context that tokens and sessions are ended by. */
export function contextId (ref: RepresentationRef): string {
  switch (ref.role) {
    case 'self':
      return 'self'
    case 'legal_representative':
      return `lr:${ref.organizationId}`
    case 'agent':
      return ref.delegationId
  }
}

/** The reference behind a context. Of a delegation the organization must be known; null = it does not exist. */
export function readContextId (contextId: string, delegationOrganizationId: string | null): RepresentationRef | null {
  if (contextId === 'self') return self
  if (contextId.startsWith('lr:')) return { role: 'legal_representative', organizationId: contextId.slice(3) }
  return delegationOrganizationId === null
    ? null
    : { role: 'agent', organizationId: delegationOrganizationId, delegationId: contextId }
}

/** What an audit event says of a representation; null: the person in their own name. */
export const eventFields = (
  ref: RepresentationRef | null
): { role: RepresentationRef['role']; organizationId: string | null; delegationId: string | null } => ({
  role: ref?.role ?? 'self',
  organizationId: ref === null || ref.role === 'self' ? null : ref.organizationId,
  delegationId: ref?.role === 'agent' ? ref.delegationId : null
})

export const toRepresentationRef = (representation: Representation): RepresentationRef => {
  switch (representation.role) {
    case 'self':
      return self
    case 'legal_representative':
      return { role: 'legal_representative', organizationId: representation.organization.id }
    case 'agent':
      return {
        role: 'agent',
        organizationId: representation.organization.id,
        delegationId: representation.delegation.id
      }
  }
}

/** Stored JSON → reference; anything else is null, never a guess. */
export function parseRef (value: unknown): RepresentationRef | null {
  if (typeof value !== 'object' || value === null) return null
  const { role, organizationId, delegationId } = value as Record<string, unknown>
  if (role === 'self') return self
  if (typeof organizationId !== 'string') return null
  if (role === 'legal_representative') return { role, organizationId }
  if (role === 'agent' && typeof delegationId === 'string') return { role, organizationId, delegationId }
  return null
}

/** What a relying site accepts. */
export interface AcceptedRepresentations {
  subjectKinds: readonly ('person' | 'organization')[]
  roles: readonly Role[]
  /**
   * Kora's own user center: it shows everyone what they represent, also outside the sites of a delegation, and what
   * waits for them.
   */
  ownService?: boolean
}

/** May this representation be used at this client today? `today` in Asia/Shanghai. */
export function usableAt (
  representation: Representation,
  client: AcceptedRepresentations & { clientId: string },
  today: string
): { ok: true } | { ok: false; code: 'not_allowed_here' | 'organization_suspended' | 'expired' | 'not_yet_valid' } {
  if (representation.role === 'self') {
    return client.subjectKinds.includes('person') && client.roles.includes('self')
      ? { ok: true }
      : { ok: false, code: 'not_allowed_here' }
  }
  if (!client.subjectKinds.includes('organization') || !client.roles.includes(representation.role)) {
    return { ok: false, code: 'not_allowed_here' }
  }
  // the legal representative named in an agent's application enters to decide about it, and nowhere else
  const toDecide =
    representation.organization.status === 'pending' &&
    representation.role === 'legal_representative' &&
    client.ownService === true
  if (representation.organization.status !== 'active' && !toDecide) {
    return { ok: false, code: 'organization_suspended' }
  }
  if (representation.role === 'legal_representative') return { ok: true }
  const { delegation } = representation
  if (client.ownService !== true && delegation.clientIds !== null && !delegation.clientIds.includes(client.clientId)) {
    return { ok: false, code: 'not_allowed_here' }
  }
  if (today < delegation.validFrom) return { ok: false, code: 'not_yet_valid' }
  if (today > delegation.validTo) return { ok: false, code: 'expired' }
  return { ok: true }
}
