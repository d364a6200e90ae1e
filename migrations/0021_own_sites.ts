import { sql, type Kysely } from 'kysely'
import { alterTable, createIndex, checkOneOf, replaceConstraint } from '../src/database/constraints.ts'

/**
 * The user center and the console are sites of Kora itself: one pair of tables holds their authorization requests and
 * their sessions (src/journeys/own-site). Sessions are carried over, so nobody is signed out; an authorization request
 * that is under way begins again.
 *
 * A process of the previous version, still serving beside this one, keeps the former tables: triggers carry its
 * sessions over too, and the end of a session in both directions.
 */
export const transaction = false

const sites = checkOneOf('site', ['console', 'user-center'])

const tables = [
  // authorization requests under way: state, nonce and code verifier, each used once
  `create table if not exists own_site_login (
    state_hash text primary key,
    site text not null constraint own_site_login_site_check ${sites},
    browser_hash text not null,
    nonce text not null,
    verifier_enc text not null,
    return_to text not null,
    expires_at timestamptz not null
  )`,

  // of a person at the user center: good as long as the provider's own record of it (oidc_artifact, model
  // ClientSession) stands; of an administrator at the console: with how and when credentials were given, and an end
  `create table if not exists own_site_session (
    id_hash text primary key,
    site text not null constraint own_site_session_site_check ${sites},
    browser_hash text not null,
    browser_label text,
    person_id text references person,
    client_session_id text,
    account_id text references admin_account,
    method text constraint own_site_session_method_check ${checkOneOf('method', ['passkey', 'password'])},
    authenticated_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    ends_at timestamptz,
    constraint own_site_session_subject_check check (case site
      when 'user-center' then person_id is not null and client_session_id is not null and account_id is null
      else account_id is not null and method is not null and ends_at is not null and person_id is null end)
  )`,

  // the secret of one-time codes that an administrator is about to change to, in this session
  `create table if not exists admin_totp_draft (
    session_hash text primary key references own_site_session (id_hash) on delete cascade,
    secret_enc text not null
  )`
]

const indexes: Record<string, string> = {
  own_site_login_expiry: 'own_site_login (expires_at)',
  own_site_session_expiry: 'own_site_session (expires_at)',
  own_site_session_person: 'own_site_session (person_id) where person_id is not null',
  own_site_session_account: 'own_site_session (account_id) where account_id is not null'
}

const fromUserCenter = `id_hash, 'user-center', browser_hash, null, person_id, client_session_id, null, null,
  created_at, created_at, expires_at, null`
const fromConsole = `id_hash, 'console', browser_hash, browser_label, null, null, account_id, method,
  authenticated_at, created_at, least(expires_at, ends_at), ends_at`

const copy = (table: string, columns: string): string => `
  insert into own_site_session (id_hash, site, browser_hash, browser_label, person_id, client_session_id, account_id,
    method, authenticated_at, created_at, expires_at, ends_at)
  select ${columns} from ${table}`

/** The application's own role may not know the new tables yet: the functions run with the rights of the owner. */
const rights = 'language plpgsql security definer set search_path from current'

const functions = [
  `create or replace function own_site_session_from_former() returns trigger ${rights} as $$
  begin
    if tg_op = 'DELETE' then
      -- signed out; one that has expired there may go on here
      if old.expires_at > now() then delete from own_site_session where id_hash = old.id_hash; end if;
    elsif tg_op = 'UPDATE' and tg_table_name = 'user_centre_session' then
      update own_site_session set expires_at = new.expires_at where id_hash = new.id_hash;
    elsif tg_op = 'UPDATE' then
      update own_site_session set expires_at = least(new.expires_at, new.ends_at), ends_at = new.ends_at,
        authenticated_at = new.authenticated_at where id_hash = new.id_hash;
    elsif tg_table_name = 'user_centre_session' then
      ${copy('(select new.*) former', fromUserCenter)} on conflict (id_hash) do nothing;
    else
      ${copy('(select new.*) former', fromConsole)} on conflict (id_hash) do nothing;
    end if;
    return null;
  end $$`,
  `create or replace function own_site_session_to_former() returns trigger ${rights} as $$
  begin
    update user_centre_session set expires_at = new.expires_at
      where id_hash = new.id_hash and expires_at > new.expires_at;
    update admin_session set ends_at = new.expires_at where id_hash = new.id_hash and ends_at > new.expires_at;
    return null;
  end $$`
]

const triggers = [
  `create or replace trigger user_centre_session_carried after insert or update or delete on user_centre_session
    for each row execute function own_site_session_from_former()`,
  `create or replace trigger admin_session_carried after insert or update or delete on admin_session
    for each row execute function own_site_session_from_former()`,
  `create or replace trigger own_site_session_ended after update of expires_at on own_site_session
    for each row when (new.expires_at < old.expires_at) execute function own_site_session_to_former()`
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const table of tables) await alterTable(db, table)
  for (const [name, on] of Object.entries(indexes)) await createIndex(db, name, on)
  for (const text of functions) await sql.raw(text).execute(db)
  for (const trigger of triggers) await alterTable(db, trigger)
  await sql.raw(`${copy('user_centre_session', fromUserCenter)} on conflict (id_hash) do nothing`).execute(db)
  await sql.raw(`${copy('admin_session', fromConsole)} on conflict (id_hash) do nothing`).execute(db)
  await replaceConstraint(db, {
    table: 'organization_password_draft',
    name: 'organization_password_draft_session_hash_fkey',
    definition: 'foreign key (session_hash) references own_site_session (id_hash) on delete cascade'
  })
}
