/**
 * Delegation (代理授权): an organization's permission for one agent. Versioned; a submitted version never changes;
 * its approval is bound to the digest of exactly what was shown, and to the person who is legal representative then.
 */
import { createHash } from 'node:crypto'
import { isCalendarDate } from '../calendar-date.ts'
import type { Proof } from '../login/next-step.ts'

export const delegationStates = [
  'draft',
  'agent_verified',
  'submitted',
  'active',
  'rejected',
  'withdrawn',
  'suspended',
  'revoked',
  'expired',
  'superseded'
] as const
export type DelegationState = (typeof delegationStates)[number]

/** From → to. Everything else is forbidden. */
const delegationTransitions: Readonly<Record<DelegationState, readonly DelegationState[]>> = {
  draft: ['agent_verified', 'submitted', 'withdrawn'],
  agent_verified: ['submitted', 'withdrawn'],
  submitted: ['active', 'rejected', 'withdrawn'],
  active: ['suspended', 'revoked', 'expired', 'superseded'],
  suspended: ['active', 'revoked', 'expired', 'superseded'],
  rejected: [],
  withdrawn: [],
  revoked: [],
  expired: [],
  superseded: []
}

/** At most one version of an organization and agent is in force, and one waiting. */
export const inForceStates = ['active', 'suspended'] as const satisfies readonly DelegationState[]
export const waitingStates = ['draft', 'agent_verified', 'submitted'] as const satisfies readonly DelegationState[]

export const mayBecome = (from: DelegationState, to: DelegationState): boolean =>
  delegationTransitions[from].includes(to)

/** What is approved: the whole content of one version. Order and spelling are fixed for the digest. */
export interface DelegationContent {
  delegationId: string
  version: number
  organization: { id: string; uscc: string; name: string }
  /** Compared as persons: by id, and by the blind index of their documents (one human being, two accounts). */
  agent: { personId: string; maskedName: string; maskedCertNo: string }
  functions: string[] | null
  clientIds: string[] | null
  validFrom: string
  validTo: string
}

/** Canonical JSON (members in order of their names, no blanks): input of the digest. */
export function canonicalContent (content: DelegationContent): string {
  const canonical = (value: unknown): string => {
    if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
    if (typeof value === 'object' && value !== null) {
      return `{${Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, item]) => `${JSON.stringify(name)}:${canonical(item)}`)
        .join(',')}}`
    }
    return JSON.stringify(value)
  }
  return canonical({ ...content, functions: sorted(content.functions), clientIds: sorted(content.clientIds) })
}

/** SHA-256, base64url, of exactly what is shown to the legal representative. */
export const delegationDigest = (content: DelegationContent): string =>
  createHash('sha256').update(canonicalContent(content)).digest('base64url')

/** `subjectRef` of the scan ticket that approves one version: a ticket for anything else approves nothing. */
export const approvalSubject = (id: string, version: number, digest: string): string =>
  `delegation:${id}:${version}:${digest}`

/**
 * Whether this person was present: scanned this ticket, and passed a face check (or used an in-person code, its equal).
 * Null = no. The face check is evidence of the approval.
 */
export function findPresence (
  proofs: readonly Proof[],
  personId: string,
  ticketId: string
): { faceCheckId: string | null } | null {
  const own = proofs.filter((proof) => 'personId' in proof && proof.personId === personId)
  if (!own.some((proof) => proof.kind === 'scan' && proof.ticketId === ticketId)) return null
  const face = own.find((proof) => proof.kind === 'face')
  if (face !== undefined) return { faceCheckId: face.checkId }
  return own.some((proof) => proof.kind === 'counter') ? { faceCheckId: null } : null
}

const sorted = (list: string[] | null): string[] | null => (list === null ? null : [...list].sort())

export interface DelegationLimits {
  /** Days; the law of the deployment. */
  maximumDays: number
  maximumAgents: number
}

export const defaultLimits: DelegationLimits = { maximumDays: 1096, maximumAgents: 20 }

/** One year less a day: 2026-04-11 → 2027-04-10, both days included. */
export function defaultValidTo (validFrom: string): string {
  const [year = 0, month = 1, day = 1] = validFrom.split('-').map(Number)
  return new Date(Date.UTC(year + 1, month - 1, day) - 86_400_000).toISOString().slice(0, 10)
}

export type ValidityFault = 'date' | 'order' | 'past' | 'too_long'

interface CheckDelegationValidityInput {
  validFrom: string
  validTo: string
  today: string
  limits?: DelegationLimits | undefined
  earliest?: string | undefined
}

/**
 * Dates of a new version. `today` in Asia/Shanghai. Nobody gets a power for days gone by: `earliest` is today, or the
 * first day of the version that this one replaces.
 */
export function checkDelegationValidity (
  { validFrom, validTo, today, limits = defaultLimits, earliest = today }: CheckDelegationValidityInput
): ValidityFault | null {
  if (!isCalendarDate(validFrom) || !isCalendarDate(validTo)) return 'date'
  if (validTo < validFrom) return 'order'
  if (validTo < today || validFrom < earliest) return 'past'
  // both days included
  if ((Date.parse(validTo) - Date.parse(validFrom)) / 86_400_000 + 1 > limits.maximumDays) return 'too_long'
  return null
}
