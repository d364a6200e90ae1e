/**
 * A range of the chain as a file: one JSON object a line, each a sealed event, and a trailer signed with the signing
 * key of the service. The published key set is enough to check it. Archives have the same form.
 */
import { CompactSign } from 'jose'
import { sql, type Kysely } from 'kysely'
import type { FieldCrypto } from '../../database/field-crypto.ts'
import type { Database } from '../../database/schema.ts'
import { statement } from '../../database/statement.ts'
import { loadKeys } from '../../tokens/signing-keys.ts'
import { rowColumns, type SealedRow } from './canonical.ts'

/** What the signature says. Hashes: before the first event, and of the last. */
export interface ExportTrailer {
  /** 2: events have an id and a recorded time. */
  format: 'kora-audit-1' | 'kora-audit-2'
  issuer: string
  from: number
  to: number
  previousHash: string
  hash: string
  exportedAt: string
}

export const trailerType = 'kora-audit+jws'

const page = statement<[number, number, number], SealedRow>(
  'audit_export_page',
  `select ${rowColumns}, sequence, previous_hash, hash from audit_event where sequence between $1 and $2
    order by sequence limit $3`
)

const pageSize = 1000

export interface ExportRange {
  from: number
  to: number
}

/**
 * The range of the chain with every sealed event of a time (and a few of its neighbors, because numbers are given after
 * events are committed). Null: there is none.
 */
export async function rangeOfTime (
  db: Kysely<Database>,
  time: { from?: Date | undefined; to?: Date | undefined }
): Promise<ExportRange | null> {
  const {
    rows: [found]
  } = await sql<{
    from: number | null
    to: number | null
  }>`select min(sequence) as from, max(sequence) as to from audit_event
    where sequence is not null and at >= ${time.from ?? new Date(0)} and at < ${time.to ?? new Date(8.64e12)}`.execute(
    db
  )
  return found?.from == null || found.to === null ? null : { from: found.from, to: found.to }
}

/** The trailer's line. @throws Error when no ES256 key is active */
export async function signTrailer (
  deps: { db: Kysely<Database>; crypto: FieldCrypto },
  trailer: ExportTrailer
): Promise<string> {
  const key = (await loadKeys(deps.db, deps.crypto)).find(
    ({ alg, state }) => alg === 'ES256' && state === 'active'
  )
  if (key?.privateKey == null) throw new Error('audit export: there is no active ES256 key to sign with')
  const jws = await new CompactSign(Buffer.from(JSON.stringify(trailer)))
    .setProtectedHeader({ alg: 'ES256', kid: key.kid, typ: trailerType })
    .sign(key.privateKey)
  return JSON.stringify({ trailer, jws })
}

export interface Exported extends ExportRange {
  events: number
  hash: string
}

/**
 * Gives the events of a range to `write`, in chain order, and then the signed trailer. Holds one page of events at a
 * time.
 *
 * @param options issuer: who signs; write: lines with their line ends; onProgress: events written so far
 * @returns null when the range is empty
 * @throws Error when an event is missing inside the range: run the verification
 */
export async function exportAudit (
  deps: { db: Kysely<Database>; crypto: FieldCrypto },
  range: ExportRange,
  options: {
    issuer: string
    write: (text: string) => Promise<void> | void
    onProgress?: (events: number) => void
    now?: () => number
  }
): Promise<Exported | null> {
  const { write, onProgress = () => {} } = options
  let next = range.from
  let events = 0
  let first: SealedRow | undefined
  let last: SealedRow | undefined
  while (next <= range.to) {
    const rows = await page(deps.db, next, range.to, pageSize)
    if (rows.length === 0) break
    for (const row of rows) {
      if (first !== undefined && row.sequence !== next) throw new Error(`audit export: event ${next} is missing`)
      first ??= row
      last = row
      next = row.sequence + 1
    }
    events += rows.length
    await write(rows.map((row) => JSON.stringify(row) + '\n').join(''))
    onProgress(events)
  }
  if (first === undefined || last === undefined) return null
  const trailer: ExportTrailer = {
    format: 'kora-audit-2',
    issuer: options.issuer,
    from: first.sequence,
    to: last.sequence,
    previousHash: first.previousHash,
    hash: last.hash,
    exportedAt: new Date((options.now ?? Date.now)()).toISOString()
  }
  await write((await signTrailer(deps, trailer)) + '\n')
  return { from: trailer.from, to: trailer.to, events, hash: trailer.hash }
}
