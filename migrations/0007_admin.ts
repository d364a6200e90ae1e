import { sql, type Kysely } from 'kysely'

/**
 * Administrators: their accounts, credentials and sessions; changes that wait for a second administrator; settings.
 * An account has one role for all its life: who needs another gets another account, and the first is disabled.
 */
const statements = [
  `create table admin_account (
    id text primary key,
    login_name text not null unique check (login_name = lower(login_name)),
    display_name text not null,
    role text not null check (role in ('system', 'security', 'audit', 'counter')),
    status text not null check (status in ('invited', 'active', 'disabled')),
    password_hash text,
    totp_secret_enc text,
    totp_last_step bigint not null default 0,
    created_by text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    last_sign_in_at timestamptz
  )`,
  // system, security and audit exclude each other (GB/T 22239 8.1.5): also against a hand-written update
  `create function admin_account_role_fixed() returns trigger language plpgsql as $$
  begin
    if new.role <> old.role then raise exception 'the role of an administrator never changes' using errcode = 'KA002';
      end if;
    return new;
  end $$`,
  'create trigger admin_account_role_fixed before update on admin_account for each row execute function ' +
    'admin_account_role_fixed()',

  // passkeys (WebAuthn); the id is the authenticator's credential id
  `create table admin_credential (
    id text primary key,
    account_id text not null references admin_account,
    public_key text not null,
    sign_count bigint not null default 0,
    transports jsonb not null default '[]',
    label text not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz
  )`,
  'create index admin_credential_account on admin_credential (account_id)',

  // WebAuthn challenges, each answered once by the browser that asked for it
  `create table admin_ceremony (
    challenge text primary key,
    browser_hash text not null,
    purpose text not null check (purpose in ('sign-in', 'enrol', 'again')),
    account_id text references admin_account,
    expires_at timestamptz not null
  )`,
  'create index admin_ceremony_expiry on admin_ceremony (expires_at)',

  // links that let somebody set credentials, each used once: the very first account, an invitation, a reset
  `create table admin_bootstrap (
    token_hash text primary key,
    purpose text not null check (purpose in ('bootstrap', 'invitation', 'reset')),
    role text not null check (role in ('system', 'security', 'audit', 'counter')),
    account_id text references admin_account,
    totp_secret_enc text,
    created_by text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz
  )`,
  'create index admin_bootstrap_account on admin_bootstrap (account_id) where account_id is not null',

  // authorization requests of the console under way: state, nonce and code verifier, each used once
  `create table admin_login (
    state_hash text primary key,
    browser_hash text not null,
    nonce text not null,
    verifier_enc text not null,
    return_to text not null,
    expires_at timestamptz not null
  )`,
  'create index admin_login_expiry on admin_login (expires_at)',

  `create table admin_session (
    id_hash text primary key,
    account_id text not null references admin_account,
    browser_hash text not null,
    browser_label text not null,
    method text not null check (method in ('passkey', 'password')),
    authenticated_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    ends_at timestamptz not null
  )`,
  'create index admin_session_account on admin_session (account_id)',
  'create index admin_session_expiry on admin_session (expires_at)',

  // four eyes: what one asks for (an administrator, a program, an operator) and an administrator of certain roles lets
  // happen; never the same one
  `create table pending_change (
    id text primary key,
    kind text not null,
    payload_enc text not null,
    digest text not null,
    subject text not null,
    reason text not null,
    requested_by text not null,
    approvers text[] not null,
    state text not null check (state in ('pending', 'approved', 'rejected', 'withdrawn', 'expired')),
    decided_by text,
    decision_reason text,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    decided_at timestamptz,
    check (state not in ('approved', 'rejected') or (decided_by is not null and decided_by <> requested_by))
  )`,
  // one of a kind about one thing at a time
  "create unique index pending_change_one on pending_change (kind, subject) where state = 'pending'",
  "create index pending_change_waiting on pending_change (expires_at) where state = 'pending'",
  'create index pending_change_list on pending_change (created_at, id)',

  `create table setting (
    name text primary key,
    value jsonb not null,
    version integer not null default 1,
    changed_by text not null,
    reason text not null,
    changed_at timestamptz not null default now()
  )`
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
