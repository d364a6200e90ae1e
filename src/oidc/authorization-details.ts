/**
 * Rich authorization requests (RFC 9396) of one type, `<issuer>/rar/representation`: checks the requested details and
 * copies the granted ones (grants.ts) into codes, tokens and responses.
 */
import { errors, type AuthorizationDetail, type KoaContextWithOIDC } from 'oidc-provider'
import { clientPolicy } from '../domain/client/policy.ts'
import {
  requestedRepresentation,
  narrowed,
  readRepresentationRequest,
  representationType,
  type GrantedDetail
} from '../domain/representation/representation-request.ts'
import type { ResourceServerInfo } from './configuration.ts'
import { readPolicy } from './interaction-policy.ts'

/** A grant, code or token that carries granted details. */
interface Carrier {
  rar?: AuthorizationDetail[] | undefined
}

/** The settings of the feature. */
export function authorizationDetails (issuer: string) {
  return {
    enabled: true,
    types: { [representationType(issuer)]: { validate } },
    authorizationDetailsForGrantSource: (ctx: KoaContextWithOIDC) => ctx.oidc.grant?.rar,
    authorizationDetailsForAccessToken: (ctx: KoaContextWithOIDC, _token: unknown, source: Carrier | undefined) => {
      const requested = requestedRepresentation(ctx.oidc.params?.['authorization_details'])
      const granted = source?.rar?.[0] as GrantedDetail | undefined
      if (requested === null) return source?.rar
      const less = granted === undefined ? null : narrowed(granted, requested)
      if (less === null) throw new errors.InvalidAuthorizationDetails('more than was granted')
      return [less]
    },
    authorizationDetailsForIntrospection: (_ctx: KoaContextWithOIDC, token: Carrier) => token.rar
  }
}

function validate (ctx: KoaContextWithOIDC, detail: AuthorizationDetail, client: unknown): void {
  const read = readRepresentationRequest(detail, clientPolicy(readPolicy(client)))
  if (!read.ok) throw new errors.InvalidAuthorizationDetails(read.fault)
  // a login has one representation
  if ((JSON.parse(String(ctx.oidc.params?.['authorization_details'])) as unknown[]).length > 1) {
    throw new errors.InvalidAuthorizationDetails('one element at a time')
  }
}

/**
 * The library requires a resource (RFC 8707) with every such request. If the site names none, the userinfo endpoint is
 * used, and no API.
 */
export function resourceOfDetails (issuer: string, userinfo: string) {
  const own = `${issuer}${userinfo}`
  const asksForDetails = (ctx: KoaContextWithOIDC): boolean =>
    ctx.oidc.params?.['authorization_details'] !== undefined && ctx.oidc.route !== 'token'
  return {
    defaultResource: (ctx: KoaContextWithOIDC): string | undefined => (asksForDetails(ctx) ? own : undefined),
    around:
      (otherwise: (ctx: KoaContextWithOIDC, indicator: string, client: unknown) => Promise<ResourceServerInfo>) =>
        async (ctx: KoaContextWithOIDC, indicator: string, client: unknown): Promise<ResourceServerInfo> =>
          indicator === own && asksForDetails(ctx)
            ? { scope: '', audience: own, accessTokenTTL: 1, accessTokenFormat: 'opaque' }
            : await otherwise(ctx, indicator, client)
  }
}
