/**
 * Changes: a return from the hosted login renews the session's identifier only when somebody signed in.
 *
 * Reason: the library renews it at each return, also when the session was only continued (a public client, a consent).
 * An answer that is lost then leaves the browser with an identifier that is gone, so the person is signed out at every
 * site. Against session fixation the renewal at a login is enough (NIST SP 800-63B §5.1, OWASP ASVS 7.2.4).
 *
 * Relies on: lib/models/session.js (`resetIdentifier`), lib/actions/authorization/resume.js (calls it after
 * `loginAccount`); oidc-provider 9.13.3.
 */
import type { Provider, Session } from 'oidc-provider'

interface Resettable {
  prototype: { resetIdentifier(this: Session): void }
}

/** Must be called for each provider built, before it serves. `isSameLogin`: nobody signed in since it was stored. */
export function keepSessionIdentifier (provider: Provider, isSameLogin: (session: Session) => boolean): void {
  const { prototype } = provider.Session as unknown as Resettable
  const { resetIdentifier } = prototype
  prototype.resetIdentifier = function () {
    if (!isSameLogin(this)) resetIdentifier.call(this)
  }
}
