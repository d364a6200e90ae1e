/**
 * An authorization request as a relying site makes it (RFC 6749 §4.1.1, RFC 7636, OIDC Core §3.1.2.1): for `kora code`
 * and the page to try.
 */
import { createHash } from 'node:crypto'
import { newIdentifier } from '../../domain/identifier.ts'

export interface AuthorizationRequest {
  url: string
  /** To be kept until the answer comes. */
  state: string
  nonce: string
  verifier: string
}

/** @param more further parameters; empty values are left out */
export function authorizationRequest (
  endpoint: string,
  given: { clientId: string; redirectUri: string; scope: string },
  more: Readonly<Record<string, string>> = {}
): AuthorizationRequest {
  const [state, nonce, verifier] = [random(), random(), random()]
  const url = new URL(endpoint)
  const parameters = {
    client_id: given.clientId,
    response_type: 'code',
    redirect_uri: given.redirectUri,
    scope: given.scope,
    state,
    nonce,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...more
  }
  for (const [name, value] of Object.entries(parameters)) if (value !== '') url.searchParams.set(name, value)
  return { url: url.href, state, nonce, verifier }
}

const random = (): string => newIdentifier(32)
