import { RawNode, type CompiledQuery, type Kysely } from 'kysely'
import type { Database } from './schema.ts'

/** A connection pool or a transaction. */
export type Queryable = Pick<Kysely<Database>, 'executeQuery' | 'isTransaction'>

const names = new Map<string, string>()
const texts = new Map<string, string>()

// A prepared statement outlives an additive migration only if its columns are spelled out: PostgreSQL
// answers `select *` with "cached plan must not change result type" once a column is added.
const everyColumn = /\b(?:select|returning)\s+(?:distinct\s+)?(?:\w+\.)?\*|,\s*\w+\.\*/i

/**
 * A hand-written statement for the hot paths. On PostgreSQL it runs as a named prepared statement
 * (parsed and planned once for each connection), on the embedded database as it is; rows come back
 * in camelCase either way.
 *
 * @param name unique in the process, at most 63 bytes (PostgreSQL's identifier limit)
 * @param text SQL in snake_case with $1, $2 …; columns spelled out, never `*`; `returning` for rows of a write
 * @returns a function of the database or a transaction, and the parameters, giving the rows
 */
export function statement<P extends unknown[], R> (
  name: string,
  text: string
): (db: Queryable, ...params: P) => Promise<R[]> {
  if (Buffer.byteLength(name) > 63) throw new Error(`statement ${name}: the name is longer than 63 bytes`)
  if (texts.has(name) && texts.get(name) !== text) throw new Error(`statement ${name} is defined twice`)
  if (everyColumn.test(text)) throw new Error(`statement ${name}: name the columns instead of *`)
  texts.set(name, text)
  if (!names.has(text)) names.set(text, name)
  const query = RawNode.createWithSql(text)
  return async (db, ...params) => {
    const compiled = { query, queryId: { queryId: name }, sql: text, parameters: params } satisfies CompiledQuery
    return (await db.executeQuery<R>(compiled)).rows
  }
}

/** Name under which this SQL text is to be prepared, if it is a `statement`. */
export function statementName (text: string): string | undefined {
  return names.get(text)
}
