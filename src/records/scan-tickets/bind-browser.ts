import { sql } from 'kysely'
import { inTransaction } from '../../database/transaction.ts'
import type { ScanTicketsDeps } from './deps.ts'
import { bindWebDevice } from '../devices/index.ts'
import { hashSecret, type TicketRow } from './rows.ts'
import type { PhoneActor } from './types.ts'

export interface BoundBrowser {
  deviceId: string
  secret: string
}

/** Seconds after the confirmation in which the phone's browser may be bound by it. */
const bindSeconds = 300

/**
 * See ScanTickets.bindBrowser. One statement uses the ticket's right to bind: it has no device yet, and gets this one.
 */
export async function bindBrowser (
  deps: ScanTicketsDeps,
  { scanToken, actor, label }: { scanToken: string; actor: PhoneActor; label: string }
): Promise<BoundBrowser | null> {
  if (!/^[\w-]{43}$/.test(scanToken) || actor.device !== null) return null
  const found = await deps.db
    .selectFrom('scanTicket')
    .select(['personId', 'loginAttemptUid'])
    .where('scanTokenHash', '=', hashSecret(scanToken))
    .executeTakeFirst()
  const personId = found?.personId
  if (personId === undefined || personId === null) return null
  return await inTransaction<BoundBrowser | null>(deps.db, async (trx, rollback) => {
    // the device first, because the ticket refers to it; rolled back unless the ticket takes it
    const bound = await bindWebDevice(trx, deps, {
      personId,
      label,
      address: actor.address,
      traceId: actor.traceId,
      loginAttemptUid: found?.loginAttemptUid
    })
    const { rows } = await sql<Pick<TicketRow, 'id'>>`
        update scan_ticket set device_id = ${bound.deviceId}
         where scan_token_hash = ${hashSecret(scanToken)} and device_id is null and person_id = ${personId}
           and state in ('confirmed', 'consumed') and proof is not null
           and confirmed_at > now() - make_interval(secs => ${bindSeconds})
        returning id`.execute(trx)
    if (rows.length === 0) throw rollback(null)
    return bound
  })
}
