import type { Kysely } from 'kysely'
import type { FieldCrypto } from '../../database/field-crypto.ts'
import type { Database } from '../../database/schema.ts'
import type { Act } from '../../domain/administration/administration.ts'
import { statement } from '../../database/statement.ts'
import { inTransaction } from '../../database/transaction.ts'
import { isChainHash, isGenuine, rowColumns, type SealedRow } from './canonical.ts'
import { headIsGenuine, headMac, waitForHead, type ChainHead } from './head.ts'
import type { Audit } from './index.ts'
import { readState } from './inspect.ts'

const oldest = statement<[number, number, number], SealedRow>(
  'audit_oldest',
  `select ${rowColumns}, sequence, previous_hash, hash from audit_event
   where sequence >= $1 and at < now() - make_interval(days => $2) order by sequence limit $3`
)
const remove = statement<[number, number], { id: number }>(
  'audit_remove',
  'delete from audit_event where sequence between $1 and $2 returning id'
)
const moveStart = statement<[number, string, string, string], never>(
  'audit_head_start',
  'update audit_head set first_sequence = $1, first_previous_hash = $2, mac = $3, without_id_until = $4::timestamptz'
)

export interface Archived {
  rows: number
  from: number
  to: number
}

/** Days that an event is kept; a trigger of the database holds it too (网络安全法: six months). */
const keptDays = 180

/**
 * Gives the oldest events to `write` (one JSON object each, in chain order), and deletes them when it has stored them;
 * at most `limit`. The chain then begins after them. The last hash of the archive is what the first row refers to, so
 * both parts can be verified. What is not whole stays where it is.
 *
 * @param options olderThanDays: at least 180, which the database enforces too; act: who archives and why
 * @throws RangeError below 180 days; Error when an event is not whole; every error of `write`. Then nothing is deleted
 */
export async function archiveAudit (
  deps: { db: Kysely<Database>; crypto: Pick<FieldCrypto, 'mac' | 'verifyMac'>; audit: Audit },
  options: { olderThanDays: number; limit?: number; act?: Act; write: (lines: string[]) => Promise<void> }
): Promise<Archived> {
  const { olderThanDays, limit = 1000, act, write } = options
  if (!(olderThanDays >= keptDays)) throw new RangeError(`audit events are kept for at least ${keptDays} days`)
  const [start] = await readState(deps.db)
  const first = start?.firstSequence ?? 1
  const found = await oldest(deps.db, first, olderThanDays, limit)
  // only an unbroken beginning may go
  const gap = found.findIndex((row, index) => row.sequence !== first + index)
  const rows = gap === -1 ? found : found.slice(0, gap)
  const last = rows.at(-1)
  if (last === undefined) return { rows: 0, from: first, to: first - 1 }
  assertWhole(deps.crypto, rows, start)
  await write(rows.map((row) => JSON.stringify(row)))
  await inTransaction(deps.db, async (trx) => {
    const [head] = await waitForHead(trx)
    if (head?.firstSequence !== first) throw new Error('audit: another process archives at this moment')
    if (!headIsGenuine(deps.crypto, head)) throw new Error('audit: the head of the chain is not ours')
    const removed = await remove(trx, first, last.sequence)
    if (removed.length !== rows.length) throw new Error('audit: rows changed while they were archived')
    const moved = { ...head, firstSequence: last.sequence + 1, firstPreviousHash: last.hash }
    await moveStart(
      trx,
      moved.firstSequence,
      moved.firstPreviousHash,
      headMac(deps.crypto, moved),
      moved.nextWithoutIdUntil
    )
    await deps.audit.record(trx, {
      type: 'audit.archived',
      ...(act === undefined ? {} : { actor: act.actor, reason: act.reason }),
      details: { from: first, to: last.sequence }
    })
  })
  return { rows: rows.length, from: first, to: last.sequence }
}

/** Who signs a new beginning must know that what goes away was the chain. */
function assertWhole (
  crypto: Pick<FieldCrypto, 'verifyMac'>,
  rows: readonly SealedRow[],
  head: ChainHead | undefined
): void {
  let previous = head?.firstPreviousHash
  for (const row of rows) {
    if (!isGenuine(crypto, row) || row.previousHash !== previous || !isChainHash(row.hash, row, row)) {
      throw new Error(`audit: event ${row.sequence} is not whole; run kora audit verify`)
    }
    previous = row.hash
  }
}
