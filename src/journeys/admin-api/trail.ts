/**
 * The audit trail over the API, each search of which is in the audit trail itself, and the changes that this client
 * asked for.
 */
import { inTransaction } from '../../database/transaction.ts'
import {
  addressPattern,
  findAuditEvent,
  searchAudit,
  type AuditFilters,
  type AuditOutcome,
  type FoundEvent
} from '../../records/audit/index.ts'
import { Problem } from './problems.ts'
import { buildList, readPage, pageParameters, route, type Call, type Route, rowId } from './routes.ts'

const wireEvent = (event: FoundEvent): object => ({
  id: Number(event.id),
  at: event.at,
  sequence: event.sequence === null ? null : Number(event.sequence),
  genuine: event.genuine,
  type: event.type,
  outcome: event.outcome,
  actor: event.actor,
  role: event.role,
  person_id: event.personId,
  organization_id: event.organizationId,
  delegation_id: event.delegationId,
  client_id: event.clientId,
  address: event.address,
  reason: event.reason,
  trace_id: event.traceId,
  details: event.details
})

// years that every database accepts, with every offset
const moment =
  '^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])' +
  '(T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?(\\.[0-9]{1,6})?(Z|[+-][01][0-9]:[0-5][0-9]))?$'
const id = '^[A-Za-z0-9_:.@-]{1,128}$'

function readFilters (query: Readonly<Record<string, string>>): AuditFilters {
  const address = query['address'] === undefined ? undefined : addressPattern(query['address'])
  if (address === null) {
    throw new Problem('malformed_query', {
      faults: [
        { field: '/address', code: 'not_an_address', received: '', expected: '10.1.0.0/16 | 10.1.2.3 | 2001:db8:' }
      ]
    })
  }
  const date = (name: string): Date | undefined => {
    if (query[name] === undefined) return undefined
    const parsed = new Date(query[name])
    if (Number.isNaN(parsed.getTime())) {
      throw new Problem('malformed_query', {
        faults: [{ field: `/${name}`, code: 'invalid', received: query[name], expected: '2026-11-22T08:00:00Z' }]
      })
    }
    return parsed
  }
  return {
    from: date('from'),
    to: date('to'),
    actor: query['actor'],
    personId: query['person_id'],
    organizationId: query['organization_id'],
    clientId: query['client_id'],
    type: query['type'],
    outcome: query['outcome'] as AuditOutcome | undefined,
    traceId: query['trace_id'],
    address
  }
}

async function noteSearch ({ deps, asker, query }: Call, found: number): Promise<void> {
  await inTransaction(deps.db, async (trx) => {
    await deps.audit.record(trx, {
      type: 'audit.searched',
      ...asker,
      details: { filters: Object.keys(query).sort(), found }
    })
  })
}

export const trailRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/audit/events',
    operationId: 'searchAudit',
    tag: 'audit',
    summary: 'Events that fit all that is given, newest first; the search is in the trail',
    scope: 'kora.audit:read',
    query: [
      ...pageParameters,
      { name: 'from', description: 'RFC 3339 moment or date.', pattern: moment },
      { name: 'to', description: 'Not included.', pattern: moment },
      { name: 'actor', description: 'For example admin:adm_…, client:….', pattern: id },
      { name: 'person_id', description: 'About this person.', pattern: id },
      { name: 'organization_id', description: 'About this organization.', pattern: id },
      { name: 'client_id', description: 'About or by this client.', pattern: id },
      {
        name: 'type',
        description: 'A name of the catalogue, or its beginning up to a dot (`delegation.`).',
        pattern: '^[a-z.-]{1,60}$'
      },
      { name: 'outcome', description: 'Outcome.', values: ['success', 'failure', 'denied'] },
      { name: 'trace_id', description: 'Trace id.', pattern: id },
      { name: 'address', description: 'Address or network: 10.1.0.0/16, 10.1., 2001:db8:.' }
    ],
    body: null,
    answers: { 200: 'AuditList' },
    handle: async (call) => {
      const { deps, query } = call
      const { limit, after } = readPage(query)
      const rows = await searchAudit(deps.db, {
        crypto: deps.crypto,
        filters: readFilters(query),
        page: {
          before: rowId(after),
          limit: limit + 1
        }
      })
      await noteSearch(call as Call, Math.min(rows.length, limit))
      return { status: 200, body: buildList({ rows, limit, keyOf: (row) => String(row.id), wire: wireEvent }) }
    }
  }),
  route({
    method: 'GET',
    path: '/audit/events/:event_id',
    operationId: 'getAuditEvent',
    tag: 'audit',
    summary: 'One event',
    scope: 'kora.audit:read',
    body: null,
    answers: { 200: 'AuditEvent' },
    refusals: ['not_found'],
    handle: async (call) => {
      const { deps, param } = call
      const found = /^\d{1,15}$/.test(param('event_id'))
        ? await findAuditEvent(deps.db, deps.crypto, Number(param('event_id')))
        : null
      if (found === null) throw new Problem('not_found')
      await noteSearch(call as Call, 1)
      return { status: 200, body: wireEvent(found) }
    }
  }),
  route({
    method: 'GET',
    path: '/changes/:change_id',
    operationId: 'getChange',
    tag: 'changes',
    summary: 'What became of a change that this client asked for',
    scope: null,
    body: null,
    answers: { 200: 'Change' },
    refusals: ['not_found'],
    handle: async ({ deps, asker, param }) => {
      const row = await deps.db
        .selectFrom('pendingChange')
        .select(['id', 'kind', 'subject', 'state', 'reason', 'createdAt', 'expiresAt', 'decidedAt', 'decisionReason'])
        .where('id', '=', param('change_id'))
        .where('requestedBy', '=', asker.actor)
        .executeTakeFirst()
      if (row === undefined) throw new Problem('not_found')
      const state = row.state === 'pending' && row.expiresAt.getTime() <= deps.clock.now() ? 'expired' : row.state
      return {
        status: 200,
        body: {
          id: row.id,
          kind: row.kind,
          subject: row.subject,
          state,
          reason: row.reason,
          created_at: row.createdAt,
          expires_at: row.expiresAt,
          decided_at: row.decidedAt,
          decision_reason: row.decisionReason
        }
      }
    }
  })
]
