/**
 * The sites of Kora itself, the user center and the console: authorization requests that they have under way, and their
 * sessions. Owns the tables own_site_login and own_site_session; journeys/own-site is the relying party on top of them.
 *
 * Requests and sessions are found by the hash of a secret that the browser holds, and only by the browser that began
 * them.
 */
export { saveLogin, takeLogin } from './logins.ts'
export {
  countAccountSessions,
  countSiteSessions,
  deleteExpired,
  endAccountSessions,
  endOwnSites,
  endSession,
  extendSession,
  findSession,
  hasUsedBrowser,
  listAccountSessions,
  openSession,
  refreshAuthentication,
  type SessionLifetime,
  type SessionSubject,
  type StoredSession
} from './sessions.ts'
export { createSecret, hashSecret } from './secrets.ts'
