import { sql, type Kysely } from 'kysely'

/** Requests of the admin API that carried an Idempotency-Key, and what they were answered. */
const statements = [
  `create table admin_api_request (
    -- SHA-256 of client and key
    key_hash text primary key,
    -- keyed digest of method, path and body
    request_mac text not null,
    status integer not null,
    -- encrypted; secrets that are shown once are left out
    answer_enc text not null,
    expires_at timestamptz not null
  )`,
  'create index admin_api_request_expiry on admin_api_request (expires_at)'
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
