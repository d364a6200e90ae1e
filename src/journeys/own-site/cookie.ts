/** The session cookie of a site: 256 random bits, of which the database has the hash. */
import type { CookieSerializeOptions } from '@fastify/cookie'
import type { OwnSite } from './description.ts'

export interface SessionCookie {
  name: string
  options: CookieSerializeOptions
}

/** Until the browser is closed; the session ends earlier on the server. A prefix asks for TLS (RFC 6265bis §4.1.3). */
export function describeCookie (issuer: string, { name, path }: OwnSite<unknown>['cookie']): SessionCookie {
  const secure = issuer.startsWith('https:')
  // __Host- asks for path=/
  const prefix = secure ? (path === '/' ? '__Host-' : '__Secure-') : ''
  return { name: `${prefix}${name}`, options: { httpOnly: true, sameSite: 'lax', secure, path } }
}
