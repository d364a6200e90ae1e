/** Models of the user centre's pages (S16, S17, S18). Personal data are masked before they come here. */
import type { DelegationState } from '../../domain/representation/delegation.ts'
import type { FieldError, FormTarget } from '../../http/pages.ts'
import type { MessageKind } from '../../records/messages/index.ts'
import type { RefusalReason } from './me.ts'

export type Section = 'home' | 'agents' | 'mine' | 'messages' | 'browsers' | 'organization-password'

/** The frame of every page: who is here, as whom, and where one can go. */
export interface Shell {
  current: Section | null
  who: string
  level: number
  /** Null = for themself. */
  acting: { role: 'legal_representative' | 'agent'; name: string; uscc: string; until: string | null } | null
  unread: number
  csrf: string
}

export interface Framed {
  shell: Shell
}

/** 我的信息 and 认证等级. */
export interface HomePage extends Framed {
  certType: string
  certNo: string
  validTo: string | null
  longTerm: boolean
  phone: string | null
  email: string | null
  /** ISO 8601. */
  verifiedAt: string | null
  organization: { name: string; uscc: string; since: string | null } | null
}

/** One delegation in a list. */
export interface DelegationRow {
  id: string
  version: number
  state: DelegationState
  name: string
  certNo: string
  phone: string | null
  organization: string
  functions: string[]
  sites: string[]
  validFrom: string
  validTo: string
  /** Last day within a month. */
  expiring: boolean
  /** In the person's language, where it is one of ours; else as it was written. */
  reason: string | null
  /** ISO 8601: submitted, decided or ended, whichever came last. */
  changedAt: string
}

/** 代理人管理. Forms: none; every action is a link to its page. */
export interface AgentsPage extends Framed {
  waiting: DelegationRow[]
  inForce: DelegationRow[]
  history: DelegationRow[]
}

/** What is approved, exactly. */
export interface ContentLines {
  organization: string
  agent: string
  functions: string[]
  sites: string[]
  validFrom: string
  validTo: string
  /** First characters of the digest, in groups. */
  mark: string
}

/** 通过, before the code. Posts `csrf`, `digest`. */
export interface ApprovePage extends Framed, FormTarget {
  content: ContentLines
  digest: string
  rejectHref: string
  /** It became something else since it was shown. */
  changed: boolean
}

/** After the scan, and every reason for which it did not count. */
export interface AgentResultPage extends Framed {
  outcome:
    | 'approved'
    | 'stale'
    | 'not_legal_representative'
    | 'self_approval'
    | 'face_required'
    | 'too_many_agents'
    | 'rejected'
    | 'suspended'
    | 'revoked'
  name: string
  validTo: string | null
  againHref: string | null
}

/** 拒绝. Posts `csrf`, `reason` (code), `text`. */
export interface RejectPage extends Framed, FormTarget {
  name: string
  reasons: string[]
  reason: string
  text: string
  errors: FieldError[]
}

/** 停用, 撤销 (by the legal representative); 辞去, 撤回 (by the agent). Posts `csrf`, `text` (the first two). */
export interface ConfirmPage extends Framed, FormTarget {
  act: 'suspend' | 'revoke' | 'resign' | 'withdraw'
  name: string
  text: string
  backHref: string
}

export interface SiteChoice {
  clientId: string
  name: string
  functions: Array<{ code: string; name: string }>
}

export interface AgentValues {
  name: string
  certNo: string
  phone: string
  /** 'all' or 'some'. */
  sites: string
  site: string[]
  functions: string
  function: string[]
  starts: string
  ends: string
}

/** 新增, 修改. Posts `csrf` and AgentValues in wire names. */
export interface AgentFormPage extends Framed, FormTarget {
  /** Masked agent whose delegation gets a new version; null = a new agent. */
  known: { name: string; certNo: string } | null
  values: AgentValues
  choices: SiteChoice[]
  errors: FieldError[]
}

/** 我的代理. */
export interface MinePage extends Framed {
  inForce: DelegationRow[]
  waiting: DelegationRow[]
  history: DelegationRow[]
}

export interface MessageLine {
  id: string
  kind: MessageKind
  /** Of a notice, as it was written. */ title: { text: string; lang: string } | null
  organization: string | null
  at: string
  unread: boolean
}

/** S18. 全部标为已读 posts `csrf` to `action`. */
export interface MessagesPage extends Framed, FormTarget {
  /** The filter, as links; 'all' first. */
  topics: Array<{ topic: string; href: string; current: boolean }>
  messages: MessageLine[]
  olderHref: string | null
}

export interface MessagePage extends Framed {
  kind: MessageKind
  at: string
  lines: Array<{ name: string; value: string }>
  notice: { lang: string; title: string; paragraphs: string[] } | null
  /** The one thing to do about it. */
  act: { href: string; key: 'agents' | 'mine' | 'approve' } | null
}

/** 信任的浏览器. Each row posts `csrf`, `browser` to `action`. */
export interface BrowsersPage extends Framed, FormTarget {
  browsers: Array<{ id: string; label: string; organization: string; since: string; until: string; here: boolean }>
}

/** 单位密码. Posts `csrf`, `new_password`, `again`. */
export interface OrganizationPasswordPage extends Framed, FormTarget {
  rules: FieldError[]
  /** For password managers. */
  uscc: string
  /** ISO 8601. */
  changedAt: string | null
  /** Somebody who knows it has left. */
  mustChange: boolean
  errors: FieldError[]
}

/** After the scan, and every reason for which it did not count. */
export interface PasswordChangedPage extends Framed {
  outcome: 'changed' | 'gone' | 'not_legal_representative' | 'face_required'
}

/** 403 with words. */
export interface NotAllowedPage extends Framed {
  reason: RefusalReason
}

declare module '../../http/pages.ts' {
  interface Pages {
    'user-centre/home': HomePage
    'user-centre/agents': AgentsPage
    'user-centre/approve': ApprovePage
    'user-centre/result': AgentResultPage
    'user-centre/reject': RejectPage
    'user-centre/confirm': ConfirmPage
    'user-centre/agent-form': AgentFormPage
    'user-centre/mine': MinePage
    'user-centre/messages': MessagesPage
    'user-centre/message': MessagePage
    'user-centre/browsers': BrowsersPage
    'user-centre/organization-password': OrganizationPasswordPage
    'user-centre/organization-password-result': PasswordChangedPage
    'user-centre/not-allowed': NotAllowedPage
  }
}
