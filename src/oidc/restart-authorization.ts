/**
 * The authorization request of a lost login, made again (journeys/login/lost-login). A client that must push its
 * requests or sign them made this one properly; the browser cannot. So what Kora kept of it is pushed in the client's
 * name (RFC 9126 §2.2), good for this one restart.
 */
import { UnsecuredJWT } from 'jose'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { LostLogin } from '../records/login-attempts/index.ts'
import { routes } from './configuration.ts'
import { pushAuthorizationRequest } from './overrides/push-authorization-request.ts'

/** Seconds; the browser is on its way. */
const lifetime = 60

/** @returns the same, or with an address that the client's own rules allow */
export async function restartAuthorization (ctx: KoaContextWithOIDC, lost: LostLogin): Promise<LostLogin> {
  const { provider } = ctx.oidc
  const [path, query] = lost.restart?.split('?', 2) ?? []
  if (path !== routes.authorization || query === undefined) return lost
  const { client_id: clientId = '', ...params } = Object.fromEntries(new URLSearchParams(query))
  const client = await provider.Client.find(clientId)
  if (client?.requirePushedAuthorizationRequests !== true && client?.requireSignedRequestObject !== true) return lost
  const request = new UnsecuredJWT({ client_id: clientId, ...params })
    .setIssuer(clientId)
    .setAudience(provider.issuer)
    .setIssuedAt()
    .setNotBefore('0s')
    .setExpirationTime(`${lifetime}s`)
    .encode()
  const requestUri = await pushAuthorizationRequest(provider, { request, dpopJkt: params['dpop_jkt'] }, lifetime)
  return { restart: `${path}?${new URLSearchParams({ client_id: clientId, request_uri: requestUri }).toString()}` }
}
