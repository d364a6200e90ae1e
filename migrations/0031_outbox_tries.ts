import type { Kysely } from 'kysely'
import { alterTable } from '../src/database/constraints.ts'

/**
 * What an attempt of the outbox was: `attempts` is the fencing token and counts every one, `not_tried` those in which
 * nobody was asked, `untrusted` those whose answer was not the receiver's. `resent_at`: staff sent it again, and its
 * age begins there.
 */
export const transaction = false

export async function up (db: Kysely<unknown>): Promise<void> {
  await alterTable(
    db,
    `alter table outbox add column if not exists not_tried integer not null default 0,
      add column if not exists untrusted integer not null default 0,
      add column if not exists resent_at timestamptz`
  )
}
