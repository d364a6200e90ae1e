import type { Kysely } from 'kysely'
import type { FieldCrypto } from '../../database/field-crypto.ts'
import type { Database } from '../../database/schema.ts'
import { statement } from '../../database/statement.ts'
import { isChainHash, isGenuine, rowColumns, type SealedRow } from './canonical.ts'

interface Suspect {
  /** The row at `position`, which does not belong there as it is. */
  row: SealedRow
  /** Hash of the row before it. */
  previous: string
  position: number
  next: SealedRow | undefined
}

export interface Diagnosis {
  kind: 'altered' | 'missing' | 'swapped'
  otherSequence?: number
  /** How many rows before it are gone, when the numbers were closed up. */
  gone?: number
}

const around = statement<[number, number, number], SealedRow>(
  'audit_chain_around',
  `select ${rowColumns}, sequence, previous_hash, hash from audit_event where sequence between $1 and $2
    order by sequence limit $3`
)

const reach = 20_000
const pageSize = 1000

/** What was done to a row that does not fit: moved here from elsewhere, closed up over a gap, or changed. */
export async function diagnose (
  db: Kysely<Database>,
  crypto: Pick<FieldCrypto, 'verifyMac'>,
  suspect: Suspect
): Promise<Diagnosis> {
  const { row, position } = suspect
  const first = Math.max(1, position - reach)
  for (let from = first; from <= position + reach;) {
    const rows = await around(db, from, position + reach, pageSize)
    const other = rows.find((candidate) => candidate.id !== row.id && belongs(candidate, suspect, crypto))
    if (other !== undefined) return { kind: 'swapped', otherSequence: other.sequence }
    const last = rows.at(-1)
    if (last === undefined || rows.length < pageSize) break
    from = last.sequence + 1
  }
  // whole in itself, but made for a later place: rows before it are gone and the numbers were closed up
  for (let distance = 1; distance <= 1000; distance++) {
    const { hash, previousHash } = row
    if (isChainHash(hash, row, { previousHash, sequence: position + distance })) {
      return { kind: 'missing', gone: distance }
    }
  }
  return { kind: 'altered' }
}

/** Whether this other row (or its content) is what stood at the suspect's position when it was sealed. */
function belongs (
  candidate: SealedRow,
  { row, previous, position, next }: Suspect,
  crypto: Pick<FieldCrypto, 'verifyMac'>
): boolean {
  const place = { previousHash: previous, sequence: position }
  const fits = (hash: string | undefined, content: SealedRow): boolean =>
    hash !== undefined && isChainHash(hash, content, place)
  if (fits(candidate.hash, candidate) || fits(row.hash, candidate) || fits(next?.previousHash, candidate)) return true
  // contents exchanged, with their MACs or without, with what identifies the event or without; id and time stayed
  const { id, atText, eventId, recordedAt, mac } = row
  for (const content of [{ ...candidate, id, atText }, { ...candidate, id, atText, eventId, recordedAt }]) {
    if (fits(row.hash, content)) return true
    if (fits(row.hash, { ...content, mac }) && isGenuine(crypto, { ...content, mac })) return true
  }
  return false
}
