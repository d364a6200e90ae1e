/**
 * Keys of simulated phones: made when a phone is first used, and stored encrypted, because a bound phone must survive a
 * restart.
 */
import { exportJWK, generateKeyPair, importJWK, type CryptoKey, type JWK } from 'jose'
import { sql } from 'kysely'
import type { SimulatorsDeps } from '../deps.ts'

export interface PhoneKey {
  privateKey: CryptoKey
  publicJwk: JWK
}

export interface PhoneKeys {
  /** The key of this phone; made if there is none, or none that can be read any more. */
  of(phone: string): Promise<PhoneKey>
  /** A new key in place of the old one: the person bought a new phone. */
  replace(phone: string): Promise<PhoneKey>
}

/** `phone` names a phone: the handle of its owner, at most 64 letters, digits, - and _. */
export function createPhoneKeys ({ db, crypto, log }: Pick<SimulatorsDeps, 'db' | 'crypto' | 'log'>): PhoneKeys {
  const known = new Map<string, Promise<PhoneKey>>()
  const rowName = (phone: string): string => `sandbox.phone.${phone}`

  const load = async (phone: string): Promise<PhoneKey | null> => {
    const name = rowName(phone)
    const row = await db.selectFrom('serverSecret').select('valueEnc').where('name', '=', name).executeTakeFirst()
    if (row === undefined) return null
    try {
      return await usable(JSON.parse(crypto.decrypt('server_secret', 'value_enc', name, row.valueEnc)) as JWK)
    } catch (error) {
      log.warn({ err: error, component: 'sandbox' }, 'the key of a simulated phone cannot be read: it gets a new one')
      return null
    }
  }
  const make = async (phone: string): Promise<PhoneKey> => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    const jwk = await exportJWK(privateKey)
    const name = rowName(phone)
    const valueEnc = crypto.encrypt('server_secret', 'value_enc', name, JSON.stringify(jwk))
    await db
      .insertInto('serverSecret')
      .values({ name, valueEnc })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ valueEnc, createdAt: sql<Date>`now()` }))
      .execute()
    return await usable(jwk)
  }
  const remember = (phone: string, key: Promise<PhoneKey>): Promise<PhoneKey> => {
    known.set(phone, key)
    // a database that was away for a moment must not spoil the phone for good
    key.catch(() => {
      if (known.get(phone) === key) known.delete(phone)
    })
    return key
  }

  return {
    of: async (phone) =>
      await (known.get(phone) ??
        remember(
          phone,
          load(phone).then(async (key) => key ?? (await make(phone)))
        )),
    replace: async (phone) => await remember(phone, make(phone))
  }
}

async function usable (jwk: JWK): Promise<PhoneKey> {
  const { kty, crv, x, y } = jwk
  if (kty === undefined || crv === undefined || x === undefined || y === undefined) throw new Error('not an EC key')
  return { privateKey: (await importJWK(jwk, 'ES256')) as CryptoKey, publicJwk: { kty, crv, x, y } }
}
