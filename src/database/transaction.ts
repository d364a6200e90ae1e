/**
 * The one way to a transaction. A function that writes takes `(trx, deps, input)`; the caller that decides how much
 * belongs together opens the transaction with `inTransaction`. Inside another transaction the same call is a savepoint,
 * so a part can be undone without the whole. Inside, only `trx` is used: PGlite has one connection, and a statement
 * beside the transaction would wait for it forever.
 */
import { setTimeout } from 'node:timers/promises'
import { sql, type Kysely, type Transaction } from 'kysely'
import { isEndedByOthers } from './errors.ts'
import type { Database } from './schema.ts'

/** Undoes what was written in its `inTransaction`, which then returns the outcome. */
export class Rollback<T> extends Error {
  readonly outcome: T
  constructor (outcome: T) {
    super('rolled back')
    this.name = 'Rollback'
    this.outcome = outcome
  }
}

const mostRepetitions = 3

export type RollbackWith<T> = (outcome: T) => Rollback<T>
type Work<T> = (trx: Transaction<Database>, rollback: RollbackWith<T>) => Promise<T>

/**
 * Commits what `work` writes, or undoes all of it: when it throws, and with an outcome when it says
 * `throw rollback(outcome)`.
 * A transaction that the database ended because of others (deadlock, serialization) runs again, three times at most, so
 * `work` changes nothing but the database.
 * @param db in a transaction: its part, as a savepoint; parallel parts of one transaction run one after the other
 */
export async function inTransaction<T> (db: Kysely<Database>, work: Work<T>): Promise<T> {
  // only its own: a part may undo the whole, too
  let thrown: Rollback<T> | undefined
  const rollback: RollbackWith<T> = (outcome) => (thrown = new Rollback(outcome))
  try {
    if (isTransaction(db)) return await nested(db, async (trx) => await work(trx, rollback))
    for (let again = 0; ; again += 1) {
      try {
        return await db.transaction().execute(async (trx) => await work(trx, rollback))
      } catch (error) {
        if (!isEndedByOthers(error) || again === mostRepetitions) throw error
        // the others are still at work: not at the same moment again
        await setTimeout(10 + Math.random() * 20 * 2 ** again)
      }
    }
  } catch (error) {
    if (thrown !== undefined && error === thrown) return thrown.outcome
    throw error
  }
}

/** One writer by itself. */
export async function write<D extends { db: Kysely<Database> }, I, O> (
  deps: D,
  writer: (trx: Transaction<Database>, deps: D, input: I) => Promise<O>,
  input: I
): Promise<O> {
  return await inTransaction(deps.db, async (trx) => await writer(trx, deps, input))
}

const isTransaction = (db: Kysely<Database>): db is Transaction<Database> => db.isTransaction

/** Ends of the latest part of each open transaction: savepoints form a stack, so parts must not interleave. */
const latest = new WeakMap<Transaction<Database>, Promise<unknown>>()

async function nested<T> (outer: Transaction<Database>, work: (trx: Transaction<Database>) => Promise<T>): Promise<T> {
  const before = latest.get(outer)
  const { promise, resolve } = Promise.withResolvers<void>()
  latest.set(outer, promise)
  try {
    await before
    await sql`savepoint part`.execute(outer)
    try {
      // an object of its own, because parts of this part must not wait for it
      const result = await work(outer.$extendTables<Record<never, never>>())
      await sql`release savepoint part`.execute(outer)
      return result
    } catch (error) {
      // a lost connection has rolled back by itself, and the first error is the one with the reason
      await sql`rollback to savepoint part`.execute(outer).catch(() => {})
      await sql`release savepoint part`.execute(outer).catch(() => {})
      throw error
    }
  } finally {
    resolve()
  }
}
