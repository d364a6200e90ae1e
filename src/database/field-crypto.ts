/**
 * Encryption of sensitive columns, blind indexes for looking them up, and keyed digests, each under a
 * key of its own derived from the master key (HKDF, RFC 5869).
 *
 * Ciphertext: `1.<algorithm>.<key id>.<base64url of nonce, ciphertext, tag>`. Header, table, column and
 * row id are authenticated with it, so a value moved to another place does not decrypt.
 *
 * With `sm4-gcm` everything runs on the national algorithms: SM4-GCM (GB/T 32907, RFC 8998) and
 * HMAC-SM3 (GB/T 32905); with `aes-256-gcm` on AES-256 and HMAC-SHA-256.
 */
import { createHmac, createSecretKey, hkdfSync, timingSafeEqual, type KeyObject } from 'node:crypto'
import { aes256Gcm, sm4Gcm, type Aead } from './aead.ts'

export type FieldCipher = 'aes-256-gcm' | 'sm4-gcm'

export interface FieldCrypto {
  /** The same plaintext gives another ciphertext every time. `rowId` is the row's primary key. */
  encrypt(table: string, column: string, rowId: string, plaintext: string): string
  /** @throws FieldCryptoError when altered, moved from another row or column, or of an unknown key */
  decrypt(table: string, column: string, rowId: string, ciphertext: string): string
  /**
   * Keyed digest (base64url, 43 characters) of a normalized value, for equality lookup; another key for each purpose.
   */
  blindIndex(purpose: string, value: string): string
  /** The same under every known key, the current one first: what rows may hold while the master key changes. */
  blindIndexes(purpose: string, value: string): string[]
  /** Keyed digest (base64url, 43 characters) of data, for integrity. */
  mac(purpose: string, data: string | Buffer): string
  /** The same under every known key, the current one first. */
  macs(purpose: string, data: string | Buffer): string[]
  /** Compares in constant time; accepts digests made under previous keys. */
  verifyMac(purpose: string, data: string | Buffer, mac: string): boolean
  /** Keys of this purpose of all former master keys, so that what they signed can be verified without them. */
  formerMacKeys(purpose: string): MacKey[]
  /** `verifyMac` accepts this key, too. */
  acceptMacKey(purpose: string, key: MacKey): void
  /** 32-byte HMAC key for other uses (cookies, rotating QR payloads). */
  secretKey(purpose: string): KeyObject
  /** The same under every known key, the current one first. */
  secretKeys(purpose: string): KeyObject[]
  /** Whether a value is encrypted under the current key and cipher. */
  isCurrent(ciphertext: string): boolean
}

export interface MacKey {
  hash: 'sha256' | 'sm3'
  key: Buffer
}

export interface FieldCryptoOptions {
  /** 32 random bytes. */
  masterKey: Buffer
  keyId: string
  cipher: FieldCipher
  /** Master keys by id that decrypt, verify and find, but are not used for new values; with either cipher. */
  previousKeys?: Record<string, Buffer>
}

/** A ciphertext that is not ours, moved, or damaged. Names neither value nor key. */
export class FieldCryptoError extends Error {
  readonly code: 'malformed' | 'unknown_key' | 'not_authentic'
  constructor (code: FieldCryptoError['code'], place: string) {
    super(`The encrypted value of ${place} cannot be read: ${code}.`)
    this.name = 'FieldCryptoError'
    this.code = code
  }
}

const version = '1'
const aeads = { A256GCM: aes256Gcm, SM4GCM: sm4Gcm } as const satisfies Record<string, Aead>
type Algorithm = keyof typeof aeads
const profiles = {
  'aes-256-gcm': { algorithm: 'A256GCM', hash: 'sha256' },
  'sm4-gcm': { algorithm: 'SM4GCM', hash: 'sm3' }
} as const satisfies Record<FieldCipher, { algorithm: Algorithm; hash: string }>
// a value encrypted before a change of cipher is read with the hash it was made with
const hashNames = { A256GCM: 'sha256', SM4GCM: 'sm3' } as const satisfies Record<Algorithm, string>

