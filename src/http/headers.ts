/** Response headers as static objects (a header library costs five times as much per request). */
import type { Config } from '../ports/config.ts'
import type { Assets } from './assets.ts'

/**
 * 'hosted': login, consent, logout, phone. No `form-action`: Chromium applies it to the whole redirect chain and would
 * block the way back to the relying site. No COOP: it would break relying sites that open the login in a popup.
 * 'own': user center, admin console and every page that does not end at a relying site.
 */
export type PageKind = 'hosted' | 'own'

export type HeaderSet = Readonly<Record<string, string>>

/** What every answer carries, pages or not. */
export function baseHeaders (config: Pick<Config, 'issuer'>): HeaderSet {
  const headers: Record<string, string> = { 'x-content-type-options': 'nosniff' }
  if (config.issuer.startsWith('https:')) headers['strict-transport-security'] = 'max-age=31536000'
  return Object.freeze(headers)
}

export function pageHeaders (
  config: Pick<Config, 'issuer'>,
  assets: Pick<Assets, 'cssHash'>
): Record<PageKind, HeaderSet> {
  const csp = (styles: string): string =>
    `default-src 'none'; script-src 'self'; style-src ${assets.cssHash}${styles}; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'`
  const common = {
    ...baseHeaders(config),
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    // no-referrer would turn the Origin of our own posts into "null"
    'referrer-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
    'x-frame-options': 'DENY'
  }
  return {
    hosted: Object.freeze({ ...common, 'content-security-policy': csp('') }),
    own: Object.freeze({
      ...common,
      'content-security-policy': `${csp(" 'self'")}; form-action 'self'`,
      'cross-origin-opener-policy': 'same-origin'
    })
  }
}
