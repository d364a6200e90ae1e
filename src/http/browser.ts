/**
 * The browser cookie: 256 random bits that name one browser, set only where a login needs it. The server keeps
 * nothing but its hash: tickets, attempts, CSRF tokens and trusted browsers are bound to it.
 */
import { createHash } from 'node:crypto'
import { newIdentifier } from '../domain/identifier.ts'

export interface BrowserIdentity {
  /** SHA-256 of the cookie's value, base64url. */
  hash: string
  /** The cookie was made for this answer: the browser has not shown it yet. */
  fresh: boolean
}

/** 13 months in seconds. */
export const browserCookieSeconds = 395 * 86400

/** `__Host-` binds the cookie to this host and to https (RFC 6265bis §4.1.3.2); it cannot be used on http. */
export const browserCookieName = (issuer: string): string =>
  issuer.startsWith('https:') ? '__Host-kora_browser' : 'kora_browser'

/** As every answer sets it; the life is in `browserCookieSeconds`, because libraries count it in different units. */
export const browserCookieAttributes = (issuer: string) =>
  ({ httpOnly: true, sameSite: 'lax', path: '/', secure: issuer.startsWith('https:') }) as const

export const newBrowserSecret = (): string => newIdentifier(32)

/** Null for anything that we cannot have set. */
export function browserHash (secret: string | undefined): string | null {
  if (secret === undefined || !/^[\w-]{43}$/.test(secret)) return null
  return createHash('sha256').update(secret).digest('base64url')
}