/** @throws Error when a key is not 32 bytes or a key id is not `[A-Za-z0-9_-]{1,32}` */
export function createFieldCrypto ({ masterKey, keyId, cipher, previousKeys = {} }: FieldCryptoOptions): FieldCrypto {
  const masters = new Map(Object.entries({ ...previousKeys, [keyId]: masterKey }))
  for (const [id, key] of masters) {
    if (!/^[A-Za-z0-9_-]{1,32}$/.test(id)) throw new Error('a master key id must be 1 to 32 letters, digits, - or _')
    if (key.length !== 32) throw new Error(`master key ${id} must be 32 bytes`)
  }
  const { algorithm, hash } = profiles[cipher]

  const derived = new Map<string, KeyObject>()
  const derive = ({
    id,
    hashName,
    use,
    length
  }: {
    id: string
    hashName: string
    use: string
    length: number
  }): KeyObject => {
    const name = `${id} ${hashName} ${use}`
    let key = derived.get(name)
    if (key === undefined) {
      const master = masters.get(id)
      if (master === undefined) throw new Error('unknown master key')
      key = createSecretKey(Buffer.from(hkdfSync(hashName, master, 'kora', use, length)))
      derived.set(name, key)
    }
    return key
  }
  const fieldKey = (id: string, name: Algorithm): KeyObject =>
    derive({ id, hashName: hashNames[name], use: `field ${name}`, length: aeads[name].keyLength })
  // the current key with the current cipher; a former key was used with either
  const known = [
    { id: keyId, hashName: hash as MacKey['hash'] },
    ...[...masters.keys()]
      .filter((id) => id !== keyId)
      .flatMap((id) => Object.values(hashNames).map((hashName) => ({ id, hashName: hashName as MacKey['hash'] })))
  ]
  type Known = (typeof known)[number]
  const digest = ({ id, hashName }: Known, use: string, data: string | Buffer): Buffer =>
    createHmac(hashName, derive({ id, hashName, use, length: 32 }))
      .update(data)
      .digest()
  const digests = (use: string, data: string | Buffer): string[] =>
    known.map((one) => digest(one, use, data).toString('base64url'))
  const current = known[0]!
  const accepted = new Map<string, MacKey[]>()

  return Object.freeze({
    encrypt (table, column, rowId, plaintext) {
      const header = `${version}.${algorithm}.${keyId}`
      const sealed = aeads[algorithm].seal(
        fieldKey(keyId, algorithm),
        Buffer.from(plaintext),
        buildBinding({ header, table, column, rowId })
      )
      return `${header}.${sealed.toString('base64url')}`
    },
    decrypt (table, column, rowId, ciphertext) {
      const place = `${table}.${column}`
      const [head, name, id, body, ...rest] = ciphertext.split('.')
      if (
        head !== version ||
        name === undefined ||
        !isAlgorithm(name) ||
        id === undefined ||
        body === undefined ||
        rest.length > 0
      ) {
        throw new FieldCryptoError('malformed', place)
      }
      const sealed = Buffer.from(body, 'base64url')
      // base64url has several spellings of the same bytes; only ours is accepted
      if (sealed.toString('base64url') !== body) throw new FieldCryptoError('malformed', place)
      if (!masters.has(id)) throw new FieldCryptoError('unknown_key', place)
      const plaintext = aeads[name].open(
        fieldKey(id, name),
        sealed,
        buildBinding({ header: `${head}.${name}.${id}`, table, column, rowId })
      )
      if (plaintext === null) throw new FieldCryptoError('not_authentic', place)
      return plaintext.toString()
    },
    blindIndex: (purpose, value) => digest(current, `index ${purpose}`, value).toString('base64url'),
    blindIndexes: (purpose, value) => digests(`index ${purpose}`, value),
    mac: (purpose, data) => digest(current, `mac ${purpose}`, data).toString('base64url'),
    macs: (purpose, data) => digests(`mac ${purpose}`, data),
    verifyMac (purpose, data, mac) {
      const given = Buffer.from(mac, 'base64url')
      const fits = known.map((one) => {
        const expected = digest(one, `mac ${purpose}`, data)
        return given.length === expected.length && timingSafeEqual(given, expected)
      })
      for (const { hash: name, key } of accepted.get(purpose) ?? []) {
        const expected = createHmac(name, key).update(data).digest()
        fits.push(given.length === expected.length && timingSafeEqual(given, expected))
      }
      return fits.includes(true)
    },
    formerMacKeys: (purpose) =>
      known.slice(1).map((one) => ({
        hash: one.hashName,
        key: derive({ ...one, use: `mac ${purpose}`, length: 32 }).export()
      })),
    acceptMacKey (purpose, key) {
      accepted.set(purpose, [...(accepted.get(purpose) ?? []), key])
    },
    secretKey: (purpose) => derive({ ...current, use: `secret ${purpose}`, length: 32 }),
    secretKeys: (purpose) => known.map((one) => derive({ ...one, use: `secret ${purpose}`, length: 32 })),
    isCurrent: (ciphertext) => ciphertext.startsWith(`${version}.${algorithm}.${keyId}.`)
  } satisfies FieldCrypto)
}

interface BuildBindingInput {
  header: string
  table: string
  column: string
  rowId: string
}

/** Additional authenticated data. JSON keeps ('a', 'bc') and ('ab', 'c') apart. */
function buildBinding ({ header, table, column, rowId }: BuildBindingInput): Buffer {
  return Buffer.from(JSON.stringify([header, table, column, rowId]))
}

function isAlgorithm (name: string): name is Algorithm {
  return Object.hasOwn(aeads, name)
}
