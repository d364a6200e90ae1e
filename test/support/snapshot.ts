/**
 * The migrated database every test begins with, made once for each state of migrations/: a tar archive
 * for the embedded engine (starting from nothing takes seconds, loading this a quarter of one) and a
 * template database on PostgreSQL.
 */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import { Kysely } from 'kysely'
import { openDatabase } from '../../src/database/connection.ts'
import { migrate, migrationsDir } from '../../src/database/migrator.ts'
import { pgliteDialect } from '../../src/database/pglite.ts'

const cacheDir = fileURLToPath(new URL('../.cache/', import.meta.url))

/** Of the embedded engine in tests: one connection on a few megabytes. */
const settings = {
  shared_buffers: '16MB',
  wal_buffers: '256kB',
  max_connections: '10',
  min_wal_size: '2MB',
  max_wal_size: '2MB'
}

function fingerprint (): string {
  const hash = createHash('sha256')
  // the archive fits one version of the engine only, and is made by this file
  hash.update(readFileSync(new URL('../package.json', import.meta.resolve('@electric-sql/pglite'))))
  hash.update(readFileSync(fileURLToPath(import.meta.url)))
  hash.update(readFileSync(new URL('../../src/database/constraints.ts', import.meta.url)))
  for (const name of readdirSync(migrationsDir).sort()) {
    hash.update(name).update(readFileSync(join(migrationsDir, name)))
  }
  return hash.digest('hex').slice(0, 16)
}

/** Path of the archive; made when it is missing, by whichever process comes first. */
export async function ensureSnapshot (): Promise<string> {
  const file = join(cacheDir, `pglite-${fingerprint()}.tar`)
  if (existsSync(file)) return file
  const engine = await PGlite.create({ initDbStartParams: ['--wal-segsize=1'] })
  await migrate(new Kysely<unknown>({ dialect: pgliteDialect(engine) }))
  await shrink(engine)
  // not compressed: unpacking would cost every test more than the reading of it
  const archive = await engine.dumpDataDir('none')
  await engine.close()
  mkdirSync(cacheDir, { recursive: true })
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, Buffer.from(await archive.arrayBuffer()))
  renameSync(draft, file)
  return file
}

/** Every test copies the archive into memory, and the engine clears its buffers at each start: both are kept small. */
async function shrink (engine: PGlite): Promise<void> {
  for (const name of ['template0', 'template1']) {
    await engine.exec(`alter database ${name} is_template false`)
    await engine.exec(`drop database ${name}`)
  }
  for (const [name, value] of Object.entries(settings)) await engine.exec(`alter system set ${name} = '${value}'`)
  await engine.exec('select pg_reload_conf()')
  // the first checkpoint writes what there is, the second one lets go of the journal before it
  await engine.exec('checkpoint')
  await engine.exec('select pg_switch_wal()')
  await engine.exec('checkpoint')
}

/** Deletes archives of former migrations. */
export function removeOldSnapshots (current: string): void {
  for (const name of readdirSync(cacheDir)) {
    if (/^pglite-\w+\.tar$/.test(name) && join(cacheDir, name) !== current) {
      rmSync(join(cacheDir, name), { force: true })
    }
  }
}

/** Address of another database on the same server. */
export function databaseOn (url: string, name: string): string {
  const other = new URL(url)
  other.pathname = `/${name}`
  return other.href
}

/** Runs one statement on the server's administrative connection, or several with `work`. */
export async function asAdministrator<T> (url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Name of the migrated template database on this server; made when it is missing. */
export async function ensureTemplate (url: string): Promise<string> {
  const template = `kora_template_${fingerprint()}`
  await asAdministrator(url, async (client) => {
    await client.query('select pg_advisory_lock(7202601)')
    const { rowCount } = await client.query('select from pg_database where datname = $1', [template])
    if (rowCount !== 0) return
    const draft = `kora_draft_${randomBytes(6).toString('hex')}`
    await client.query(`create database ${draft}`)
    const { db, close } = await openDatabase({
      databaseUrl: databaseOn(url, draft),
      dataDir: ':memory:',
      poolSize: 2,
      timeouts: { acquire: 60_000 }
    })
    try {
      await migrate(db)
    } finally {
      await close()
    }
    await client.query(`alter database ${draft} rename to ${template}`)
  })
  return template
}
