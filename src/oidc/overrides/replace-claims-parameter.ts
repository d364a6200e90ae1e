/**
 * Changes: the `claims` parameter (OIDC Core §5.5) as the library reads it from here on.
 *
 * Reason: `assertClaimsParameter` may refuse a parameter, not replace it; `verified_claims` has several forms in IDA,
 * and the library knows one.
 *
 * Relies on: lib/actions/authorization/claims.js (`checkClaims` asserts, `assignClaims` parses `params.claims` again),
 * lib/helpers/oidc_context.js (`requestParamClaims` parses it, too); oidc-provider 9.13.3.
 */
import type { KoaContextWithOIDC } from 'oidc-provider'

export function replaceClaimsParameter (ctx: KoaContextWithOIDC, claims: unknown): void {
  const { params } = ctx.oidc
  if (params !== undefined) params['claims'] = JSON.stringify(claims)
}
