import type { Kysely } from 'kysely'
import { alterTable, createIndex } from '../src/database/constraints.ts'

/**
 * What could not be read in the newest entry of the company register, as codes (docs/register-contract.md): an item for
 * the staff until the register says it so that it can be read.
 */
export const transaction = false

export async function up (db: Kysely<unknown>): Promise<void> {
  await alterTable(
    db,
    "alter table organization add column if not exists register_faults text[] not null default '{}'"
  )
  await createIndex(db, 'organization_register_faults', "organization (id) where register_faults <> '{}'")
}
