import { sql, type Kysely } from 'kysely'

/**
 * The audit trail becomes append-only, and gets the head and the checkpoints of its chain
 * (docs/decisions/0002-audit-chain.md). The guards raise SQLSTATE KA001.
 */
const statements = [
  // one row: how far the chain goes, and where it begins since older rows went to the archive.
  // Whoever holds its row lock is the sealer.
  `create table audit_head (
    one_row boolean primary key default true check (one_row),
    sequence bigint not null default 0,
    hash text not null default '',
    first_sequence bigint not null default 1,
    first_previous_hash text not null default '',
    checkpoint_sequence bigint not null default 0,
    checkpoint_at timestamptz not null default now(),
    mac text
  )`,
  'insert into audit_head default values',

  // signed positions of the chain, also written to the server log so that copies live elsewhere
  `create table audit_checkpoint (
    sequence bigint primary key,
    hash text not null,
    at timestamptz not null default now(),
    mac text not null
  )`,

  // an event is stamped by the database, whatever the statement says
  `create function audit_event_stamp() returns trigger language plpgsql as $$
  begin
    new.at := now();
    new.sequence := null;
    new.previous_hash := null;
    new.hash := null;
    return new;
  end $$`,
  'create trigger audit_event_stamp before insert on audit_event for each row execute function audit_event_stamp()',

  // the only change ever allowed is sealing, once
  `create function audit_event_seal_only() returns trigger language plpgsql as $$
  begin
    if old.sequence is not null or new.sequence is null or new.previous_hash is null or new.hash is null
      or to_jsonb(new) - array['sequence', 'previous_hash', 'hash'] is distinct
        from to_jsonb(old) - array['sequence', 'previous_hash', 'hash']
    then raise exception 'audit events are never changed' using errcode = 'KA001';
    end if;
    return new;
  end $$`,
  'create trigger audit_event_seal_only before update on audit_event for each row execute function ' +
    'audit_event_seal_only()',

  // 网络安全法: network logs are kept for at least six months
  `create function audit_keep() returns trigger language plpgsql as $$
  begin
    if old.at > now() - interval '180 days' then
      raise exception 'audit rows are kept for 180 days' using errcode = 'KA001';
    end if;
    return old;
  end $$`,
  'create trigger audit_event_keep before delete on audit_event for each row execute function audit_keep()',
  'create trigger audit_checkpoint_keep before delete on audit_checkpoint for each row execute function audit_keep()',

  `create function audit_never() returns trigger language plpgsql as $$
  begin
    raise exception '% of % is not allowed', lower(tg_op), tg_table_name using errcode = 'KA001';
  end $$`,
  'create trigger audit_event_no_truncate before truncate on audit_event for each statement execute function ' +
    'audit_never()',
  'create trigger audit_checkpoint_no_truncate before truncate on audit_checkpoint for each statement execute ' +
    'function audit_never()',
  'create trigger audit_checkpoint_no_update before update on audit_checkpoint for each row execute function ' +
    'audit_never()',
  'create trigger audit_head_no_delete before delete on audit_head for each row execute function audit_never()',
  'create trigger audit_head_no_truncate before truncate on audit_head for each statement execute function ' +
    'audit_never()',

  // also while session_replication_role = replica, which switches ordinary triggers off
  ...['seal_only', 'keep', 'no_truncate'].map(
    (name) => `alter table audit_event enable always trigger audit_event_${name}`
  ),
  ...['keep', 'no_truncate', 'no_update'].map(
    (name) => `alter table audit_checkpoint enable always trigger audit_checkpoint_${name}`
  ),
  ...['no_delete', 'no_truncate'].map((name) => `alter table audit_head enable always trigger audit_head_${name}`)
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
