import { sql, type Kysely } from 'kysely'

/**
 * Who moved a signing key and why, its single successor, use of removed keys; and the ways the audit trail is searched.
 */
const statements = [
  // each step of a key's life: [{ state, at, by, reason }], written by the statement that makes the step
  "alter table signing_key add column history jsonb not null default '[]'",
  // one successor of each algorithm is published, however many processes think of it at once; the oldest stays
  `update signing_key set state = 'removed', removed_at = now(), private_enc = '' where state = 'pre-published'
    and exists (
    select 1 from signing_key older where older.alg = signing_key.alg and older.state = 'pre-published'
      and (older.created_at, older.kid) < (signing_key.created_at, signing_key.kid))`,
  "create unique index signing_key_next on signing_key (alg) where state = 'pre-published'",

  // sites that still use what a removed key signed: counted, one row for each key, site and place
  `create table removed_key_use (
    kid text not null references signing_key,
    client_id text not null,
    place text not null,
    uses bigint not null,
    first_at timestamptz not null default now(),
    last_at timestamptz not null default now(),
    primary key (kid, client_id, place)
  )`,

  // the search: newest first, each with one equality and the order
  'create index audit_event_at on audit_event (at, id)',
  'create index audit_event_organization on audit_event (organization_id, at) where organization_id is not null',
  'create index audit_event_client on audit_event (client_id, at) where client_id is not null',
  'create index audit_event_actor on audit_event (actor, at)',
  'create index audit_event_trace on audit_event (trace_id) where trace_id is not null'
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
