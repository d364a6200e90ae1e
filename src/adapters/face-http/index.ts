/**
 * The adapter to a face verification provider that implements docs/face-provider-contract.md over HTTP: signatures both
 * ways, a short timeout, a circuit breaker, small answers, no redirects. Only a whole, authentic, current "passed"
 * about exactly this attempt counts as one. Writes no logs; stores nothing about persons. `../signed-http` signs and
 * asks, `answers.ts` reads.
 */
import { FaceProviderError } from '../../ports/face-provider.ts'
import type {
  FaceCapabilities,
  FaceHealth,
  FaceProvider,
  FaceResult,
  FaceStart,
  FaceTicket
} from '../../ports/face-provider.ts'
import { errorResult, isGone, readTicket, readVerdict, refusal } from './answers.ts'
import type { Expected } from './answers.ts'
import { createBreaker } from '../signed-http/breaker.ts'
import { signatureKeys } from '../signed-http/keys.ts'
import type { KeyOptions } from '../signed-http/keys.ts'
import { createNotificationVerifier } from './notification.ts'
import { checkedBaseUrl, createTransport, TransportFault } from '../signed-http/transport.ts'
import type { Answer, Send } from '../signed-http/transport.ts'

export type { SignatureAlgorithm } from '../signed-http/keys.ts'

export interface FaceHttpOptions extends KeyOptions {
  /** For audit and metrics; default 'face-http'. */
  name?: string
  /** https, or http for this machine itself. */
  baseUrl: string
  /** Milliseconds for one whole call, the answer's last byte included; default 3000. */
  timeoutMs?: number
  /** Default: opens after 5 faults in a row, probes after 10 s. */
  breaker?: { failures?: number; halfOpenAfterMs?: number }
  /** Origins of the capture page besides that of `baseUrl`. */
  captureOrigins?: string[]
  /** What this provider can do, where it differs from: redirect, resident IDs, score, push, erase. */
  capabilities?: Partial<FaceCapabilities>
  fetch?: typeof fetch
  /** Milliseconds since the epoch. */
  now?: () => number
}

export interface FaceHttpProvider extends FaceProvider {
  erase(providerTxnId: string): Promise<void>
  health(): Promise<FaceHealth>
  verifyNotification: NonNullable<FaceProvider['verifyNotification']>
}

const defaults: FaceCapabilities = {
  methods: ['redirect'],
  certTypes: ['resident_id'],
  needsClientMeta: false,
  hasScore: true,
  push: true,
  canErase: true
}

const defaultTimeoutMs = 3000
const defaultBreaker = { failures: 5, halfOpenAfterMs: 10_000 } as const

const idPattern = /^[A-Za-z0-9_-]{8,128}$/

