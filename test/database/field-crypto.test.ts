import { createCipheriv, createHash, createHmac, createSecretKey } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { aes256Gcm, sm4Gcm } from '../../src/database/aead.ts'
import { createFieldCrypto, FieldCryptoError, type FieldCipher } from '../../src/database/field-crypto.ts'

const key = (fill: string): Buffer => Buffer.alloc(32, fill)
const cryptoOf = (cipher: FieldCipher, fill = 'a', keyId = 'k1') =>
  createFieldCrypto({ masterKey: key(fill), keyId, cipher })
const place = fc.tuple(fc.string(), fc.string(), fc.string())
const text = fc.string({ unit: 'binary', maxLength: 80 })
const failure = (code: FieldCryptoError['code']) => ({ name: 'FieldCryptoError', code })

for (const cipher of ['aes-256-gcm', 'sm4-gcm'] as const) {
  await t.test(cipher, async (t) => {
    const crypto = cryptoOf(cipher)

    fc.assert(
      fc.property(
        place,
        text,
        ([table, column, row], value) =>
          crypto.decrypt(table, column, row, crypto.encrypt(table, column, row, value)) === value
      )
    )
    t.pass('decrypts what it encrypted, whatever the text')

    fc.assert(
      fc.property(place, place, (here, there) => {
        fc.pre(here.join('\0') !== there.join('\0'))
        try {
          crypto.decrypt(...there, crypto.encrypt(...here, 'value'))
          return false
        } catch (error) {
          return error instanceof FieldCryptoError && error.code === 'not_authentic'
        }
      })
    )
    t.throws(
      () => crypto.decrypt('a', 'bc', 'd', crypto.encrypt('ab', 'c', 'd', 'x')),
      failure('not_authentic'),
      'boundaries between names count'
    )
    t.pass('a value moved to another table, column or row is refused')

    fc.assert(
      fc.property(text, fc.nat(), fc.string({ minLength: 1, maxLength: 1 }), (value, at, letter) => {
        const sealed = crypto.encrypt('person', 'name_enc', 'p1', value)
        const index = at % sealed.length
        const altered = sealed.slice(0, index) + letter + sealed.slice(index + 1)
        fc.pre(altered !== sealed)
        try {
          crypto.decrypt('person', 'name_enc', 'p1', altered)
          return false
        } catch (error) {
          return error instanceof FieldCryptoError
        }
      }),
      { numRuns: 400 }
    )
    t.pass('any altered character is refused')

    fc.assert(
      fc.property(
        fc.oneof(
          text,
          text.map((value) => `1.A256GCM.k1.${value}`),
          text.map((value) => `1.SM4GCM.k1.${value}`)
        ),
        (junk) => {
          try {
            crypto.decrypt('person', 'name_enc', 'p1', junk)
            return false
          } catch (error) {
            return error instanceof FieldCryptoError
          }
        }
      )
    )
    t.pass('junk gives FieldCryptoError and nothing else')

    t.not(
      crypto.encrypt('t', 'c', 'r', 'same'),
      crypto.encrypt('t', 'c', 'r', 'same'),
      'equal values do not look equal'
    )
    t.throws(
      () => cryptoOf(cipher, 'b').decrypt('t', 'c', 'r', crypto.encrypt('t', 'c', 'r', 'x')),
      failure('not_authentic'),
      'another master key'
    )
    t.throws(
      () => cryptoOf(cipher, 'a', 'k2').decrypt('t', 'c', 'r', crypto.encrypt('t', 'c', 'r', 'x')),
      failure('unknown_key')
    )
    t.throws(() => crypto.decrypt('person', 'name_enc', 'r', '1.constructor.k1.AAAA'), failure('malformed'))

    t.equal(crypto.blindIndex('cert_no', '1'), cryptoOf(cipher).blindIndex('cert_no', '1'), 'indexes are stable')
    const digests = [
      crypto.blindIndex('a', '1'),
      crypto.blindIndex('b', '1'),
      crypto.blindIndex('a', '2'),
      crypto.mac('a', '1'),
      cryptoOf(cipher, 'b').blindIndex('a', '1'),
      createHmac('sha256', crypto.secretKey('a')).update('1').digest('base64url')
    ]
    t.equal(new Set(digests).size, digests.length, 'every purpose, use and master key has a key of its own')
    for (const digest of digests) t.match(digest, /^[\w-]{43}$/)
    t.equal(crypto.secretKey('a').export().length, 32)

    t.ok(crypto.verifyMac('audit', Buffer.from('x'), crypto.mac('audit', 'x')))
    for (const mac of ['', 'x', crypto.mac('audit', 'y'), crypto.mac('other', 'x')]) {
      t.notOk(crypto.verifyMac('audit', 'x', mac))
    }
  })
}

