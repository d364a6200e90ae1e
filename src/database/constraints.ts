/**
 * Constraints that a migration adds to tables with rows, and their indexes: steps that never block a serving Kora, and
 * that can be repeated after an interruption.
 *
 * A constraint is added `not valid`: it holds for every row written from then on, and its lock is held for a moment
 * only. Old rows are checked afterwards, without blocking. Rows that break a constraint stay as they are and the
 * constraint stays unvalidated; `kora doctor` names it (docs/decisions/0009-rules-in-the-database.md).
 */
import { setTimeout as pause } from 'node:timers/promises'
import { sql, type QueryExecutorProvider } from 'kysely'

/** Any database or connection: migrations do not know its tables. */
type Db = QueryExecutorProvider

const lockTries = 30
const lockPauseMilliseconds = 1_000

/** Checks meant for new rows only: earlier decisions have no endorsement. */
const forNewRowsOnly = new Set(['pending_change_vouched'])

export interface Unvalidated {
  table: string
  name: string
  /** As PostgreSQL writes it: `CHECK (…) NOT VALID`. */
  definition: string
}

/** Text of a check that a column holds one of these words, or nothing. */
export const checkOneOf = (column: string, words: readonly string[]): string =>
  `check (${column} in (${words.map((word) => `'${word}'`).join(', ')}))`

/**
 * A statement with an exclusive lock, outside of a transaction. All later statements wait behind a waiting exclusive
 * lock; during a long `pg_dump` that would be all of them. So it waits for a moment only, and is tried again.
 */
export async function alterTable (db: Db, statement: string): Promise<void> {
  await sql`set lock_timeout = '1s'`.execute(db)
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        await sql.raw(statement).execute(db)
        return
      } catch (error) {
        if ((error as { code?: unknown }).code !== '55P03' || attempt === lockTries) throw error
        await pause(lockPauseMilliseconds)
      }
    }
  } finally {
    await sql`reset lock_timeout`.execute(db)
  }
}

/** Adds a constraint for rows written from now on. */
export async function addConstraint (
  db: Db,
  { table, name, definition }: { table: string; name: string; definition: string }
): Promise<void> {
  if (await isThere(db, table, name)) return
  await alterTable(db, `alter table ${table} add constraint ${name} ${definition} not valid`)
}

/** Replaces the words of a constraint, in one step. */
export async function replaceConstraint (
  db: Db,
  { table, name, definition }: { table: string; name: string; definition: string }
): Promise<void> {
  await alterTable(
    db,
    `alter table ${table} drop constraint if exists ${name}, add constraint ${name} ${definition} not valid`
  )
}

/** @param on table, columns and condition, as in `create index … on` */
export const createIndex = async (db: Db, name: string, on: string): Promise<void> => {
  await buildIndex(db, { name, on, unique: false })
}

/** The same for a unique index; it fails, and is built again, when there are duplicate rows. */
export const createUniqueIndex = async (db: Db, name: string, on: string): Promise<void> => {
  await buildIndex(db, { name, on, unique: true })
}

async function buildIndex (db: Db, { name, on, unique }: { name: string; on: string; unique: boolean }): Promise<void> {
  const { rows } = await sql<{ valid: boolean }>`
    select indisvalid as valid from pg_index where indexrelid = to_regclass(${name})`.execute(db)
  if (rows[0]?.valid === true) return
  // an index of an interrupted build is never used and slows every write
  if (rows[0] !== undefined) await sql.raw(`drop index concurrently ${name}`).execute(db)
  await sql.raw(`create ${unique ? 'unique ' : ''}index concurrently ${name} on ${on}`).execute(db)
}

/** Constraints that some old row may break, without those that were meant for new rows only. */
export async function findUnvalidated (db: Db): Promise<Unvalidated[]> {
  return (await loadUnvalidated(db)).filter(({ name }) => !forNewRowsOnly.has(name))
}

/** Checks old rows; a constraint that some of them break stays unvalidated. Returns those constraints. */
export async function validateConstraints (db: Db): Promise<Unvalidated[]> {
  for (const { table, name } of await loadUnvalidated(db)) {
    try {
      await sql.raw(`alter table ${table} validate constraint ${name}`).execute(db)
    } catch (error) {
      if (!isBroken(error)) throw error
    }
  }
  return await findUnvalidated(db)
}

/** check_violation, foreign_key_violation */
const isBroken = (error: unknown): boolean => ['23514', '23503'].includes(String((error as { code?: unknown }).code))

async function loadUnvalidated (db: Db): Promise<Unvalidated[]> {
  const { rows } = await sql<Unvalidated>`
    select conrelid::regclass::text as table, conname as name, pg_get_constraintdef(oid) as definition
      from pg_constraint
     where not convalidated and contype in ('c', 'f') and connamespace = current_schema()::regnamespace
     order by 1, 2`.execute(db)
  return rows
}

async function isThere (db: Db, table: string, name: string): Promise<boolean> {
  const { rows } = await sql`
    select from pg_constraint where conrelid = ${table}::regclass and conname = ${name}`.execute(db)
  return rows.length > 0
}
