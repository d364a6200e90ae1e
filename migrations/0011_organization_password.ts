import { sql, type Kysely } from 'kysely'

const statements = [
  // a new password of an organization that its legal representative has typed and not confirmed yet: one for each
  // session
  // of the user centre, gone when it is used
  `create table organization_password_draft (
    session_hash text primary key references user_centre_session (id_hash) on delete cascade,
    id text not null,
    organization_id text not null references organization,
    password_hash text not null,
    expires_at timestamptz not null
  )`,
  'create index organization_password_draft_expiry on organization_password_draft (expires_at)'
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
