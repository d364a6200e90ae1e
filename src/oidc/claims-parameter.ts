/**
 * The `claims` parameter (OIDC Core §5.5) before the library reads it: `verified_claims` in any form that IDA allows.
 */
import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import { normaliseClaimsParameter } from '../domain/claims/ida-filter.ts'

/** @throws InvalidRequest with what is wrong */
export async function readClaimsParameter (ctx: KoaContextWithOIDC, parsed: unknown): Promise<void> {
  const normalised = normaliseClaimsParameter(parsed as Record<string, unknown>)
  if (!normalised.ok) throw new errors.InvalidRequest(normalised.reason)
  const { params } = ctx.oidc
  // the library parses the parameter again wherever it needs it
  if (params !== undefined) params['claims'] = JSON.stringify(normalised.claims)
}
