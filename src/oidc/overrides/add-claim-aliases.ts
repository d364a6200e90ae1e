/**
 * Changes: `Claims#result` adds the aliases of the client's record to its userinfo.
 *
 * Reason: some sites cannot read nested claims. `findAccount` may only return claims that the scopes name: the library
 * removes every other one afterwards, so aliases are added behind its filter, for plain and signed answers alike.
 *
 * Relies on: lib/helpers/claims.js (`result`, `ctx`, `client`); oidc-provider 9.13.3.
 */
import type { Claims, Provider } from 'oidc-provider'
import { withAliases } from '../../domain/claims/claims.ts'
import { clientPolicy } from '../../domain/client/policy.ts'
import { readPolicy } from '../interaction-policy.ts'
import type { ClaimsMembers } from './types.ts'

export function addClaimAliases (provider: Provider): void {
  const { prototype } = provider.Claims
  const { result } = prototype
  prototype.result = async function (this: Claims) {
    const claims = await result.call(this)
    const { ctx, client } = this as Claims & ClaimsMembers
    return ctx?.oidc.route === 'userinfo' ? withAliases(claims, clientPolicy(readPolicy(client)).aliases) : claims
  }
}
