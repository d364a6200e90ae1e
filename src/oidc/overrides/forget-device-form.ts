/**
 * Changes: takes the token of the library's own form off the session, and leaves the session unsaved.
 *
 * Reason: the library writes a token for its page for the device code into the session before it calls
 * `userCodeInputSource`. Kora shows a page of its own, so the token would only cost a write and outlive its use.
 *
 * Relies on: lib/shared/xsrf.js (`session.state`), lib/shared/session.js and lib/helpers/initialize_app.js (save a
 * session that is `touched`); oidc-provider 9.13.3.
 */
import type { Session } from 'oidc-provider'
import type { SessionMembers } from './types.ts'

export function forgetDeviceForm (session: Session & SessionMembers): void {
  session.state = undefined
  // after `state`, which touches
  session.touched = false
}
