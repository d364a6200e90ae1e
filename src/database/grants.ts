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

/**
 * Why the rights of this connection's role do not bind it: nothing keeps it from switching the guards of the audit
 * trail off. Who may create roles may make itself a member of the owner (PostgreSQL before 16).
 */
export type UnboundRole = 'superuser' | 'owner' | 'creates_roles'

/** Null: the role is bound. The role that logged in counts, too, because it can return to itself (RESET ROLE). */
export async function findUnboundRole (db: Kysely<Database>): Promise<{ role: string; why: UnboundRole } | null> {
  const { rows } = await sql<{ role: string; superuser: boolean; owner: boolean; createsRoles: boolean }>`
    select rolname as role, rolsuper as superuser, rolcreaterole as creates_roles,
      pg_has_role(oid, (select relowner from pg_class where oid = 'audit_event'::regclass), 'member') as owner
    from pg_roles where rolname in (current_user, session_user)`.execute(db)
  for (const { role, superuser, owner, createsRoles } of rows) {
    if (superuser) return { role, why: 'superuser' }
    if (owner) return { role, why: 'owner' }
    if (createsRoles) return { role, why: 'creates_roles' }
  }
  return null
}

/** Production does not serve with a role that its rights do not bind. */
export class RoleNotBound extends Error {
  constructor (role: string, why: UnboundRole) {
    const does = { superuser: 'is a superuser', owner: 'owns the tables', creates_roles: 'may create roles' }[why]
    super(
      `The role ${role} of DATABASE_URL ${does}: it could switch off the guards of the audit trail. Give Kora a role ` +
        'of its own (deploy/roles.sql, docs/production.md), then as the owner run: kora migrate --grant-to kora_app'
    )
    this.name = 'RoleNotBound'
  }
}

/** @throws RoleNotBound */
export async function assertBoundRole (db: Kysely<Database>): Promise<void> {
  const unbound = await findUnboundRole(db)
  if (unbound !== null) throw new RoleNotBound(unbound.role, unbound.why)
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
