/**
 * The key of the console's test login. Clients in test that register their keys by value accept it beside their own, so
 * Kora can act as the site without the site's private key. It is derived from Kora's secret: the same in every process
 * and not stored. Live clients never accept it.
 */
import { createECDH, createPrivateKey, type KeyObject } from 'node:crypto'
import type { FieldCrypto } from '../database/field-crypto.ts'

export interface TestLoginKey {
  /** ES256 (RFC 7518 §3.4). */
  publicJwk: { kty: 'EC'; crv: 'P-256'; x: string; y: string; kid: string; alg: 'ES256'; use: 'sig' }
  privateKey: KeyObject
}

export function deriveTestLoginKey (crypto: Pick<FieldCrypto, 'secretKey'>): TestLoginKey {
  const d = Buffer.from(crypto.secretKey('trial').export())
  // half of all numbers of this length, and all of them are below the order of the curve
  d.writeUInt8(d.readUInt8(0) & 0x7f, 0)
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(d)
  // uncompressed: 04, x, y (SEC 1 §2.3.3)
  const point = ecdh.getPublicKey()
  const pair = {
    kty: 'EC',
    crv: 'P-256',
    x: point.subarray(1, 33).toString('base64url'),
    y: point.subarray(33).toString('base64url')
  } as const
  return {
    publicJwk: { ...pair, kid: 'kora-trial', alg: 'ES256', use: 'sig' },
    privateKey: createPrivateKey({ key: { ...pair, d: d.toString('base64url') }, format: 'jwk' })
  }
}
