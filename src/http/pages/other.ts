/** Models of logout, error, home and help pages. */
import type { NamedLink } from './common.ts'

/**
 * S14. `form` is the hidden form that oidc-provider made (RP-Initiated Logout 1.0 §6, with its own token);
 * the buttons of the page belong to it through `formId`.
 */
export interface LogoutConfirmPage {
  form: string
  formId: string
  /** Names of the sites that end with it. */
  sites: string[]
  /** 不退出，返回 X. */
  back: NamedLink | null
}

export interface LogoutDonePage {
  /** `told` false = this site could not be reached and must be left by hand. */
  sites: Array<{ name: string; told: boolean }>
  next: NamedLink | null
}

/** Titles and texts are `e.<key>.title` and `e.<key>.body`. */
export type ErrorKey =
  | 'expired'
  | 'cookie'
  | 'bad_client'
  | 'bad_redirect_uri'
  | 'oauth'
  | 'denied_level'
  | 'denied_kind'
  | 'csrf'
  | 'too_many'
  | 'not_found'
  | 'server'
  | 'unavailable'
  | 'not_started'
  | 'bad_request'
  | 'too_large'
  | 'person_disabled'
  | 'forbidden'
  | 'method'

/** S19. The trace id, contact and languages come with the frame. */
export interface ErrorPage {
  status: number
  key: ErrorKey
  /** 重新登录. */
  restartHref: string | null
  /** 返回 X. */
  back: NamedLink | null
  retryAfterSeconds: number | null
  /** For whoever connects a site: what was received (never what is registered), in wire names. */
  developer: { error: string; description: string | null; received: Array<{ name: string; value: string }> } | null
}

export interface HomePage {
  /** Demo relying site (sandbox). */
  demoHref: string | null
  sandboxHref: string | null
  userCentreHref: string | null
}

export interface HelpPage {
  version: string
}
