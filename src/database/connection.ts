/**
 * Opens the one database of this process: PostgreSQL when there is an address, else the embedded
 * engine in the data folder.
 */
import { CamelCasePlugin, Kysely, type Dialect } from 'kysely'
import type { Logger } from 'pino'
import { lockDataDir } from './data-dir-lock.ts'
import { defaultTimeouts, postgresDialect, type Timeouts } from './postgres.ts'
import type { DatabaseProgress } from './pglite.ts'
import type { Database } from './schema.ts'

export interface OpenDatabaseOptions {
  databaseUrl: string | null
  /** Folder of the embedded engine; ':memory:' for none. */
  dataDir: string
  poolSize: number
  log?: Pick<Logger, 'warn'>
  /** Told what the embedded engine is doing. */
  onProgress?: (step: DatabaseProgress) => void
  /** Data folder of the embedded engine as a tar archive, loaded instead of an empty one. */
  snapshot?: Blob
  timeouts?: Partial<Timeouts>
}

export interface OpenDatabase {
  db: Kysely<Database>
  kind: 'pglite' | 'postgres'
  /** Waits for running statements, then releases connections and folder. May be called again. */
  close(): Promise<void>
}

/**
 * PostgreSQL is connected at the first statement, so an absent server shows there, as
 * DatabaseUnavailable; the embedded engine is running on return.
 *
 * @throws DataDirInUse, DataDirUnwritable (embedded engine only)
 */
export async function openDatabase (options: OpenDatabaseOptions): Promise<OpenDatabase> {
  if (options.databaseUrl !== null) {
    const { log } = options
    const dialect = postgresDialect({
      databaseUrl: options.databaseUrl,
      poolSize: options.poolSize,
      timeouts: { ...defaultTimeouts, ...options.timeouts },
      onConnectionLost: (error) =>
        log?.warn({ code: (error as { code?: string }).code }, 'a database connection was lost')
    })
    return opened('postgres', dialect, async () => {})
  }

  // loaded here, because a PostgreSQL deployment should not load the embedded engine
  const { pgliteDialect, startPGlite } = await import('./pglite.ts')
  const inMemory = options.dataDir === ':memory:'
  const unlock = inMemory ? () => {} : lockDataDir(options.dataDir)
  try {
    const engine = await startPGlite({
      dataDir: inMemory ? null : options.dataDir,
      onProgress: options.onProgress ?? (() => {}),
      snapshot: options.snapshot
    })
    return opened('pglite', pgliteDialect(engine), async () => {
      // Kysely closes only an engine it has used
      if (!engine.closed) await engine.close()
      unlock()
    })
  } catch (error) {
    unlock()
    throw error
  }
}

function opened (kind: OpenDatabase['kind'], dialect: Dialect, release: () => Promise<void>): OpenDatabase {
  const db = new Kysely<Database>({ dialect, plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })] })
  let closing: Promise<void> | undefined
  return { db, kind, close: () => (closing ??= db.destroy().finally(release)) }
}
