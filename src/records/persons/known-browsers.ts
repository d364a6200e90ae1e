import { sql, type Kysely, type Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'

type Db = Kysely<Database> | Transaction<Database>

/** Whether this person has signed in from this browser before (and not removed it since). */
export async function isKnownBrowser (db: Db, personId: string, browserHash: string): Promise<boolean> {
  const row = await db
    .selectFrom('knownBrowser')
    .select('personId')
    .where('personId', '=', personId)
    .where('browserHash', '=', browserHash)
    .where('revokedAt', 'is', null)
    .executeTakeFirst()
  return row !== undefined
}

/** Remember a browser after a complete login. */
export async function rememberBrowser (
  trx: Db,
  { personId, browserHash, label }: { personId: string; browserHash: string; label: string }
): Promise<void> {
  await trx
    .insertInto('knownBrowser')
    .values({ personId, browserHash, label })
    .onConflict((conflict) =>
      conflict.columns(['personId', 'browserHash']).doUpdateSet({
        label,
        lastLoginAt: sql<Date>`now()`,
        revokedAt: null
      })
    )
    .execute()
}
