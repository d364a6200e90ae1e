/**
 * Repeats the authorization request of an expired interaction (records/login-attempts/expired-interaction). The browser
 * cannot push or sign it again where the client must, so Kora pushes the request that it accepted before in the
 * client's name (RFC 9126 §2.2), for one restart.
 */
import { UnsecuredJWT } from 'jose'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { ExpiredInteraction } from '../records/login-attempts/index.ts'
import { routes } from './configuration.ts'
import { pushAuthorizationRequest } from './overrides/push-authorization-request.ts'

/** Seconds: the browser follows the redirect at once. */
const lifetime = 60

/** @returns the interaction, with an address that the rules of its client allow */
export async function restartAuthorization (
  ctx: KoaContextWithOIDC,
  expired: ExpiredInteraction
): Promise<ExpiredInteraction> {
  const { provider } = ctx.oidc
  const [path, query] = expired.restart?.split('?', 2) ?? []
  if (path !== routes.authorization || query === undefined) return expired
  const { client_id: clientId = '', ...params } = Object.fromEntries(new URLSearchParams(query))
  const client = await provider.Client.find(clientId)
  if (client?.requirePushedAuthorizationRequests !== true && client?.requireSignedRequestObject !== true) return expired
  const request = new UnsecuredJWT({ client_id: clientId, ...params })
    .setIssuer(clientId)
    .setAudience(provider.issuer)
    .setIssuedAt()
    .setNotBefore('0s')
    .setExpirationTime(`${lifetime}s`)
    .encode()
  const requestUri = await pushAuthorizationRequest(provider, { request, dpopJkt: params['dpop_jkt'] }, lifetime)
  const restart = `${path}?${new URLSearchParams({ client_id: clientId, request_uri: requestUri }).toString()}`
  return { restart, finished: expired.restart !== null && expired.finished }
}
