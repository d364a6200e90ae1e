/** View models of the console's frame and of the pages that all areas share. */
import type { AdminRole } from '../../domain/administration/administration.ts'
import type { FieldError, FormTarget } from '../../http/pages.ts'

export type Area =
  | 'overview'
  | 'clients'
  | 'people'
  | 'organizations'
  | 'approvals'
  | 'audit'
  | 'keys'
  | 'outbox'
  | 'settings'
  | 'accounts'
  | 'notices'
  | 'registrations'
  | 'counter'
  | 'developers'

/** What stands around every page of the console. */
export interface AdminShell {
  name: string
  role: AdminRole
  nav: Array<{ area: Area; href: string; current: boolean; count: number }>
  environment: 'sandbox' | 'development' | 'test' | 'production'
  /** Of this session; good for every form of the console. */
  csrf: string
  /** Said once, after an act: text. */
  notice: string | null
}

export interface AdminFramed {
  shell: AdminShell
}

/** Links under a list. Null = there is nothing there. */
export interface Pager {
  nextHref: string | null
  firstHref: string | null
  csvHref: string | null
}

/**
 * A dangerous act has a page of its own. Texts are ready for reading; the form posts `csrf`, `hidden`, `reason` and,
 * when asked for, `typed`.
 */
export interface ConfirmModel {
  title: string
  lead: string
  /** What will change, and for whom. */
  facts: Array<{ name: string; value: string }>
  action: string
  hidden: Array<{ name: string; value: string }>
  /** What must be typed exactly; null = nothing. */
  typed: string | null
  /** Words of the button. */
  submit: string
  backHref: string
  reason: string
  errors: FieldError[]
}

export interface ConfirmPage extends AdminFramed, ConfirmModel {}

/** Something shown once (a link, a secret). */
export interface OncePage extends AdminFramed {
  title: string
  lead: string
  label: string
  value: string
  backHref: string
}

export interface NotAllowedPage extends AdminFramed {
  roles: AdminRole[]
}

/** Pages before there is a session. */
export interface Unframed {
  shell: null
}

/** Posts `csrf`, `to` and either `credential` (a passkey's answer) or `login_name`, `password`, `code`. */
export interface SignInPage extends FormTarget, Unframed {
  returnTo: string
  loginName: string
  errors: FieldError[]
  /** There is no account yet: the page says where the first link comes from. */
  empty: boolean
  /** Again for something that asks for it: whose credentials. */
  again: string | null
  passkey: boolean
}

/**
 * Posts `csrf`, `login_name` and `display_name` (without `account`), and either `credential` or `new_password`,
 * `again`, `code`.
 */
export interface BeginPage extends FormTarget, Unframed {
  role: AdminRole
  purpose: 'bootstrap' | 'invitation' | 'reset'
  account: { loginName: string; displayName: string } | null
  loginName: string
  displayName: string
  errors: FieldError[]
  passkey: boolean
  totp: { uri: string; secret: string }
  rules: FieldError[]
}

/** Posts `csrf`, `link_code`: the second part of a link, before anything is said. */
export interface BeginCodePage extends FormTarget, Unframed {
  errors: FieldError[]
}

declare module '../../http/pages.ts' {
  interface Pages {
    'admin/confirm': ConfirmPage
    'admin/once': OncePage
    'admin/not-allowed': NotAllowedPage
    'admin/sign-in': SignInPage
    'admin/begin': BeginPage
    'admin/begin-code': BeginCodePage
  }
}
