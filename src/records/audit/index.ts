/**
 * Audit: who did what to whom, with which outcome, kept so that a change leaves a trace.
 *
 * Owns the tables audit_event, audit_head and audit_checkpoint. `record` writes one row in the
 * caller's transaction (no row: no act), with a MAC over its content; the sealer numbers and chains
 * committed rows a moment later (docs/decisions/0002-audit-chain.md); `verifyChain` finds every fault.
 */
import type { Kysely, Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import type { AuditEventType, AuditOutcome, StaffEventType } from './events.ts'

export { eventMeanings } from './event-meanings.ts'
export {
  auditEvents,
  type AuditEventType,
  type AuditOutcome,
  type AuditSubject,
  type StaffEventType
} from './events.ts'

/** The actor: ids of ours only, never names or numbers. */
export type AuditActor =
  | `person:${string}`
  | `admin:${string}`
  | `operator:${string}`
  | `staff:${string}`
  | `client:${string}`
  | 'system'
  | 'anonymous'

/** Values allowed in `details`: codes, counts and ids of ours; never names, document or phone numbers, secrets. */
export type AuditDetails = Record<string, string | number | boolean | null | string[]>

interface EventFields {
  /** Only when it differs from the catalogue's usual outcome. */
  outcome?: AuditOutcome | undefined
  personId?: string | null | undefined
  organizationId?: string | null | undefined
  delegationId?: string | null | undefined
  /** Capacity acted in: self, legal_representative, agent, or the staff role. */
  role?: string | null | undefined
  clientId?: string | null | undefined
  /** Stored as a hash. */
  loginAttemptUid?: string | null | undefined
  deviceId?: string | null | undefined
  /** Client address as judged by http/client-address. */
  address?: string | null | undefined
  traceId?: string | null | undefined
  /** Stable reason code, for example wrong_password. */
  reason?: string | null | undefined
  details?: AuditDetails
}

/**
 * One event. Without `actor`: the person (or client, or the system) that the catalogue names for this event;
 * events of staff must say who.
 */
export type AuditEvent = EventFields &
  ({ type: StaffEventType; actor: AuditActor } | { type: Exclude<AuditEventType, StaffEventType>; actor?: AuditActor })

export interface Audit {
  /**
   * Writes one event in the caller's transaction. It throws when the event cannot be stored, and the act is then rolled
   * back too (GB/T 22239-2019 8.1.4.3 d): never catch this.
   */
  record(trx: Transaction<Database>, event: AuditEvent): Promise<void>
  /**
   * Write one event outside of a transaction, many requests' events in one statement. For acts that store nothing
   * else, or whose answer leaves only after the event is stored. Throws as `record` does.
   */
  recordSingle(db: Kysely<Database>, event: AuditEvent): Promise<void>
}

export { AuditUnavailable, createAudit, loginHash } from './recorder.ts'
export { createAuditSealer, sealBatch, type AuditSealer, type SealedBatch } from './sealer.ts'
export type { ChainFault, ChainFaultKind } from './faults.ts'
export { verifyChain, type Verification } from './verify.ts'
export { archiveAudit, type Archived } from './archive.ts'
export { addressPattern, findAuditEvent, searchAudit, type AuditFilters, type FoundEvent } from './search.ts'
export {
  exportAudit,
  rangeOfTime,
  signTrailer,
  type Exported,
  type ExportRange,
  type ExportTrailer
} from './export.ts'
export { verifyExport, type ExportFault, type ExportVerification } from './verify-export.ts'
export type { Checkpoint } from './head.ts'
export { isGenuine as isGenuineEvent } from './canonical.ts'
