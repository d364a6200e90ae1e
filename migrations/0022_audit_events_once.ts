import type { Kysely } from 'kysely'
import { alterTable, createUniqueIndex } from '../src/database/constraints.ts'

/**
 * An audit event has an id and a time of its own, both under its MAC: the same event cannot be stored twice, nor at
 * another time (docs/decisions/0002-audit-chain.md). Older events have neither; the head says until when such events
 * are taken from a process of the former version, which serves beside this one during an upgrade.
 */
export const transaction = false

const statements = [
  `alter table audit_event add column if not exists event_id text,
    add column if not exists recorded_at timestamptz`,
  'alter table audit_head add column if not exists without_id_until timestamptz',

  // positions only move forward, also for the role that seals
  `create or replace function audit_head_forward() returns trigger language plpgsql as $$
  begin
    if new.sequence < old.sequence or new.first_sequence < old.first_sequence
      or new.checkpoint_sequence < old.checkpoint_sequence
    then raise exception 'the audit chain is never set back' using errcode = 'KA001';
    end if;
    return new;
  end $$`,
  `create or replace trigger audit_head_forward before update on audit_head for each row execute function
    audit_head_forward()`,
  'alter table audit_head enable always trigger audit_head_forward'
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await alterTable(db, statement)
  await createUniqueIndex(db, 'audit_event_event_id', 'audit_event (event_id) where event_id is not null')
}
