/** The audit trail, and what is still to be delivered to others. */
import type { ColumnType, Generated } from 'kysely'
import type { NullableTimestamp, Timestamp } from './columns.ts'

export interface AuditEventTable {
  id: Generated<number>
  at: Timestamp
  type: string
  outcome: 'success' | 'failure' | 'denied'
  actor: string | null
  personId: string | null
  organizationId: string | null
  delegationId: string | null
  role: string | null
  clientId: string | null
  loginAttemptUid: string | null
  deviceId: string | null
  address: string | null
  traceId: string | null
  reason: string | null
  details: ColumnType<Record<string, unknown>, string | undefined, string>
  /** Of the event itself, whatever row holds it. Null: recorded before migration 0022. */
  eventId: string | null
  /** When the recording process wrote it, by its own clock; `at` is the time of the database. */
  recordedAt: ColumnType<Date | null, Date | string | undefined, never>
  mac: string
  sequence: number | null
  previousHash: string | null
  hash: string | null
}

/** One row: how far the chain goes, and where it begins. Read and written by hand-written statements. */
export interface AuditHeadTable {
  oneRow: Generated<boolean>
  sequence: Generated<number>
  hash: Generated<string>
  firstSequence: Generated<number>
  firstPreviousHash: Generated<string>
  checkpointSequence: Generated<number>
  checkpointAt: Timestamp
  mac: string | null
  /** Until then events without an id are taken; null: no process of this version has sealed yet. */
  withoutIdUntil: NullableTimestamp
}

export interface AuditCheckpointTable {
  sequence: number
  hash: string
  at: Timestamp
  mac: string
}

export interface OutboxTable {
  id: Generated<number>
  topic: string
  dedupeKey: string | null
  payloadEnc: string
  attempts: Generated<number>
  /** Attempts in which nobody was asked. */
  notTried: Generated<number>
  /** Attempts whose answer was not the receiver's. */
  untrusted: Generated<number>
  resentAt: NullableTimestamp
  createdAt: Timestamp
  runAt: Timestamp
  doneAt: NullableTimestamp
  deadAt: NullableTimestamp
  lastError: string | null
}

export interface TrailTables {
  auditEvent: AuditEventTable
  auditHead: AuditHeadTable
  auditCheckpoint: AuditCheckpointTable
  outbox: OutboxTable
}
