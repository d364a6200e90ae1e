import type { FieldCrypto } from '../../database/field-crypto.ts'
import { isDatabaseUnavailable } from '../../database/errors.ts'
import { statement } from '../../database/statement.ts'
import { contentText, type AuditContent } from './canonical.ts'
import { auditEvents } from './events.ts'
import type { Audit, AuditActor, AuditDetails, AuditEvent } from './index.ts'

const insert = statement<unknown[], never>(
  'audit_record',
  `insert into audit_event (type, outcome, actor, person_id,
  organization_id, delegation_id, role, client_id, login_attempt_uid, device_id, address, trace_id, reason, details,
    mac)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::jsonb, $15)`
)

/** The event could not be stored, so the act it belongs to does not happen. Answered 503: the request was in order. */
export class AuditUnavailable extends Error {
  readonly statusCode = 503
  constructor (cause: unknown) {
    super('The audit event could not be stored; nothing was done.', { cause })
    this.name = 'AuditUnavailable'
  }
}

/** The recorder. One insert for each event; see Audit for what it promises. */
export function createAudit ({ crypto }: { crypto: Pick<FieldCrypto, 'mac'> }): Audit {
  return Object.freeze({
    async record (trx, event) {
      const content = contentOf(event)
      const stored = insert(
        trx,
        content.type,
        content.outcome,
        content.actor,
        content.personId,
        content.organizationId,
        content.delegationId,
        content.role,
        content.clientId,
        content.loginAttemptUid,
        content.deviceId,
        content.address,
        content.traceId,
        content.reason,
        JSON.stringify(content.details),
        crypto.mac('audit', contentText(content))
      )
      await stored.catch((error: unknown) => {
        throw isDatabaseUnavailable(error) ? error : new AuditUnavailable(error)
      })
    }
  } satisfies Audit)
}

function contentOf (event: AuditEvent): AuditContent {
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
    loginAttemptUid: text(event.loginAttemptUid),
    deviceId: text(event.deviceId),
    address: text(event.address),
    traceId: text(event.traceId),
    reason: text(event.reason),
    details: detailsOf(event.details ?? {})
  }
}

function usualActor (event: AuditEvent, by: 'person' | 'staff' | 'client' | 'system'): AuditActor {
  if (by === 'system') return 'system'
  if (by === 'person' && event.personId) return `person:${event.personId}`
  if (by === 'client' && event.clientId) return `client:${event.clientId}`
  // nobody proved to be anyone yet (a wrong password, an unknown client)
  return 'anonymous'
}

// part of it may come from a request: PostgreSQL text holds neither NUL nor lone surrogates,
// and an event that cannot be stored would make the act fail
const clean = (value: string): string => value.replaceAll('\0', '').toWellFormed().slice(0, 512).toWellFormed()
const text = (value: string | null | undefined): string | null =>
  value === null || value === undefined ? null : clean(value)

function detailsOf (details: AuditDetails): Record<string, unknown> {
  const cleaned = Object.entries(details).map(([name, value]) => [
    clean(name),
    typeof value === 'string' ? clean(value) : Array.isArray(value) ? value.slice(0, 100).map(clean) : value
  ])
  // as it will be read back: no undefined, no NaN, no -0
  return JSON.parse(JSON.stringify(Object.fromEntries(cleaned))) as Record<string, unknown>
}
