/**
 * Encrypts everything again under the current master key, and computes blind indexes again, beside a serving Kora.
 *
 * Where it stands is in the rows themselves: a value names its key. So it can be interrupted and run again at any time,
 * also on two machines at once. A row that changes meanwhile is left to its writer, who uses the current key, and is
 * looked at again in the next pass.
 */
import { sql, type Kysely } from 'kysely'
import { encryptedTables, type EncryptedTable } from '../../database/encrypted-columns.ts'
import {
  FieldCryptoError,
  keepFormerMacs,
  loadPairwiseKey,
  renewCanary,
  type Database,
  type FieldCrypto
} from '../../database/index.ts'
import { inTransaction } from '../../database/transaction.ts'
import type { Act } from '../../domain/administration/administration.ts'
import type { Audit } from '../audit/index.ts'
import { certNoIndex, computeNameIndexes, phoneIndex } from '../persons/index.ts'

export interface Reencrypted {
  /** Rows written, by table; tables where nothing was to do are left out. */
  written: Record<string, number>
  /** Rows that could not be read with any known key, by table: they stay as they are. */
  unreadable: Record<string, number>
  /** The former keys are needed no more for what is encrypted and looked up. */
  complete: boolean
}

interface Deps {
  db: Kysely<Database>
  crypto: FieldCrypto
  audit: Audit
}

type Row = Record<string, string | string[] | null>
/** What a row becomes: columns by name. */
type Change = Record<string, string | string[] | null>

const passes = 5

/**
 * @param options batch: rows of one statement; onProgress: rows looked at so far
 */
export async function reencrypt (
  deps: Deps,
  act: Act,
  { batch = 500, onProgress = () => {} }: { batch?: number; onProgress?: (rows: number) => void } = {}
): Promise<Reencrypted> {
  const { db, audit } = deps
  const written: Record<string, number> = {}
  const unreadable: Record<string, number> = {}
  let looked = 0
  let settled = true
  for (const table of encryptedTables) {
    for (let pass = 1; ; pass++) {
      const done = await walkTable(deps, table, {
        batch,
        onRows: (rows) => {
          looked += rows
          onProgress(looked)
        }
      })
      if (done.written > 0) written[table.table] = (written[table.table] ?? 0) + done.written
      if (done.unreadable > 0) unreadable[table.table] = done.unreadable
      if (done.written === 0 && done.passedOver === 0) break
      if (pass === passes) {
        settled = false
        break
      }
    }
  }
  const complete = settled && Object.keys(unreadable).length === 0
  await loadPairwiseKey(db, deps.crypto)
  if (complete) {
    await keepFormerMacs(db, deps.crypto)
    await renewCanary(db, deps.crypto)
  }
  await inTransaction(db, async (trx) => {
    const rows = Object.values(written).reduce((sum, count) => sum + count, 0)
    await audit.record(trx, {
      type: 'master-key.reencrypted',
      actor: act.actor,
      reason: act.reason,
      details: { rows, complete }
    })
  })
  return { written, unreadable, complete }
}

interface Walked {
  written: number
  unreadable: number
  /** Changed by somebody else between reading and writing. */
  passedOver: number
}

async function walkTable (
  { db, crypto }: Pick<Deps, 'db' | 'crypto'>,
  table: EncryptedTable,
  { batch, onRows }: { batch: number; onRows: (rows: number) => void }
): Promise<Walked> {
  const result: Walked = { written: 0, unreadable: 0, passedOver: 0 }
  let after: string | null = null
  for (;;) {
    const rows: Row[] = await readPage(db, table, { after, batch })
    const last = rows.at(-1)
    if (last === undefined) return result
    after = last['key'] as string
    const changes: Array<{ key: string; before: Row; change: Change }> = []
    for (const row of rows) {
      try {
        const change = renew(crypto, table, row)
        if (change !== null) changes.push({ key: row['key'] as string, before: row, change })
      } catch (error) {
        if (!(error instanceof FieldCryptoError)) throw error
        result.unreadable += 1
      }
    }
    if (changes.length > 0) {
      const written = await writePage(db, table, changes)
      result.written += written
      result.passedOver += changes.length - written
    }
    onRows(rows.length)
    if (rows.length < batch) return result
  }
}

const indexColumns = ['cert_no_index', 'phone_index', 'desk_index'] as const
const isPerson = ({ table }: EncryptedTable): boolean => table === 'person'

