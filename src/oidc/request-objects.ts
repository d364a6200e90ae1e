/**
 * Request objects (RFC 9101) by value, at the authorization and PAR endpoints. The library verifies the signature with
 * the client's keys, `iss`, `aud` and `client_id`, and ignores parameters outside of the object (§6.3). The rules here
 * limit lifetime and size, and refuse other JWTs that a client signs.
 */
import { errors, type Client, type Configuration, type KoaContextWithOIDC } from 'oidc-provider'
import { clientPolicy } from '../domain/client/policy.ts'
import { readPolicy } from './interaction-policy.ts'

/** In characters and seconds (docs/numbers.md). */
export const requestObjectLimits = { size: 16_384, lifetime: 3600, highLifetime: 600 } as const

const takenAt = new Set(['authorization', 'pushed_authorization_request'])
/** RFC 9101 §10.8. Older client libraries write none or `JWT`. */
const types = new Set<unknown>([undefined, 'jwt', 'oauth-authz-req+jwt', 'application/oauth-authz-req+jwt'])

interface Judged {
  claims: Record<string, unknown>
  header: Record<string, unknown>
  clientId: string
  high: boolean
  now: number
}

/**
 * The fault of a request object, or null.
 *
 * @param now in seconds
 */
function requestObjectFault ({ claims, header, clientId, high, now }: Judged): string | null {
  const { exp, nbf, sub } = claims
  if (!types.has(typeof header['typ'] === 'string' ? header['typ'].toLowerCase() : header['typ'])) {
    return 'typ must be oauth-authz-req+jwt'
  }
  // a client assertion must not pass for a request object (RFC 9101 §10.8)
  if (sub === clientId) return 'sub must not be the client_id'
  if (claims['client_id'] !== clientId) return 'client_id is missing'
  if (typeof exp !== 'number') return 'exp is missing'
  if (exp <= now) return 'expired'
  const lifetime = high ? requestObjectLimits.highLifetime : requestObjectLimits.lifetime
  if (exp > now + lifetime) return `exp must be at most ${lifetime} seconds ahead`
  if (!high) return null
  // FAPI 2.0 Message Signing §5.3.1, with shorter lifetimes
  if (typeof nbf !== 'number') return 'nbf is missing'
  if (exp - nbf > lifetime) return `exp must be at most ${lifetime} seconds after nbf`
  return header['alg'] === 'RS256' ? 'ES256 must be used by this client' : null
}

type Feature = NonNullable<NonNullable<Configuration['features']>['requestObjects']>

/** The settings of the feature. */
export const requestObjects: Feature = {
  enabled: true,
  requireSignedRequestObject: false,
  /** @throws InvalidRequestObject, RequestNotSupported (devices: RFC 8628 knows no request objects) */
  assertJwtClaimsAndHeader: async (ctx: KoaContextWithOIDC, claims, header, client: Client) => {
    // checked when it was pushed; of parameters pushed without a signature the library made the object
    if (ctx.oidc.entities['PushedAuthorizationRequest'] !== undefined) return
    if (!takenAt.has(ctx.oidc.route)) throw new errors.RequestNotSupported()
    if (String(ctx.oidc.params?.['request']).length > requestObjectLimits.size) {
      throw new errors.InvalidRequestObject(`longer than ${requestObjectLimits.size} characters`)
    }
    const high = clientPolicy(readPolicy(client)).profile === 'high'
    const fault = requestObjectFault({
      claims: claims as Record<string, unknown>,
      header: header as Record<string, unknown>,
      clientId: client.clientId,
      high,
      now: Date.now() / 1000
    })
    if (fault !== null) throw new errors.InvalidRequestObject(`Request Object: ${fault}`)
  }
}
