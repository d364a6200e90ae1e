/** Deletes what has expired: authorization requests, sessions, new passwords that were not confirmed. */
import { sql, type Kysely } from 'kysely'
import type { Database } from '../../database/schema.ts'
import { sweepOwnSite } from '../own-site/index.ts'
import { sessionLifetime } from './site.ts'

/** At most `limit` rows of each table. Returns how many. */
export async function sweepUserCentre (db: Kysely<Database>, limit = 500): Promise<number> {
  const { rows } = await sql`
    delete from organization_password_draft where session_hash in (
      select session_hash from organization_password_draft where expires_at < now() order by expires_at limit ${limit}
        for update skip locked)
    returning 1`.execute(db)
  return rows.length + (await sweepOwnSite(db, { name: 'user-center', lifetime: sessionLifetime }, limit))
}
