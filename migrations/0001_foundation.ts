import { sql, type Kysely } from 'kysely'

/**
 * The foundation: persons, devices, login attempts, scan tickets, face checks, OIDC storage,
 * clients and keys, audit, outbox. Forward only; later migrations add, they do not rewrite.
 *
 * Conventions: `…_enc` columns hold field ciphertexts (key id inside, AAD = table, column, row id);
 * `…_index` columns hold keyed blind indexes (another key); `…_hash` columns hold SHA-256 of a
 * high-entropy secret. All expiry is compared with the database clock.
 */
const statements = [
  `create table person (
    id text primary key,
    sub text not null unique,
    status text not null check (status in ('unactivated', 'active', 'locked', 'disabled')),
    name_enc text not null,
    name_bo_enc text,
    cert_type text not null,
    cert_no_enc text not null,
    cert_no_index text not null,
    cert_valid_from text,
    cert_valid_to text,
    cert_term text,
    phone_enc text,
    phone_index text,
    email_enc text,
    locale text,
    password_hash text,
    password_changed_at timestamptz,
    assurance_level smallint not null default 1 check (assurance_level between 1 and 4),
    identity_verified_at timestamptz,
    face_verified_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
  )`,
  // login by ID number; one natural person = one row, whatever the account's state
  'create unique index person_cert_no on person (cert_no_index)',
  // login by phone must be unambiguous: one mobile belongs to at most one person
  'create unique index person_phone on person (phone_index) where phone_index is not null',

  // browsers a person has logged in from: exempt from identifier-wide throttles, no number entry on the phone
  `create table known_browser (
    person_id text not null references person,
    browser_hash text not null,
    label text not null,
    first_seen_at timestamptz not null default now(),
    last_login_at timestamptz not null default now(),
    revoked_at timestamptz,
    primary key (person_id, browser_hash)
  )`,

  // kind app = installation with its own key; kind web = a phone's browser bound after a face check
  `create table device (
    id text primary key,
    kind text not null check (kind in ('app', 'web')),
    key_thumbprint text,
    public_jwk jsonb,
    secret_hash text,
    person_id text references person,
    label text not null,
    created_at timestamptz not null default now(),
    bound_at timestamptz,
    revoked_at timestamptz
  )`,
  'create unique index device_key on device (key_thumbprint) where key_thumbprint is not null',
  'create unique index device_secret on device (secret_hash) where secret_hash is not null',
  // the device list of a person, and unbinding them all
  'create index device_person on device (person_id) where person_id is not null',

  `create table login_attempt (
    uid text primary key,
    browser_hash text not null,
    client_id text not null,
    request jsonb not null,
    person_id text references person,
    proofs jsonb not null default '[]',
    representation jsonb,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    finished_at timestamptz
  )`,
  'create index login_attempt_expiry on login_attempt (expires_at)',

  `create table scan_ticket (
    id text primary key,
    locator_hash text not null unique,
    purpose text not null,
    state text not null check (state in ('waiting', 'scanned', 'identity', 'face', 'confirmed', 'consumed',
                                         'rejected', 'failed', 'expired', 'superseded')),
    login_attempt_uid text,
    subject_ref text,
    browser_hash text not null,
    client_id text,
    context jsonb not null,
    context_digest text not null,
    check_number text not null,
    number_entry boolean not null,
    number_tries smallint not null default 0,
    requires jsonb not null,
    expected_person_id text references person,
    person_id text references person,
    device_id text references device,
    scan_token_hash text,
    accepted_at timestamptz,
    identity_enc text,
    identity_at timestamptz,
    face_check_id text,
    proof text,
    failure text,
    renewals smallint not null default 0,
    rotating_at timestamptz,
    created_at timestamptz not null default now(),
    scanned_at timestamptz,
    confirmed_at timestamptz,
    consumed_at timestamptz,
    expires_at timestamptz not null
  )`,
  // one live ticket per browser session: creating another supersedes it
  `create unique index scan_ticket_live on scan_ticket (browser_hash)
    where state in ('waiting', 'scanned', 'identity', 'face')`,
  // every step of the phone side; a token belongs to one ticket
  'create unique index scan_ticket_token on scan_ticket (scan_token_hash) where scan_token_hash is not null',
  'create index scan_ticket_attempt on scan_ticket (login_attempt_uid)',
  'create index scan_ticket_expiry on scan_ticket (expires_at)',

  `create table face_check (
    id text primary key,
    person_id text not null references person,
    purpose text not null,
    binding text not null,
    scan_ticket_id text,
    provider text not null,
    provider_txn text,
    state text not null check (state in ('pending', 'passed', 'failed', 'error', 'used', 'expired')),
    reason text,
    counted boolean not null default false,
    score real,
    consent_id text,
    started_at timestamptz not null default now(),
    decided_at timestamptz,
    used_at timestamptz,
    expires_at timestamptz not null
  )`,
  // tries per day of one person
  'create index face_check_person on face_check (person_id, started_at)',
  // tries of one attempt
  'create index face_check_binding on face_check (binding)',
  'create unique index face_check_txn on face_check (provider, provider_txn) where provider_txn is not null',

  `create table counter_code (
    id text primary key,
    person_id text not null references person,
    code_index text not null,
    issued_by text not null,
    reason text not null,
    tries smallint not null default 0,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    used_for text
  )`,
  'create index counter_code_person on counter_code (person_id, expires_at)',

  `create table consent (
    id text primary key,
    person_id text not null references person,
    kind text not null,
    version text not null,
    text_hash text not null,
    locale text not null,
    client_id text,
    scope text,
    source text,
    given_at timestamptz not null default now(),
    withdrawn_at timestamptz
  )`,
  'create index consent_person on consent (person_id, kind)',

  `create table throttle (
    key text primary key,
    count integer not null,
    window_ends_at timestamptz not null,
    blocked_until timestamptz
  )`,
  'create index throttle_expiry on throttle (window_ends_at)',

  // oidc-provider's models. Ids of tokens are SHA-256 of the value the client holds.
  `create table oidc_artifact (
    model text not null,
    id text not null,
    payload jsonb not null,
    grant_hash text,
    session_uid text,
    account_id text,
    client_id text,
    context_id text,
    uid text,
    user_code text,
    consumed_at timestamptz,
    expires_at timestamptz,
    primary key (model, id)
  )`,
  // revocation of everything issued under one grant
  'create index oidc_artifact_grant on oidc_artifact (grant_hash) where grant_hash is not null',
  // logout: everything issued in one session
  'create index oidc_artifact_session on oidc_artifact (session_uid) where session_uid is not null',
  // disabling a person or resetting a password: everything of one account
  'create index oidc_artifact_account on oidc_artifact (account_id) where account_id is not null',
  // ending one representation context (organization, delegation)
  'create index oidc_artifact_context on oidc_artifact (context_id) where context_id is not null',
  // disabling a client: everything issued to it
  'create index oidc_artifact_client on oidc_artifact (client_id) where client_id is not null',
  // one row per session whatever its current identifier; interactions are found by uid too
  "create unique index oidc_artifact_session_row on oidc_artifact (uid) where model = 'Session'",
  'create unique index oidc_artifact_user_code on oidc_artifact (user_code) where user_code is not null',
  // bounded clean-up
  'create index oidc_artifact_expiry on oidc_artifact (expires_at)',

  `create table client (
    client_id text primary key,
    status text not null check (status in ('draft', 'test', 'live', 'disabled')),
    metadata jsonb not null,
    policy jsonb not null,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
  )`,
  `create table client_secret (
    id text primary key,
    client_id text not null references client on delete cascade,
    secret_hash text not null,
    hint text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    last_used_on date,
    revoked_at timestamptz
  )`,
  'create index client_secret_client on client_secret (client_id)',
  `create table resource_server (
    identifier text primary key,
    name text not null,
    scopes text not null,
    token_format text not null check (token_format in ('opaque', 'jwt')),
    signing_alg text not null default 'ES256',
    ttl_seconds integer not null,
    minimum_level smallint,
    created_at timestamptz not null default now()
  )`,

  `create table signing_key (
    kid text primary key,
    alg text not null,
    state text not null check (state in ('pre-published', 'active', 'retired', 'removed')),
    private_enc text not null,
    public_jwk jsonb not null,
    created_at timestamptz not null default now(),
    activated_at timestamptz,
    retired_at timestamptz,
    removed_at timestamptz
  )`,
  // exactly one signer for each algorithm
  "create unique index signing_key_active on signing_key (alg) where state = 'active'",
  // secrets shared by all processes (cookie keys, pairwise salt, ticket key), encrypted
  `create table server_secret (
    name text primary key,
    value_enc text not null,
    created_at timestamptz not null default now()
  )`,
  // anything cached by processes bumps its row here; processes look at it every second
  `create table cache_epoch (
    name text primary key,
    epoch bigint not null default 1
  )`,
  "insert into cache_epoch (name) values ('clients'), ('signing-keys')",

  `create table audit_event (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    type text not null,
    outcome text not null check (outcome in ('success', 'failure', 'denied')),
    actor text,
    person_id text,
    organization_id text,
    delegation_id text,
    role text,
    client_id text,
    login_attempt_uid text,
    device_id text,
    address text,
    trace_id text,
    reason text,
    details jsonb not null default '{}',
    mac text not null,
    sequence bigint,
    previous_hash text,
    hash text
  )`,
  'create unique index audit_event_sequence on audit_event (sequence) where sequence is not null',
  // the sealer's work list
  'create index audit_event_unsealed on audit_event (id) where sequence is null',
  'create index audit_event_person on audit_event (person_id, at)',
  'create index audit_event_type on audit_event (type, at)',

  `create table outbox (
    id bigint generated always as identity primary key,
    topic text not null,
    dedupe_key text unique,
    payload_enc text not null,
    attempts smallint not null default 0,
    created_at timestamptz not null default now(),
    run_at timestamptz not null default now(),
    done_at timestamptz,
    dead_at timestamptz,
    last_error text
  )`,
  'create index outbox_due on outbox (run_at) where done_at is null and dead_at is null'
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
