import { sql, type Kysely } from 'kysely'

/**
 * What registering an organization needs besides its own table: challenges before a short message, the application's
 * number.
 */
const statements = [
  // proof of work or a picture, before a short message is sent; one use, right or wrong
  `create table challenge (
    id text primary key,
    browser_hash text not null,
    action text not null,
    answer_enc text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz
  )`,
  'create index challenge_expiry on challenge (expires_at)',

  'create index sms_code_age on sms_code (created_at)',

  // what people quote on the telephone
  'alter table registration add column number text',
  'create unique index registration_number on registration (number) where number is not null',
  // the draft that this browser may go on with
  'create index registration_browser on registration (browser_hash, created_at)',

  // 民族, GB/T 3304; given by those who want to
  'alter table person add column ethnic_group_enc text',
  // made for an application that is not complete: reserves no document number, and is cleaned up
  "create index person_provisional on person (created_at) where cert_no_index like 'registration:%'"
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
