import type { Kysely } from 'kysely'
import type { FieldCrypto } from '../../database/field-crypto.ts'
import type { Database } from '../../database/schema.ts'
import { statement } from '../../database/statement.ts'
import { isChainHash, isGenuine, isInTime, rowColumns, type AuditRow, type SealedRow } from './canonical.ts'
import { diagnose, type Diagnosis } from './diagnose.ts'
import { FoundFaults, type ChainFault } from './faults.ts'
import { checkpointIsGenuine, headIsGenuine, type Checkpoint } from './head.ts'
import { findRowFault, readState, type ChainState } from './inspect.ts'

interface Verified {
  from: number
  to: number
  /** Sealed events that were read. */
  checked: number
  unsealed: number
  oldestUnsealedSeconds: number
  /** Whether a signed position kept elsewhere was given; without one a database that was set back is not found. */
  checkpoint: 'given' | 'none'
  /** The first hundred, in the order of the chain. */
  faults: ChainFault[]
  faultCount: number
}

export type Verification = Verified & ({ ok: true } | { ok: false; fault: ChainFault })

interface VerifyRange {
  /** First and last sequence; without them everything. */
  from?: number
  to?: number
  /** A signed position from the server log: it shows a history rewritten or cut off with its stored checkpoints. */
  checkpoint?: Checkpoint
  /** Called now and then with the number of events checked. */
  onProgress?: (checked: number) => void
}

type Crypto = Pick<FieldCrypto, 'verifyMac'>

const page = statement<[number, number, number], SealedRow>(
  'audit_chain_page',
  `select ${rowColumns}, sequence, previous_hash, hash from audit_event where sequence between $1 and $2
    order by sequence limit $3`
)
const checkpoints = statement<[number, number], Checkpoint>(
  'audit_checkpoints',
  'select sequence, hash, mac from audit_checkpoint where sequence between $1 and $2 order by sequence'
)
const waiting = statement<[number, number], AuditRow & { age: number }>(
  'audit_waiting',
  `select ${rowColumns}, extract(epoch from now() - at)::float8 as age from audit_event where sequence is null
    and id > $1 order by id limit $2`
)
const isOlder = 'other.event_id = event.event_id and other.id < event.id'
const storedTwice = statement<[number, number], { id: number; sequence: number }>(
  'audit_stored_twice',
  `select id, sequence from audit_event event where sequence between $1 and $2
    and exists (select 1 from audit_event other where ${isOlder}) order by sequence`
)
const waitingTwice = statement<[], { id: number }>(
  'audit_waiting_twice',
  `select id from audit_event event where sequence is null
    and exists (select 1 from audit_event other where ${isOlder}) order by id limit 100`
)

const pageSize = 1000
/** Looking for where a row came from reads thousands of rows. */
const maxDiagnoses = 20

/** Reads the chain and reports its faults, holding one page of events at a time. */
export async function verifyChain (
  db: Kysely<Database>,
  crypto: Crypto,
  range: VerifyRange = {}
): Promise<Verification> {
  const faults = new FoundFaults()
  const [state] = await readState(db)
  const given = range.checkpoint
  const checkpoint = given === undefined ? 'none' : 'given'
  checkHead(crypto, { state, given, faults })
  const { from, to, previous } = await findRange(db, { state, range, faults, trusted: isTrusted(crypto, state) })
  const walked = await walk(db, crypto, { from, to, previous, state, given, faults, onProgress: range.onProgress })
  if (walked.complete && isTrusted(crypto, state) && from <= to && to === state.sequence) {
    if (walked.hash !== state.hash) faults.add('rewritten', to)
  }
  const { unsealed, oldestUnsealedSeconds } = await checkWaiting(db, crypto, { state, faults })
  const verified = {
    from,
    to,
    checked: walked.checked,
    unsealed,
    oldestUnsealedSeconds,
    checkpoint,
    faults: faults.list,
    faultCount: faults.count
  } satisfies Verified
  const [fault] = faults.list
  return fault === undefined ? { ok: true, ...verified } : { ok: false, fault, ...verified }
}

const isTrusted = (crypto: Crypto, state: ChainState | undefined): state is ChainState =>
  state !== undefined && headIsGenuine(crypto, state)

function checkHead (
  crypto: Crypto,
  { state, given, faults }: { state: ChainState | undefined; given: Checkpoint | undefined; faults: FoundFaults }
): void {
  if (state === undefined) faults.add('truncated', 1)
  else if (!headIsGenuine(crypto, state)) faults.add('forged', state.sequence)
  if (given !== undefined && !checkpointIsGenuine(crypto, given)) faults.add('forged', given.sequence)
  if (state === undefined) return
  // an old head put back: rows or signed positions go further than it does
  const known = Math.max(state.lastRow ?? 0, state.lastCheckpoint ?? 0, given?.sequence ?? 0)
  if (known > state.sequence) faults.add('truncated', state.sequence + 1)
}