/** Rows as text, whatever the type of their key, in its order. Names stay as they are in the table. */
async function readPage (
  db: Kysely<Database>,
  table: EncryptedTable,
  { after, batch }: { after: string | null; batch: number }
): Promise<Row[]> {
  const { key, boundTo = key, columns } = table
  const members = [
    ...columns.map((name) => `'${name}', ${name}`),
    ...(isPerson(table) ? [...indexColumns, 'cert_type', 'identity_state'].map((name) => `'${name}', ${name}`) : [])
  ]
  const from = after === null ? sql`true` : sql`${sql.raw(key)} > ${after}`
  const { rows } = await sql<{ row: Row }>`
    select jsonb_build_object('key', ${sql.raw(key)}::text, 'bound_to', ${sql.raw(boundTo)}::text,
      ${sql.raw(members.join(', '))}) as row
    from ${sql.table(table.table)} where ${from} order by ${sql.raw(key)} limit ${batch}`.execute(db)
  return rows.map(({ row }) => row)
}

/** What must be written; null: the row is as it should be. @throws FieldCryptoError */
function renew (crypto: FieldCrypto, { table, columns }: EncryptedTable, row: Row): Change | null {
  const rowId = row['bound_to'] as string
  const open = (column: string): string | null => {
    const value = row[column] as string | null | undefined
    return value == null || value === '' ? null : crypto.decrypt(table, column, rowId, value)
  }
  const change: Change = {}
  for (const column of columns) {
    const value = row[column] as string | null
    if (value === null || value === '' || crypto.isCurrent(value)) continue
    change[column] = crypto.encrypt(table, column, rowId, open(column) ?? '')
  }
  if (table === 'person') Object.assign(change, renewIndexes(crypto, row, open))
  return Object.keys(change).length === 0 ? null : change
}

function renewIndexes (crypto: FieldCrypto, row: Row, open: (column: string) => string | null): Change {
  const change: Change = {}
  const [name, certNo, phone] = [open('name_enc'), open('cert_no_enc'), open('phone_enc')]
  if (row['cert_no_index'] !== null && certNo !== null) {
    const index = certNoIndex(crypto, row['cert_type'] as string, certNo)
    if (index !== row['cert_no_index']) change['cert_no_index'] = index
  }
  if (row['phone_index'] !== null && phone !== null) {
    const index = phoneIndex(crypto, phone)
    if (index !== row['phone_index']) change['phone_index'] = index
  }
  const desk = row['desk_index'] as string[] | null
  if (desk !== null && row['identity_state'] !== 'erased' && name !== null && certNo !== null) {
    const digests = computeNameIndexes(crypto, { name, nameBo: open('name_bo_enc'), certNo })
    if (desk.length > 0 && JSON.stringify(digests) !== JSON.stringify(desk)) change['desk_index'] = digests
  }
  return change
}

/** Writes what has not changed since it was read. Returns how many rows. */
async function writePage (
  db: Kysely<Database>,
  table: EncryptedTable,
  changes: Array<{ key: string; before: Row; change: Change }>
): Promise<number> {
  const columns = [...table.columns, ...(isPerson(table) ? indexColumns : [])]
  const type = (column: string): string => (column === 'desk_index' ? 'jsonb' : 'text')
  const stored = (column: string): string =>
    column === 'desk_index' ? 'to_jsonb(target.desk_index)' : `target.${column}`
  const fresh = (column: string): string =>
    column === 'desk_index'
      ? 'case when data.desk_index is null then null else array(select jsonb_array_elements_text(data.desk_index)) end'
      : `data.${column}`
  const data = changes.map(({ key, before, change }) => ({
    key,
    ...Object.fromEntries(columns.map((column) => [`${column}_before`, before[column] ?? null])),
    ...Object.fromEntries(columns.map((column) => [column, change[column] ?? before[column] ?? null]))
  }))
  const shape = [
    `key ${table.keyType ?? 'text'}`,
    ...columns.flatMap((name) => [`${name}_before ${type(name)}`, `${name} ${type(name)}`])
  ]
  // in the order of the keys, and never waiting: other transactions have locks on several rows, too
  const key = sql.raw(table.key)
  const { rows } = await sql`
    with data as (
      select * from jsonb_to_recordset(${JSON.stringify(data)}::jsonb) as data (${sql.raw(shape.join(', '))})
    ), locked as (
      select ${key} as locked_key from ${sql.table(table.table)} where ${key} in (select key from data)
        order by 1 for update skip locked
    )
    update ${sql.table(table.table)} target set ${sql.raw(columns.map((name) => `${name} = ${fresh(name)}`).join(', '))}
    from data join locked on locked_key = data.key
    where target.${key} = data.key and ${sql.raw(
      columns.map((name) => `${stored(name)} is not distinct from data.${name}_before`).join(' and ')
    )}
    returning 1 as one`.execute(db)
  return rows.length
}
