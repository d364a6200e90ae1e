/**
 * Changes: a session keeps `confined`, the representation that it is confined to; a login sets or removes it.
 *
 * Reason: an organization's password opens a login for that organization only. Every later request of the session must
 * know it, and the library's sessions keep a closed list of members.
 *
 * Relies on: lib/models/session.js (`IN_PAYLOAD`, `loginAccount`), lib/models/payload.js,
 * lib/actions/authorization/resume.js (the entity `Interaction` before `loginAccount`); oidc-provider 9.13.3.
 */
import type { Provider, Session } from 'oidc-provider'
import { addPayloadMember } from './add-payload-member.ts'

interface Confined {
  confined?: unknown
}

interface Loggable {
  prototype: { loginAccount(this: Session, details: unknown): void }
}

/** Must be called for each provider built, before it serves. `confinement`: of the login that is being completed. */
export function keepSessionConfinement (provider: Provider, confinement: () => unknown): void {
  addPayloadMember(provider.Session, 'confined')
  const { prototype } = provider.Session as unknown as Loggable
  const { loginAccount } = prototype
  prototype.loginAccount = function (details) {
    loginAccount.call(this, details)
    const confined = confinement()
    if (confined === undefined) delete (this as Confined).confined
    else (this as Confined).confined = confined
  }
}

/** As it was stored; undefined: the session is of the whole person. */
export const readSessionConfinement = (session: Session | undefined): unknown =>
  (session as Confined | undefined)?.confined