/** What is read. Beside a head that is not ours the rows themselves say where they begin and end. */
async function findRange (
  db: Kysely<Database>,
  {
    state,
    range,
    faults,
    trusted
  }: {
    state: ChainState | undefined
    range: VerifyRange
    faults: FoundFaults
    trusted: boolean
  }
): Promise<{ from: number; to: number; previous: string | null }> {
  const rows = { first: state?.firstRow ?? 1, last: state?.lastRow ?? 0 }
  const first = trusted ? state!.firstSequence : rows.first
  const last = trusted ? Math.max(state!.sequence, rows.last) : rows.last
  if (trusted && rows.first < first && rows.last > 0) faults.add('added', rows.first)
  const from = Math.max(range.from ?? first, first)
  const to = Math.min(range.to ?? last, last)
  if (from === first) return { from, to, previous: trusted ? state!.firstPreviousHash : null }
  const [before] = await page(db, from - 1, from - 1, 1)
  if (before === undefined) faults.add('missing', from - 1)
  return { from, to, previous: before?.hash ?? null }
}

interface Walk {
  from: number
  to: number
  /** Hash before the first row; null when nothing is known about it. */
  previous: string | null
  state: ChainState | undefined
  given: Checkpoint | undefined
  faults: FoundFaults
  onProgress: ((checked: number) => void) | undefined
}

interface Walked {
  checked: number
  /** Hash of the last row. */
  hash: string | null
  /** The last place of the range was reached. */
  complete: boolean
}

/** From row to row. After a fault it goes on with the row as it is stored. */
async function walk (db: Kysely<Database>, crypto: Crypto, input: Walk): Promise<Walked> {
  const { to, state, given, faults } = input
  let { from: position, previous } = input
  let checked = 0
  let diagnoses = 0
  // how far numbers were closed up over removed rows
  let gone = 0
  let hash: string | null = null
  while (position <= to) {
    const rows = await page(db, position, to, pageSize)
    if (rows.length === 0) {
      faults.add(to >= (state?.lastRow ?? 0) ? 'truncated' : 'missing', position)
      return { checked, hash, complete: false }
    }
    const signed = new Map((await checkpoints(db, position, rows.at(-1)!.sequence)).map((one) => [one.sequence, one]))
    if (given !== undefined) signed.set(given.sequence, given)
    const repeated = new Set((await storedTwice(db, position, rows.at(-1)!.sequence)).map(({ id }) => id))
    for (const [index, row] of rows.entries()) {
      if (row.sequence !== position) {
        position = await skipGap(db, { position, row, faults })
        previous = null
      }
      const { previousHash } = row
      const whole =
        isGenuine(crypto, row) &&
        (previous === null || previousHash === previous) &&
        isChainHash(row.hash, row, { previousHash, sequence: position + gone })
      if (!whole) {
        const suspect = { row, previous: previous ?? previousHash, position: position + gone, next: rows[index + 1] }
        const found: Diagnosis = ++diagnoses > maxDiagnoses ? { kind: 'altered' } : await diagnose(db, crypto, suspect)
        faults.add(found.kind, position, { id: row.id, otherSequence: found.otherSequence })
        gone += found.gone ?? 0
      } else if (repeated.has(row.id)) {
        faults.add('repeated', position, { id: row.id })
      } else if (!isInTime(row)) {
        faults.add('redated', position, { id: row.id })
      } else if (state?.withoutIdUntil != null && findRowFault(crypto, row, state) !== null) {
        faults.add('added', position, { id: row.id })
      }
      const checkpoint = signed.get(position)
      if (checkpoint !== undefined) {
        if (!checkpointIsGenuine(crypto, checkpoint)) faults.add('forged', position)
        else if (checkpoint.hash !== row.hash && whole) faults.add('rewritten', position, { id: row.id })
      }
      hash = row.hash
      previous = whole ? row.hash : null
      position += 1
      checked += 1
    }
    input.onProgress?.(checked)
  }
  return { checked, hash, complete: true }
}

/** Rows between are gone, unless they went to the archive a moment ago. */
async function skipGap (
  db: Kysely<Database>,
  { position, row, faults }: { position: number; row: SealedRow; faults: FoundFaults }
): Promise<number> {
  const [now] = await readState(db)
  if (now === undefined || now.firstSequence !== row.sequence) {
    faults.add('missing', position, { otherSequence: row.sequence - 1 })
  }
  return row.sequence
}

async function checkWaiting (
  db: Kysely<Database>,
  crypto: Crypto,
  { state, faults }: { state: ChainState | undefined; faults: FoundFaults }
): Promise<Pick<Verified, 'unsealed' | 'oldestUnsealedSeconds'>> {
  let unsealed = 0
  let oldest = 0
  for (let after = 0; ;) {
    const rows = await waiting(db, after, pageSize)
    for (const row of rows) {
      const kind = state === undefined ? null : findRowFault(crypto, row, state)
      if (kind !== null) faults.add(kind, 0, { id: row.id })
      oldest = Math.max(oldest, row.age)
      after = row.id
    }
    unsealed += rows.length
    if (rows.length < pageSize) break
  }
  for (const { id } of await waitingTwice(db)) faults.add('repeated', 0, { id })
  return { unsealed, oldestUnsealedSeconds: Math.round(oldest) }
}
