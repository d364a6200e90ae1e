import { hash, randomUUID } from 'node:crypto'
import type { FieldCrypto } from '../../database/field-crypto.ts'
import { cleanLine } from '../../domain/plain-text.ts'
import { isDatabaseUnavailable } from '../../database/errors.ts'
import { statement, type Queryable } from '../../database/statement.ts'
import { batchStatements } from '../../database/together.ts'
import { contentText, type AuditContent } from './canonical.ts'
import { auditEvents } from './events.ts'
import type { Audit, AuditActor, AuditDetails, AuditEvent } from './index.ts'

const columns = `type, outcome, actor, person_id, organization_id, delegation_id, role, client_id, login_attempt_uid,
  device_id, address, trace_id, reason, details, event_id, recorded_at, mac`
const insert = statement<unknown[], never>(
  'audit_record',
  `insert into audit_event (${columns})
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::jsonb, $15, $16, $17)`
)

type Row = ReturnType<typeof toRow>

const insertBatch = statement<[string], { mac: string }>(
  'audit_record_batch',
  `insert into audit_event (${columns}) select ${columns} from jsonb_to_recordset($1::jsonb) as e (type text,
  outcome text, actor text, person_id text, organization_id text, delegation_id text, role text, client_id text,
  login_attempt_uid text, device_id text, address text, trace_id text, reason text, details jsonb,
  event_id text, recorded_at timestamptz, mac text)
  returning mac`
)

const insertTogether = batchStatements<{ key: string; row: Row }, true>(
  {
    keyOf: ({ key }) => key,
    batch: async (db, items) => {
      await insertBatch(db, JSON.stringify(items.map(({ row }) => row)))
      return items.map(() => true)
    },
    single: async (db, { row }) => {
      await insertRow(db, row)
      return true
    }
  }
)

/**
 * The event could not be stored, so the act it belongs to does not happen. Answered 503, because the request was
 * correct.
 */
export class AuditUnavailable extends Error {
  readonly statusCode = 503
  constructor (cause: unknown) {
    super('The audit event could not be stored; nothing was done.', { cause })
    this.name = 'AuditUnavailable'
  }
}

interface RecorderDeps {
  crypto: Pick<FieldCrypto, 'mac'>
  /** Milliseconds; another clock in tests only. */
  now?: () => number
}

/** The recorder. One insert for each event; Audit has the contract. */
export function createAudit ({ crypto, now = Date.now }: RecorderDeps): Audit {
  const deps = { crypto, now }
  let singles = 0
  return Object.freeze({
    async record (trx, event) {
      await insertRow(trx, toRow(deps, event)).catch(unavailable)
    },
    async recordSingle (db, event) {
      await insertTogether(db, { key: String(++singles), row: toRow(deps, event) }).catch(unavailable)
    }
  } satisfies Audit)
}

function unavailable (error: unknown): never {
  throw isDatabaseUnavailable(error) ? error : new AuditUnavailable(error)
}

function toRow ({ crypto, now }: Required<RecorderDeps>, event: AuditEvent) {
  const content = buildContent(event, now())
  return {
    type: content.type,
    outcome: content.outcome,
    actor: content.actor,
    person_id: content.personId,
    organization_id: content.organizationId,
    delegation_id: content.delegationId,
    role: content.role,
    client_id: content.clientId,
    login_attempt_uid: content.loginAttemptUid,
    device_id: content.deviceId,
    address: content.address,
    trace_id: content.traceId,
    reason: content.reason,
    details: content.details,
    event_id: content.eventId,
    recorded_at: content.recordedAt,
    mac: crypto.mac('audit', contentText(content))
  }
}

async function insertRow (db: Queryable, row: Row): Promise<void> {
  await insert(db, ...Object.values({ ...row, details: JSON.stringify(row.details) }))
}

function buildContent (event: AuditEvent, now: number): AuditContent {
  const entry = auditEvents[event.type]
  return {
    type: event.type,
    outcome: event.outcome ?? entry.outcome,
    actor: event.actor ?? usualActor(event, entry.by),
    personId: text(event.personId),
    organizationId: text(event.organizationId),
    delegationId: text(event.delegationId),
    role: text(event.role),
    clientId: text(event.clientId),
    loginAttemptUid: event.loginAttemptUid == null ? null : loginHash(event.loginAttemptUid),
    deviceId: text(event.deviceId),
    address: text(event.address),
    traceId: text(event.traceId),
    reason: text(event.reason),
    details: serializeDetails(event.details ?? {}),
    eventId: randomUUID(),
    // as it will be read back: with microseconds
    recordedAt: new Date(now).toISOString().replace('Z', '000Z')
  }
}

/** The uid of a running login is in the address of its browser; the trail only tells which events belong together. */
export const loginHash = (uid: string): string => hash('sha256', `login-attempt ${uid}`, 'base64url')

function usualActor (event: AuditEvent, by: 'person' | 'staff' | 'client' | 'system'): AuditActor {
  if (by === 'system') return 'system'
  if (by === 'person' && event.personId) return `person:${event.personId}`
  if (by === 'client' && event.clientId) return `client:${event.clientId}`
  // nobody proved to be anyone yet (a wrong password, an unknown client)
  return 'anonymous'
}

// part of it may come from a request: PostgreSQL text holds neither NUL nor lone surrogates,
// and an event that cannot be stored would make the act fail
const clean = (value: string): string => cleanLine(value).slice(0, 512).toWellFormed()
const text = (value: string | null | undefined): string | null =>
  value === null || value === undefined ? null : clean(value)

function serializeDetails (details: AuditDetails): Record<string, unknown> {
  const cleaned = Object.entries(details).map(([name, value]) => [
    clean(name),
    typeof value === 'string' ? clean(value) : Array.isArray(value) ? value.slice(0, 100).map(clean) : value
  ])
  // as it will be read back: no undefined, no NaN, no -0
  return JSON.parse(JSON.stringify(Object.fromEntries(cleaned))) as Record<string, unknown>
}
