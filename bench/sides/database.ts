/**
 * Where Kora keeps its data during the benchmark: a database of its own on the server of DATABASE_URL, else a
 * temporary PostgreSQL that is as durable as a real one, else the embedded engine.
 */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { postgresServerOf } from '../cpu.ts'
import { postgresPrograms, startCluster } from '../../test/support/postgres.ts'

export interface BenchDatabase {
  /** For the report. */
  name: string
  /** null = embedded. */
  url: string | null
  /** Process whose children are the server's backends, when it runs on this machine. */
  serverPid: number | null
  close(): Promise<void>
}

export async function openBenchDatabase (databaseUrl: string | undefined): Promise<BenchDatabase> {
  if (databaseUrl !== undefined && databaseUrl !== '') return await ownDatabase(databaseUrl, async () => {})
  if (postgresPrograms() === null) {
    return {
      name: 'embedded (PGlite): PostgreSQL is neither configured nor installed',
      url: null,
      serverPid: null,
      close: async () => {}
    }
  }
  const cluster = await startCluster()
  try {
    // the test cluster does not wait for the disk; a real one does, and that is part of what is measured
    await withClient(cluster.url, async (client) => {
      for (const setting of [
        'fsync = on',
        'synchronous_commit = on',
        'full_page_writes = on',
        "shared_buffers = '256MB'",
        "max_wal_size = '2GB'"
      ]) {
        await client.query(`alter system set ${setting}`)
      }
    })
    cluster.restart('fast')
    return await ownDatabase(cluster.url, async () => {
      cluster.stop()
    })
  } catch (error) {
    cluster.stop()
    throw error
  }
}

async function ownDatabase (serverUrl: string, after: () => Promise<void>): Promise<BenchDatabase> {
  const database = `kora_bench_${randomBytes(6).toString('hex')}`
  const url = new URL(serverUrl)
  url.pathname = `/${database}`
  const { version, backend, commit } = await withClient(serverUrl, async (client) => {
    await client.query(`create database ${database}`)
    const {
      rows: [row]
    } = await client.query<{ version: string; backend: number; commit: string }>(
      "select current_setting('server_version') as version, pg_backend_pid() as backend, " +
        "current_setting('synchronous_commit') || ', fsync ' || current_setting('fsync') as commit"
    )
    if (row === undefined) throw new Error('PostgreSQL gave no answer')
    return { ...row, backend: postgresServerOf(row.backend) }
  })
  return {
    name: `PostgreSQL ${version.split(' ')[0]}, synchronous_commit ${commit}`,
    url: url.href,
    serverPid: backend,
    close: async () => {
      await withClient(serverUrl, async (client) => {
        await client.query(`drop database if exists ${database} with (force)`)
      })
      await after()
    }
  }
}

async function withClient<T> (url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
