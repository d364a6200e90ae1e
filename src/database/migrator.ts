import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { sql, type Kysely } from 'kysely'
import { FileMigrationProvider, Migrator } from 'kysely/migration'
import { withoutReadTimeout } from './postgres.ts'
import type { Database } from './schema.ts'

/** The migrations' folder, wherever the process was started from. */
export const migrationsDir = fileURLToPath(new URL('../../migrations/', import.meta.url))

function migratorOf (db: Kysely<Database>): Migrator {
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

/** Names of the migrations this code has and the database has not, in order. */
export async function pendingMigrations (db: Kysely<Database>): Promise<string[]> {
  const migrations = await migratorOf(db).getMigrations()
  return migrations.filter((migration) => migration.executedAt === undefined).map((migration) => migration.name)
}

/**
 * Runs what is pending, all in one transaction, and gives the names of what this call ran. Processes
 * starting together wait for each other (advisory lock). A database that is already further than this
 * code is left alone, so that the former version can still start during a rolling upgrade.
 *
 * @throws the database's error; nothing was changed then
 */
export async function migrate (db: Kysely<Database>): Promise<string[]> {
  if ((await pendingMigrations(db)).length === 0) return []
  return withoutReadTimeout(() =>
    db.connection().execute(async (connection) => {
      // waiting for another process, or building an index on a large table, takes longer than any request may
      await sql`set statement_timeout = 0`.execute(connection)
      await sql`set idle_in_transaction_session_timeout = 0`.execute(connection)
      try {
        const { error, results = [] } = await migratorOf(connection).migrateToLatest()
        if (error !== undefined) throw error
        return results.filter((result) => result.status === 'Success').map((result) => result.migrationName)
      } finally {
        await sql`reset statement_timeout`.execute(connection).catch(() => {})
        await sql`reset idle_in_transaction_session_timeout`.execute(connection).catch(() => {})
      }
    })
  )
}
