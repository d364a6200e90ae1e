/** The application's own role on a database of a test, as a deployment has it. */
import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { grantTo } from '../../src/database/index.ts'
import type { TestDatabase } from './database.ts'

interface Test {
  teardown(work: () => unknown): unknown
}

/** Makes the role, with its rights; it goes with the test. */
export async function applicationRole (t: Test, database: TestDatabase): Promise<{ role: string; address: string }> {
  const role = `kora_app_${randomBytes(4).toString('hex')}`
  await sql.raw(`create role ${role} login password 'test'`).execute(database.db)
  t.teardown(async () => {
    await sql.raw(`drop owned by ${role}`).execute(database.db)
    await sql.raw(`drop role ${role}`).execute(database.db)
  })
  const granted = await grantTo(database.db, role)
  if (!granted.ok) throw new Error(granted.code)
  const address = new URL(database.url!)
  address.username = role
  address.password = 'test'
  return { role, address: address.href }
}
