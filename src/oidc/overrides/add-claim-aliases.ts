/** Flat names for sites that cannot read nested claims, in their userinfo: the alias map of the client's record. */
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { withAliases } from '../domain/claims/claims.ts'
import { clientPolicy } from '../domain/client/policy.ts'
import { policyOf } from './interaction-policy.ts'

interface Claims {
  ctx?: KoaContextWithOIDC
  client: unknown
  result(): Promise<Record<string, unknown>>
}

/**
 * Added where the library has done its filtering, so that plain and signed answers both have them. Once for each
 * provider built.
 */
export function attachAliases (provider: Provider): void {
  const prototype = provider.Claims.prototype as unknown as Claims
  const { result } = prototype
  prototype.result = async function (this: Claims) {
    const claims = await result.call(this)
    return this.ctx?.oidc.route === 'userinfo'
      ? withAliases(claims, clientPolicy(policyOf(this.client)).aliases)
      : claims
  }
}
