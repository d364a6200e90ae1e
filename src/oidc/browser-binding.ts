/**
 * Binds each interaction to the secret of the browser that starts it (http/browser.ts). The cookie is set with the
 * redirect to the hosted login, so a lost first page does no harm; a browser that has the cookie keeps it. Only this
 * browser can read the interaction or return with it. The identifier alone, which is in the address bar, opens nothing
 * (RFC 9700 §4.7, RFC 6819 §4.4.1.8).
 */
import type { KoaContextWithOIDC } from 'oidc-provider'
import {
  browserCookieAttributes,
  browserCookieName,
  browserCookieSeconds,
  browserHash,
  newBrowserSecret
} from '../http/browser.ts'
import { readCookie } from '../http/cookies.ts'
import { getRequestState } from './request-state.ts'

/** Hash of the browser's secret; null: the browser has shown none. */
export const presentedBrowser = (ctx: KoaContextWithOIDC): string | null =>
  browserHash(readCookie(ctx.get('cookie'), browserCookieName(ctx.oidc.issuer)))

/** As `presentedBrowser`; a browser without a secret gets one, which `sendBrowserCookie` sends. */
export function ensurePresentedBrowser (ctx: KoaContextWithOIDC): string {
  const presented = presentedBrowser(ctx)
  if (presented !== null) return presented
  const state = getRequestState(ctx)
  state.newBrowserSecret ??= newBrowserSecret()
  return browserHash(state.newBrowserSecret) as string
}

/** Sends the cookie that `ensurePresentedBrowser` made, if it made one. */
export function sendBrowserCookie (ctx: KoaContextWithOIDC): void {
  const { newBrowserSecret: secret } = getRequestState(ctx)
  if (secret === undefined) return
  ctx.cookies.set(browserCookieName(ctx.oidc.issuer), secret, {
    ...browserCookieAttributes(ctx.oidc.issuer),
    maxAge: browserCookieSeconds * 1000,
    overwrite: true
  })
}
