/**
 * Device codes (RFC 8628). The library finds them by the short code that a person types in, and saves them again with
 * the decision, which is made once. It needs the device code of a row that it found by the short code, so the device
 * code, which only the device holds, is stored encrypted.
 */
import type { Transaction } from 'kysely'
import { errors, type Adapter, type AdapterPayload } from 'oidc-provider'
import type { Database } from '../database/schema.ts'
import { inTransaction } from '../database/transaction.ts'
import {
  artifactId,
  decryptPart,
  encryptPart,
  findByUserCode,
  type Connection
} from '../tokens/artifact-repository.ts'
import { allowDeviceCode, saveDeviceCode } from '../tokens/device-code-repository.ts'
import { artifactRow, type AdapterParts } from './adapter-parts.ts'
import { openPersonal, sealPersonal } from './personal-parameters.ts'
import { grantContext } from '../tokens/grant-id.ts'
import { currentState, verifiedGrants } from './request-state.ts'

const sealed = 'sealed'

/** Seconds that an expired code is kept, so that its device gets `expired_token` (RFC 8628 §3.5). */
const knownAfterExpirySeconds = 900

/** Called in the transaction in which a person allows a device to sign in. */
export type DeviceAllowed = (
  trx: Transaction<Database>,
  allowed: { accountId: string; clientId: string; context: Record<string, unknown> }
) => Promise<void>

export function createDeviceCodeAdapter (parts: AdapterParts, base: Adapter): Adapter {
  const { db, crypto, deviceAllowed } = parts
  return {
    ...base,

    async find (id) {
      const payload = await base.find(id)
      return payload && openPersonal(crypto, artifactId('DeviceCode', id), without(payload))
    },

    async findByUserCode (userCode) {
      const payload = await findByUserCode(db, userCode)
      if (payload === undefined) return undefined
      const { id, value } = payload[sealed] as { id: string; value: string }
      return openPersonal(crypto, id, without({ ...payload, jti: decryptPart(crypto, id, value) } as AdapterPayload))
    },

    /** @throws InvalidRequest when the code was decided before, or the session has ended */
    async upsert (id, payload, ttl) {
      const stored = artifactId('DeviceCode', id)
      const row = artifactRow(parts, { model: 'DeviceCode', id, adapterPayload: payload, ttl })
      const value = encryptPart(crypto, stored, id)
      const { accountId, clientId, sessionUid } = row
      const keepSeconds = row.keepSeconds === null ? null : row.keepSeconds + knownAfterExpirySeconds
      const inSession = sessionUid !== null && currentState()?.session?.uid === sessionUid
      const save = async (connection: Connection): Promise<void> => {
        const saved = await (inSession ? allowDeviceCode : saveDeviceCode)(connection, {
          ...row,
          payload: { ...sealPersonal(crypto, stored, row.payload), [sealed]: { id: stored, value } },
          keepSeconds
        })
        if (!saved) throw new errors.InvalidRequest('the code was used already, or the session has ended')
      }
      if (accountId === null || clientId === null || deviceAllowed === undefined) await save(db)
      else {
        await inTransaction(db, async (trx) => {
          await save(trx)
          const context = grantContext(crypto, payload.grantId, verifiedGrants()) ?? {}
          await deviceAllowed(trx, { accountId, clientId, context })
        })
      }
    },

    /** A refused code is not consumed: its device gets the same error each time. */
    async consume (id) {
      const state = currentState()
      if (state !== undefined && state.source === undefined) return
      await base.consume(id)
    }
  }
}

function without (payload: AdapterPayload): AdapterPayload {
  const { [sealed]: _sealed, ...rest } = payload as Record<string, unknown>
  return rest as AdapterPayload
}
