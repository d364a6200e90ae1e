import { sql, type Kysely } from 'kysely'

/** What staff need to look after people and organizations: finding, locking, counters, reviews, notices. */
const statements = [
  // keyed digests of name + last four of the document number, one for each spelling; null = not filled in yet
  'alter table person add column desk_index text[]',
  'create index person_desk on person using gin (desk_index)',
  // the work list of the job that fills them in
  'create index person_desk_missing on person (id) where desk_index is null',
  // what a locked account was before
  'alter table person add column locked_from text',

  // the list of people, newest first
  'create index person_age on person (created_at, id)',
  // four eyes: what another administrator has let one see, once
  `create table reveal_grant (
    id text primary key,
    person_id text not null references person,
    fields text not null,
    granted_to text not null,
    granted_by text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz
  )`,
  'create index reveal_grant_expiry on reveal_grant (expires_at)',

  // suspended by staff: good news of the company register do not end it
  'alter table organization add column staff_hold boolean not null default false',
  'create index organization_age on organization (created_at, id)',

  // an application that the register could not decide
  "alter table registration add column review text check (review in ('waiting', 'accepted', 'refused', 'returned'))",
  'alter table registration add column reviewed_at timestamptz',
  'alter table registration add column reviewed_by text',
  'alter table registration add column review_reason text',
  "update registration set review = 'waiting' where state = 'completed' and organization_id is null and data_enc is " +
    'not null',
  'create index registration_review on registration (review, created_at, id) where review is not null',

  // going on with a held application from a link in a short message, once
  `create table registration_resume (
    token_hash text primary key,
    registration_id text not null references registration on delete cascade,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz
  )`,
  'create index registration_resume_of on registration_resume (registration_id)',

  // one person standing at one operator's counter
  `create table counter_visit (
    id text primary key,
    operator text not null,
    person_id text not null references person,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    code_id text,
    used_at timestamptz
  )`,
  'create index counter_visit_expiry on counter_visit (expires_at)',
  'create index counter_code_operator on counter_code (issued_by, created_at)',

  // a notice to people: its texts once, and how far its sending has come
  `create table notice (
    id text primary key,
    audience text not null check (audience in ('person', 'organization', 'everybody')),
    target_id text,
    texts_enc text not null,
    sms boolean not null default false,
    state text not null check (state in ('draft', 'sending', 'sent', 'cancelled')),
    position text,
    sent integer not null default 0,
    created_by text not null,
    reason text not null,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz
  )`,
  'create index notice_age on notice (created_at, id)'
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
