/**
 * The OpenID Connect profile of Kora as configuration of oidc-provider. Every setting is explicit, because the defaults
 * are wider than the profile (docs/protocol.md): code and PKCE S256 for every client, exact redirect URIs, and opaque
 * access tokens unless the resource server takes JWT.
 */
import type { Client, Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { errors } from 'oidc-provider'
import { acrValues } from '../domain/identity/assurance.ts'
import { claimsByScope, scopes } from '../domain/claims/claims.ts'
import { signedResponseModes } from '../domain/client/signing.ts'
import { representationType } from '../domain/representation/representation-request.ts'
import { verifiedClaimsMetadata } from '../domain/claims/verified-claims.ts'
import type { Config } from '../ports/config.ts'
import { accessTokenLifetime } from './acting-for.ts'
import { authorizationDetails, resourceOfDetails } from './authorization-details.ts'
import { certificateMethods } from '../domain/client/certificate.ts'
import { clientCertificates } from './client-certificates.ts'
import { readClaimsParameter } from './claims-parameter.ts'
import { requestObjects } from './request-objects.ts'

/** Lifetimes in seconds (docs/numbers.md). */
export const lifetimes = {
  accessToken: 600,
  authorizationCode: 60,
  clientCredentials: 600,
  /** As long as an interaction, for which it waits. */
  deviceCode: 900,
  idToken: 600,
  interaction: 900,
  refreshToken: 30 * 86_400,
  session: 1800,
  sessionAbsolute: 43_200
} as const

export const routes = {
  authorization: '/oidc/auth',
  token: '/oidc/token',
  userinfo: '/oidc/userinfo',
  jwks: '/oidc/jwks',
  introspection: '/oidc/introspect',
  revocation: '/oidc/revoke',
  end_session: '/oidc/logout',
  pushed_authorization_request: '/oidc/par',
  device_authorization: '/oidc/device-authorization',
  /** Only `<this>/<uid>` is used, to which the hosted login returns; people type their code in at /device. */
  code_verification: '/oidc/device'
} as const

/** Seconds by which the clock of a client may differ in assertions and proofs. */
const clockToleranceSeconds = 10

/** Seconds that a signed authorization response is good; fixed by the library. */
export const signedResponseSeconds = 120

/** Without `fragment`: no response belongs into one (RFC 9700 §4.3). The signed modes: JARM §2.3. */
export const responseModes = ['query', 'form_post', ...signedResponseModes]

export interface Parts {
  config: Pick<Config, 'dynamicRegistration' | 'issuer' | 'mtls' | 'trustedProxies'>
  adapter: Configuration['adapter']
  jwks: Configuration['jwks']
  interactions: NonNullable<Configuration['interactions']>
  deviceFlow: NonNullable<NonNullable<Configuration['features']>['deviceFlow']>
  findAccount: NonNullable<Configuration['findAccount']>
  loadExistingGrant: NonNullable<Configuration['loadExistingGrant']>
  extraTokenClaims: NonNullable<Configuration['extraTokenClaims']>
  pairwiseIdentifier: NonNullable<Configuration['pairwiseIdentifier']>
  resourceServerInfo: (ctx: KoaContextWithOIDC, indicator: string, client: unknown) => Promise<ResourceServerInfo>
  mayIntrospect: (ctx: KoaContextWithOIDC, client: unknown, token: unknown) => Promise<boolean>
  mayRevoke: (ctx: KoaContextWithOIDC, client: unknown, token: unknown) => Promise<boolean>
  renderError: NonNullable<Configuration['renderError']>
  logoutSource: (ctx: KoaContextWithOIDC, form: string) => Promise<void>
  postLogoutSuccessSource: (ctx: KoaContextWithOIDC) => Promise<void>
  fetch: NonNullable<Configuration['fetch']>
}

export interface ResourceServerInfo {
  scope: string
  audience: string
  accessTokenTTL: number
  accessTokenFormat: 'opaque' | 'jwt'
  jwt?: { sign: { alg: 'ES256' | 'RS256' } }
}

const algorithms: ('ES256' | 'RS256')[] = ['ES256', 'RS256']

export function createConfiguration (parts: Parts): Configuration {
  const secure = parts.config.issuer.startsWith('https:')
  const resources = resourceOfDetails(parts.config.issuer, routes.userinfo)
  const cookie = { httpOnly: true, sameSite: 'lax', signed: false, secure, overwrite: true } as const
  return {
    adapter: parts.adapter,
    jwks: parts.jwks,
    routes,
    acrValues,
    claims: {
      ...claimsByScope,
      sid: null,
      iss: null
    },
    scopes: [...scopes, 'offline_access'],
    responseTypes: ['code'],
    subjectTypes: ['public', 'pairwise'],
    pairwiseIdentifier: parts.pairwiseIdentifier,
    clientAuthMethods: [
      'client_secret_basic',
      'client_secret_post',
      'private_key_jwt',
      ...certificateMethods(parts.config.mtls),
      'none'
    ],
    clientDefaults: {
      id_token_signed_response_alg: 'ES256',
      authorization_signed_response_alg: 'ES256',
      introspection_signed_response_alg: 'ES256',
      grant_types: ['authorization_code'],
      response_types: ['code'],
      response_modes: [...responseModes],
      // the policy of a client says whether it may use them
      authorization_details_types: [representationType(parts.config.issuer)]
    },
    extraClientMetadata: {
      // a client is checked as a whole when it is loaded (client-store.ts)
      properties: ['kora_policy']
    },
    allowOmittingSingleRegisteredRedirectUri: false,
    acceptQueryParamAccessTokens: false,
    conformIdTokenClaims: true,
    clockTolerance: clockToleranceSeconds,
    clientBasedCORS: (ctx, origin, client) => mayCallFrom(origin, client, ctx.oidc.route),
    pkce: { required: () => true },
    cookies: {
      // identifiers of sessions and interactions have 256 random bits, so a signature would add nothing
      keys: [],
      names: secure
        ? { session: '__Host-kora_session', interaction: '__Secure-kora_interaction', resume: '__Secure-kora_resume' }
        : { session: 'kora_session', interaction: 'kora_interaction', resume: 'kora_resume' },
      long: { ...cookie, path: '/' },
      short: cookie
    },
    discovery: {
      ...verifiedClaimsMetadata(parts.config.issuer),
      ui_locales_supported: ['zh-CN', 'bo', 'en'],
      service_documentation: `${parts.config.issuer}/developers`,
      op_policy_uri: `${parts.config.issuer}/help/privacy`,
      op_tos_uri: `${parts.config.issuer}/help/terms`,
      ...certificateEndpoints(parts.config),
      ...(parts.config.dynamicRegistration ? { registration_endpoint: `${parts.config.issuer}/connect/register` } : {})
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: true },
      claimsParameter: { enabled: true, assertClaimsParameter: readClaimsParameter },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true },
      ...(parts.config.mtls === null
        ? {}
        : { mTLS: clientCertificates(parts.config.mtls, parts.config.trustedProxies) }),
      introspection: { enabled: true, allowedPolicy: parts.mayIntrospect },
      revocation: { enabled: true, allowedPolicy: parts.mayRevoke },
      pushedAuthorizationRequests: {
        enabled: true,
        requirePushedAuthorizationRequests: false,
        allowUnregisteredRedirectUris: false
      },
      requestObjects,
      jwtResponseModes: { enabled: true },
      jwtIntrospection: { enabled: true },
      jwtUserinfo: { enabled: true },
      registration: { enabled: false },
      deviceFlow: parts.deviceFlow,
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: parts.logoutSource,
        postLogoutSuccessSource: parts.postLogoutSuccessSource
      },
      externalSigningSupport: { enabled: true, ack: 'experimental-01' },
      resourceIndicators: {
        enabled: true,
        defaultResource: resources.defaultResource,
        useGrantedResource: () => false,
        getResourceServerInfo: resources.around(parts.resourceServerInfo)
      },
      richAuthorizationRequests: authorizationDetails(parts.config.issuer)
    },
    enabledJWA: {
      idTokenSigningAlgValues: algorithms,
      userinfoSigningAlgValues: algorithms,
      introspectionSigningAlgValues: algorithms,
      authorizationSigningAlgValues: algorithms,
      requestObjectSigningAlgValues: algorithms,
      clientAuthSigningAlgValues: [...algorithms, 'PS256', 'EdDSA'],
      dPoPSigningAlgValues: ['ES256', 'EdDSA']
    },
    extraTokenClaims: parts.extraTokenClaims,
    // the logout transaction deletes the tokens of a session, so they are not looked up with it at each use
    expiresWithSession: () => false,
    issueRefreshToken: (_ctx, client, code) => client.grantTypeAllowed('refresh_token') && 'accountId' in code,
    // RFC 9700 §4.14: public clients rotate, with detection of reuse; confidential ones authenticate
    rotateRefreshToken: (ctx) => ctx.oidc.client?.clientAuthMethod === 'none',
    interactions: parts.interactions,
    findAccount: parts.findAccount,
    loadExistingGrant: parts.loadExistingGrant,
    renderError: parts.renderError,
    fetch: parts.fetch,
    ttl: {
      AccessToken: (ctx, token) => accessTokenLifetime(ctx, token, lifetimes.accessToken),
      AuthorizationCode: lifetimes.authorizationCode,
      DeviceCode: lifetimes.deviceCode,
      ClientCredentials: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? lifetimes.clientCredentials,
      Grant: lifetimes.refreshToken,
      IdToken: lifetimes.idToken,
      Interaction: lifetimes.interaction,
      RefreshToken: refreshLifetime,
      Session: lifetimes.session
    }
  }
}

