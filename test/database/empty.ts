/** A database without tables, on the engine of the test, for upgrades. */
import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import { openDatabase, type OpenDatabase } from '../../src/database/connection.ts'
import type { TestDatabase } from '../support/database.ts'
import { asAdministrator, databaseOn } from '../support/snapshot.ts'

export interface EmptyDatabase extends OpenDatabase {
  /** Another connection to the same tables; PostgreSQL only. */
  open(): Promise<OpenDatabase>
}

export async function emptyDatabase (t: Test, { url }: Pick<TestDatabase, 'url'>): Promise<EmptyDatabase> {
  if (url === null) {
    const database = await openDatabase({ databaseUrl: null, dataDir: ':memory:', poolSize: 1 })
    t.teardown(database.close)
    return { ...database, open: async () => database }
  }
  const name = `kora_upgrade_${randomBytes(6).toString('hex')}`
  await asAdministrator(url, (client) => client.query(`create database ${name}`))
  const opened: OpenDatabase[] = []
  const open = async (): Promise<OpenDatabase> => {
    const database = await openDatabase({ databaseUrl: databaseOn(url, name), dataDir: ':memory:', poolSize: 3 })
    opened.push(database)
    return database
  }
  t.teardown(async () => {
    for (const { close } of opened) await close()
    await asAdministrator(url, (client) => client.query(`drop database if exists ${name} with (force)`))
  })
  return { ...(await open()), open }
}
