/** A migrated database of its own for each test, and the same test on both engines. */
import { randomBytes } from 'node:crypto'
import { openAsBlob } from 'node:fs'
import type { Kysely } from 'kysely'
import type { Test } from 'tap'
import { openDatabase, type OpenDatabase } from '../../src/database/connection.ts'
import { createFieldCrypto, type FieldCrypto } from '../../src/database/field-crypto.ts'
import type { Database } from '../../src/database/schema.ts'
import { awayFromMidnight } from './midnight.ts'
import { withPostgres } from './needs.ts'
import { asAdministrator, databaseOn, ensureSnapshot, ensureTemplate } from './snapshot.ts'

export interface TestDatabase {
  db: Kysely<Database>
  crypto: FieldCrypto
  kind: OpenDatabase['kind']
  /** PostgreSQL: address of this test's own database, for further connections. */
  url: string | null
  close(): Promise<void>
}

/** Limits on waits are for people who wait; where they are not what is tested, a busy machine may take its time. */
export const patient = { acquire: 60_000, statement: 60_000, read: 60_000, idleInTransaction: 60_000 } as const

/** Field encryption with a key for tests. */
export function testCrypto (): FieldCrypto {
  return createFieldCrypto({ masterKey: Buffer.alloc(32, 'test'), keyId: 'test', cipher: 'aes-256-gcm' })
}

/** A fresh migrated embedded database, closed when `t` ends. */
export async function testDatabase (t: Test): Promise<TestDatabase> {
  await awayFromMidnight()
  const snapshot = await openAsBlob(await ensureSnapshot())
  const { db, kind, close } = await openDatabase({ databaseUrl: null, dataDir: ':memory:', poolSize: 1, snapshot })
  t.teardown(close)
  return { db, crypto: testCrypto(), kind, url: null, close }
}

/** A fresh migrated database on the PostgreSQL server at `url`, dropped when `t` ends. */
export async function testPostgres (t: Test, url: string, poolSize = 5): Promise<TestDatabase> {
  await awayFromMidnight()
  const template = await ensureTemplate(url)
  const name = `kora_test_${randomBytes(6).toString('hex')}`
  await asAdministrator(url, (client) => client.query(`create database ${name} template ${template}`))
  const own = databaseOn(url, name)
  const { db, kind, close } = await openDatabase({
    databaseUrl: own,
    dataDir: ':memory:',
    poolSize,
    timeouts: patient
  })
  t.teardown(async () => {
    await close()
    await asAdministrator(url, (client) => client.query(`drop database if exists ${name} with (force)`))
  })
  return { db, crypto: testCrypto(), kind, url: own, close }
}

/**
 * The same test on the embedded engine and, when TEST_DATABASE_URL is set, on PostgreSQL; each run has
 * a database of its own.
 */
export async function eachDatabase (
  t: Test,
  name: string,
  work: (t: Test, database: TestDatabase) => Promise<void>
): Promise<void> {
  await t.test(`${name} (PGlite)`, async (t) => work(t, await testDatabase(t)))

  await withPostgres(t, `${name} (PostgreSQL)`, async (t, url) => work(t, await testPostgres(t, url)))
}