const takesCertificates = [
  'token',
  'userinfo',
  'introspection',
  'revocation',
  'pushed_authorization_request',
  'device_authorization'
] as const

/** Addresses at which the proxy requests certificates, when it is not the issuer's (RFC 8705 §5). */
function certificateEndpoints ({ mtls }: Pick<Config, 'mtls'>): object {
  if (mtls === null || mtls.origin === null) return {}
  return {
    mtls_endpoint_aliases: Object.fromEntries(
      takesCertificates.map((name) => [`${name}_endpoint`, mtls.origin + routes[name]])
    )
  }
}

/** Scripts may call from the registered origins of a client: every endpoint for public ones, userinfo for others. */
function mayCallFrom (origin: string, client: Client, route: string): boolean {
  const { clientAuthMethod, redirectUris = [] } = client
  if (clientAuthMethod !== 'none' && route !== 'userinfo') return false
  return origin !== 'null' && redirectUris.some((uri) => URL.parse(uri)?.origin === origin)
}

/** A rotated token ends when the first one of its line would have ended. */
function refreshLifetime (ctx: KoaContextWithOIDC, token: { iiat?: number | undefined }): number {
  const born = ctx?.oidc?.entities.RotatedRefreshToken?.iiat ?? token.iiat
  if (born === undefined) return lifetimes.refreshToken
  const left = born + lifetimes.refreshToken - Math.floor(Date.now() / 1000)
  if (left <= 0) throw new errors.InvalidGrant('refresh token is at the end of its life')
  return left
}
