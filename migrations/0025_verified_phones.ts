import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import { alterTable } from '../src/database/constraints.ts'

/**
 * When the person entered a code that was sent to the phone. Only then is the phone verified, and gets notices: the
 * phone of an agent was typed by the representative who added the agent.
 */
export const transaction = false

export async function up (db: Kysely<unknown>): Promise<void> {
  await alterTable(db, 'alter table person add column if not exists phone_verified_at timestamptz')
  // everybody entered a code, but agents whom somebody else added
  await sql`
    update person p set phone_verified_at = p.created_at
     where p.phone_verified_at is null and p.phone_index is not null
       and not exists (
         select from delegation d
          where d.agent_id = p.id and d.created_by <> p.id
            and d.created_at < p.created_at + interval '1 minute')`.execute(db)
}
