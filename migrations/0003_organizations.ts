import { sql, type Kysely } from 'kysely'

/**
 * Organizations, the people who represent them, and delegations. An organization never logs in by itself:
 * its password identifies it and nothing more. A submitted delegation version never changes; editing makes a new one.
 */
const statements = [
  `create table organization (
    id text primary key,
    uscc text not null unique,
    name text not null,
    type text not null,
    status text not null check (status in ('pending', 'active', 'suspended', 'dissolved')),
    registered_region text,
    phone_enc text,
    password_hash text,
    password_changed_at timestamptz,
    password_must_change boolean not null default false,
    legal_representative_id text references person,
    legal_representative_since timestamptz,
    register_version bigint not null default 0,
    register_checked_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
  )`,
  // whom a person represents by law
  'create index organization_legal_representative on organization (legal_representative_id) where ' +
    'legal_representative_id is not null',

  `create table delegation (
    id text not null,
    version integer not null,
    organization_id text not null references organization,
    agent_id text not null references person,
    state text not null check (state in ('draft', 'agent_verified', 'submitted', 'active', 'rejected', 'withdrawn',
                                         'suspended', 'revoked', 'expired', 'superseded')),
    functions jsonb,
    client_ids jsonb,
    valid_from text not null,
    valid_to text not null,
    digest text,
    created_by text not null references person,
    approver_id text references person,
    approval_ticket_id text,
    face_check_id text,
    reason text,
    created_at timestamptz not null default now(),
    submitted_at timestamptz,
    decided_at timestamptz,
    ended_at timestamptz,
    primary key (id, version)
  )`,
  // at most one version in force, and one waiting, for each organization and agent
  "create unique index delegation_in_force on delegation (organization_id, agent_id) where state in ('active', " +
    "'suspended')",
  "create unique index delegation_waiting on delegation (organization_id, agent_id) where state in ('draft', " +
    "'agent_verified', 'submitted')",
  'create index delegation_agent on delegation (agent_id, state)',
  // the list of an organization, and the number of its agents
  'create index delegation_organization on delegation (organization_id, agent_id)',
  // expiry by the clean-up worker
  "create index delegation_expiry on delegation (valid_to) where state in ('active', 'suspended')",

  // decision 3: after the first scan + face in this browser, it stands for the person behind an organization's password
  `create table trusted_browser (
    person_id text not null references person,
    organization_id text not null references organization,
    browser_hash text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz,
    primary key (organization_id, browser_hash, person_id)
  )`,
  // the list in the user centre
  'create index trusted_browser_person on trusted_browser (person_id)',

  // which hat a person wore last at a relying site
  `create table representation_choice (
    person_id text not null references person,
    client_id text not null,
    context_id text not null,
    chosen_at timestamptz not null default now(),
    primary key (person_id, client_id)
  )`,

  `create table message (
    id text primary key,
    person_id text not null references person,
    kind text not null,
    body_enc text not null,
    created_at timestamptz not null default now(),
    read_at timestamptz
  )`,
  'create index message_person on message (person_id, created_at)',
  // the number beside the inbox, on every page of the user centre
  'create index message_unread on message (person_id) where read_at is null',

  `create table sms_code (
    id text primary key,
    phone_index text not null,
    purpose text not null,
    binding text not null,
    code_index text not null,
    tries smallint not null default 0,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    verified_at timestamptz,
    used_at timestamptz
  )`,
  'create index sms_code_phone on sms_code (phone_index, purpose, created_at)',

  `create table registration (
    id text primary key,
    browser_hash text not null,
    applicant text not null check (applicant in ('legal_representative', 'agent')),
    state text not null check (state in ('draft', 'verifying', 'verified', 'completed', 'abandoned')),
    data_enc text,
    organization_id text references organization,
    person_id text references person,
    delegation_id text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    expires_at timestamptz not null
  )`,
  'create index registration_expiry on registration (expires_at)'
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
