/** Whether the chain may be extended: what is looked at before every seal. */
import type { FieldCrypto } from '../../database/field-crypto.ts'
import { statement, type Queryable } from '../../database/statement.ts'
import { isGenuine, isInTime, type AuditRow } from './canonical.ts'
import type { ChainFault } from './faults.ts'
import { headColumns, headIsGenuine, type ChainHead } from './head.ts'

type Verifier = Pick<FieldCrypto, 'verifyMac'>

/** The head, and what the tables hold, as one statement sees them. */
export interface ChainState extends ChainHead {
  firstRow: number | null
  lastRow: number | null
  /** Hash of the row where the head says that the chain ends. */
  lastHash: string | null
  lastCheckpoint: number | null
  /** Some event is not sealed yet. */
  waiting: boolean
}

/** None when the head is gone. */
export const readState = statement<[], ChainState>(
  'audit_state',
  `select ${headColumns},
    (select min(sequence) from audit_event) as first_row,
    (select max(sequence) from audit_event) as last_row,
    (select event.hash from audit_event event where event.sequence = head.sequence) as last_hash,
    (select max(sequence) from audit_checkpoint) as last_checkpoint,
    exists (select 1 from audit_event where sequence is null) as waiting
  from audit_head head`
)

/** The first thing wrong with both ends of the chain. */
export function findEndFault (crypto: Verifier, state: ChainState | undefined): ChainFault | null {
  const fault = (kind: ChainFault['kind'], sequence: number): ChainFault => ({ kind, sequence, id: null })
  if (state === undefined) return fault('truncated', 1)
  const { sequence, firstSequence, firstRow, lastRow, lastCheckpoint } = state
  if (!headIsGenuine(crypto, state)) return fault('forged', sequence)
  // an old head put back: rows or signed positions go further than it does
  if (Math.max(lastRow ?? 0, lastCheckpoint ?? 0) > sequence) return fault('truncated', sequence + 1)
  if (firstRow !== null && firstRow < firstSequence) return fault('added', firstRow)
  if (sequence < firstSequence) return state.hash === state.firstPreviousHash ? null : fault('rewritten', sequence)
  if (firstRow !== null && firstRow > firstSequence) return fault('missing', firstSequence)
  if (lastRow === null || lastRow < sequence) return fault('truncated', (lastRow ?? firstSequence - 1) + 1)
  return state.lastHash === state.hash ? null : fault('rewritten', sequence)
}

/** What is wrong with an event by itself. */
export function findRowFault (
  crypto: Verifier,
  row: AuditRow,
  head: Pick<ChainHead, 'nextWithoutIdUntil'>
): 'altered' | 'redated' | 'added' | null {
  if (!isGenuine(crypto, row)) return 'altered'
  if (!isInTime(row)) return 'redated'
  return row.eventId == null && row.atText > head.nextWithoutIdUntil ? 'added' : null
}

const repeated = statement<[string[]], { eventId: string }>(
  'audit_repeated',
  'select event_id from audit_event where event_id = any ($1::text[]) group by event_id having count(*) > 1 limit 1'
)

/** The first of the events that wait which may not be sealed: forged, of another time, or stored before. */
export async function findWaitingFault (
  db: Queryable,
  crypto: Verifier,
  { rows, state }: { rows: readonly AuditRow[]; state: ChainState }
): Promise<ChainFault | null> {
  for (const row of rows) {
    const kind = findRowFault(crypto, row, state) ?? (row.eventId == null && state.withoutIdOver ? 'added' : null)
    if (kind !== null) return { kind, sequence: 0, id: row.id }
  }
  const ids = rows.flatMap(({ eventId }) => eventId ?? [])
  const [twice] = ids.length === 0 ? [] : await repeated(db, ids)
  if (twice === undefined) return null
  return { kind: 'repeated', sequence: 0, id: rows.findLast(({ eventId }) => eventId === twice.eventId)?.id ?? null }
}
