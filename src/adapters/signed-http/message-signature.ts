/**
 * HTTP message signatures (RFC 9421) and Content-Digest (RFC 9530), narrowed to one profile: one label, fixed
 * components, fixed order of parameters. What RFC 9421 leaves open is refused, so verifying is one comparison.
 * `tag` keeps requests, answers and notifications, and the kinds of vendors, apart: none passes for another.
 */
import { createHash } from 'node:crypto'
import { newIdentifier } from '../../domain/identifier.ts'
import type { Service, SignatureKeys } from './keys.ts'

export type SignedKind = 'request' | 'answer' | 'notification'

/** What is signed, line by line; the lines of `@signature-params` are added here. */
export interface SignedMessage {
  kind: SignedKind
  method?: string
  path?: string
  status?: number
  /** Signature of the request that is answered, base64. */
  requestSignature?: string
  body: Uint8Array
}

export interface SignatureHeaders {
  'content-digest': string
  'signature-input': string
  signature: string
}

const buildTag = (service: Service, kind: SignedKind): string => `kora-${service}-${kind}`

const components: Record<SignedKind, string> = {
  request: '("@method" "@path" "content-digest")',
  answer: '("@status" "content-digest" "signature";key="sig";req)',
  notification: '("content-digest")'
}

/** Seconds that the two clocks may differ. */
export const skewSeconds = 60

/** RFC 9530 §2: sha-256 of the body's bytes. */
export const contentDigest = (body: Uint8Array): string =>
  `sha-256=:${createHash('sha256').update(body).digest('base64')}:`

/** RFC 9421 §2.5 signature base. */
export function signatureBase (message: SignedMessage, digest: string, parameters: string): string {
  const lines =
    message.kind === 'request'
      ? [`"@method": ${message.method}`, `"@path": ${message.path}`, `"content-digest": ${digest}`]
      : message.kind === 'answer'
        ? [
            `"@status": ${message.status}`,
            `"content-digest": ${digest}`,
            `"signature";key="sig";req: :${message.requestSignature}:`
          ]
        : [`"content-digest": ${digest}`]
  return [...lines, `"@signature-params": ${parameters}`].join('\n')
}

/** Headers that sign a message with our key. `now` in milliseconds. */
export function signMessage (message: SignedMessage, keys: SignatureKeys, now: number): SignatureHeaders {
  const digest = contentDigest(message.body)
  const nonce = newIdentifier(18)
  const parameters = `${components[message.kind]};created=${Math.floor(now / 1000)};nonce="${nonce}";keyid="${keys.keyId}";alg="${keys.algorithm}";tag="${buildTag(keys.service, message.kind)}"`
  return {
    'content-digest': digest,
    'signature-input': `sig=${parameters}`,
    signature: `sig=:${keys.sign(signatureBase(message, digest, parameters))}:`
  }
}

/** The base64 text inside `Signature: sig=:…:`. */
export const signatureValue = (header: string): string => header.slice('sig=:'.length, -1)

const inputPattern =
  /^sig=(\([^()]{1,200}\));created=(\d{1,12});nonce="([\w-]{16,64})";keyid="([\w.:-]{1,64})";alg="([a-z0-9-]{1,32})";tag="([a-z-]{1,32})"$/
const signaturePattern = /^sig=:([A-Za-z0-9+/]{1,200}={0,2}):$/

export type Verification = { ok: true; nonce: string } | { ok: false; why: string }

interface VerifyMessageInput {
  message: SignedMessage
  headers: (name: string) => string | null
  keys: SignatureKeys
  now: number
}

/**
 * Checks that this message is signed by the provider, of the right kind, whole, and fresh. `now` in milliseconds.
 * Returns the nonce, which a caller refuses the second time, or the reason for the operator.
 */
export function verifyMessage (
  { message, headers, keys, now }: VerifyMessageInput
): Verification {
  const input = inputPattern.exec(headers('signature-input') ?? '')
  const signature = signaturePattern.exec(headers('signature') ?? '')?.[1]
  if (!input || signature === undefined) return { ok: false, why: 'not signed' }
  const [whole, covered, created, nonce, keyId, algorithm, tag] = input
  if (covered !== components[message.kind] || tag !== buildTag(keys.service, message.kind) || nonce === undefined) {
    return { ok: false, why: 'signed as something else' }
  }
  if (keyId !== keys.providerKeyId || algorithm !== keys.algorithm) {
    return { ok: false, why: 'signed with another key' }
  }
  const digest = contentDigest(message.body)
  if (headers('content-digest') !== digest) return { ok: false, why: 'body and digest differ' }
  if (!keys.verify(signatureBase(message, digest, whole.slice('sig='.length)), signature)) {
    return { ok: false, why: 'wrong signature' }
  }
  if (Math.abs(now / 1000 - Number(created)) > skewSeconds) {
    return { ok: false, why: `clocks differ by more than ${skewSeconds} s` }
  }
  return { ok: true, nonce }
}
