/** The tables of a migrated database, as the database itself describes them. */
import { sql, type Kysely } from 'kysely'

export interface Column {
  table: string
  column: string
  /** As PostgreSQL writes it: `timestamp with time zone`, `text[]`. */
  type: string
  nullable: boolean
  hasDefault: boolean
  /** The database gives the value, whatever a statement says. */
  generated: boolean
}

export interface ForeignKey {
  table: string
  name: string
  columns: string[]
  target: string
  targetColumns: string[]
  indexed: boolean
}

const ours = sql`c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
  and c.relname not like 'kysely%'`

export async function readColumns (db: Kysely<any>): Promise<Column[]> {
  const { rows } = await sql<Column>`
    select c.relname as table, a.attname as column, format_type(a.atttypid, null) as type, not a.attnotnull as nullable,
      a.atthasdef or a.attidentity <> '' as has_default, a.attidentity = 'a' as generated
      from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where ${ours} order by c.relname, a.attnum`.execute(db)
  return rows
}

/** Columns that a check limits to a list of words: `table.column` → its words, sorted. */
export async function readVocabularies (db: Kysely<any>): Promise<Map<string, string[]>> {
  const { rows } = await sql<{ table: string; definition: string }>`
    select c.relname as table, pg_get_constraintdef(k.oid) as definition
      from pg_constraint k join pg_class c on c.oid = k.conrelid where k.contype = 'c' and ${ours}`.execute(db)
  const found = new Map<string, string[]>()
  for (const { table, definition } of rows) {
    const [, column, words] = /^CHECK \(\((\w+) = ANY \(ARRAY\[([^\]]+)\]\)\)\)/.exec(definition) ?? []
    if (column === undefined || words === undefined) continue
    found.set(`${table}.${column}`, [...words.matchAll(/'([^']+)'::text/g)].map(([, word]) => word as string).sort())
  }
  return found
}

/** Columns of each primary key, in its order. */
export async function readPrimaryKeys (db: Kysely<any>): Promise<Map<string, string[]>> {
  const { rows } = await sql<{ table: string; columns: string[] }>`
    select c.relname as table, array(select a.attname::text from unnest(k.conkey) with ordinality as part (number, place)
        join pg_attribute a on a.attrelid = c.oid and a.attnum = part.number order by part.place) as columns
      from pg_constraint k join pg_class c on c.oid = k.conrelid where k.contype = 'p' and ${ours}`.execute(db)
  return new Map(rows.map(({ table, columns }) => [table, columns]))
}

/** `indexed`: some index begins with the columns, whatever the condition that leaves out null. */
export async function readForeignKeys (db: Kysely<any>): Promise<ForeignKey[]> {
  const { rows } = await sql<ForeignKey>`
    select c.relname as table, k.conname as name, k.confrelid::regclass::text as target,
      array(select a.attname::text from unnest(k.conkey) with ordinality as part (number, place)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = part.number order by part.place) as columns,
      array(select a.attname::text from unnest(k.confkey) with ordinality as part (number, place)
        join pg_attribute a on a.attrelid = k.confrelid and a.attnum = part.number order by part.place) as target_columns,
      exists (select from pg_index i where i.indrelid = c.oid and i.indisvalid
        and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
        and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) ~ '^\\(\\w+ IS NOT NULL\\)$')) as indexed
      from pg_constraint k join pg_class c on c.oid = k.conrelid where k.contype = 'f' and ${ours} order by 1, 2`
    .execute(db)
  return rows
}

export interface Index {
  table: string
  name: string
  columns: string[]
  unique: boolean
}

export async function readIndexes (db: Kysely<any>): Promise<Index[]> {
  const { rows } = await sql<Index>`
    select c.relname as table, i.indexrelid::regclass::text as name, i.indisunique as unique,
      array(select a.attname::text from unnest(i.indkey::int2[]) with ordinality as part (number, place)
        join pg_attribute a on a.attrelid = c.oid and a.attnum = part.number order by part.place) as columns
      from pg_index i join pg_class c on c.oid = i.indrelid where ${ours} order by 1, 2`.execute(db)
  return rows
}
