/**
 * Changes: nothing; distinguishes the renewal of a session's identifier from its end.
 *
 * Reason: after a login the library destroys the row of the old identifier and saves a new one (session fixation). In
 * the adapter the first looks like a logout, which would end every token of the session.
 *
 * Relies on: lib/models/session.js (`resetIdentifier` sets `oldId`, `save` destroys it first); oidc-provider 9.13.3.
 */
import type { Session } from 'oidc-provider'
import type { SessionMembers } from './types.ts'

/** The identifier that the session had before this request renewed it. */
export const readReplacedSession = (session: Session | undefined): string | undefined =>
  (session as SessionMembers | undefined)?.oldId
