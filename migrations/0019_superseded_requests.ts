import { sql, type Kysely } from 'kysely'
import {
  addConstraint,
  alterTable,
  createIndex,
  createUniqueIndex,
  checkOneOf,
  replaceConstraint
} from '../src/database/constraints.ts'

/**
 * Requests of several people about one thing wait at once: `dedupe_key` holds what is one request. Empty: one waits at
 * a time. Otherwise who asked, and the request itself once it is endorsed. A request whose basis has changed is
 * superseded, by another request or by a change that was made.
 *
 * A process of the previous version refuses new requests from now on, since its statement names the old index; it
 * goes on with everything else.
 */
export const transaction = false

export async function up (db: Kysely<unknown>): Promise<void> {
  await alterTable(
    db,
    `alter table pending_change add column if not exists dedupe_key text not null default '',
      add column if not exists superseded_by text`
  )
  await replaceConstraint(db, {
    table: 'pending_change',
    name: 'pending_change_state_check',
    definition: checkOneOf('state', ['pending', 'approved', 'rejected', 'withdrawn', 'expired', 'superseded'])
  })
  // checked at the end of the transaction: the request that takes the place is stored after the other one is ended
  await addConstraint(db, {
    table: 'pending_change',
    name: 'pending_change_superseded_by_fkey',
    definition: 'foreign key (superseded_by) references pending_change (id) deferrable initially deferred'
  })
  await sql`update pending_change set dedupe_key = case when vouched_by is null then requested_by else id end
    where state = 'pending' and kind = 'client.change' and dedupe_key = ''`.execute(db)
  const superseded = 'pending_change (superseded_by) where superseded_by is not null'
  await createIndex(db, 'pending_change_superseded_by', superseded)
  await createUniqueIndex(
    db,
    'pending_change_one_each',
    "pending_change (kind, subject, dedupe_key) where state = 'pending'"
  )
  await sql`drop index concurrently if exists pending_change_one`.execute(db)
}
