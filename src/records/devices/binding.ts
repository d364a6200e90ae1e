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
 * Bind a device to a person, after a face check or its equal on it. `kept`: it was that person's already.
 * `refused`: revoked, or another person's; who owns a phone must let go of it first.
 * A device that belonged to somebody before and was unbound is audited as rebound.
 */
export async function bindDevice (
  trx: Transaction<Database>,
  deps: Pick<DevicesDeps, 'audit'>,
  binding: { deviceId: string; personId: string } & Circumstances
): Promise<'bound' | 'rebound' | 'kept' | 'refused'> {
  const { deviceId, personId } = binding
  const before = await trx
    .selectFrom('device')
    .select(['personId', 'boundAt'])
    .where('id', '=', deviceId)
    .where('revokedAt', 'is', null)
    .forUpdate()
    .executeTakeFirst()
  if (before === undefined || (before.personId !== null && before.personId !== personId)) return 'refused'
  // a phone's browser is believed for a time after each face check, so its time begins again
  await trx
    .updateTable('device')
    .set({ personId, boundAt: sql<Date>`case when person_id is null or kind = 'web' then now() else bound_at end` })
    .where('id', '=', deviceId)
    .execute()
  if (before.personId === personId) return 'kept'
  const outcome = before.boundAt === null ? 'bound' : 'rebound'
  await deps.audit.record(trx, {
    type: outcome === 'bound' ? 'device.bound' : 'device.rebound',
    personId,
    deviceId,
    address: binding.address,
    traceId: binding.traceId,
    loginAttemptUid: binding.loginAttemptUid
  })
  return outcome
}

/** The owner lets go of an app installation: its key stays known, the next face check on it may bind it to anybody. */
export async function unbindDevice (
  deps: Pick<DevicesDeps, 'db' | 'audit'>,
  from: { deviceId: string; personId: string } & Circumstances
): Promise<boolean> {
  return await inTransaction(deps.db, async (trx) => {
    const row = await trx
      .updateTable('device')
      .set({ personId: null })
      .where('id', '=', from.deviceId)
      .where('personId', '=', from.personId)
      .where('kind', '=', 'app')
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
      reason: 'unbound'
    })
    return true
  })
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

/** All devices of a person (account taken over, password reset). Returns how many. */
export async function revokeDevicesOf (
  trx: Transaction<Database>,
  deps: Pick<DevicesDeps, 'audit'>,
  from: { personId: string; reason: string } & Circumstances
): Promise<number> {
  const rows = await trx
    .updateTable('device')
    .set({ revokedAt: sql<Date>`now()` })
    .where('personId', '=', from.personId)
    .where('revokedAt', 'is', null)
    .returning('id')
    .execute()
  for (const { id } of rows) {
    await deps.audit.record(trx, {
      type: 'device.revoked',
      personId: from.personId,
      deviceId: id,
      address: from.address,
      traceId: from.traceId,
      reason: from.reason
    })
  }
  return rows.length
}
