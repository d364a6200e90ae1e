/**
 * Notifications of the provider. They only say which transaction to ask about, so a forged or repeated one could at
 * worst cost a request. They are still checked, and each is accepted once.
 */
import type { FaceHint } from '../../ports/face-provider.ts'
import type { SignatureKeys } from '../signed-http/keys.ts'
import { skewSeconds, verifyMessage } from '../signed-http/message-signature.ts'

export type RawHeaders = Readonly<Record<string, string | string[] | undefined>>

const maximumBytes = 4096
const maximumRemembered = 10_000
const id = /^[A-Za-z0-9_-]{8,128}$/

/** Makes `verifyNotification`. The memory of nonces belongs to this process: a repeated hint is harmless. */
export function createNotificationVerifier (
  keys: SignatureKeys,
  now: () => number
): (rawBody: Uint8Array, headers: RawHeaders) => FaceHint | null {
  /** nonce → milliseconds when its signature is too old anyway; insertion order is age */
  const seen = new Map<string, number>()
  return function verifyNotification (rawBody, headers) {
    if (rawBody.length > maximumBytes) return null
    const time = now()
    const single = (name: string): string | null => {
      const value = headers[name]
      return typeof value === 'string' ? value : null
    }
    const verified = verifyMessage({
      message: { kind: 'notification', body: rawBody },
      headers: single,
      keys,
      now: time
    })
    if (!verified.ok) return null
    for (const [nonce, until] of seen) {
      if (until > time && seen.size < maximumRemembered) break
      seen.delete(nonce)
    }
    if (seen.has(verified.nonce)) return null
    seen.set(verified.nonce, time + 2 * skewSeconds * 1000)
    return readHint(rawBody)
  }
}

function readHint (rawBody: Uint8Array): FaceHint | null {
  let json: unknown
  try {
    json = JSON.parse(Buffer.from(rawBody).toString('utf8'))
  } catch {
    return null
  }
  if (typeof json !== 'object' || json === null) return null
  const { transactionId, attemptId } = json as Record<string, unknown>
  if (
    typeof transactionId !== 'string' ||
    typeof attemptId !== 'string' ||
    !id.test(transactionId) ||
    !id.test(attemptId)
  ) {
    return null
  }
  return { providerTxnId: transactionId, attemptId }
}
