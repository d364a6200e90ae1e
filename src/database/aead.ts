/** The two authenticated ciphers of field encryption, with one shape: nonce ‖ ciphertext ‖ tag. */
import { createCipheriv, createDecipheriv, randomBytes, type KeyObject } from 'node:crypto'
import { sm4 } from 'sm-crypto-v2'

export interface Aead {
  /** Bytes. */
  keyLength: number
  seal(key: KeyObject, plaintext: Buffer, associatedData: Buffer): Buffer
  /** null when the tag does not fit. */
  open(key: KeyObject, sealed: Buffer, associatedData: Buffer): Buffer | null
}

// 96-bit random nonces are safe for 2^32 values under one key (NIST SP 800-38D §8.3)
const nonceLength = 12
const tagLength = 16

function parts (sealed: Buffer): { nonce: Buffer; body: Buffer; tag: Buffer } | null {
  if (sealed.length < nonceLength + tagLength) return null
  const end = sealed.length - tagLength
  return { nonce: sealed.subarray(0, nonceLength), body: sealed.subarray(nonceLength, end), tag: sealed.subarray(end) }
}

/** AES-256-GCM. */
export const aes256Gcm: Aead = {
  keyLength: 32,
  seal (key, plaintext, associatedData) {
    const nonce = randomBytes(nonceLength)
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagLength }).setAAD(associatedData)
    return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  },
  open (key, sealed, associatedData) {
    const found = parts(sealed)
    if (found === null) return null
    const decipher = createDecipheriv('aes-256-gcm', key, found.nonce, { authTagLength: tagLength })
      .setAAD(associatedData)
      .setAuthTag(found.tag)
    const plaintext = decipher.update(found.body)
    try {
      return Buffer.concat([plaintext, decipher.final()])
    } catch {
      return null
    }
  }
}

/** SM4-GCM (RFC 8998). Node's OpenSSL has SM4 but not this mode of it, hence the library. */
export const sm4Gcm: Aead = {
  keyLength: 16,
  seal (key, plaintext, associatedData) {
    const nonce = randomBytes(nonceLength)
    const { output, tag } = sm4.encrypt(plaintext, key.export(), {
      mode: 'gcm',
      output: 'array',
      outputTag: true,
      padding: 'none',
      iv: nonce,
      associatedData
    })
    if (tag?.length !== tagLength) throw new Error('SM4-GCM gave no tag')
    return Buffer.concat([nonce, output, tag])
  },
  open (key, sealed, associatedData) {
    const found = parts(sealed)
    if (found === null) return null
    try {
      return Buffer.from(
        sm4.decrypt(found.body, key.export(), {
          mode: 'gcm',
          output: 'array',
          padding: 'none',
          iv: found.nonce,
          tag: found.tag,
          associatedData
        })
      )
    } catch {
      return null
    }
  }
}
