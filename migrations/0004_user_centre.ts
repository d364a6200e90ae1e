import { sql, type Kysely } from 'kysely'

/** The user centre's own side of its login: it is a relying site like any other. */
const statements = [
  // authorization requests under way: state, nonce and code verifier, each used once
  `create table user_centre_login (
    state_hash text primary key,
    browser_hash text not null,
    nonce text not null,
    verifier_enc text not null,
    return_to text not null,
    expires_at timestamptz not null
  )`,
  'create index user_centre_login_expiry on user_centre_login (expires_at)',

  // good only as long as the provider's own record of this site's session (oidc_artifact, model ClientSession) stands
  `create table user_centre_session (
    id_hash text primary key,
    browser_hash text not null,
    person_id text not null references person,
    client_session_id text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
  )`,
  'create index user_centre_session_expiry on user_centre_session (expires_at)',

  // the ticket of an approval, found again when its page is loaded again
  'create index scan_ticket_subject on scan_ticket (subject_ref) where subject_ref is not null'
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
