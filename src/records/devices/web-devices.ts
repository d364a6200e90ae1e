import { sql, type Transaction } from 'kysely'
import { newIdentifier } from '../../domain/identifier.ts'
import type { Database } from '../../database/schema.ts'
import type { DevicesDeps } from './deps.ts'
import { secretHash } from './repository.ts'

export interface NewWebDevice {
  personId: string
  label: string
  address?: string | undefined
  traceId?: string | undefined
  loginAttemptUid?: string | null | undefined
}

/**
 * Binds a phone's browser to the person who has just passed a face check in it. The secret (256 bits) goes into an
 * HttpOnly cookie for `webDeviceSeconds`; only its hash is stored.
 */
export async function bindWebDevice (
  trx: Transaction<Database>,
  deps: Pick<DevicesDeps, 'audit'>,
  device: NewWebDevice
): Promise<{ deviceId: string; secret: string }> {
  const secret = newIdentifier(32)
  const deviceId = newIdentifier(16, 'dev_')
  await trx
    .insertInto('device')
    .values({
      id: deviceId,
      kind: 'web',
      keyThumbprint: null,
      secretHash: secretHash(secret),
      personId: device.personId,
      label: [...device.label.trim()].slice(0, 64).join(''),
      boundAt: sql<Date>`now()`
    })
    .execute()
  await deps.audit.record(trx, {
    type: 'device.bound',
    personId: device.personId,
    deviceId,
    address: device.address,
    traceId: device.traceId,
    loginAttemptUid: device.loginAttemptUid,
    details: { kind: 'web' }
  })
  return { deviceId, secret }
}
