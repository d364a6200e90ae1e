import type { Kysely } from 'kysely'
import { alterTable } from '../src/database/constraints.ts'

/**
 * A process whose clock is off by more than a day cannot record: its acts fail, instead of leaving an event in the
 * trail that looks as if somebody had stored it again on another day (records/audit/canonical.ts, `isInTime`).
 */
export const transaction = false

export async function up (db: Kysely<unknown>): Promise<void> {
  await alterTable(
    db,
    `create or replace function audit_event_stamp() returns trigger language plpgsql as $$
    begin
      new.at := now();
      new.sequence := null;
      new.previous_hash := null;
      new.hash := null;
      if new.recorded_at is not null and abs(extract(epoch from new.at - new.recorded_at)) > 86400 then
        raise exception 'the clock of the recording process is wrong' using errcode = 'KA001';
      end if;
      return new;
    end $$`
  )
}
