/** The page with a code to scan: a login, a registration and the user center show the same one. */
import type { ScanTicketState } from '../../database/schema.ts'
import type { Translate } from '../../http/locale.ts'
import type { RelyingSite } from '../../http/pages.ts'
import type { TicketPurpose, TicketStatus } from '../../records/scan-tickets/index.ts'

/** A way to sign in, as a tab of the login pages. */
export interface LoginTab {
  id: 'personal' | 'legal' | 'qr'
  href: string
  current: boolean
}

/** The browser's view of its ticket: TicketStatus plus what the page draws. */
export interface ScanTicketView {
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
  /** Keys of the one sentence of the live region, the most precise first. */
  said: string[]
}

/** The sentence and the title of the code. */
export type ScanPurpose =
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

/**
 * The ticket's addresses are `${base}/${ticket.id}/state|events|check`; `${base}/renew` makes a new one. check and
 * renew post `csrf` only.
 */
export interface ScanPage {
  /** Null outside a login (user center). */
  rp: RelyingSite | null
  purpose: ScanPurpose
  /** Shown only for purpose 'login'. */
  tabs: LoginTab[]
  /** '/i/<uid>/qr' in a login. */
  base: string
  csrf: string
  /** Null when no code may be made now; `blocked` says why. */
  ticket: ScanTicketView | null
  blocked: 'face_exhausted' | 'too_many_requests' | null
  /** Masked name of the person who must scan, when known. */
  expectedName: string | null
  /** Masked name of what is approved (agent), else null. */
  subjectName: string | null
  /** The check form was used and the phone is not done yet. */
  notYet: boolean
  /** Phone browser: the same-device button leads, the code is folded away. */
  mobile: boolean
  /** Null = that channel is closed. `app` opens the app, `pages` continues in this browser. */
  sameDevice: { app: string | null; pages: string | null }
  /** 其他办法: the in-person code; null when it would not help. */
  counterHref: string | null
  passwordHref: string | null
  /** Outside of a login: back without a decision. */
  leaveHref?: string
}

declare module '../../http/pages.ts' {
  interface Pages {
    'scan-code/scan': ScanPage
  }
}

type Said = Pick<ScanTicketView, 'state' | 'failure'> & { purpose?: string | undefined }

/** Some sentences have other words for another purpose than a login. */
export function statusKeys ({ state, failure, purpose }: Said): string[] {
  const keys = [...(failure === null ? [] : [failure]), state].map((code) => `scan-code.status.${code}`)
  return purpose === undefined ? keys : keys.flatMap((key) => [`${key}.${purpose}`, key])
}

/** The same sentence in the page, the status stream and the polling answer. */
export const statusText = (t: Translate, ticket: Said & Pick<ScanTicketView, 'triesLeft'>): string =>
  // without a number the sentence that counts tries cannot be filled, so the general one is used
  t.code(statusKeys(ticket), 'scan-code.status.failed', ticket.triesLeft === null ? {} : { n: ticket.triesLeft })

interface TicketModelInput {
  id: string
  status: TicketStatus
  numberEntry: boolean
  purpose?: TicketPurpose | undefined
}

export const ticketModel = (
  { id, status, numberEntry, purpose }: TicketModelInput
): ScanTicketView => ({
  ...(purpose === undefined ? {} : { purpose }),
  id,
  state: status.state,
  secondsLeft: status.secondsLeft,
  checkNumber: status.checkNumber,
  numberEntry,
  payloadUrl: status.payloadUrl,
  failure: status.failure,
  triesLeft: status.triesLeft,
  renewals: status.renewals,
  said: statusKeys({ ...status, purpose })
})
