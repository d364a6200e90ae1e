/**
 * Changes: `Client#compareClientSecret` compares with the stored hashes.
 *
 * Reason: the library compares with `client_secret` of the metadata, so it would have to know the secret itself, and
 * only one. Kora stores hashes (src/tokens/client-secrets.ts), of up to two secrets.
 *
 * Relies on: lib/models/client.js (`compareClientSecret`), lib/shared/client_auth.js (awaits it); oidc-provider 9.13.3.
 */
import type { Client, Provider } from 'oidc-provider'

export function replaceSecretComparison (
  provider: Provider,
  compare: (client: Client, given: unknown) => Promise<boolean>
): void {
  provider.Client.prototype.compareClientSecret = async function (this: Client, given: unknown) {
    return await compare(this, given)
  }
}
