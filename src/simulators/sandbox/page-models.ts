/** View models of the sandbox pages. */
import type { PhoneView, Refusal } from '../phone/index.ts'
import type { SentMessage, FaceScript } from './levers.ts'
import type { CompanyView, OrganizationView } from './company-schemas.ts'
import type { Citizen } from './population.ts'
import type { Accounts, OpenTicket } from './schemas.ts'
import type { Words } from './texts.ts'

interface SandboxFrame {
  /** Words in the page's language (Chinese for Tibetan). */
  s: Words
  /** Address of the additional style sheet. */
  styles: string
  csrf: string
}

interface Choice {
  value: string
  label: string
}

export interface SandboxHome extends SandboxFrame {
  accounts: Accounts['persons']
  organizations: OrganizationView[]
  password: string
  messages: SentMessage[]
  face: FaceScript
  people: Choice[]
  faceChoices: Choice[]
  population: Citizen[]
  registerChoices: Choice[]
  companies: CompanyView[]
  companyChoices: Choice[]
  /** Just issued; `name` is of whom. */
  counter: { name: string; code: string; until: string } | 'disabled' | null
}

export interface SandboxPhone extends SandboxFrame {
  people: Choice[]
  person: string
  payload: string
  /** The form was sent without something to scan. */
  missing: boolean
  tickets: OpenTicket[]
  deviceChoices: Choice[]
  identityChoices: Choice[]
  faceChoices: Choice[]
}

export interface LoggedCall {
  step: string
  status: number
  title: string
  request: string
  response: string
  curl: string | null
}

export interface SandboxJourney extends SandboxFrame {
  base: string
  name: string
  view: PhoneView | null
  /** Prefilled, as on the card. */
  card: { cert_type: string; name: string; cert_no: string; valid_from: string; term: string }
  finished: 'confirmed' | 'rejected' | null
  refusal: Refusal | null
  faceChoices: Choice[]
  calls: LoggedCall[]
  /** The same as one call of the sandbox API; null when nothing was scanned. */
  curlAll: string | null
}

export interface SandboxApi extends SandboxFrame {
  issuer: string
  routes: Array<{ method: string; path: string; summary: string; description: string; body: string; curl: string }>
}

declare module '../../http/pages.ts' {
  interface Pages {
    'sandbox/home': SandboxHome
    'sandbox/phone': SandboxPhone
    'sandbox/journey': SandboxJourney
    'sandbox/api': SandboxApi
  }
}
