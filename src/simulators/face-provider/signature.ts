/**
 * The provider's side of the signatures in docs/face-provider-contract.md, written from that page alone:
 * it shares no code with the caller, so a mistake on one side shows in the tests of both.
 */
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  randomUUID,
  sign,
  timingSafeEqual,
  verify
} from 'node:crypto'
import type { KeyObject } from 'node:crypto'

export type SandboxKey =
  | { keyId: string; algorithm: 'hmac-sha256'; secret: string | Uint8Array }
  | {
    keyId: string
    algorithm: 'ed25519' | 'ecdsa-p256-sha256'
    clientPublicKey: string | KeyObject
    privateKey: string | KeyObject
  }

export interface SignedRequest {
  method: string
  path: string
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}

export type Verified =
  | { ok: true; key: SandboxKey; signature: string }
  | {
    ok: false
    code: 'UNSIGNED' | 'UNKNOWN_KEY' | 'BAD_SIGNATURE' | 'CLOCK_SKEW' | 'REPLAYED'
    key?: SandboxKey
    signature?: string
  }

const skew = 60
const computeDigest = (body: string | Buffer): string => `sha-256=:${createHash('sha256').update(body).digest('base64')}:`
const publicKey = (key: string | KeyObject): KeyObject => (typeof key === 'string' ? createPublicKey(key) : key)
const privateKey = (key: string | KeyObject): KeyObject => (typeof key === 'string' ? createPrivateKey(key) : key)

function makeSignature (key: SandboxKey, base: string): string {
  if (key.algorithm === 'hmac-sha256') return createHmac('sha256', key.secret).update(base).digest('base64')
  const hash = key.algorithm === 'ed25519' ? null : 'sha256'
  return sign(hash, Buffer.from(base), { key: privateKey(key.privateKey), dsaEncoding: 'ieee-p1363' }).toString(
    'base64'
  )
}

function isSignature (key: SandboxKey, base: string, signature: string): boolean {
  const given = Buffer.from(signature, 'base64')
  if (key.algorithm === 'hmac-sha256') {
    const expected = createHmac('sha256', key.secret).update(base).digest()
    return given.length === expected.length && timingSafeEqual(given, expected)
  }
  const hash = key.algorithm === 'ed25519' ? null : 'sha256'
  return verify(hash, Buffer.from(base), { key: publicKey(key.clientPublicKey), dsaEncoding: 'ieee-p1363' }, given)
}

/**
 * Makes the check of incoming requests, with its memory of nonces. `now` in milliseconds; `service` is the word in the
 * tag.
 */
export function createRequestVerifier (
  keys: SandboxKey[],
  now: () => number,
  service = 'face'
): (request: SignedRequest) => Verified {
  const used = new Map<string, number>()
  return function verifyRequest ({ method, path, headers, body }) {
    const input = String(headers['signature-input'] ?? '')
    const signature = /^sig=:([A-Za-z0-9+/=]+):$/.exec(String(headers['signature'] ?? ''))?.[1]
    const parts =
      /^sig=(\("@method" "@path" "content-digest"\);created=(\d+);nonce="([\w-]{16,64})";keyid="([^"]+)";alg="([^"]+)";tag="([^"]+)")$/.exec(
        input
      )
    if (!parts || parts[6] !== `kora-${service}-request` || signature === undefined) {
      return { ok: false, code: 'UNSIGNED' }
    }
    const [, parameters, created, nonce, keyId, algorithm] = parts
    const key = keys.find((candidate) => candidate.keyId === keyId && candidate.algorithm === algorithm)
    if (!key || nonce === undefined) return { ok: false, code: 'UNKNOWN_KEY' }
    const digest = computeDigest(body)
    const base = `"@method": ${method}\n"@path": ${path}\n"content-digest": ${digest}\n"@signature-params": ${parameters}`
    if (headers['content-digest'] !== digest || !isSignature(key, base, signature)) {
      return { ok: false, code: 'BAD_SIGNATURE', key, signature }
    }
    if (Math.abs(now() / 1000 - Number(created)) > skew) return { ok: false, code: 'CLOCK_SKEW', key, signature }
    for (const [old, until] of used) if (until < now()) used.delete(old)
    const known = `${keyId} ${nonce}`
    if (used.has(known)) return { ok: false, code: 'REPLAYED', key, signature }
    used.set(known, now() + 2 * skew * 1000)
    return { ok: true, key, signature }
  }
}

interface SignatureHeadersInput {
  components: string
  lines: string[]
  tag: string
  digest: string
  now: number
}

function signatureHeaders (
  key: SandboxKey,
  { components, lines, tag, digest, now }: SignatureHeadersInput
): Record<string, string> {
  const parameters = `(${components});created=${Math.floor(now / 1000)};nonce="${randomUUID()}";keyid="${key.keyId}";alg="${key.algorithm}";tag="${tag}"`
  const base = [...lines, `"@signature-params": ${parameters}`].join('\n')
  return {
    'content-digest': digest,
    'signature-input': `sig=${parameters}`,
    signature: `sig=:${makeSignature(key, base)}:`
  }
}

interface SignAnswerInput {
  answer: { status: number; body: string | Buffer; requestSignature: string }
  now: number
  service?: string | undefined
}

/** Headers of an answer, bound to the signature of the request. */
export function signAnswer (
  key: SandboxKey,
  { answer, now, service = 'face' }: SignAnswerInput
): Record<string, string> {
  const digest = computeDigest(answer.body)
  const lines = [
    `"@status": ${answer.status}`,
    `"content-digest": ${digest}`,
    `"signature";key="sig";req: :${answer.requestSignature}:`
  ]
  return signatureHeaders(
    key,
    { components: '"@status" "content-digest" "signature";key="sig";req', lines, tag: `kora-${service}-answer`, digest, now }
  )
}

/** Headers of a notification. */
export function signNotification (key: SandboxKey, body: string | Buffer, now: number): Record<string, string> {
  const digest = computeDigest(body)
  return signatureHeaders(
    key,
    { components: '"content-digest"', lines: [`"content-digest": ${digest}`], tag: 'kora-face-notification', digest, now }
  )
}
