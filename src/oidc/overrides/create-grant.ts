/**
 * Changes: makes a grant whose identifier is Kora's and says everything that the grant allows.
 *
 * Reason: grants have no row (src/tokens/grant-id.ts). The published constructor takes a client, an account and
 * authorization details; the identifier is random, and scopes and claims are added one by one.
 *
 * Relies on: lib/models/grant.js and lib/models/base_model.js (the constructor takes each member of `IN_PAYLOAD`, `jti`
 * included); oidc-provider 9.13.3.
 */
import type { Grant, Provider } from 'oidc-provider'
import { newGrantPayload, type GrantInput, type Mac } from '../../tokens/grant-id.ts'

/** A grant for one authorization request. It is complete: what is changed or saved afterwards is not kept. */
export function createGrant (provider: Provider, crypto: Mac, input: GrantInput): Grant {
  return new provider.Grant(newGrantPayload(crypto, input))
}
