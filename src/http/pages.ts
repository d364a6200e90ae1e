/**
 * The typed view models, by the name of the page. A handler answers with `reply.page(name, model)`; the model is
 * declared beside it and added here by declaration merging:
 *
 *   declare module '../../http/pages.ts' { interface Pages { 'login/password': PasswordPage } }
 *
 * Models carry data; every text comes from the messages.
 */
import type { FieldError } from '../domain/errors.ts'
import type { ErrorPage } from './page-error.ts'

export type { FieldError }

export interface Pages {
  error: ErrorPage
}

export type PageName = keyof Pages

/** A relying site as shown to people. `lang` is the language of `name`, for screen readers. */
export interface RelyingSite {
  name: string
  lang: string
  host: string
  /** Address of its picture, 40 by 40; absent = none was uploaded. */
  logo?: string
  /** Where "back to X" leads (ends the attempt with access_denied); absent = no such link. */
  cancelHref?: string
}

/** A link whose text is data (the name of a site), not a message. */
export interface NamedLink {
  href: string
  name: string
  lang: string
}

/** A form that is only a button: where it posts, and its token. */
export interface FormTarget {
  action: string
  csrf: string
}
