/** Histories of what is registered (clients, APIs), and how a change is shown where it is decided. */
import type { FastifyReply } from 'fastify'
import type { ClientDifference } from '../../domain/client/diff.ts'
import type { ConsoleRequest } from './console.ts'

/** One leaf for reading. */
const shownValue = (value: unknown): string =>
  value === undefined || value === null
    ? '—'
    : Array.isArray(value) && value.every((item) => typeof item === 'string')
      ? value.join('\n') || '[]'
      : typeof value === 'string'
        ? value
        : JSON.stringify(value)

export const diffRows = (diff: readonly ClientDifference[]): Array<{ field: string; before: string; after: string }> =>
  diff.map(({ field, before, after }) => ({ field, before: shownValue(before), after: shownValue(after) }))

/** A difference as a fact beside others. */
export const diffFact = ({ field, before, after }: ClientDifference): { name: string; value: string } => ({
  name: field,
  value: `${shownValue(before)} → ${shownValue(after)}`
})

interface Change {
  at: Date
  act: string
  actor: string
  reason: string
  version: number
  diff: readonly ClientDifference[]
  traceId: string | null
}

export const sendChangesCsv = (c: ConsoleRequest, fileName: string, changes: readonly Change[]): FastifyReply =>
  c.csv(
    fileName,
    ['at', 'act', 'actor', 'reason', 'version', 'fields', 'trace_id'],
    changes.map(({ at, act, actor, reason, version, diff, traceId }) => [
      at.toISOString(),
      act,
      actor,
      reason,
      version,
      diff.map(({ field }) => field).join(' '),
      traceId
    ])
  )

/** What an approved change came to, for records/approvals. */
export const toApprovalResult = (outcome: string): { ok: true } | { ok: false; code: string } =>
  outcome === 'changed' || outcome === 'unchanged'
    ? { ok: true }
    : { ok: false, code: outcome === 'conflict' ? 'client_changed' : 'client_refused' }
