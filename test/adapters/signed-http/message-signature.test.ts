import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { signatureKeys } from '../../../src/adapters/signed-http/keys.ts'
import {
  contentDigest,
  signatureBase,
  signatureValue,
  signMessage,
  verifyMessage
} from '../../../src/adapters/signed-http/message-signature.ts'
import type { SignedMessage } from '../../../src/adapters/signed-http/message-signature.ts'
import {
  createRequestVerifier,
  signAnswer,
  signNotification
} from '../../../src/simulators/face-provider/signature.ts'
import { boundDocNoHash } from '../../../src/ports/face-provider.ts'
import { hmacKey } from '../face-http/support.ts'

const now = 1_700_000_000_000
const keys = signatureKeys(hmacKey, 'face')
const body = Buffer.from('{"hello": "world"}')

t.test('published values', async (t) => {
  t.equal(contentDigest(body), 'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:', 'RFC 9530 appendix D')
  const hmac = signatureKeys(
    {
      keyId: 'test-shared-secret',
      algorithm: 'hmac-sha256',
      secret: Buffer.from(
        'uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==',
        'base64'
      )
    },
    'face'
  )
  const b25 =
    '"date": Tue, 20 Apr 2021 02:07:55 GMT\n"@authority": example.com\n"content-type": ' +
    'application/json\n"@signature-params": ("date" "@authority" ' +
    '"content-type");created=1618884473;keyid="test-shared-secret"'
  t.equal(hmac.sign(b25), 'pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=', 'RFC 9421 B.2.5')
  t.ok(hmac.verify(b25, 'pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8='))

  const ed25519 = signatureKeys(
    {
      keyId: 'test-key-ed25519',
      algorithm: 'ed25519',
      privateKey: generateKeyPairSync('ed25519').privateKey,
      providerPublicKey:
        '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n-----END PUBLIC ' +
        'KEY-----'
    },
    'face'
  )
  const b26 =
    '"date": Tue, 20 Apr 2021 02:07:55 GMT\n"@method": POST\n"@path": /foo\n"@authority": ' +
    'example.com\n"content-type": application/json\n"content-length": 18\n"@signature-params": ("date" "@method" ' +
    '"@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"'
  t.ok(
    ed25519.verify(b26, 'wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=='),
    'RFC 9421 B.2.6'
  )
  t.notOk(
    ed25519.verify(
      b26.replace('POST', 'PUT'),
      'wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=='
    )
  )
})

t.test('the examples of docs/face-provider-contract.md', async (t) => {
  const docs = readFileSync(new URL('../../../docs/face-provider-contract.md', import.meta.url), 'utf8')
  const secret = signatureKeys({ ...hmacKey, secret: '0123456789abcdef0123456789abcdef' }, 'face')
  const base = (message: SignedMessage, created: number, nonce: string, components: string): string =>
    signatureBase(
      message,
      contentDigest(message.body),
      `${components};created=${created};nonce="${nonce}";keyid="kora";alg="hmac-sha256";tag="kora-face-${message.kind}"`
    )
  const request = base(
    { kind: 'request', method: 'GET', path: '/v1/transactions/5f2b8c31a9e04d17', body: Buffer.alloc(0) },
    1772352000,
    'c29tZS1ub25jZS0wMDE',
    '("@method" "@path" "content-digest")'
  )
  const requestSignature = secret.sign(request)
  const answerBody = Buffer.from(
    '{"transactionId":"5f2b8c31a9e04d17","attemptId":"01JNQ8Z4T0ATTEMPT0000000001","status":"pending"}'
  )
  const answer = base(
    { kind: 'answer', status: 200, requestSignature, body: answerBody },
    1772352001,
    'c29tZS1ub25jZS0wMDI',
    '("@status" "content-digest" "signature";key="sig";req)'
  )
  for (const text of [
    request,
    `Signature: sig=:${requestSignature}:`,
    answer,
    `Signature: sig=:${secret.sign(answer)}:`,
    answerBody.toString()
  ]) {
    t.ok(docs.includes(text), text.slice(0, 60))
  }
  t.ok(
    docs.includes(
      boundDocNoHash('01JNQ8Z4T0ATTEMPT0000000001', { certType: 'resident_id', certNo: '540102199003072515' })
    )
  )
})

