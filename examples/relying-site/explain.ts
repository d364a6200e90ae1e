/** What went wrong in an exchange with the provider, as one code (RFC 6749 §4.1.2.1, §5.2; RFC 6750 §3.1; or ours). */
import * as oidc from 'openid-client'
import { ProviderUnreachable } from './provider.ts'

export interface Explanation {
  code: string
  /** The provider's own words, for developers. */
  detail?: string | undefined
}

/** Rethrows what is not about the provider: that is a fault of this site. */
export function explain (error: unknown): Explanation {
  if (error instanceof oidc.AuthorizationResponseError || error instanceof oidc.ResponseBodyError) {
    return { code: error.error, detail: error.error_description }
  }
  if (error instanceof oidc.WWWAuthenticateChallengeError) {
    const challenge = error.cause[0]
    // `Basic` is the token and introspection endpoints' way to say that our own credentials are wrong (RFC 6749 §5.2).
    const implied = challenge?.scheme === 'basic' ? 'invalid_client' : 'invalid_token'
    return { code: challenge?.parameters.error ?? implied, detail: challenge?.parameters.error_description }
  }
  if (error instanceof ProviderUnreachable || isNetworkFault(error)) return { code: 'temporarily_unavailable' }
  if (error instanceof oidc.ClientError) return { code: 'invalid_response', detail: error.code }
  throw error
}

function isNetworkFault (error: unknown): boolean {
  return (
    (error instanceof oidc.ClientError && (error.code === 'OAUTH_TIMEOUT' || error.code === 'OAUTH_ABORT')) ||
    (error instanceof TypeError && error.message === 'fetch failed')
  )
}
