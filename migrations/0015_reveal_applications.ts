import { sql, type Kysely } from 'kysely'

/** What a second administrator lets be shown in full: a person, or an application as it was sent. */
const statements = [
  'alter table reveal_grant alter column person_id drop not null',
  'alter table reveal_grant add column registration_id text references registration on delete cascade',
  // what is returned and sent again is another application
  'alter table reveal_grant add column registration_number text',
  `alter table reveal_grant add constraint reveal_grant_subject check (
    (person_id is null) <> (registration_id is null) and (registration_id is null) = (registration_number is null))`,
  'create index reveal_grant_registration on reveal_grant (registration_id) where registration_id is not null'
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
