/**
 * Changes: a session forgets what it was for one site, so that the library makes a new `sid` there.
 *
 * Reason: another representation at a site is another session of that site (OIDC Back-Channel Logout 1.0 §2.4). The
 * library makes a `sid` once in a session, and has no method to end one.
 *
 * Relies on: lib/models/session.js (`authorizations`, `ensureClientContainer`); oidc-provider 9.13.3.
 */
interface Authorized {
  authorizations?: Record<string, unknown> | undefined
}

export function forgetClientAuthorization (session: Authorized, clientId: string): void {
  delete session.authorizations?.[clientId]
}
