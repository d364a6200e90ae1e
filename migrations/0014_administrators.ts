import { sql, type Kysely } from 'kysely'

/**
 * Administrators: two parts of one invitation, changes that programs ask for, what a change is about, one's own
 * account.
 */
const statements = [
  // the second part of an invitation or a reset, which only the one who asked for it was shown; null: the link alone
  'alter table admin_bootstrap add column code_mac text',
  'alter table admin_bootstrap add column code_tries_left smallint not null default 5',
  // the browser that gave it: the only one in which credentials may be set
  'alter table admin_bootstrap add column code_browser_hash text',

  // who stands for what a program asked for; never the one who decides
  'alter table pending_change add column vouched_by text',
  'alter table pending_change add column vouched_reason text',
  'alter table pending_change add column vouched_at timestamptz',
  // the row that the change is about, as far as another one may get its name
  'alter table pending_change add column subject_row text',
  // not for what was decided before
  `alter table pending_change add constraint pending_change_vouched check (
    state <> 'approved' or requested_by not like 'client:%' or (vouched_by is not null
      and vouched_by <> decided_by)) not valid`,

  // the secret of one-time codes that this session is about to change to
  'alter table admin_session add column totp_next_enc text'
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
