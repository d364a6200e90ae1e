/** What each kind of client may do, and its defaults: secure ones (RFC 9700 §2). */
import { deviceCodeGrant, type ClientKind, type ClientMetadata } from './record.ts'
import type { ClientPolicy } from './policy.ts'

export interface KindRules {
  /** Grants that it may have; the first is the one that makes it what it is. */
  grants: readonly string[]
  authMethods: readonly string[]
  /** People are sent to it, so it has redirect URIs. */
  redirects: boolean
  /** It gets tokens about people, so it names scopes and says why. */
  people: boolean
}

const secrets = [
  'private_key_jwt',
  'client_secret_basic',
  'client_secret_post',
  'tls_client_auth',
  'self_signed_tls_client_auth'
] as const

export const kindRules: Readonly<Record<ClientKind, KindRules>> = {
  server: {
    grants: ['authorization_code', 'refresh_token', 'client_credentials'],
    authMethods: secrets,
    redirects: true,
    people: true
  },
  spa: { grants: ['authorization_code', 'refresh_token'], authMethods: ['none'], redirects: true, people: true },
  native: { grants: ['authorization_code', 'refresh_token'], authMethods: ['none'], redirects: true, people: true },
  device: {
    grants: [deviceCodeGrant, 'refresh_token'],
    authMethods: ['none', ...secrets],
    redirects: false,
    people: true
  },
  machine: { grants: ['client_credentials'], authMethods: secrets, redirects: false, people: false },
  resource: { grants: [], authMethods: secrets, redirects: false, people: false }
}

/** The default metadata of a kind; a client with keys of its own signs, the others get a secret. */
export function defaultMetadata (kind: ClientKind, given: Readonly<Record<string, unknown>> = {}): ClientMetadata {
  const { grants, authMethods, redirects, people } = kindRules[kind]
  const signs =
    given['jwks'] !== undefined ||
    given['jwks_uri'] !== undefined ||
    given['token_endpoint_auth_signing_alg'] !== undefined
  return {
    application_type: kind === 'native' || kind === 'device' ? 'native' : 'web',
    grant_types: grants.slice(0, 1),
    response_types: redirects ? ['code'] : [],
    redirect_uris: [],
    token_endpoint_auth_method: authMethods[0] === 'none' ? 'none' : signs ? 'private_key_jwt' : 'client_secret_basic',
    ...(people ? { scope: 'openid' } : {})
  }
}

/** What the high profile (FAPI 2.0 Security Profile §5.3.2.1) asks of the metadata. */
export const highProfileMetadata = {
  require_pushed_authorization_requests: true,
  dpop_bound_access_tokens: true
} as const satisfies ClientMetadata

/** Policy members in the order in which they are written out. */
export const policyMembers = [
  'names',
  'unit',
  'owner',
  'profile',
  'minimumLevel',
  'trusted',
  'subjectKinds',
  'roles',
  'functions',
  'aliases',
  'optionalScopes',
  'purposes',
  'introspects',
  'resources',
  'adminScopes',
  'homeUri',
  'logo',
  'ownService',
  'representationRequests'
] as const satisfies ReadonlyArray<keyof ClientPolicy>
