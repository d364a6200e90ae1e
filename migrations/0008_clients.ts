import { sql, type Kysely } from 'kysely'

/**
 * The registry of relying sites: what each is, who changed what, what goes wrong at each, how much each is used, and
 * uploaded pictures. Use and failures are sums: one row for a client and day, never one for a request.
 */
const statements = [
  // null = stored before kinds were: derived from the metadata
  "alter table client add column kind text check (kind in ('server', 'spa', 'native', 'device', 'machine', " +
    "'resource'))",

  // no reference to client: what happened to a deleted draft stays
  `create table client_change (
    id bigint generated always as identity primary key,
    client_id text not null,
    version integer not null,
    act text not null,
    actor text not null,
    reason text not null,
    diff jsonb not null default '[]',
    trace_id text,
    at timestamptz not null default now()
  )`,
  // the history of one client, newest first
  'create index client_change_client on client_change (client_id, id desc)',

  `create table client_use (
    client_id text not null references client on delete cascade,
    day date not null,
    successes integer not null default 0,
    errors integer not null default 0,
    last_used_at timestamptz,
    primary key (client_id, day)
  )`,

  // address: without query, fragment and anything that looks like a person's number; '' for failures without one
  `create table client_failure (
    client_id text not null references client on delete cascade,
    code text not null,
    address text not null default '',
    count integer not null default 0,
    first_at timestamptz not null default now(),
    last_at timestamptz not null default now(),
    primary key (client_id, code, address)
  )`,
  // clean-up by age
  'create index client_failure_age on client_failure (last_at)',

  `create table client_logo (
    id text primary key,
    client_id text not null references client on delete cascade,
    png bytea not null,
    width smallint not null,
    height smallint not null,
    created_at timestamptz not null default now()
  )`,
  'create index client_logo_client on client_logo (client_id)'
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
