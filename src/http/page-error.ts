/** The error that a handler throws to end with an error page (or problem+json for an API). */
import type { NamedLink } from './pages.ts'

/** Titles and texts are `error.<key>.title` and `error.<key>.body`. */
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

/** The trace id, contact and languages come with the frame. */
export interface ErrorPage {
  status: number
  key: ErrorKey
  /** 重新登录. */
  restartHref: string | null
  /** 返回 X. */
  back: NamedLink | null
  retryAfterSeconds: number | null
  /** For the developer of a site: what was received (never what is registered), in wire names. */
  developer: { error: string; description: string | null; received: Array<{ name: string; value: string }> } | null
}

export interface PageErrorDetails {
  restartHref?: string
  back?: NamedLink
  retryAfterSeconds?: number
  /** Shown to the developer of a site. Never put anything secret or personal here. */
  developer?: { error: string; description: string | null; received: Array<{ name: string; value: string }> }
  headers?: Record<string, string>
}

export class PageError extends Error {
  readonly status: number
  readonly key: ErrorKey
  readonly details: PageErrorDetails

  constructor (status: number, key: ErrorKey, details: PageErrorDetails = {}, options?: ErrorOptions) {
    super(key, options)
    this.name = 'PageError'
    this.status = status
    this.key = key
    this.details = details
  }
}
