/**
 * PostgreSQL through `pg`: limits on every wait, named prepared statements, and connection losses
 * that end a request and never the process.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import pg from 'pg'
import { PostgresDialect, type PostgresPool } from 'kysely'
import { databaseError } from './errors.ts'
import { countQuery } from './query-counter.ts'
import { statementName } from './statement.ts'
import { parsers } from './value-types.ts'

/** Milliseconds. `read` is the client's own limit, for a server that went silent. */
export interface Timeouts {
  acquire: number
  statement: number
  read: number
  idleInTransaction: number
}
export const defaultTimeouts: Readonly<Timeouts> = Object.freeze({
  acquire: 1_000,
  statement: 3_000,
  read: 4_000,
  idleInTransaction: 5_000
})

const patience = new AsyncLocalStorage<true>()

/** Runs `work` without the client-side read limit: migrations may take their time. */
export function withoutReadTimeout<T> (work: () => Promise<T>): Promise<T> {
  return patience.run(true, work)
}

interface PostgresOptions {
  databaseUrl: string
  poolSize: number
  timeouts: Timeouts
  onConnectionLost: (error: unknown) => void
}

/** Dialect over a pool that connects on first use. */
export function postgresDialect ({
  databaseUrl,
  poolSize,
  timeouts,
  onConnectionLost
}: PostgresOptions): PostgresDialect {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: poolSize,
    connectionTimeoutMillis: timeouts.acquire,
    idleTimeoutMillis: 60_000,
    // connections move to a new primary, and their memory is given back, within the hour
    maxLifetimeSeconds: 3_600,
    keepAlive: true,
    statement_timeout: timeouts.statement,
    idle_in_transaction_session_timeout: timeouts.idleInTransaction,
    application_name: 'kora',
    options: '-c timezone=UTC',
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        (format === 'binary' ? undefined : parsers[oid]) ?? pg.types.getTypeParser(oid, format as 'text')
    },
    Client: clientClass(timeouts.read, onConnectionLost)
  } as pg.PoolConfig)
  // without a listener the loss of an idle connection would end the process
  pool.on('error', onConnectionLost)

  return new PostgresDialect({
    pool: {
      options: pool.options,
      connect: () =>
        pool.connect().catch((error: unknown) => {
          throw databaseError(error)
        }),
      end: () => pool.end()
    } as unknown as PostgresPool
  })
}

type QueryCallback = (error: Error, result: pg.QueryResult) => void

function clientClass (readTimeout: number, onConnectionLost: (error: unknown) => void): typeof pg.Client {
  class Client extends pg.Client {
    constructor (config?: string | pg.ClientConfig) {
      super(config)
      // the pool listens only while a connection is idle; one lost inside a transaction would end the process
      this.on('error', onConnectionLost)
    }

    /** As Kysely's driver calls it: text and values. Anything else (the pool's own calls) passes through. */
    // @ts-expect-error -- narrower than pg's fourteen overloads
    override query (text: unknown, values?: unknown, callback?: unknown): unknown {
      if (typeof text !== 'string' || callback !== undefined || typeof values === 'function') {
        return super.query(text as string, values as unknown[], callback as QueryCallback)
      }
      countQuery(text)
      const name = statementName(text)
      const limit = patience.getStore() === undefined ? { query_timeout: readTimeout } : {}
      const config = { text, values: values as unknown[], ...limit, ...(name === undefined ? {} : { name }) }
      return super.query(config).catch((error: unknown) => {
        // pg leaves the unanswered query on the connection; its next user would wait for it
        if (error instanceof Error && error.message === 'Query read timeout') this.#sever()
        throw databaseError(error)
      })
    }

    #sever (): void {
      const { connection } = this as unknown as { connection: { stream: { destroy(): void } } }
      connection.stream.destroy()
    }
  }
  return Client as unknown as typeof pg.Client
}
