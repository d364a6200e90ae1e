import { calculateJwkThumbprint, type JWK } from 'jose'
import { newIdentifier } from '../../domain/identifier.ts'
import { inTransaction } from '../../database/transaction.ts'
import type { DevicesDeps } from './deps.ts'
import { ownerBarred, type KnownDevice } from './repository.ts'

export type AppKeyRegistration =
  { ok: true; device: KnownDevice; created: boolean } | { ok: false; code: 'key_invalid' | 'key_revoked' }

export interface AppKey {
  /** Public EC P-256 key (ES256), as the app made it; anything beside kty, crv, x, y is dropped. */
  publicJwk: JWK
  /** The name by which the person recognizes it, for example the model. Cut to 64 characters. */
  label: string
  address?: string
  traceId?: string
}

/**
 * Registers the key of an app installation. The caller has verified a proof made with this key. The same key again
 * gives the same device; a revoked key stays revoked (the app makes a new one).
 */
export async function registerAppKey (
  deps: Pick<DevicesDeps, 'db' | 'audit'>,
  key: AppKey
): Promise<AppKeyRegistration> {
  const { kty, crv, x, y } = key.publicJwk
  const coordinate = /^[\w-]{43}$/
  if (
    kty !== 'EC' ||
    crv !== 'P-256' ||
    typeof x !== 'string' ||
    typeof y !== 'string' ||
    !coordinate.test(x) ||
    !coordinate.test(y)
  ) {
    return { ok: false, code: 'key_invalid' }
  }
  const publicJwk = { kty, crv, x, y }
  const keyThumbprint = await calculateJwkThumbprint(publicJwk)
  const label = [...key.label.trim()].slice(0, 64).join('')
  return await inTransaction(deps.db, async (trx) => {
    const id = newIdentifier(16, 'dev_')
    const made = await trx
      .insertInto('device')
      .values({ id, kind: 'app', keyThumbprint, publicJwk: JSON.stringify(publicJwk), label })
      .onConflict((conflict) => conflict.column('keyThumbprint').where('keyThumbprint', 'is not', null).doNothing())
      .returning(['id', 'kind', 'personId', 'label', ownerBarred])
      .executeTakeFirst()
    if (made !== undefined) {
      await deps.audit.record(trx, {
        type: 'device.registered',
        deviceId: made.id,
        address: key.address,
        traceId: key.traceId,
        details: { kind: 'app' }
      })
      return { ok: true, device: made, created: true }
    }
    const found = await trx
      .selectFrom('device')
      .select(['id', 'kind', 'personId', 'label', 'revokedAt', ownerBarred])
      .where('keyThumbprint', '=', keyThumbprint)
      .executeTakeFirstOrThrow()
    const { revokedAt, ...device } = found
    return revokedAt === null ? { ok: true, device, created: false } : { ok: false, code: 'key_revoked' }
  })
}