/** Makes the adapter. Throws TypeError when address or keys do not fit. */
export function createFaceHttpProvider (options: FaceHttpOptions): FaceHttpProvider {
  const now = options.now ?? Date.now
  const baseUrl = checkedBaseUrl(options.baseUrl, 'face')
  const keys = signatureKeys(options, 'face')
  const capabilities = Object.freeze({ ...defaults, ...options.capabilities })
  const captureOrigins = new Set([
    baseUrl.origin,
    ...(options.captureOrigins ?? []).map((origin) => new URL(origin).origin)
  ])
  const breaker = createBreaker({
    failures: options.breaker?.failures ?? defaultBreaker.failures,
    halfOpenAfterMs: options.breaker?.halfOpenAfterMs ?? defaultBreaker.halfOpenAfterMs
  })
  const send = createTransport({
    baseUrl,
    keys,
    timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
    fetch: options.fetch ?? fetch,
    now
  })
  const expected = (attemptId: string): Expected => ({
    attemptId,
    hasScore: capabilities.hasScore,
    captureOrigins,
    now: now()
  })

  /** Asks and reads inside the breaker, because a malformed answer counts like none. */
  const ask = async <T>(read: (answer: Answer) => T | null, ...request: Parameters<Send>): Promise<T> =>
    breaker.run(async () => {
      const result = read(await send(...request))
      if (result === null) throw new TransportFault('malformed', 'answer does not follow the contract')
      return result
    })

  return {
    name: options.name ?? 'face-http',
    capabilities,

    async start (start: FaceStart): Promise<FaceTicket> {
      checkStart(start)
      if (!capabilities.certTypes.includes(start.subject.certType)) {
        throw new FaceProviderError('NO_RECORD', 'face provider does not know this kind of document')
      }
      const outcome = await asError(
        ask<FaceTicket | FaceProviderError>(
          (answer) => (isSuccess(answer) ? readTicket(answer.json, expected(start.attemptId)) : refusal(answer)),
          'POST',
          '/v1/transactions',
          wireStart(start)
        )
      )
      if (outcome instanceof FaceProviderError) throw outcome
      return outcome
    },

    async result (providerTxnId: string, attemptId: string): Promise<FaceResult> {
      if (!idPattern.test(providerTxnId)) return errorResult({ providerTxnId, reason: 'CONFIG' })
      try {
        return await ask(
          (answer) => {
            const requestId = answer.requestId !== undefined && { providerRequestId: answer.requestId }
            if (isSuccess(answer)) {
              const verdict = readVerdict(answer.json, { ...expected(attemptId), providerTxnId })
              return verdict && { ...verdict, ...requestId }
            }
            const error = refusal(answer)
            return {
              ...errorResult({
                providerTxnId,
                reason: isGone(answer) ? 'EXPIRED' : error.reason,
                providerCode: error.providerCode
              }),
              ...requestId
            }
          },
          'GET',
          `/v1/transactions/${providerTxnId}`
        )
      } catch (error) {
        if (error instanceof TransportFault) {
          return errorResult({ providerTxnId, reason: 'UPSTREAM', fault: error.fault })
        }
        throw error
      }
    },

    async erase (providerTxnId: string): Promise<void> {
      if (!idPattern.test(providerTxnId)) throw new FaceProviderError('CONFIG', 'not the id of a face transaction')
      const outcome = await asError(
        ask<true | FaceProviderError>(
          // gone already is what was wanted
          (answer) => (isSuccess(answer) || isGone(answer) ? true : refusal(answer)),
          'DELETE',
          `/v1/transactions/${providerTxnId}`
        )
      )
      if (outcome instanceof FaceProviderError) throw outcome
    },

    async health (): Promise<FaceHealth> {
      try {
        // past the breaker: a health check needs the present state
        const answer = await send('GET', '/v1/health')
        return {
          reachable: isSuccess(answer),
          breaker: breaker.state(),
          ...(!isSuccess(answer) && { fault: 'status' as const })
        }
      } catch (error) {
        if (error instanceof TransportFault) return { reachable: false, breaker: breaker.state(), fault: error.fault }
        throw error
      }
    },

    verifyNotification: createNotificationVerifier(keys, now)
  }
}

const isSuccess = (answer: Answer): boolean => answer.status >= 200 && answer.status < 300

async function asError<T> (promise: Promise<T>): Promise<T> {
  try {
    return await promise
  } catch (error) {
    if (error instanceof TransportFault) {
      throw new FaceProviderError('UPSTREAM', error.message, { retryable: true, fault: error.fault })
    }
    throw error
  }
}

/** Mistakes of our own code, not of a person: they stop here. */
function checkStart (start: FaceStart): void {
  if (!idPattern.test(start.attemptId)) {
    throw new TypeError('face provider: attemptId must be 8 to 128 letters, digits, "_" or "-"')
  }
  if (start.consentId === '') throw new TypeError('face provider: no face check without a consent record')
}

/** Exactly the members of the contract: other members of an object are not sent. */
function wireStart (start: FaceStart): object {
  const {
    attemptId,
    subject: { certType, certNo, name },
    channel,
    clientMeta,
    returnUrl,
    notifyUrl,
    ip,
    locale,
    consentId
  } = start
  return {
    attemptId,
    subject: { certType, certNo, name },
    channel,
    clientMeta,
    returnUrl,
    notifyUrl,
    ip,
    locale,
    consentId
  }
}
