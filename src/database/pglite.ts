/**
 * The embedded PostgreSQL: one process, one connection, `${dataDir}/pglite`. Statements are counted
 * and errors cleaned on the way, as on the other engine.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { PGliteDialect, type PGlite as Embedded } from 'kysely'
import { DatabaseUnavailable, databaseError } from './errors.ts'
import { countQuery } from './query-counter.ts'
import { parsers, serializers } from './value-types.ts'

/** `initialising` takes seconds, once for each data folder. */
export type DatabaseProgress = 'initialising' | 'opening' | 'ready'

interface PGliteOptions {
  /** null = in memory. */
  dataDir: string | null
  onProgress: (step: DatabaseProgress) => void
  snapshot?: Blob | undefined
}

/** Starts the engine. The caller holds the folder's lock. */
export async function startPGlite ({ dataDir, onProgress, snapshot }: PGliteOptions): Promise<PGlite> {
  const options = { parsers, serializers, ...(snapshot === undefined ? {} : { loadDataDir: snapshot }) }
  if (dataDir === null) return PGlite.create(options)
  const folder = join(dataDir, 'pglite')
  // an interrupted initialization leaves half a database: start again
  const unfinished = join(dataDir, 'pglite.unfinished')
  if (existsSync(unfinished)) rmSync(folder, { recursive: true, force: true })
  const fresh = !existsSync(join(folder, 'PG_VERSION'))
  onProgress(fresh ? 'initialising' : 'opening')
  if (fresh) {
    writeFileSync(unfinished, '')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }
  const engine = await PGlite.create(folder, options)
  rmSync(unfinished, { force: true })
  onProgress('ready')
  return engine
}

export function pgliteDialect (engine: PGlite): PGliteDialect {
  type Query = <T>(
    text: string,
    params?: unknown[],
    options?: object
  ) => Promise<{ rows: T[]; affectedRows?: number; fields: Array<{ name: string; dataTypeID: number }> }>
  const watched =
    (query: Query): Query =>
      async (text, params, options) => {
        countQuery(text)
        try {
          return await query(text, params, options)
        } catch (error) {
          throw databaseError(error)
        }
      }
  const embedded: Embedded = {
    get closed () {
      return engine.closed
    },
    get ready () {
      return engine.ready
    },
    waitReady: engine.waitReady,
    close: () => engine.close(),
    query: watched((text, params, options) => engine.query(text, params, options)),
    transaction (callback) {
      // Kysely waits for the callback; a closed engine would never call it
      if (engine.closed) throw new DatabaseUnavailable(new Error('PGlite is closed'))
      return engine.transaction((transaction) =>
        callback({
          query: watched((text, params, options) => transaction.query(text, params, options)),
          rollback: () => transaction.rollback()
        })
      )
    }
  }
  return new PGliteDialect({ pglite: embedded })
}
