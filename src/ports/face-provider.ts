/**
 * Face verification as Kora sees it: a provider gets the person to be verified, keeps the pictures itself, and is asked
 * for a verdict server to server. Notifications and redirects are hints; only `result()` decides. No pictures are
 * passed here.
 */
import { createHmac } from 'node:crypto'
import type { CertType } from '../domain/identity/cert-type.ts'

/** How the person gets to the camera: a page of the provider, a native SDK, or pictures handed through. */
export type FaceMethod = 'redirect' | 'sdkToken' | 'upload'

export interface FaceSubject {
  certType: CertType
  certNo: string
  name: string
}

export interface FaceStart {
  /** Our id of this face check, unguessable; a second start with the same id gives the same transaction. */
  attemptId: string
  subject: FaceSubject
  channel: 'h5' | 'app' | 'pc'
  /** What some vendors' scripts collect before the start; opaque to us. */
  clientMeta?: string
  /** The address to which the provider's page sends the person back. Has no personal data. */
  returnUrl?: string
  /** The address for notifications of the provider. Has no personal data. */
  notifyUrl?: string
  ip?: string
  locale?: 'zh-CN' | 'bo' | 'en'
  /** Record of the separate consent to face processing (个人信息保护法 第二十九条); no start without it. */
  consentId: string
}

/** `expiresAt` is an ISO 8601 time. */
export type FaceTicket = { providerTxnId: string; expiresAt: string } & (
  | { method: 'redirect'; url: string }
  | { method: 'sdkToken'; token: string }
  | { method: 'upload'; nonce: string; actions: string[] }
)

/** Vendors' codes reduced to what a person or an operator can do something about. */
export const faceReasons = [
  'NAME_ID_MISMATCH',
  'NO_RECORD',
  'NO_REFERENCE_PHOTO',
  'NOT_SAME_PERSON',
  'LIVENESS_RISK',
  'BAD_CAPTURE',
  'DOC_EXPIRED',
  'RETRY_EXHAUSTED',
  'RISK_BLOCKED',
  'DEVICE_UNSUPPORTED',
  'USER_CANCELLED',
  'EXPIRED',
  'CONFIG',
  'UPSTREAM'
] as const

export type FaceReason = (typeof faceReasons)[number]

/** What exactly went wrong between us and the provider; for audit and metrics, never shown to a person. */
export type FaceFault =
  'timeout' | 'unreachable' | 'breaker-open' | 'status' | 'redirect' | 'oversize' | 'signature' | 'malformed'

export interface FaceResult {
  /**
   * `passed` means: the provider says so in an authentic answer about this transaction and this attempt,
   * and it saw a living person. The caller still compares `score` and `boundDocNoHash`.
   * `error` is a fault of the provider or of the line: it is not a try of the person.
   */
  status: 'pending' | 'passed' | 'failed' | 'error'
  reason?: FaceReason
  /** A new check of the same person may succeed. */
  retryable: boolean
  /** The equal-rank alternative (窗口核验码) is to be offered. */
  offerAlternative: boolean
  /** 0 to 100; present in every `passed` when `capabilities.hasScore`. */
  score?: number
  providerCode?: string
  providerRequestId?: string
  providerTxnId: string
  /** Whom the verdict is about; when present it must equal `boundDocNoHash(attemptId, subject)`. */
  boundDocNoHash?: string
  /** ISO 8601 */
  verifiedAt?: string
  /** Only with `status: 'error'`. */
  fault?: FaceFault
}

/** Names a transaction that may have changed; says nothing about its outcome. */
export interface FaceHint {
  providerTxnId: string
  attemptId: string
}

export interface FaceHealth {
  reachable: boolean
  breaker: 'closed' | 'open' | 'half-open'
  fault?: FaceFault
}

export interface FaceCapabilities {
  methods: readonly FaceMethod[]
  certTypes: readonly CertType[]
  needsClientMeta: boolean
  hasScore: boolean
  push: boolean
  canErase: boolean
}

export interface FaceProvider {
  readonly name: string
  readonly capabilities: FaceCapabilities
  /** Opens a transaction. Throws FaceProviderError for every fault and every refusal by the provider. */
  start(start: FaceStart): Promise<FaceTicket>
  /** The verdict. Never throws: a fault is `{ status: 'error', reason: 'UPSTREAM', retryable: true, … }`. */
  result(providerTxnId: string, attemptId: string): Promise<FaceResult>
  /** Asks the provider to delete what it keeps of a transaction. Throws FaceProviderError. */
  erase?(providerTxnId: string): Promise<void>
  /** Checks the health of the provider, for `kora doctor` and dashboards. Never throws. */
  health?(): Promise<FaceHealth>
  /** A signed notification as a hint, or null for anything that is not authentic, fresh and new. */
  verifyNotification?(
    rawBody: Uint8Array,
    headers: Readonly<Record<string, string | string[] | undefined>>
  ): FaceHint | null
}

/** Why a face check could not be started. The message holds no personal data. */
export class FaceProviderError extends Error {
  readonly reason: FaceReason
  readonly retryable: boolean
  /** Undefined when the provider answered properly and refused. */
  readonly fault: FaceFault | undefined
  readonly providerCode: string | undefined

  constructor (
    reason: FaceReason,
    message: string,
    details: { retryable?: boolean; fault?: FaceFault; providerCode?: string } = {}
  ) {
    super(message)
    this.name = 'FaceProviderError'
    this.reason = reason
    this.retryable = details.retryable ?? false
    this.fault = details.fault
    this.providerCode = details.providerCode
  }
}

/**
 * Fingerprint of the document number of one attempt: lower-case hex HMAC-SHA256 of certType LF certNo. The key is the
 * attempt's id, so two checks of one person have nothing in common. Every adapter reports it in this form.
 */
export function boundDocNoHash (attemptId: string, subject: Pick<FaceSubject, 'certType' | 'certNo'>): string {
  return createHmac('sha256', attemptId).update(`${subject.certType}\n${subject.certNo}`).digest('hex')
}
