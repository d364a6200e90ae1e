/** Keys of the two sides: one shared secret, or a key pair on each side. Names from RFC 9421 §3.3. */
import { createHmac, createPrivateKey, createPublicKey, sign, timingSafeEqual, verify, KeyObject } from 'node:crypto'

const algorithms = ['hmac-sha256', 'ed25519', 'ecdsa-p256-sha256'] as const

export type SignatureAlgorithm = (typeof algorithms)[number]

/** The kinds of providers; part of every signature, so a message to one is not valid for another. */
export type Service = 'face' | 'register' | 'sms'

export interface KeyOptions {
  /** Our key as the provider knows it. */
  keyId: string
  algorithm: SignatureAlgorithm
  /** For hmac-sha256: at least 32 bytes (a string counts in UTF-8), used in both directions. */
  secret?: string | Uint8Array
  /** For the others: our private key (PEM or KeyObject). */
  privateKey?: string | KeyObject
  /** For the others: the provider's public key (PEM or KeyObject). */
  providerPublicKey?: string | KeyObject
  /** The provider's key as it names it; the same as `keyId` when left out. */
  providerKeyId?: string
}

export interface SignatureKeys {
  service: Service
  algorithm: SignatureAlgorithm
  keyId: string
  providerKeyId: string
  /** Signature of our text, base64. */
  sign(text: string): string
  /** Is this the provider's signature (base64) of the text? */
  verify(text: string, signature: string): boolean
}

const minimumSecretBytes = 32

/** Reads and checks the keys once. Throws TypeError, without the key in its text, when they do not fit. */
export function signatureKeys (options: KeyOptions, service: Service): SignatureKeys {
  const { algorithm, keyId } = options
  const providerKeyId = options.providerKeyId ?? keyId
  for (const id of [keyId, providerKeyId]) {
    if (!/^[\w.:-]{1,64}$/.test(id)) {
      throw new TypeError(`${service} provider: a key id is 1 to 64 letters, digits, "_", "-", "." or ":"`)
    }
  }
  const names = { service, algorithm, keyId, providerKeyId }
  if (algorithm === 'hmac-sha256') {
    const secret = Buffer.from(options.secret ?? '')
    if (secret.length < minimumSecretBytes) {
      throw new TypeError(`${service} provider: the shared secret needs at least ${minimumSecretBytes} bytes`)
    }
    const mac = (text: string): Buffer => createHmac('sha256', secret).update(text).digest()
    return {
      ...names,
      sign: (text) => mac(text).toString('base64'),
      verify (text, signature) {
        const given = Buffer.from(signature, 'base64')
        const expected = mac(text)
        return given.length === expected.length && timingSafeEqual(given, expected)
      }
    }
  }
  if (!algorithms.includes(algorithm)) {
    throw new TypeError(`${service} provider: algorithm must be one of ${algorithms.join(', ')}`)
  }
  if (options.privateKey === undefined || options.providerPublicKey === undefined) {
    throw new TypeError(`${service} provider: ${algorithm} needs our private key and the provider's public key`)
  }
  const own = options.privateKey instanceof KeyObject ? options.privateKey : createPrivateKey(options.privateKey)
  const theirs =
    options.providerPublicKey instanceof KeyObject
      ? options.providerPublicKey
      : createPublicKey(options.providerPublicKey)
  for (const key of [own, theirs]) assertKind(key, algorithm, service)
  const hash = algorithm === 'ed25519' ? null : 'sha256'
  // RFC 9421 §3.3.4: r and s one after the other, not DER
  const dsaEncoding = 'ieee-p1363'
  return {
    ...names,
    sign: (text) => sign(hash, Buffer.from(text), { key: own, dsaEncoding }).toString('base64'),
    verify: (text, signature) =>
      verify(hash, Buffer.from(text), { key: theirs, dsaEncoding }, Buffer.from(signature, 'base64'))
  }
}

function assertKind (key: KeyObject, algorithm: SignatureAlgorithm, service: Service): void {
  const fits =
    algorithm === 'ed25519'
      ? key.asymmetricKeyType === 'ed25519'
      : key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
  if (!fits) throw new TypeError(`${service} provider: a key does not fit ${algorithm}`)
}
