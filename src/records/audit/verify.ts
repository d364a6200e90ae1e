import type { Kysely } from 'kysely'
import type { FieldCrypto } from '../../database/field-crypto.ts'
import type { Database } from '../../database/schema.ts'
import { statement } from '../../database/statement.ts'
import { chainHash, contentText, rowColumns, type AuditRow, type SealedRow } from './canonical.ts'
import { checkpointIsGenuine, headIsGenuine, readHead, type Checkpoint } from './head.ts'
import { diagnose } from './diagnose.ts'

/**
 * altered: a row's content, time or MAC was changed · missing: a row is gone from the middle · swapped: rows changed
 * places · truncated: the end is gone · rewritten: rows agree with each other but not with a signed position ·
 * forged: a signed position (head or checkpoint) is not ours.
 */
export type ChainFaultKind = 'altered' | 'missing' | 'swapped' | 'truncated' | 'rewritten' | 'forged'

export interface ChainFault {
  kind: ChainFaultKind
  /** Place in the chain; 0 for an event that is not sealed yet (`id` identifies it). */
  sequence: number
  id: number | null
  /** The other place, when two rows were swapped. */
  otherSequence?: number
}

export type Verification =
  | { ok: true; from: number; to: number; checked: number; unsealed: number; oldestUnsealedSeconds: number }
  | { ok: false; checked: number; fault: ChainFault }

const page = statement<[number, number, number], SealedRow>(
  'audit_chain_page',
  `select ${rowColumns}, sequence, previous_hash, hash from audit_event where sequence between $1 and $2
    order by sequence limit $3`
)
const checkpoints = statement<[number, number], Checkpoint>(
  'audit_checkpoints',
  'select sequence, hash, mac from audit_checkpoint where sequence between $1 and $2 order by sequence'
)
const furthest = statement<[], { row: number | null; checkpoint: number | null }>(
  'audit_furthest',
  'select (select max(sequence) from audit_event) as row, (select max(sequence) from audit_checkpoint) as checkpoint'
)
const waiting = statement<[number, number], AuditRow & { age: number }>(
  'audit_waiting',
  `select ${rowColumns}, extract(epoch from now() - at)::float8 as age from audit_event where sequence is null
    and id > $1 order by id limit $2`
)

const pageSize = 1000

/**
 * Reads the chain and reports its first fault.
 *
 * @param range from, to: first and last sequence (default: everything); checkpoint: a signed position from the server
 * log, which shows a history that was rewritten or cut off together with its stored checkpoints; onProgress: called now
 * and then with the number of events checked
 */
export async function verifyChain (
  db: Kysely<Database>,
  crypto: Pick<FieldCrypto, 'verifyMac'>,
  range: { from?: number; to?: number; checkpoint?: Checkpoint; onProgress?: (checked: number) => void } = {}
): Promise<Verification> {
  let checked = 0
  const fail = (
    kind: ChainFaultKind,
    sequence: number,
    more: { id?: number; otherSequence?: number } = {}
  ): Verification => ({
    ok: false,
    checked,
    fault: {
      kind,
      sequence,
      id: more.id ?? null,
      ...(more.otherSequence !== undefined && { otherSequence: more.otherSequence })
    }
  })

  const [head] = await readHead(db)
  if (head === undefined) return fail('truncated', 1)
  if (!headIsGenuine(crypto, head)) return fail('forged', head.sequence)
  const [far] = await furthest(db)
  const outside = range.checkpoint
  if (outside !== undefined && !checkpointIsGenuine(crypto, outside)) return fail('forged', outside.sequence)
  // an old head put back: rows or signed positions go further than it does. New ones may have come since it was read
  const [again] = await readHead(db)
  const known = Math.max(far?.row ?? 0, far?.checkpoint ?? 0, outside?.sequence ?? 0)
  if (again === undefined || known > again.sequence) return fail('truncated', head.sequence + 1)

  const from = Math.max(range.from ?? 1, head.firstSequence)
  const to = Math.min(range.to ?? head.sequence, head.sequence)
  let previous = head.firstPreviousHash
  if (from > head.firstSequence) {
    const [before] = await page(db, from - 1, from - 1, 1)
    if (before === undefined) return fail('missing', from - 1)
    previous = before.hash
  }

  let position = from
  while (position <= to) {
    const rows = await page(db, position, to, pageSize)
    const signed = new Map(
      (await checkpoints(db, position, rows.at(-1)?.sequence ?? position)).map((one) => [one.sequence, one])
    )
    if (outside !== undefined) signed.set(outside.sequence, outside)
    if (rows.length === 0) return fail(to === head.sequence ? 'truncated' : 'missing', position)
    for (const [index, row] of rows.entries()) {
      if (row.sequence !== position) return fail('missing', position)
      const whole =
        crypto.verifyMac('audit', contentText(row), row.mac) &&
        row.previousHash === previous &&
        row.hash === chainHash(previous, position, row)
      if (!whole) {
        const found = await diagnose(db, crypto, { row, previous, position, next: rows[index + 1] })
        return fail(found.kind, position, {
          id: row.id,
          ...(found.otherSequence !== undefined && { otherSequence: found.otherSequence })
        })
      }
      const checkpoint = signed.get(position)
      if (checkpoint !== undefined) {
        if (!checkpointIsGenuine(crypto, checkpoint)) return fail('forged', position)
        if (checkpoint.hash !== row.hash) return fail('rewritten', position, { id: row.id })
      }
      previous = row.hash
      position += 1
      checked += 1
    }
    range.onProgress?.(checked)
  }
  if (to === head.sequence && from <= to && previous !== head.hash) return fail('rewritten', to)

  let unsealed = 0
  let oldest = 0
  for (let after = 0; ;) {
    const rows = await waiting(db, after, pageSize)
    for (const row of rows) {
      if (!crypto.verifyMac('audit', contentText(row), row.mac)) return fail('altered', 0, { id: row.id })
      oldest = Math.max(oldest, row.age)
      after = row.id
    }
    unsealed += rows.length
    if (rows.length < pageSize) break
  }
  return { ok: true, from, to, checked, unsealed, oldestUnsealedSeconds: Math.round(oldest) }
}
