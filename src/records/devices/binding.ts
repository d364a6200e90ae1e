import { sql, type Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import { inTransaction } from '../../database/transaction.ts'
import type { DevicesDeps } from './deps.ts'

interface Circumstances {
  address?: string | undefined
  traceId?: string | undefined
  loginAttemptUid?: string | null | undefined
}

/**
 * Binds a device to a person, after a face check or its equal on it. `kept`: it was that person's already. `refused`:
 * revoked, or another person's; the owner of a phone must remove it first.
 */
export async function bindDevice (
  trx: Transaction<Database>,
  deps: Pick<DevicesDeps, 'audit'>,
  binding: { deviceId: string; personId: string } & Circumstances
): Promise<'bound' | 'kept' | 'refused'> {
  const { deviceId, personId } = binding
  const before = await trx
    .selectFrom('device')
    .select('personId')
    .where('id', '=', deviceId)
    .where('revokedAt', 'is', null)
    .forUpdate()
    .executeTakeFirst()
  if (before === undefined || (before.personId !== null && before.personId !== personId)) return 'refused'
  // a phone's browser is trusted for a time after each face check, so its time restarts
  await trx
    .updateTable('device')
    .set({ personId, boundAt: sql<Date>`case when person_id is null or kind = 'web' then now() else bound_at end` })
    .where('id', '=', deviceId)
    .execute()
  if (before.personId === personId) return 'kept'
  await deps.audit.record(trx, {
    type: 'device.bound',
    personId,
    deviceId,
    address: binding.address,
    traceId: binding.traceId,
    loginAttemptUid: binding.loginAttemptUid
  })
  return 'bound'
}

/** A lost phone: it proves nothing any more, at once and for good. False when it is not this person's. */
export async function revokeDevice (
  deps: Pick<DevicesDeps, 'db' | 'audit'>,
  from: { deviceId: string; personId: string; reason?: string } & Circumstances
): Promise<boolean> {
  return await inTransaction(deps.db, async (trx) => {
    const row = await trx
      .updateTable('device')
      .set({ revokedAt: sql<Date>`now()` })
      .where('id', '=', from.deviceId)
      .where('personId', '=', from.personId)
      .where('revokedAt', 'is', null)
      .returning('id')
      .executeTakeFirst()
    if (row === undefined) return false
    await deps.audit.record(trx, {
      type: 'device.revoked',
      personId: from.personId,
      deviceId: from.deviceId,
      address: from.address,
      traceId: from.traceId,
      reason: from.reason
    })
    return true
  })
}
