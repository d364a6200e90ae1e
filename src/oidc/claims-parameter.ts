/** Brings `verified_claims` of the `claims` parameter (OIDC Core §5.5) from any form that IDA allows into one. */
import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import { isTooDeep } from '../domain/json-depth.ts'
import { normaliseClaimsParameter } from '../domain/claims/ida-filter.ts'
import { replaceClaimsParameter } from './overrides/replace-claims-parameter.ts'

/** @throws InvalidRequest with the reason */
export async function readClaimsParameter (ctx: KoaContextWithOIDC, parsed: unknown): Promise<void> {
  if (isTooDeep(parsed)) throw new errors.InvalidRequest('claims: nested too deeply')
  for (const target of ['id_token', 'userinfo']) {
    const wanted = (parsed as Record<string, unknown>)[target] as Record<string, unknown> | undefined
    const { sub = null } = wanted ?? {}
    // the library would leave the member out, and an ID token without `sub` is none
    if (typeof sub !== 'object' || Array.isArray(sub)) {
      throw new errors.InvalidRequest(`claims.${target}.sub must be null or an object`)
    }
  }
  const normalised = normaliseClaimsParameter(parsed as Record<string, unknown>)
  if (!normalised.ok) throw new errors.InvalidRequest(normalised.reason)
  replaceClaimsParameter(ctx, normalised.claims)
}
