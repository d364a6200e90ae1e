/**
 * The two sides of a scan ticket for other folders: the browser side (login, approvals) and the phone side (for app API
 * and phone pages).
 */
import type { CertType } from '../../domain/identity/cert-type.ts'
import type { TicketPurpose } from '../../domain/login/scan-ticket.ts'
import type { Proof } from '../../domain/login/next-step.ts'
import type { Transaction } from 'kysely'
import type { Database, ScanTicketState } from '../../database/schema.ts'

export type { TicketPurpose } from '../../domain/login/scan-ticket.ts'

/** What the phone is asked for, besides reading the context and confirming. */
export type Requirement = 'identity' | 'face'

/** What the person on the phone sees before anything else; its digest is what a confirmation is bound to. */
export interface TicketContext {
  clientName: string
  clientHost: string
  /** Coarse: 本机, 局域网, or an address prefix; never a full address. */
  place: string
  /** For example 'Windows · Chrome'. */
  browser: string
  /** ISO 8601 time of creation. */
  at: string
  /** What exactly is approved, for purposes other than login. */
  subject?: Record<string, unknown>
}

export interface NewTicket {
  purpose: TicketPurpose
  browserHash: string
  loginAttemptUid?: string
  subjectRef?: string
  clientId?: string
  context: TicketContext
  /** The person who must scan; undefined only for a login by scan, where a bound device identifies its person. */
  expectedPersonId?: string
  requires: Requirement[]
  /** The person types the number on the phone (browser not seen before, approvals) instead of comparing it. */
  numberEntry: boolean
  /** Of the creating browser, for limits and the audit trail. */
  address?: string
  traceId?: string
}

export interface CreatedTicket {
  ticketId: string
  checkNumber: string
  payloadUrl: string
  secondsLeft: number
}

/** What the creating browser may know; nothing about who scanned. */
export interface TicketStatus {
  state: ScanTicketState
  secondsLeft: number
  checkNumber: string
  /**
   * Stable failure code when state is failed/rejected: wrong_person, number_mismatch, declined … ; while the state is
   * `face`: face_failed or face_exhausted, not final, because another try or an in-person code may follow.
   */
  failure: string | null
  /** Tries of the face check left today, when that is why it failed. */
  triesLeft: number | null
  /** Current rotating payload while waiting. */
  payloadUrl: string | null
  renewals: number
}

export interface BrowserSide {
  create(ticket: NewTicket): Promise<CreatedTicket>
  /** null = not this browser's ticket, or unknown: the same answer. `scripted` starts the rotation of the payload. */
  status(ticketId: string, browserHash: string, options?: { scripted?: boolean }): Promise<TicketStatus | null>
  /** Live status changes, first one at once; ends after `confirmed`, after a final state, or when the signal aborts. */
  watch(ticketId: string, browserHash: string, signal: AbortSignal): AsyncIterable<TicketStatus>
  /**
   * confirmed → consumed by one statement, in the transaction that uses the proofs; returns the proofs of the phone, or
   * null when refused.
   */
  consume(
    trx: Transaction<Database>,
    ticketId: string,
    binding: { browserHash: string; loginAttemptUid?: string; subjectRef?: string; purpose: TicketPurpose }
  ): Promise<{ personId: string; proofs: Proof[] } | null>
  /**
   * The live or latest ticket of a login attempt, if any (page reload, no script); with `expectedPersonId` of that
   * person (null = of anybody) only.
   */
  findLatest(loginAttemptUid: string, browserHash: string, expectedPersonId?: string | null): Promise<string | null>
  /** The same outside of a login: for the thing that is approved. */
  latestAbout(purpose: TicketPurpose, subjectRef: string, browserHash: string): Promise<string | null>
}

/**
 * The caller on the phone side: a device that proved itself (app key or bound browser cookie), or an unbound phone
 * browser.
 */
export interface PhoneActor {
  device: { id: string; kind: 'app' | 'web'; personId: string | null; ownerBarred: boolean } | null
  address: string
  userAgent: string
  locale: string
  traceId: string
}

