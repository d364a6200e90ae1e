/**
 * Reads the answers of the provider. Anything missing, of a wrong type or out of range is a fault of the provider,
 * never a verdict. Unknown members are ignored, because a provider may add some.
 */
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import { FaceProviderError, faceReasons } from '../../ports/face-provider.ts'
import type { FaceFault, FaceReason, FaceResult, FaceTicket } from '../../ports/face-provider.ts'
import type { Answer } from '../signed-http/transport.ts'

const Id = Type.String({ pattern: '^[A-Za-z0-9_-]{8,128}$' })
const Code = Type.String({ pattern: '^[\\w.:-]{1,64}$' })
const Time = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?(Z|[+-]\\d\\d:\\d\\d)$' })
const Reason = Type.Union(faceReasons.map((reason) => Type.Literal(reason)))
const Score = Type.Number({ minimum: 0, maximum: 100 })
const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' })

const Ticket = Compile(
  Type.Intersect([
    Type.Object({ transactionId: Id, attemptId: Id, expiresAt: Time }),
    Type.Union([
      Type.Object({ method: Type.Literal('redirect'), url: Type.String({ maxLength: 2048 }) }),
      Type.Object({ method: Type.Literal('sdkToken'), token: Type.String({ minLength: 1, maxLength: 4096 }) }),
      Type.Object({
        method: Type.Literal('upload'),
        nonce: Id,
        actions: Type.Array(Type.String({ maxLength: 64 }), { maxItems: 16 })
      })
    ])
  ])
)

const Verdict = Compile(
  Type.Intersect([
    Type.Object({
      transactionId: Id,
      attemptId: Id,
      score: Type.Optional(Score),
      code: Type.Optional(Code),
      boundDocNoHash: Type.Optional(Hash)
    }),
    Type.Union([
      Type.Object({ status: Type.Literal('pending') }),
      Type.Object({ status: Type.Literal('passed'), liveness: Type.Boolean(), verifiedAt: Time }),
      Type.Object({ status: Type.Literal('failed'), reason: Reason, liveness: Type.Optional(Type.Boolean()) })
    ])
  ])
)

const Refusal = Compile(Type.Object({ code: Code, reason: Type.Optional(Reason) }))

export interface Expected {
  attemptId: string
  providerTxnId?: string
  hasScore: boolean
  /** Origins where the provider's capture page may be. */
  captureOrigins: ReadonlySet<string>
  /** Milliseconds. */
  now: number
}

/** Whether a new try can help. Where it cannot, the person is offered the in-person check. */
const retryable: Record<FaceReason, boolean> = {
  NAME_ID_MISMATCH: false,
  NO_RECORD: false,
  NO_REFERENCE_PHOTO: false,
  NOT_SAME_PERSON: true,
  LIVENESS_RISK: true,
  BAD_CAPTURE: true,
  DOC_EXPIRED: false,
  RETRY_EXHAUSTED: false,
  RISK_BLOCKED: false,
  DEVICE_UNSUPPORTED: false,
  USER_CANCELLED: true,
  EXPIRED: true,
  CONFIG: false,
  UPSTREAM: true
}

/** A ticket, or null when the answer is not what the contract says. */
export function readTicket (json: unknown, expected: Expected): FaceTicket | null {
  if (!Ticket.Check(json) || json.attemptId !== expected.attemptId) return null
  const expires = Date.parse(json.expiresAt)
  if (!(expires > expected.now)) return null
  const common = { providerTxnId: json.transactionId, expiresAt: json.expiresAt }
  switch (json.method) {
    case 'redirect':
      return isCaptureUrl(json.url, expected.captureOrigins) ? { ...common, method: 'redirect', url: json.url } : null
    case 'sdkToken':
      return { ...common, method: 'sdkToken', token: json.token }
    case 'upload':
      return { ...common, method: 'upload', nonce: json.nonce, actions: json.actions }
  }
}

/** A verdict about exactly this transaction and attempt, or null when the answer is not what the contract says. */
export function readVerdict (json: unknown, expected: Expected): FaceResult | null {
  if (!Verdict.Check(json) || json.transactionId !== expected.providerTxnId || json.attemptId !== expected.attemptId) {
    return null
  }
  const common = {
    providerTxnId: json.transactionId,
    ...(json.score !== undefined && { score: json.score }),
    ...(json.code !== undefined && { providerCode: json.code }),
    ...(json.boundDocNoHash !== undefined && { boundDocNoHash: json.boundDocNoHash })
  }
  if (json.status === 'pending') return { status: 'pending', retryable: true, offerAlternative: false, ...common }
  if (json.status === 'failed') {
    // the provider's own trouble is not a try of the person
    if (json.reason === 'UPSTREAM' || json.reason === 'CONFIG') {
      return errorResult({ providerTxnId: json.transactionId, reason: json.reason, providerCode: json.code })
    }
    return failed(json.reason, common)
  }
  // "passed" without a proof of life is no pass
  if (!json.liveness) return failed('LIVENESS_RISK', common)
  if (expected.hasScore && json.score === undefined) return null
  return { status: 'passed', retryable: false, offerAlternative: false, ...common, verifiedAt: json.verifiedAt }
}

const failed = (reason: FaceReason, common: Pick<FaceResult, 'providerTxnId'>): FaceResult => ({
  status: 'failed',
  reason,
  retryable: retryable[reason],
  offerAlternative: true,
  ...common
})

interface ErrorResultInput {
  providerTxnId: string
  reason: FaceReason
  fault?: FaceFault | undefined
  providerCode?: string | undefined
}

/** What `result()` says instead of throwing. */
export function errorResult (
  { providerTxnId, reason, fault, providerCode }: ErrorResultInput
): FaceResult {
  return {
    status: 'error',
    reason,
    retryable: retryable[reason],
    offerAlternative: true,
    providerTxnId,
    ...(fault !== undefined && { fault }),
    ...(providerCode !== undefined && { providerCode })
  }
}

/** Whether the provider no longer knows the transaction. */
export const isGone = (answer: Answer): boolean => answer.status === 404 || answer.status === 410

/** The reason of an authentic 4xx answer: the provider's own for 422, otherwise we speak the contract wrongly. */
export function refusal (answer: Answer): FaceProviderError {
  const body = Refusal.Check(answer.json) ? answer.json : undefined
  const reason = (answer.status === 422 ? body?.reason : undefined) ?? 'CONFIG'
  const details = { retryable: retryable[reason], ...(body && { providerCode: body.code }) }
  return new FaceProviderError(
    reason,
    `face provider refused (HTTP ${answer.status}, ${body?.code ?? 'no code'})`,
    details
  )
}

function isCaptureUrl (text: string, origins: ReadonlySet<string>): boolean {
  const url = URL.parse(text)
  return url !== null && url.username === '' && url.password === '' && origins.has(url.origin)
}
