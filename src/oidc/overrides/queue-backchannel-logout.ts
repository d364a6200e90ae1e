/**
 * Changes: `Client#backchannelLogout` does nothing within a request; the outbox calls the library's method later.
 *
 * Reason: the library posts logout tokens once, inside the logout request, and forgets those that fail. Kora writes an
 * outbox row in the transaction that ends the session, and its worker tries again (OIDC Back-Channel Logout 1.0 §2.5).
 *
 * Relies on: lib/models/client.js (`backchannelLogout(sub, sid)` makes and posts the token, rejects when it was not
 * taken), lib/actions/end_session.js (its caller); oidc-provider 9.13.3.
 */
import type { Client, Provider } from 'oidc-provider'
import type { BackchannelLogoutMembers } from './types.ts'

export type PostLogoutToken = (client: Client, sub: string, sid: string) => Promise<void>

/** @returns the library's own delivery, for the worker */
export function queueBackchannelLogout (provider: Provider): PostLogoutToken {
  const prototype = provider.Client.prototype as Client & BackchannelLogoutMembers
  const { backchannelLogout } = prototype
  prototype.backchannelLogout = async () => {}
  return async (client, sub, sid) => {
    await backchannelLogout.call(client, sub, sid)
  }
}