export interface ScanView {
  ticketId: string
  purpose: TicketPurpose
  context: TicketContext
  contextDigest: string
  /** Remaining requirements, recomputed from the database. */
  remaining: Requirement[]
  number: 'compare' | 'enter'
  /** Shown for comparison; null when it must be entered. */
  checkNumber: string | null
  /** Masked name of the person expected, when known. */
  person: { maskedName: string; maskedCertNo: string } | null
  state: ScanTicketState
  accepted: boolean
  secondsLeft: number
  faceTries: { attempt: number; day: number }
}

export interface IdentityInput {
  certType: CertType | string
  name: string
  certNo: string
  validFrom: string
  term: '5' | '10' | '20' | 'long' | string
  /** The separate consent, with the version of the text that was shown. */
  consent: { given: boolean; version: string }
}

export interface FieldFault {
  field: string
  code: string
  details?: Record<string, string | number>
}

/** Every refusal has a stable code; the phone pages and the app translate it. */
export type PhoneRefusal =
  | {
    ok: false
    code:
        | 'not_found'
        | 'already_scanned'
        | 'expired'
        | 'wrong_state'
        | 'wrong_person'
        | 'account_locked'
        | 'device_not_bound'
        | 'number_mismatch'
        | 'number_exhausted'
        | 'digest_mismatch'
        | 'consent_required'
        | 'identity_mismatch'
        | 'identity_exhausted'
        | 'register_unavailable'
        | 'face_required'
        | 'face_exhausted'
        | 'face_unavailable'
        | 'too_many_requests'
        | 'code_invalid'
  }
  | { ok: false; code: 'invalid_fields'; faults: FieldFault[] }

export interface FaceBegun {
  checkId: string
  method: 'redirect' | 'sdkToken' | 'upload'
  url?: string
  token?: string
  expiresAt: string
  triesLeft: number
}

export type FaceVerdict =
  | { ok: true; status: 'passed' }
  | { ok: true; status: 'pending' }
  | {
    ok: true
    status: 'failed'
    reason: string
    triesLeft: { attempt: number; day: number }
    offerAlternative: boolean
  }
  /** A fault of the provider: not counted as a try. */
  | { ok: true; status: 'unavailable'; retryAfterSeconds: number }

export interface PhoneSide {
  /** Whether this is the code that is shown at this moment. Changes nothing. */
  isFresh(payload: string): Promise<boolean>
  /**
   * waiting → scanned by exactly one phone. The scan token is needed for every later step. `seenFresh`: this very
   * browser opened the code while it was shown, and its person took longer than one step of the rotation to continue.
   */
  scan(
    payload: string,
    actor: PhoneActor,
    options?: { seenFresh?: boolean }
  ): Promise<{ ok: true; scanToken: string; view: ScanView } | PhoneRefusal>
  view(scanToken: string, actor: PhoneActor): Promise<{ ok: true; view: ScanView } | PhoneRefusal>
  /**
   * The person has read the context; the entered number is checked here (3 tries). Optional before confirm for the app.
   */
  accept(
    scanToken: string,
    input: { contextDigest: string; checkNumber?: string },
    actor: PhoneActor
  ): Promise<{ ok: true; view: ScanView } | PhoneRefusal>
  submitIdentity(
    scanToken: string,
    input: IdentityInput,
    actor: PhoneActor
  ): Promise<{ ok: true; view: ScanView } | PhoneRefusal>
  beginFace(
    scanToken: string,
    input: { consent: { given: boolean; version: string }; returnUrl?: string; clientMeta?: string },
    actor: PhoneActor
  ): Promise<{ ok: true; begun: FaceBegun } | PhoneRefusal>
  /** Pulls the verdict server to server. */
  faceVerdict(scanToken: string, checkId: string, actor: PhoneActor): Promise<FaceVerdict | PhoneRefusal>
  /** The equal alternative to a face check: a one-time code issued at a counter (窗口核验码). */
  useCounterCode(
    scanToken: string,
    code: string,
    actor: PhoneActor
  ): Promise<{ ok: true; view: ScanView } | PhoneRefusal>
  /**
   * → confirmed, if everything was given. The server computes the digest again. `again`: this phone confirmed exactly
   * this before, and the answer may have been lost.
   */
  confirm(
    scanToken: string,
    input: { contextDigest: string; checkNumber?: string },
    actor: PhoneActor
  ): Promise<{ ok: true; again?: true } | PhoneRefusal>
  reject(scanToken: string, actor: PhoneActor): Promise<{ ok: true } | PhoneRefusal>
}
