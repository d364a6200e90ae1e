import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { sql, type Kysely } from 'kysely'
import { FileMigrationProvider, Migrator, type MigrationInfo } from 'kysely/migration'
import { validateConstraints, type Unvalidated } from './constraints.ts'
import { isPermissionDenied } from './errors.ts'
import { withoutReadTimeout } from './postgres.ts'
import type { Database } from './schema.ts'

/** The folder of the migrations, independent of the working directory. */
export const migrationsDir = fileURLToPath(new URL('../../migrations/', import.meta.url))

// a number that nothing else in the database locks
const migrationLock = 7_202_616
const lockPauseMilliseconds = 200

function createMigrator (db: Kysely<Database>): Migrator {
  return new Migrator({
    db,
    provider: new FileMigrationProvider({
      fs: { readdir: async (folder) => (await readdir(folder)).filter((name) => /^\d{4}_/.test(name)) },
      path: { join },
      migrationFolder: migrationsDir,
      import: (file) => import(pathToFileURL(file).href)
    })
  })
}

async function loadPending (db: Kysely<Database>, until?: string): Promise<MigrationInfo[]> {
  const migrations = await createMigrator(db).getMigrations()
  return migrations.filter(
    ({ name, executedAt }) => executedAt === undefined && (until === undefined || name <= until)
  )
}

/** Nobody has made the tables yet. */
class NotMigrated extends Error {
  constructor () {
    super('The database has no tables yet. Run: kora migrate')
    this.name = 'NotMigrated'
  }
}

/** The tables exist, but the role of this connection may not use them. */
class NotGranted extends Error {
  constructor (role: string) {
    super(
      `The role ${role} has no rights on the tables. As their owner (MIGRATION_DATABASE_URL) run: ` +
        `kora migrate --grant-to ${role}`
    )
    this.name = 'NotGranted'
  }
}

/** Names of the migrations this code has and the database has not, in order. */
export async function pendingMigrations (db: Kysely<Database>): Promise<string[]> {
  return (await loadPending(db)).map(({ name }) => name)
}

/**
 * Before anything is read: has this database ever been migrated, and may this role use it? A database that is only
 * behind passes: processes of the next version start before it is migrated, and are not ready until then.
 *
 * @returns names of the migrations that are pending
 * @throws NotMigrated, NotGranted
 */
export async function assertMigrated (db: Kysely<Database>): Promise<string[]> {
  let migrations
  try {
    migrations = await createMigrator(db).getMigrations()
  } catch (error) {
    if (!isPermissionDenied(error)) throw error
    const {
      rows: [row]
    } = await sql<{ role: string }>`select current_user as role`.execute(db)
    throw new NotGranted(row?.role ?? '')
  }
  const pending = migrations.filter((migration) => migration.executedAt === undefined)
  if (pending.length === migrations.length) throw new NotMigrated()
  return pending.map((migration) => migration.name)
}

/**
 * Runs pending migrations and returns the names of those that this call ran; then checks old rows against the
 * constraints that migrations added (constraints.ts). Processes that start together wait for each other. A database
 * that is further than this code is left alone, because the former version must still start during a rolling upgrade.
 *
 * Migrations that follow each other run in one transaction. One that exports `transaction = false` runs by itself, each
 * of its statements committed separately (`create index concurrently`), so each of its steps can be repeated.
 *
 * @param until name of the last migration to run, for tests of upgrades
 * @throws the error of the database; its transaction changed nothing
 */
export async function migrate (db: Kysely<Database>, until?: string): Promise<string[]> {
  if ((await loadPending(db, until)).length === 0) return []
  return await unhurried(db, async (connection) => {
    await lock(connection)
    try {
      const ran: string[] = []
      for (const part of splitByTransaction(await loadPending(connection, until))) {
        ran.push(...(await run(connection, part)))
      }
      if (ran.length > 0) await validateConstraints(connection)
      return ran
    } finally {
      await sql`select pg_advisory_unlock(${migrationLock}::bigint)`.execute(connection).catch(() => {})
    }
  })
}

/** Checks old rows against constraints that are not validated yet. Returns those that some rows break. */
export async function checkOldRows (db: Kysely<Database>): Promise<Unvalidated[]> {
  return await unhurried(db, validateConstraints)
}

/** Waiting for another process, or reading a large table, takes longer than any request may. */
async function unhurried<T> (db: Kysely<Database>, work: (connection: Kysely<Database>) => Promise<T>): Promise<T> {
  return await withoutReadTimeout(() =>
    db.connection().execute(async (connection) => {
      await sql`set statement_timeout = 0`.execute(connection)
      await sql`set idle_in_transaction_session_timeout = 0`.execute(connection)
      try {
        return await work(connection)
      } finally {
        await sql`reset statement_timeout`.execute(connection).catch(() => {})
        await sql`reset idle_in_transaction_session_timeout`.execute(connection).catch(() => {})
      }
    })
  )
}

/**
 * Polls instead of waiting in the database: a statement that waits for the lock would hold a snapshot, and `create
 * index concurrently` of the process that has the lock waits for every older snapshot to end.
 */
async function lock (connection: Kysely<Database>): Promise<void> {
  for (;;) {
    const { rows } = await sql<{
      locked: boolean
    }>`select pg_try_advisory_lock(${migrationLock}::bigint) as locked`.execute(connection)
    if (rows[0]?.locked === true) return
    await pause(lockPauseMilliseconds)
  }
}

interface Part {
  transaction: boolean
  last: string
}

/** Migrations that share a transaction are in one part, each of the others in its own. */
function splitByTransaction (pending: MigrationInfo[]): Part[] {
  const parts: Part[] = []
  for (const { name, migration } of pending) {
    const transaction = (migration as { transaction?: boolean }).transaction !== false
    const before = parts.at(-1)
    if (transaction && before?.transaction === true) before.last = name
    else parts.push({ transaction, last: name })
  }
  return parts
}

async function run (connection: Kysely<Database>, { transaction, last }: Part): Promise<string[]> {
  const { error, results = [] } = await createMigrator(connection).migrateTo(last, {
    disableTransactions: !transaction
  })
  if (error !== undefined) throw error
  return results.filter((result) => result.status === 'Success').map((result) => result.migrationName)
}
