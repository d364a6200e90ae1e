/**
 * The one spelling of an audit event that MACs and hashes are computed over. Changing anything here
 * breaks every stored chain: a new form gets a new version tag beside the old one.
 */
import { createHash } from 'node:crypto'
import type { Selectable } from 'kysely'
import type { FieldCrypto } from '../../database/field-crypto.ts'
import type { AuditEventTable } from '../../database/schema.ts'

/** What happened: everything the recording process knows. */
export interface AuditContent extends Omit<
  Selectable<AuditEventTable>,
  'id' | 'at' | 'recordedAt' | 'mac' | 'sequence' | 'previousHash' | 'hash'
> {
  /** UTC with microseconds, as text; null for events of former versions, which have no id either. */
  recordedAt: string | null
}

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

const asText = (column: string, name: string): string =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as ${name}`

/** Columns of a row as the chain reads them. */
export const rowColumns = `id, ${asText('at', 'at_text')}, type, outcome, actor, person_id, organization_id, delegation_id,
  role, client_id, login_attempt_uid, device_id, address, trace_id, reason, details, event_id,
  ${asText('recorded_at', 'recorded_at')}, mac`

type Verifier = Pick<FieldCrypto, 'verifyMac'>

/**
 * Input of the event's MAC, as `crypto.mac('audit', …)`. An event without an id is of a former version; its line in an
 * exported file may lack both members.
 */
export function contentText (event: AuditContent): string {
  const own = event.eventId == null ? ['kora-audit-1'] : ['kora-audit-2', event.eventId, event.recordedAt]
  return JSON.stringify([...own, ...fields(event)])
}

const fields = (event: AuditContent): unknown[] => [
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
]

/** Whether this version or a former one wrote this content. */
export const isGenuine = (crypto: Verifier, row: AuditRow): boolean =>
  (row.eventId == null) === (row.recordedAt == null) && crypto.verifyMac('audit', contentText(row), row.mac)

const toleranceMilliseconds = 86_400_000

/**
 * Whether the database stored the event when it was recorded. The two clocks may differ, even by hours on a machine
 * that is set wrong; beyond a day somebody stored the event again.
 */
export const isInTime = ({ recordedAt, atText }: AuditRow): boolean =>
  recordedAt == null || Math.abs(Date.parse(atText) - Date.parse(recordedAt)) <= toleranceMilliseconds

/** Hash of a row at its place in the chain: SHA-256 (base64url) over the previous hash and the whole row. */
export const chainHash = (previousHash: string, sequence: number, row: AuditRow): string =>
  hashText(contentText(row), { previousHash, sequence, row })

/**
 * Whether this is the row's hash at that place. During an upgrade a process of the former version may have sealed an
 * event of this one: its hash leaves out id and time, which the MAC inside of it covers.
 */
export function isChainHash (hash: string, row: AuditRow, place: { previousHash: string; sequence: number }): boolean {
  if (hash === hashText(contentText(row), { ...place, row })) return true
  return row.eventId != null && hash === hashText(JSON.stringify(['kora-audit-1', ...fields(row)]), { ...place, row })
}

function hashText (
  content: string,
  { previousHash, sequence, row }: { previousHash: string; sequence: number; row: AuditRow }
): string {
  return createHash('sha256')
    .update(JSON.stringify([previousHash, sequence, row.id, row.atText, content, row.mac]))
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
