import { sql, type Kysely } from 'kysely'
import { inTransaction } from './transaction.ts'
import type { Database } from './schema.ts'

/**
 * Rights of the application's own role on PostgreSQL (docs/decisions/0002-audit-chain.md): all rights to the rows of
 * its tables, none to their structure; for the audit trail only to add, to read, and to seal what was added. The owner
 * of the tables runs this, after every migration.
 */
export function grantStatements (role: string): string[] {
  const to = `"${role.replaceAll('"', '""')}"`
  return [
    `grant usage on schema public to ${to}`,
    `grant select, insert, update, delete on all tables in schema public to ${to}`,
    `revoke all on audit_event, audit_head, audit_checkpoint, kysely_migration, kysely_migration_lock from ${to}`,
    `grant select on kysely_migration, kysely_migration_lock to ${to}`,
    `grant select, insert on audit_event, audit_checkpoint to ${to}`,
    `grant update (sequence, previous_hash, hash) on audit_event to ${to}`,
    `grant select on audit_head to ${to}`,
    // not where the chain begins: only the owner archives
    `grant update (sequence, hash, mac, checkpoint_sequence, checkpoint_at, without_id_until) on audit_head to ${to}`
  ]
}

export type Granted = { ok: true } | { ok: false; code: 'no_such_role' | 'is_owner' | 'is_superuser' }

/** All or nothing. Refused for a role that the rights could not bind: the tables' owner, a superuser. */
export async function grantTo (db: Kysely<Database>, role: string): Promise<Granted> {
  const {
    rows: [found]
  } = await sql<{ superuser: boolean; owner: boolean }>`select rolsuper as superuser,
    pg_has_role(oid, (select relowner from pg_class where oid = 'audit_event'::regclass), 'member') as owner
      from pg_roles where rolname = ${role}`.execute(db)
  if (found === undefined) return { ok: false, code: 'no_such_role' }
  if (found.superuser) return { ok: false, code: 'is_superuser' }
  if (found.owner) return { ok: false, code: 'is_owner' }
  await inTransaction(db, async (trx) => {
    for (const text of grantStatements(role)) await sql.raw(text).execute(trx)
  })
  return { ok: true }
}
