import { sql, type Kysely } from 'kysely'

/** Dynamic client registration: tokens that let sites register, and tokens with which each keeps its own client. */
const statements = [
  // hashed; what may be registered with it stands beside it
  `create table registration_token (
    id text primary key,
    token_hash text not null unique,
    kinds text[] not null,
    scopes text[] not null,
    hosts text[] not null,
    uses_left integer not null check (uses_left >= 0),
    created_by text not null,
    reason text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
  )`,
  `create table client_registration (
    client_id text primary key references client on delete cascade,
    token_hash text not null,
    -- its limits go on to bind what it made
    registration_token_id text not null references registration_token,
    created_at timestamptz not null default now()
  )`
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
