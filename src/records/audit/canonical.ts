/**
 * The one spelling of an audit event that MACs and hashes are computed over. Changing anything here
 * breaks every stored chain: a new form gets a new version tag beside the old one.
 */
import { createHash } from 'node:crypto'
import type { Selectable } from 'kysely'
import type { AuditEventTable } from '../../database/schema.ts'

/** What happened: everything the recording process knows. */
export type AuditContent = Omit<
  Selectable<AuditEventTable>,
  'id' | 'at' | 'mac' | 'sequence' | 'previousHash' | 'hash'
>

/** A stored row: the content, its MAC, and what the database added. */
export interface AuditRow extends AuditContent {
  id: number
  /** UTC with microseconds, as text: a Date would lose the last three digits. */
  atText: string
  mac: string
}

export interface SealedRow extends AuditRow {
  sequence: number
  previousHash: string
  hash: string
}

/** Columns of a row as the chain reads them. */
export const rowColumns = `id, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at_text, type, outcome, actor,
  person_id, organization_id, delegation_id, role, client_id, login_attempt_uid, device_id, address, trace_id, reason, details, mac`

/** Input of the event's MAC, as `crypto.mac('audit', …)`. */
export function contentText (event: AuditContent): string {
  return JSON.stringify([
    'kora-audit-1',
    event.type,
    event.outcome,
    event.actor,
    event.personId,
    event.organizationId,
    event.delegationId,
    event.role,
    event.clientId,
    event.loginAttemptUid,
    event.deviceId,
    event.address,
    event.traceId,
    event.reason,
    sorted(event.details)
  ])
}

/** Hash of a row at its place in the chain: SHA-256 (base64url) over the previous hash and the whole row. */
export function chainHash (previousHash: string, sequence: number, row: AuditRow): string {
  return createHash('sha256')
    .update(JSON.stringify([previousHash, sequence, row.id, row.atText, contentText(row), row.mac]))
    .digest('base64url')
}

// jsonb keeps an order of its own
function sorted (value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, item]) => [name, sorted(item)])
}