t.test('what one side signs the other side accepts, and nothing else', async (t) => {
  const request: SignedMessage = { kind: 'request', method: 'POST', path: '/v1/transactions', body }
  const headers = signMessage(request, keys, now)
  const verify = (change: object = {}, changedHeaders: object = {}, time = now): unknown =>
    createRequestVerifier(
      [hmacKey],
      () => time
    )({ method: 'POST', path: '/v1/transactions', body, ...change, headers: { ...headers, ...changedHeaders } })
  t.match(verify(), { ok: true, signature: signatureValue(headers.signature) })
  t.match(verify({ method: 'PUT' }), { ok: false, code: 'BAD_SIGNATURE' })
  t.match(verify({ path: '/v1/transactions?x=1' }), { ok: false, code: 'BAD_SIGNATURE' })
  t.match(verify({ body: Buffer.from('{}') }), { ok: false, code: 'BAD_SIGNATURE' })
  t.match(verify({}, { 'content-digest': contentDigest(Buffer.from('{}')) }), { ok: false, code: 'BAD_SIGNATURE' })
  t.match(verify({}, { 'signature-input': headers['signature-input'].replace('created=17', 'created=18') }), {
    ok: false,
    code: 'BAD_SIGNATURE'
  })
  t.match(verify({}, { 'signature-input': headers['signature-input'].replace('"@path" ', '') }), {
    ok: false,
    code: 'UNSIGNED'
  })
  t.match(verify({}, {}, now + 61_000), { ok: false, code: 'CLOCK_SKEW' })
  t.match(verify({}, {}, now - 61_000), { ok: false, code: 'CLOCK_SKEW' })
  const again = createRequestVerifier([hmacKey], () => now)
  t.match(again({ method: 'POST', path: '/v1/transactions', body, headers: { ...headers } }), { ok: true })
  t.match(again({ method: 'POST', path: '/v1/transactions', body, headers: { ...headers } }), {
    ok: false,
    code: 'REPLAYED'
  })
})

t.test('an answer counts for its request, its status and its body', async (t) => {
  const requestSignature = Buffer.alloc(32, 1).toString('base64')
  const headers = signAnswer(hmacKey, { answer: { status: 200, body, requestSignature }, now })
  const verify = (
    change: Partial<SignedMessage> = {},
    changedHeaders: Record<string, string> = {},
    time = now
  ): unknown => {
    const all: Record<string, string> = { ...headers, ...changedHeaders }
    return verifyMessage({
      message: { kind: 'answer', status: 200, requestSignature, body, ...change },
      headers: (name) => all[name] ?? null,
      keys,
      now: time
    })
  }
  t.match(verify(), { ok: true })
  t.match(verify({ status: 201 }), { ok: false, why: 'wrong signature' })
  t.match(verify({ requestSignature: Buffer.alloc(32, 2).toString('base64') }), { ok: false, why: 'wrong signature' })
  t.match(verify({ body: Buffer.from('{}') }), { ok: false, why: /digest/ })
  t.match(verify({ kind: 'notification' }), { ok: false, why: /something else/ })
  t.match(verify({}, {}, now + 61_000), { ok: false, why: /clocks/ })
  t.match(verify({}, { signature: 'sig=::' }), { ok: false, why: 'not signed' })
  t.match(
    verify({}, { 'signature-input': `${headers['signature-input']}, sig2=()` }),
    { ok: false, why: 'not signed' },
    'one signature, no list'
  )
  const notification = signNotification(hmacKey, body, now)
  t.match(
    verifyMessage({
      message: { kind: 'notification', body },
      headers: (name) => notification[name] ?? null,
      keys,
      now
    }),
    { ok: true }
  )
  t.match(
    verifyMessage({
      message: { kind: 'answer', status: 200, requestSignature, body },
      headers: (name) => notification[name] ?? null,
      keys,
      now
    }),
    { ok: false }
  )
})
