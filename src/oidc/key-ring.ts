/**
 * The signing keys for the library: signers that run in libuv's thread pool, not on the main thread, and are made again
 * when the table changes. The library cannot replace keys, so a new provider is built with `ring.jwks`, in
 * milliseconds.
 */
import { sign, type KeyObject } from 'node:crypto'
import { ExternalSigningKey } from 'oidc-provider'
import type { Kysely } from 'kysely'
import type { Database } from '../database/schema.ts'
import type { FieldCrypto } from '../database/field-crypto.ts'
import { loadKeys, type SigningAlg, type SigningKey, type SigningKeyState } from '../tokens/signing-keys.ts'

class PooledSigner extends ExternalSigningKey {
  readonly state: SigningKeyState
  readonly #kid: string
  readonly #alg: SigningAlg
  readonly #private: KeyObject | null
  readonly #public: KeyObject

  constructor ({ kid, alg, state, publicKey, privateKey }: SigningKey) {
    super()
    this.#kid = kid
    this.state = state
    this.#alg = alg
    this.#private = privateKey
    this.#public = publicKey
  }

  override get kid (): string {
    return this.#kid
  }

  override get alg (): SigningAlg {
    return this.#alg
  }

  override keyObject (): KeyObject {
    return this.#public
  }

  /** JWS signature (RFC 7518 §3.3, §3.4). Rejects for a key that is only published. */
  override sign (data: Uint8Array): Promise<Uint8Array> {
    const key = this.#private
    if (key === null) return Promise.reject(new Error(`signing key ${this.#kid} is ${this.state}: it does not sign`))
    return new Promise((resolve, reject) => {
      sign('sha256', data, key, (error, signature) => {
        if (error) reject(error)
        else resolve(this.#alg === 'ES256' ? rawSignature(signature) : signature)
      })
    })
  }
}

/**
 * ECDSA-Sig-Value (DER) → r and s of `size` bytes each (RFC 7518 §3.4). Node's conversion costs a third of a signature.
 */
export function rawSignature (der: Uint8Array, size = 32): Uint8Array {
  const raw = Buffer.alloc(2 * size)
  // 30 length 02; lengths of these curves fit one byte
  let offset = 3
  for (const part of [0, 1]) {
    const length = der[offset] as number
    const number = der.subarray(offset + 1, offset + 1 + length)
    // DER numbers are signed: a leading zero, or fewer bytes than the curve has
    const significant = number.length > size ? number.subarray(number.length - size) : number
    raw.set(significant, (part + 1) * size - significant.length)
    offset += 1 + length + 1
  }
  return raw
}

export interface KeyRing {
  /** For the provider's configuration. The active key of each algorithm stands first. */
  readonly jwks: { keys: PooledSigner[] }
  /** Reads the table again. True: keys or their states have changed, and a new provider must be built. */
  reload(): Promise<boolean>
}

/** @throws FieldCryptoError when a key cannot be decrypted */
export async function createKeyRing ({ db, crypto }: { db: Kysely<Database>; crypto: FieldCrypto }): Promise<KeyRing> {
  let keys: PooledSigner[] = []
  const ring = {
    get jwks () {
      return { keys }
    },
    async reload () {
      const loaded = await loadKeys(db, crypto)
      const same =
        loaded.length === keys.length &&
        loaded.every(({ kid, state }, i) => keys[i]?.kid === kid && keys[i].state === state)
      if (!same) keys = loaded.map((key) => new PooledSigner(key))
      return !same
    }
  }
  await ring.reload()
  return ring
}
