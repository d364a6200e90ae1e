/** Brings `verified_claims` of the `claims` parameter (OIDC Core §5.5) from any form that IDA allows into one. */
import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import { normaliseClaimsParameter } from '../domain/claims/ida-filter.ts'
import { replaceClaimsParameter } from './overrides/replace-claims-parameter.ts'

/** @throws InvalidRequest with the reason */
export async function readClaimsParameter (ctx: KoaContextWithOIDC, parsed: unknown): Promise<void> {
  const normalised = normaliseClaimsParameter(parsed as Record<string, unknown>)
  if (!normalised.ok) throw new errors.InvalidRequest(normalised.reason)
  replaceClaimsParameter(ctx, normalised.claims)
}
