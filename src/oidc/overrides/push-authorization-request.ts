/**
 * Changes: stores a pushed authorization request (RFC 9126 §2.2) that no client has sent.
 *
 * Reason: a client that must push its requests made this one properly, and the browser that lost it cannot push it
 * again. Only the endpoint makes such requests, for an authenticated client.
 *
 * Relies on: lib/models/pushed_authorization_request.js (the payload),
 * lib/actions/authorization/pushed_authorization_requests.js (the form of `request` and of the `request_uri`),
 * lib/actions/authorization/process_request_object.js (believes the parameters of a request that is `trusted`);
 * oidc-provider 9.13.3.
 */
import type { Provider } from 'oidc-provider'
import type { PushedRequestConstructor, PushedRequestPayload } from './types.ts'

/** @returns the `request_uri`, good for these seconds */
export async function pushAuthorizationRequest (
  provider: Provider,
  payload: Omit<PushedRequestPayload, 'trusted'>,
  seconds: number
): Promise<string> {
  const { PushedAuthorizationRequest } = provider as unknown as { PushedAuthorizationRequest: PushedRequestConstructor }
  const id = await new PushedAuthorizationRequest({ ...payload, trusted: true }).save(seconds)
  return `urn:ietf:params:oauth:request_uri:${id}`
}
