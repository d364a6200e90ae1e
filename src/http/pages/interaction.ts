/** Models of the hosted login pages (browser side). Field names of each form stand at `action`. */
import type { ScanTicketState } from '../../database/schema.ts'
import type { FieldError, FormTarget, RelyingSite, Tab } from './common.ts'

/** S1, S2. Posts `csrf`, `kind`, `account`, `password`, `role` (legal only), `agree` ('1'). */
export interface LoginPage extends FormTarget {
  rp: RelyingSite
  /** Ways that the client allows; one or none = no tab bar. */
  tabs: Tab[]
  kind: 'personal' | 'legal'
  /** What was typed; the password is never sent back. */
  account: string
  role: 'legal_representative' | 'agent'
  errors: FieldError[]
  /** Null when this browser agreed to this version already. */
  agreement: { version: string; checked: boolean } | null
  /** Set when the person must sign in again (prompt=login, max_age): the account is shown masked, not asked. */
  relogin: { maskedAccount: string; otherAccountHref: string } | null
  /** One calm sentence above the form, or null. */
  notice: 'form_renewed' | 'maintenance' | null
  /** Null = this deployment does not offer it. */
  links: {
    forgot: string | null
    register: string | null
    activate: string | null
    phoneChange: string | null
    national: string | null
  }
}

/** Which sentence and which title the code carries. */
export type QrPurpose =
  | 'login'
  | 'first-login'
  | 'step-up'
  | 'legal-representative'
  | 'agent'
  | 'approve-delegation'
  | 'organization-password'
  | 'register'
  | 'recover'
  | 'change-phone'

/** The browser's view of its ticket: TicketStatus plus what the page draws. */
export interface QrTicket {
  id: string
  state: ScanTicketState
  secondsLeft: number
  checkNumber: string
  /** The number is typed on the phone instead of compared. */
  numberEntry: boolean
  payloadUrl: string | null
  /** Stable code when failed or rejected: wrong_person, number_mismatch, face_failed, face_exhausted, declined … */
  failure: string | null
  triesLeft: number | null
  renewals: number
  /** For what else than a login. */
  purpose?: string
}

/**
 * S4. The ticket's addresses are `${base}/${ticket.id}/state|events|check`; `${base}/renew` makes a new one.
 * check and renew post `csrf` only.
 */
export interface QrPage {
  /** Null outside a login (user centre). */
  rp: RelyingSite | null
  purpose: QrPurpose
  /** Shown only for purpose 'login'. */
  tabs: Tab[]
  /** '/i/<uid>/qr' in a login. */
  base: string
  csrf: string
  /** Null when no code may be made now; `blocked` says why. */
  ticket: QrTicket | null
  blocked: 'face_exhausted' | 'too_many_requests' | null
  /** Masked name of the person who must scan, when known. */
  expectedName: string | null
  /** Masked name of what is approved (agent), else null. */
  subjectName: string | null
  /** The check form was used and the phone is not done yet. */
  notYet: boolean
  /** Phone browser: the same-device button leads, the code is folded away. */
  mobile: boolean
  /** Null = that door is closed. `app` opens the app, `pages` continues in this browser. */
  sameDevice: { app: string | null; pages: string | null }
  appDownload: string | null
  /** 其他办法: the counter code; null when it would not help. */
  counterHref: string | null
  passwordHref: string | null
  /** Outside of a login: back without a decision. */
  leaveHref?: string
}

/** Enter a counter code (窗口核验码). Posts `csrf`, `code`. */
export interface CounterPage extends FormTarget {
  rp: RelyingSite | null
  errors: FieldError[]
  backHref: string
}

export interface IdentityChoice {
  /** Posted as `choice`. */
  value: string
  kind: 'self' | 'legal_representative' | 'agent'
  /** Masked name of a person, or the organization's name. */
  name: string
  maskedNumber: string | null
  /** 'YYYY-MM-DD' end of a delegation. */
  until: string | null
  /** What will be asked next. */
  needs: 'password' | 'scan' | null
  /** Shown but not to be chosen. */
  blocked:
    | 'frozen'
    | 'suspended'
    | 'organization_suspended'
    | 'expired'
    | 'pending'
    | 'to_decide'
    | 'not_yet_valid'
    | 'not_allowed_here'
    | null
}

/** S3. Each choice is one button of one form: posts `csrf`, `choice`. */
export interface SelectPage extends FormTarget {
  rp: RelyingSite
  choices: IdentityChoice[]
  otherAccountHref: string | null
  logoutHref: string | null
}

/** Which agent is signing in, when an organization has several. Posts `csrf`, `account`. */
export interface AgentPage extends FormTarget {
  rp: RelyingSite
  organizationName: string
  account: string
  errors: FieldError[]
  backHref: string
}

/** After the right password: why this person may not act for the organization now, and what to do about it. */
export interface StandingPage {
  rp: RelyingSite
  organizationName: string
  role: 'legal_representative' | 'agent'
  /** Words: `standing.<code>.title` and `standing.<code>.body`. */
  code:
    | 'pending'
    | 'rejected'
    | 'suspended'
    | 'revoked'
    | 'expired'
    | 'not_allowed_here'
    | 'password_change'
    | 'no_agent'
    | 'no_representative'
    | 'to_decide'
    | 'organization_pending'
    | 'organization_suspended'
  /** Day (or moment) that the words speak of. */
  since: string | null
  againHref: string
  /** Null: this site takes organizations only. */
  personalHref: string | null
  /** Where the legal representative decides about an agent's application. */
  decideHref: string | null
}

export interface ConsentItem {
  scope: string
  required: boolean
  /** Not among what was agreed to before. */
  isNew: boolean
  /** Sensitive personal information needs a consent of its own (PIPL art. 29). */
  sensitive: boolean
  /** Message keys `claim.<name>`; values are masked already, null = only the name is shown. */
  claims: Array<{ name: string; value: string | null }>
  /** From the client's record. */
  purpose: string | null
}

/**
 * S13. Posts `csrf`, `decision` ('grant' | 'deny'), `scope` (repeated: optional or sensitive scopes that were ticked).
 */
export interface ConsentPage extends FormTarget {
  rp: RelyingSite
  /** Operating unit. */
  unit: string | null
  verified: boolean
  items: ConsentItem[]
  offline: boolean
  errors: FieldError[]
}

/** S8. */
export interface DonePage {
  rp: RelyingSite
  href: string
}
