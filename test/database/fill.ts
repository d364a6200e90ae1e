/**
 * Rows for every table of a former version: one for each word that a column of the present version knows, and one with
 * nothing in the columns that may be empty. What a row of a table must look like besides stands in `special`.
 */
import { sql, type Kysely } from 'kysely'
import { readColumns, readForeignKeys, readVocabularies, type Column, type ForeignKey } from './catalog.ts'

type Row = Record<string, unknown>

/** Rows that the migrations themselves made, or that a trigger keeps to one. */
const made = new Set(['audit_head'])

/** What several columns of one row must be to each other. */
const special: Record<string, (row: Row) => Row> = {
  device: (row) =>
    row['kind'] === 'web' ? { ...row, key_thumbprint: null, public_jwk: null } : { ...row, secret_hash: null },
  resource_server: (row) => ({ ...row, ttl_seconds: 300 }),
  // about a person or about an application, here always the first
  reveal_grant: (row) => ({
    ...row,
    person_id: 'person.id.0',
    registration_id: null,
    registration_number: null
  })
}

/** What the row with empty columns must have all the same. */
const empty: Record<string, Row> = {
  signing_key: { state: 'removed' },
  pending_change: { state: 'pending' },
  delegation: { state: 'draft' },
  device: { kind: 'web', secret_hash: 'empty' }
}

const json = '{"some": [1, "text", null]}'

function valueOf ({ table, column, type }: Column, n: number): unknown {
  switch (type) {
    case 'text':
      return `${table}.${column}.${n}`
    case 'smallint':
      return 1
    case 'integer':
    case 'bigint':
      return n + 1
    case 'real':
      return 0.5
    case 'boolean':
      return n % 2 === 0
    case 'timestamp with time zone':
      return new Date(Date.UTC(2026, 0, 1, 0, 0, n))
    case 'date':
      return '2026-01-02'
    case 'jsonb':
      return json
    case 'text[]':
      return ['a', 'b']
    case 'bytea':
      return Buffer.from([0, 255, n])
    default:
      throw new Error(`${table}.${column}: no value for ${type}`)
  }
}

/** Fills `old` with what `present` allows; returns how many rows each table got. */
export async function fill (old: Kysely<any>, present: Kysely<any>): Promise<Map<string, number>> {
  const columns = await readColumns(old)
  const known = await readVocabularies(old)
  const words = new Map(
    [...(await readVocabularies(present))].map(([where, list]) => [
      where,
      // a word that came since is in no row of before
      list.filter((word) => known.get(where)?.includes(word) ?? true)
    ])
  )
  const tables = [...new Set(columns.map((column) => column.table))]
  // a foreign key to a table that came since led to another table then
  const references = [...(await readForeignKeys(present)), ...(await readForeignKeys(old))].filter(
    ({ target }) => tables.includes(target)
  )
  const rows = new Map<string, Row[]>()
  for (const table of inOrder(tables, references)) {
    if (made.has(table)) continue
    const own = columns.filter((column) => column.table === table && !column.generated)
    const variants: Row[] = [{}]
    for (const { column } of own) {
      for (const word of words.get(`${table}.${column}`)?.slice(1) ?? []) variants.push({ [column]: word })
    }
    if (own.some(({ nullable }) => nullable)) {
      const nothing = Object.fromEntries(own.filter(({ nullable }) => nullable).map(({ column }) => [column, null]))
      variants.push({ ...nothing, ...empty[table] })
    }
    const filled = variants.map((variant, n) => {
      const base = own.map((column, place): [string, unknown] => {
        const first = words.get(`${table}.${column.column}`)?.[0]
        const reference = references.find((one) => one.table === table && one.columns[0] === column.column)
        const targets = reference === undefined ? [] : (rows.get(reference.target) ?? [])
        if (reference !== undefined) {
          return [column.column, targets[(n + place) % targets.length]?.[reference.targetColumns[0] ?? '']]
        }
        return [column.column, first ?? valueOf(column, n)]
      })
      return (special[table] ?? ((row: Row) => row))({ ...Object.fromEntries(base), ...variant })
    })
    for (const row of filled) await insertRow(old, table, row)
    rows.set(table, filled)
  }
  return new Map([...rows].map(([table, list]) => [table, list.length]))
}

export async function insertRow (db: Kysely<any>, table: string, row: Row): Promise<void> {
  const names = Object.keys(row)
  await sql`insert into ${sql.table(table)} (${sql.join(names.map((name) => sql.ref(name)))})
    values (${sql.join(names.map((name) => row[name]))})`.execute(db)
}

/** A table stands after those that it points to. */
function inOrder (tables: string[], references: ForeignKey[]): string[] {
  const placed: string[] = []
  while (placed.length < tables.length) {
    const next = tables.find(
      (table) =>
        !placed.includes(table) &&
        references.every((one) => one.table !== table || one.target === table || placed.includes(one.target))
    )
    if (next === undefined) throw new Error('tables point to each other in a circle')
    placed.push(next)
  }
  return placed
}
