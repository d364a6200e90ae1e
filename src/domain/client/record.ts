/**
 * A client (relying site) as the registry stores it: OAuth metadata with its standard names, Kora's policy, and its
 * kind. The rules are in metadata.ts; rows in records/clients.
 */
import type { ClientPolicy } from './policy.ts'

/**
 * server = a web server that keeps a secret; spa = scripts in a browser; native = an app on a phone or desk; device = a
 * kiosk or television; machine = a service without people; resource = an API that introspects.
 */
export const clientKinds = ['server', 'spa', 'native', 'device', 'machine', 'resource'] as const
export type ClientKind = (typeof clientKinds)[number]

/**
 * draft = not usable yet; test and live = usable (live: changes of addresses need a second administrator); disabled =
 * refused.
 */
export const clientStatuses = ['draft', 'test', 'live', 'disabled'] as const
export type ClientStatus = (typeof clientStatuses)[number]

/** What the history of a client knows. */
export type ClientAct =
  'created' | 'changed' | 'status' | 'secret_created' | 'secret_ended' | 'logo' | 'deleted' | 'failures_dismissed'

/**
 * Client metadata under its registered names (RFC 7591 §2, OpenID Connect Registration §2), as far as Kora reads it.
 */
export interface ClientMetadata {
  client_name?: string
  application_type?: 'web' | 'native'
  grant_types?: string[]
  response_types?: string[]
  response_modes?: string[]
  redirect_uris?: string[]
  post_logout_redirect_uris?: string[]
  backchannel_logout_uri?: string
  backchannel_logout_session_required?: boolean
  initiate_login_uri?: string
  client_uri?: string
  logo_uri?: string
  policy_uri?: string
  tos_uri?: string
  sector_identifier_uri?: string
  subject_type?: 'public' | 'pairwise'
  scope?: string
  token_endpoint_auth_method?: string
  token_endpoint_auth_signing_alg?: string
  id_token_signed_response_alg?: string
  userinfo_signed_response_alg?: string
  introspection_signed_response_alg?: string
  authorization_signed_response_alg?: string
  request_object_signing_alg?: string
  require_signed_request_object?: boolean
  jwks?: { keys: Array<Record<string, unknown>> }
  jwks_uri?: string
  require_pushed_authorization_requests?: boolean
  dpop_bound_access_tokens?: boolean
  tls_client_auth_subject_dn?: string
  tls_client_auth_san_dns?: string
  tls_client_auth_san_uri?: string
  tls_client_auth_san_ip?: string
  tls_client_auth_san_email?: string
  tls_client_certificate_bound_access_tokens?: boolean
  default_max_age?: number
  require_auth_time?: boolean
  default_acr_values?: string[]
  contacts?: string[]
  software_id?: string
  software_version?: string
}

/** What is validated, stored, exported and compared: everything of a client that somebody decides. */
export interface ClientContent {
  kind: ClientKind
  metadata: ClientMetadata
  policy: ClientPolicy
}

export interface ClientRecord extends ClientContent {
  clientId: string
  status: ClientStatus
  /** Counts changes; a change names the one it was made from. */
  version: number
  createdAt: Date
  updatedAt: Date
}

export const deviceCodeGrant = 'urn:ietf:params:oauth:grant-type:device_code'

/** The kind of a client that was stored without one: by its grants and how it authenticates. */
export function readKind (metadata: Readonly<Record<string, unknown>>): ClientKind {
  const grants = Array.isArray(metadata['grant_types'])
    ? (metadata['grant_types'] as unknown[])
    : ['authorization_code']
  if (grants.includes(deviceCodeGrant)) return 'device'
  if (grants.length === 0) return 'resource'
  if (grants.every((grant) => grant === 'client_credentials')) return 'machine'
  if (metadata['application_type'] === 'native') return 'native'
  return metadata['token_endpoint_auth_method'] === 'none' ? 'spa' : 'server'
}

/** Whether a client takes the console's test login: in test, with addresses of its own. */
export const canTestLogin = ({
  status,
  metadata
}: {
  status: string
  metadata: { redirect_uris?: unknown }
}): boolean => status === 'test' && Array.isArray(metadata.redirect_uris) && metadata.redirect_uris.length > 0
