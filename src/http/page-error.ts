/** The error that a handler throws to end with an error page (or problem+json for an API). */
import type { ErrorKey, NamedLink } from './pages.ts'

export interface PageErrorDetails {
  restartHref?: string
  back?: NamedLink
  retryAfterSeconds?: number
  /** Shown to whoever connects a site. Never put anything secret or personal here. */
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
