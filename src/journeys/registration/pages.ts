/** Models of the registration pages. Each form posts `csrf` and the fields named at it. */
import type { Applicant, Place } from '../../domain/representation/registration.ts'
import type { Division, Prefecture } from '../../domain/identity/region-code.ts'
import type { EthnicGroup } from '../../domain/identity/ethnic-group.ts'
import type { FieldError, FormTarget } from '../../http/pages.ts'
import type { ShownChallenge } from '../../records/challenges/index.ts'
import type { AgentValues, LegalValues, UnitValues } from './sections.ts'

/** Where in the application a page stands. */
export interface Progress {
  applicant: Applicant
  place: Place
  /** 1, 2 or 3. */
  step: number
  sections: ReadonlyArray<{ place: Place; href: string | null }>
  /** Going on with another device; null = no phone was proved yet. */
  laterHref: string | null
}

/** Posts `applicant`. */
export interface StartPage extends FormTarget {
  resumeHref: string | null
  errors: FieldError[]
}

/**
 * Posts `uscc`, `org_name` (only when the register does not know the code), `prefecture`, `county`, `decision` ('next'
 * | 'prefecture').
 */
export interface UnitPage extends FormTarget {
  progress: Progress
  values: UnitValues
  /** The register has no such code: the name is typed. */
  askName: boolean
  prefectures: readonly Prefecture[]
  /** Of the prefecture chosen. */
  counties: readonly Division[]
  errors: FieldError[]
}

/** Posts `name`, `cert_no`, `year`, `month`, `day`, `term`, `ethnic_group`, `phone`, `years`. */
export interface AgentPage extends FormTarget {
  progress: Progress
  organizationName: string
  values: AgentValues
  ethnicGroups: readonly EthnicGroup[]
  years: readonly number[]
  errors: FieldError[]
}

/** Posts `name`, `cert_no`, `phone`. */
export interface LegalPage extends FormTarget {
  progress: Progress
  organizationName: string
  values: LegalValues
  errors: FieldError[]
}

/** Two forms: `send` posts `challenge`, `work`, `answer`; `verify` posts `sms_code`. */
export interface PhonePage {
  progress: Progress
  csrf: string
  sendAction: string
  verifyAction: string
  maskedPhone: string
  changeHref: string
  /** Null: no challenge can be made now. */
  challenge: ShownChallenge | null
  /** A code is on its way. */
  sent: boolean
  /** Seconds until another may be asked for; 0 = now. */
  waitSeconds: number
  errors: FieldError[]
}

export interface Fact {
  label:
    | 'uscc'
    | 'org_name'
    | 'region'
    | 'name'
    | 'cert_type'
    | 'cert_no'
    | 'validity'
    | 'ethnic_group'
    | 'gender'
    | 'phone'
    | 'delegation'
  value: string
  chinese: boolean
}

/** Posts `agreement`, `consent` (each '1'). */
export interface CheckPage extends FormTarget {
  progress: Progress
  groups: Array<{ place: 'unit' | 'agent' | 'legal'; href: string; facts: Fact[] }>
  /** Which boxes were ticked (after an error about the other one). */
  ticked: { agreement: boolean; consent: boolean }
  review: boolean
  errors: FieldError[]
}

/** S10. Posts `new_password`, `again`. */
export interface PasswordPage extends FormTarget {
  progress: Progress
  /** Said as faults are, so that rule and fault have the same words. */ rules: FieldError[]
  uscc: string
  errors: FieldError[]
}

export interface RegisteredPage {
  outcome: 'active' | 'waiting' | 'review' | 'refused'
  number: string
  organizationName: string
  loginHref: string
}

/** Posts `csrf`: a link is sent to the phone. */
export interface LaterPage extends FormTarget {
  maskedPhone: string
  said: 'sent' | 'too_many' | null
  backHref: string
}

/** Where the link leads. Posts `csrf`. `gone`: used, over, or never was; all alike. */
export interface ResumePage extends FormTarget {
  gone: boolean
}

/** Why an application cannot go on as it stands. */
export type StopCode = 'mismatch' | 'duplicate' | 'not_active' | 'blocked' | 'too_many'
export interface StoppedPage {
  code: StopCode
  changeHref: string | null
  retryHref: string | null
  loginHref: string | null
}

declare module '../../http/pages.ts' {
  interface Pages {
    'registration/start': StartPage
    'registration/unit': UnitPage
    'registration/agent': AgentPage
    'registration/legal': LegalPage
    'registration/phone': PhonePage
    'registration/check': CheckPage
    'registration/password': PasswordPage
    'registration/done': RegisteredPage
    'registration/stopped': StoppedPage
    'registration/later': LaterPage
    'registration/resume': ResumePage
  }
}
