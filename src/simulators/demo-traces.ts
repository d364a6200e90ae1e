/**
 * Whether demo data was ever written to a database: people and organizations with a password that everybody knows, and
 * clients with such secrets.
 */
import { createHash } from 'node:crypto'
import { sql, type Kysely } from 'kysely'
import type { Database } from '../database/schema.ts'
import { demoAdminKey } from './demo-admin.ts'
import { demoClients } from './demo-clients.ts'

/** Recognized by secrets and keys that no other client has; false also while there are no tables yet. */
export async function hasDemoData (db: Kysely<Database>): Promise<boolean> {
  const secrets = demoClients('').flatMap(({ secret }) =>
    secret === null ? [] : [createHash('sha256').update(secret).digest('base64url')]
  )
  const key = JSON.stringify({ jwks: { keys: [{ x: demoAdminKey.x }] } })
  try {
    const { rows } = await sql`
      select 1 from client_secret where secret_hash in (${sql.join(secrets)})
      union all select 1 from client where metadata @> ${key}::jsonb limit 1`.execute(db)
    return rows.length > 0
  } catch (error) {
    // undefined_table (SQLSTATE 42P01): the migrations come first
    if ((error as { code?: unknown }).code === '42P01') return false
    throw error
  }
}

/** @throws Error when production is about to run on a demonstration's database */
export async function refuseDemoData (db: Kysely<Database>): Promise<void> {
  if (await hasDemoData(db)) {
    throw new Error(
      'DATABASE_URL: this database holds the demo data, whose passwords and keys everybody knows. Give production a ' +
        'database of its own.'
    )
  }
}