t.test('a change of key or cipher leaves old values readable', async (t) => {
  const old = cryptoOf('aes-256-gcm')
  const next = createFieldCrypto({
    masterKey: key('b'),
    keyId: 'k2',
    cipher: 'sm4-gcm',
    previousKeys: { k1: key('a') }
  })
  t.equal(next.decrypt('t', 'c', 'r', old.encrypt('t', 'c', 'r', '旧')), '旧')
  t.match(next.encrypt('t', 'c', 'r', '新'), /^1\.SM4GCM\.k2\./)
  const sameCipher = createFieldCrypto({
    masterKey: key('b'),
    keyId: 'k2',
    cipher: 'aes-256-gcm',
    previousKeys: { k1: key('a') }
  })
  t.ok(sameCipher.verifyMac('audit', 'x', old.mac('audit', 'x')))
  t.notOk(old.verifyMac('audit', 'x', sameCipher.mac('audit', 'x')))
})

t.test('unfit keys are refused', async (t) => {
  t.throws(() => createFieldCrypto({ masterKey: Buffer.alloc(16), keyId: 'k1', cipher: 'aes-256-gcm' }), /32 bytes/)
  for (const keyId of ['', 'a.b', 'k'.repeat(33)]) {
    t.throws(() => createFieldCrypto({ masterKey: key('a'), keyId, cipher: 'aes-256-gcm' }), /master key id/)
  }
})

t.test('errors say the place, never the value', async (t) => {
  const crypto = cryptoOf('aes-256-gcm')
  try {
    crypto.decrypt('person', 'cert_no_enc', 'row-1', '540102199003072515')
    t.fail('must throw')
  } catch (error) {
    t.match((error as Error).message, /person\.cert_no_enc/)
    t.notMatch((error as Error).message, /540102199003072515|row-1/)
  }
})

t.test('national algorithms, published vectors', async (t) => {
  const sm3 = (data: string): string => createHash('sm3').update(data).digest('hex')
  t.equal(sm3('abc'), '66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0', 'GB/T 32905 A.1')
  t.equal(sm3('abcd'.repeat(16)), 'debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732', 'GB/T 32905 A.2')
  t.equal(
    createHmac('sm3', Buffer.from('0123456789abcdef0123456789abcdef', 'hex'))
      .update('540102199003072515')
      .digest('hex'),
    '5e2d5dfa5dc4eed5c8c54c54ac8209c66292663dca7cfd96d5acc3600d60cf8b'
  )

  // RFC 8998 appendix A.1
  const sm4Key = createSecretKey(Buffer.from('0123456789abcdeffedcba9876543210', 'hex'))
  const associatedData = Buffer.from('feedfacedeadbeeffeedfacedeadbeefabaddad2', 'hex')
  const sealed = Buffer.from(
    '00001234567800000000abcd' +
      '17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735' +
      'd82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d' +
      '83de3541e4c2b58177e065a9bf7b62ec',
    'hex'
  )
  const plaintext = Buffer.from(
    ['aa', 'bb', 'cc', 'dd', 'ee', 'ff', 'ee', 'aa'].map((byte) => byte.repeat(8)).join(''),
    'hex'
  )
  t.strictSame(sm4Gcm.open(sm4Key, sealed, associatedData), plaintext)
  t.equal(sm4Gcm.open(sm4Key, sealed, Buffer.alloc(20)), null)

  // the encrypting half of GCM is counter mode, which Node's OpenSSL has
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const made = sm4Gcm.seal(sm4Key, Buffer.from(bytes), associatedData)
      const counter = Buffer.concat([made.subarray(0, 12), Buffer.from([0, 0, 0, 2])])
      const expected = createCipheriv('sm4-ctr', sm4Key, counter).update(bytes)
      return expected.equals(made.subarray(12, -16))
    })
  )
  t.pass('agrees with SM4-CTR of OpenSSL')
})

t.test('what is shorter than nonce and tag is refused', async (t) => {
  for (const [aead, length] of [
    [aes256Gcm, 32],
    [sm4Gcm, 16]
  ] as const) {
    const secret = createSecretKey(Buffer.alloc(length))
    t.equal(aead.open(secret, Buffer.alloc(27), Buffer.alloc(0)), null)
    t.strictSame(
      aead.open(secret, aead.seal(secret, Buffer.alloc(0), Buffer.alloc(0)), Buffer.alloc(0)),
      Buffer.alloc(0),
      'an empty value is a value'
    )
  }
})
