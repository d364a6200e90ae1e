/**
 * Deletes what applications leave behind: drafts of yesterday, and persons made for applications that were not
 * completed.
 */
import { sql } from 'kysely'
import type { RegistrationDeps } from './deps.ts'

/** At most `limit` of each. Returns how many. */
export async function sweepRegistrations (
  { db, crypto }: Pick<RegistrationDeps, 'db' | 'crypto'>,
  limit = 500
): Promise<number> {
  const drafts = await sql`
    delete from registration where id in (
      select id from registration where expires_at < now() order by expires_at limit ${limit} for update skip locked)
        returning id`.execute(db)
  const { rows: persons } = await sql<{ id: string }>`
    select id from person where identity_state = 'provisional' and status in ('unactivated', 'disabled')
      and created_at < now() - interval '2 days' limit ${limit}`.execute(db)
  // consents and face checks refer to the row, so it stays, without data of the person
  for (const { id } of persons) {
    await db
      .updateTable('person')
      .set({
        status: 'disabled',
        identityState: 'erased',
        deskIndex: [],
        nameEnc: crypto.encrypt('person', 'name_enc', id, ''),
        certNoEnc: crypto.encrypt('person', 'cert_no_enc', id, ''),
        certValidFrom: null,
        certValidTo: null,
        certTerm: null
      })
      .where('id', '=', id)
      .where('identityState', '=', 'provisional')
      .execute()
  }
  return drafts.rows.length + persons.length
}
