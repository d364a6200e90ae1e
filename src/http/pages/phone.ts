/** Models of the phone pages: the phone's own browser as the second door beside the app. */
import type { FieldError, FormTarget } from './common.ts'

/** What the person on the phone is shown before anything else (TicketContext). */
export interface PhoneContext {
  clientName: string
  clientHost: string
  place: string
  browser: string
  /** ISO 8601. */
  at: string
  /** What is approved, for purposes other than login; shown as a list of names and values. */
  subject: Array<{ name: string; value: string }>
}

export type PhonePurpose =
  'login' | 'step-up' | 'approve-delegation' | 'organization-password' | 'register' | 'recover' | 'change-phone'

/**
 * S5, before anything happens. The button "continue in this browser" posts `csrf` to `action`
 * (null = the deployment closed this door). Reading this page changes nothing.
 */
export interface LandingPage {
  continueHere: FormTarget | null
  appHref: string | null
  downloadHref: string | null
  /** WeChat and its like block app links: the page says how to leave them. */
  inAppBrowser: boolean
}

/** S5, who asks. Posts `csrf`, `digest`, `check_number` (entry only), `decision` ('accept' | 'reject'). */
export interface ConfirmPage extends FormTarget {
  context: PhoneContext
  digest: string
  purpose: PhonePurpose
  number: 'compare' | 'enter'
  checkNumber: string | null
  /** Who is expected, masked. */
  person: { maskedName: string; maskedCertNo: string } | null
  /** What comes after this page. */
  remaining: Array<'identity' | 'face'>
  errors: FieldError[]
}

export interface Steps {
  at: number
  of: number
}

export interface IdentityValues {
  certType: string
  name: string
  certNo: string
  year: string
  month: string
  day: string
  /** '5' | '10' | '20' | 'long' or '' when nothing was chosen. */
  term: string
}

/**
 * S6. Posts `csrf`, `cert_type`, `name`, `cert_no`, `year`, `month`, `day`, `term`, `consent` ('1'), `consent_version`,
 * `valid_to` (filled by script once the derived end date was shown: absent or empty = show phone/identity-check),
 * `decision` ('submit' | 'decline'). With `known` only `csrf`, `consent`, `consent_version`, `decision`.
 */
export interface IdentityPage extends FormTarget {
  steps: Steps
  /** Codes to choose from; labels are `cert_type.<code>`. */
  certTypes: string[]
  values: IdentityValues
  /** The person is known: masked, nothing to type. `validTo` null = long term. */
  known: { maskedName: string; maskedCertNo: string; validTo: string | null } | null
  consentVersion: string
  errors: FieldError[]
}

/** The derived end date, confirmed without script. Posts all values again plus `valid_to` and `consent`. */
export interface IdentityCheckPage extends FormTarget {
  steps: Steps
  values: IdentityValues
  consentVersion: string
  /** 'YYYY-MM-DD', null = long term. */
  validTo: string | null
}

export interface TriesLeft {
  attempt: number
  day: number
}

/** S7. Posts `csrf`, `consent` ('1'), `consent_version`, `decision` ('start' | 'decline'). */
export interface FacePage extends FormTarget {
  steps: Steps
  tries: TriesLeft
  consentVersion: string
  /** The last try, when this is not the first. */
  lastFailure: string | null
  errors: FieldError[]
  /** The equal alternative; never null where a face check is asked. */
  counterHref: string
}

/** Counter code on the phone. Posts `csrf`, `code`. */
export interface PhoneCounterPage extends FormTarget {
  errors: FieldError[]
  backHref: string
}

/** Last look before the confirmation counts, and every outcome after it. */
export interface ResultPage {
  outcome: 'ok' | 'declined' | 'failed' | 'pending' | 'unavailable' | 'exhausted'
  /** Face reason code (`face.<code>`), else null. */
  reason: string | null
  tries: TriesLeft | null
  /** Same phone: link back into the login; null = "go back to the computer". */
  continueHref: string | null
  /** Try again, or ask once more (pending). Posts `csrf`. */
  retry: FormTarget | null
  counterHref: string | null
  changePasswordHref: string | null
  retryAfterSeconds: number | null
}

/** Why a phone cannot go on. PhoneRefusal codes plus what only the pages know. */
export type RefusalCode =
  | 'not_found'
  | 'already_scanned'
  | 'expired'
  | 'wrong_state'
  | 'wrong_person'
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
  | 'invalid_fields'
  | 'download_code'
  | 'cancelled'
  | 'door_closed'

export interface RefusedPage {
  code: RefusalCode
  counterHref: string | null
  appHref: string | null
  downloadHref: string | null
}
