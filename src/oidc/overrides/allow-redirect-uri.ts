/**
 * Changes: `Client#redirectUriAllowed` allows further addresses.
 *
 * Reason: the console's test login returns to an address of Kora. It must not be in the client's `redirect_uris`, from
 * which the sector of pairwise subjects is made (OIDC Core §8.1).
 *
 * Relies on: lib/models/client.js (`redirectUriAllowed`, called with the client as `this`); oidc-provider 9.13.3.
 */
import type { Client, Provider } from 'oidc-provider'

export function allowRedirectUri (provider: Provider, allows: (client: Client, uri: string) => boolean): void {
  const { prototype } = provider.Client
  const { redirectUriAllowed } = prototype
  prototype.redirectUriAllowed = function (this: Client, uri) {
    return redirectUriAllowed.call(this, uri) || allows(this, uri)
  }
}
