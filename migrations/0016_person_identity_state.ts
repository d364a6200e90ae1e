import { sql, type Kysely } from 'kysely'
import { addConstraint, alterTable, createIndex, checkOneOf } from '../src/database/constraints.ts'

/** What a person's row is stands in a column of its own; the index of document numbers holds document numbers only. */
export const transaction = false

/** A process of the former version, still serving beside this one, writes words into the index. */
const formerWords = `
  create or replace function person_former_words() returns trigger language plpgsql as $$
  begin
    new.identity_state := case when new.cert_no_index like 'nobody:%' then 'erased' else 'provisional' end;
    new.cert_no_index := null;
    return new;
  end $$`

const steps = [
  `alter table person alter column cert_no_index drop not null,
    add column if not exists identity_state text not null default 'established'`,
  `create or replace trigger person_former_words before insert or update of cert_no_index on person for each row
    when (new.cert_no_index like 'registration:%' or new.cert_no_index like 'nobody:%')
    execute function person_former_words()`
]

export async function up (db: Kysely<unknown>): Promise<void> {
  await sql.raw(formerWords).execute(db)
  for (const step of steps) await alterTable(db, step)
  await sql`update person set cert_no_index = null, identity_state = 'provisional'
    where cert_no_index like 'registration:%'`.execute(db)
  await sql`update person set cert_no_index = null, identity_state = 'erased'
    where cert_no_index like 'nobody:%'`.execute(db)
  await addConstraint(db, {
    table: 'person',
    name: 'person_identity_state_check',
    definition: checkOneOf('identity_state', ['established', 'provisional', 'erased'])
  })
  // only an established person holds a document number against all others
  await addConstraint(db, {
    table: 'person',
    name: 'person_cert_no_index_check',
    definition: "check ((cert_no_index is not null) = (identity_state = 'established'))"
  })
  // people of applications that were not completed, for the clean-up
  await createIndex(db, 'person_provisional_age', "person (created_at) where identity_state = 'provisional'")
}
