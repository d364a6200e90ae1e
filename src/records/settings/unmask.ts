/**
 * Whether personal data are unmasked only after a second administrator approves: yes, unless the deployment decided
 * otherwise.
 */
import { sql, type Kysely, type Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import type { Act } from '../../domain/administration/administration.ts'
import type { SettingsDeps } from './deps.ts'

const name = 'reveal_four_eyes'

/** The present value in the database: a decision never depends on the memory of a process. */
export async function readUnmaskingNeedsApproval (db: Kysely<Database> | Transaction<Database>): Promise<boolean> {
  const row = await db.selectFrom('setting').select('value').where('name', '=', name).executeTakeFirst()
  return row?.value !== false
}

/** In the caller's transaction. False: it is so already. */
export async function setUnmaskingNeedsApproval (
  trx: Transaction<Database>,
  { audit }: Pick<SettingsDeps, 'audit'>,
  { needed, act }: { needed: boolean; act: Act }
): Promise<boolean> {
  const { rows } = await sql<{ version: number }>`
    insert into setting as s (name, value, changed_by, reason, changed_at)
    select ${name}, to_jsonb(${needed}::boolean), ${act.actor}, ${act.reason}, now()
    where coalesce((select value from setting where name = ${name}), 'true'::jsonb) <> to_jsonb(${needed}::boolean)
    on conflict (name) do update set value = excluded.value, changed_by = excluded.changed_by,
      reason = excluded.reason, changed_at = excluded.changed_at, version = s.version + 1
    where s.value <> excluded.value
    returning version`.execute(trx)
  const [row] = rows
  if (row === undefined) return false
  await audit.record(trx, {
    type: 'setting.changed',
    ...act,
    details: { name, version: row.version, before: !needed, after: needed }
  })
  return true
}
