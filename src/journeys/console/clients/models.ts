/** View models of the pages about clients (A2–A4). Texts that depend on a fault are ready for reading. */
import type { ClientKind, ClientStatus } from '../../../domain/client/record.ts'
import type { AdminFramed, Pager } from '../models.ts'

export interface ClientRow {
  clientId: string
  name: string
  unit: string | null
  kind: ClientKind
  status: ClientStatus
  hosts: string[]
  lastUsed: string | null
  errors: number
}

export interface ClientListPage extends AdminFramed {
  rows: ClientRow[]
  filters: Record<string, string>
  pager: Pager
  scopes: readonly string[]
  mayChange: boolean
}

interface Common {
  id: string
  label: string
  hint: string | null
  faults: string[]
}
export type Control = Common &
  (
    | { type: 'text'; value: string; maximum: number }
    | { type: 'area'; value: string; rows: number }
    | { type: 'select'; value: string; options: Array<{ value: string; label: string }> }
    | { type: 'radios'; value: string; options: Array<{ value: string; label: string; hint: string }> }
    | { type: 'checks'; options: Array<{ id: string; label: string; checked: boolean }> }
  )

/** The frame of every page about one client. */
export interface ClientFrame {
  clientId: string
  name: string
  status: ClientStatus
  kind: ClientKind
  version: number
  logo: string | null
  current: string
  tabs: string[]
  mayChange: boolean
}

export interface SecretRow {
  id: string
  hint: string
  createdAt: string
  expiresAt: string | null
  lastUsed: string | null
}
export interface FailureRow {
  code: string
  address: string
  count: number
  lastAt: string
  addHref: string | null
  dismissHref: string
}
export interface TesterResult {
  address: string
  matches: boolean
  otherClient: string | null
  nearest: string | null
  differences: Array<{ text: string; received: string; registered: string }>
  fault: string | null
  addHref: string | null
}

/** A tab: a form, or something to read (`controls` empty), and what else stands there. */
export interface ClientEditPage extends AdminFramed {
  client: ClientFrame
  /** Only for reading: no form. */
  controls: Control[]
  reason: string
  faults: string[]
  action: string
  facts: Array<{ name: string; value: string }>
  secrets: SecretRow[] | null
  addresses: { pasted: string; result: TesterResult | null; failures: FailureRow[] } | null
  /** Status acts that are possible now. */
  acts: Array<{ href: string; label: string }>
  logo: boolean
}

export interface ClientConflictPage extends AdminFramed {
  client: ClientFrame
  rows: Array<{ field: string; theirs: string; yours: string }>
  changedBy: string
  changedAt: string
  action: string
  /** The form as it was posted, for sending it once more on top of theirs. */
  hidden: Array<{ name: string; value: string }>
}

export interface ClientNewPage extends AdminFramed {
  step: number
  steps: number
  controls: Control[]
  faults: string[]
  hidden: Array<{ name: string; value: string }>
  last: boolean
}

export interface ClientMadePage extends AdminFramed {
  clientId: string
  name: string
  secret: string | null
  download: string | null
  facts: Array<{ name: string; value: string }>
  /** What waits for a second administrator, in words. */ waitingFor: string[]
  waitingHref: string | null
  snippetsHref: string | null
}

export interface ClientHistoryPage extends AdminFramed {
  client: ClientFrame
  rows: Array<{
    at: string
    act: string
    actor: string
    reason: string
    traceId: string | null
    diff: Array<{ field: string; before: string; after: string }>
  }>
  pager: Pager
}

export interface ClientTestPage extends AdminFramed {
  client: ClientFrame
  /** What the preview is of: message `clients.test.<id>`. */
  choices: Array<{
    id: 'person' | 'as' | 'in' | 'width'
    options: Array<{ value: string; label: string; current: boolean }>
  }>
  idToken: string
  userinfo: string
  /** `html`: the whole consent page; null: there is none. */
  consent: { skipped: boolean; html: string | null; width: 'narrow' | 'wide'; lang: string }
  /** Null: not possible, and why. */
  trial: { action: string; asksSecret: boolean } | null
  trialNote: string | null
}

export interface ClientTrialPage extends AdminFramed {
  clientId: string
  steps: Array<{ title: string; ok: boolean; note: string; curl: string | null; answer: string | null }>
}

export interface ClientSnippetsPage extends AdminFramed {
  client: ClientFrame
  endpoints: Array<{ name: string; value: string }>
  snippets: Array<{
    id: string
    title: string
    files: Array<{ name: string; language: string; text: string }>
    notes: string[]
    otherRedirect: string | null
  }>
  problem: string | null
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'admin/clients': ClientListPage
    'admin/client': ClientEditPage
    'admin/client-conflict': ClientConflictPage
    'admin/client-new': ClientNewPage
    'admin/client-made': ClientMadePage
    'admin/client-history': ClientHistoryPage
    'admin/client-test': ClientTestPage
    'admin/client-trial': ClientTrialPage
    'admin/client-snippets': ClientSnippetsPage
  }
}
