/**
 * The one validation of a client, for console, command line, admin API, dynamic registration and the loading of stored
 * clients. It always sees the whole object, so a sequence of small changes cannot reach a state that a single change
 * could not (RFC 7591 §2, OpenID Connect Registration §2, RFC 9700). It reports every fault at once.
 */
import { acrValues } from '../identity/assurance.ts'
import { certificateMembers, checkCertificates, provesByKey } from './certificate.ts'
import { checkJwks } from './keys.ts'
import { createReport, isObject, readers, step, type ClientFault, type Readers, type Report } from './faults.ts'
import { defaultMetadata, highProfileMetadata, kindRules } from './kinds.ts'
import { checkPolicy } from './policy-rules.ts'
import { checkSignedMessages, responseSigningMembers } from './signing.ts'
import { clientKinds, readKind, type ClientContent, type ClientKind, type ClientMetadata } from './record.ts'
import { clientPolicy } from './policy.ts'
import { maximumRedirectUris, uriFault, type UriRules, type UriUse } from './uri.ts'

export type { ClientFault } from './faults.ts'

/** What the deployment offers; a client cannot register more. */
export interface ClientRules {
  /** Kora's origin. */
  issuer: string
  sandbox: boolean
  egressAllowed: readonly string[]
  scopes: readonly string[]
  grantTypes: readonly string[]
  authMethods: readonly string[]
  signingAlgs: readonly string[]
  clientSigningAlgs: readonly string[]
  requestSigningAlgs: readonly string[]
  responseModes: readonly string[]
  /** One of Kora's own services: only these may claim it. */
  ownService?: boolean
}

export type Validated = { ok: true; content: ClientContent } | { ok: false; faults: ClientFault[] }

const members = [
  'client_name',
  'application_type',
  'grant_types',
  'response_types',
  'response_modes',
  'redirect_uris',
  'post_logout_redirect_uris',
  'backchannel_logout_uri',
  'backchannel_logout_session_required',
  'initiate_login_uri',
  'client_uri',
  'logo_uri',
  'policy_uri',
  'tos_uri',
  'sector_identifier_uri',
  'subject_type',
  'scope',
  'token_endpoint_auth_method',
  'token_endpoint_auth_signing_alg',
  'id_token_signed_response_alg',
  'userinfo_signed_response_alg',
  'introspection_signed_response_alg',
  'authorization_signed_response_alg',
  'request_object_signing_alg',
  'require_signed_request_object',
  'jwks',
  'jwks_uri',
  'require_pushed_authorization_requests',
  'dpop_bound_access_tokens',
  ...certificateMembers,
  'default_max_age',
  'require_auth_time',
  'default_acr_values',
  'contacts',
  'software_id',
  'software_version'
] as const satisfies ReadonlyArray<keyof ClientMetadata>

export const metadataMembers: readonly string[] = members

export const selectUriRules = (
  rules: Pick<ClientRules, 'issuer' | 'sandbox' | 'egressAllowed' | 'ownService'>,
  kind: ClientKind
): UriRules => ({
  native: kind === 'native',
  sandbox: rules.sandbox,
  ownOrigin: rules.issuer,
  egressAllowed: rules.egressAllowed,
  ownService: rules.ownService === true
})

/**
 * Checks `{kind, metadata, policy}`. `kind` may be absent and is then derived from the metadata. Absent members get
 * secure defaults; unknown ones are faults, because a misspelled restriction restricts nothing.
 */
export function validateClient (input: unknown, rules: ClientRules): Validated {
  const { faults, report } = createReport()
  const read = readers(report)
  if (!isObject(input)) {
    report('', 'not_an_object', input, '{"kind": …, "metadata": …, "policy": …}')
    return { ok: false, faults }
  }
  read.known('', input, ['kind', 'metadata', 'policy'])
  const given = without(input['metadata'] ?? {})
  const policyGiven = without(input['policy'] ?? {})
  if (!isObject(given)) report('/metadata', 'not_an_object', given, '{…}')
  if (!isObject(policyGiven)) report('/policy', 'not_an_object', policyGiven, '{…}')
  const kind =
    input['kind'] === undefined
      ? readKind(isObject(given) ? given : {})
      : read.one('/kind', input['kind'], clientKinds)
  if (!isObject(given) || !isObject(policyGiven) || kind === undefined) return { ok: false, faults }

  const metadata = { ...defaultMetadata(kind, given), ...given }
  const field = (name: string): string => `/metadata${step(name)}`
  const part: Part = { kind, metadata, rules, report, read, field }
  read.known('/metadata', given, given['client_secret'] === undefined ? members : [...members, 'client_secret'])
  if (given['client_secret'] !== undefined) report(field('client_secret'), 'secret_not_here', '…', '')
  checkNames(part)
  checkGrants(part)
  checkAddresses(part)
  checkAuthentication(part)
  checkCertificates(part)
  checkTokens(part)
  checkSignedMessages(part)
  checkPolicy({
    kind,
    policy: policyGiven,
    signs: metadata['token_endpoint_auth_method'] === 'private_key_jwt',
    scope: parseScopes(metadata['scope']),
    grantTypes: metadata['grant_types'],
    rules,
    report,
    read
  })
  if (policyGiven['profile'] === 'high') checkHighProfile(part)
  if (faults.length > 0) return { ok: false, faults }

  return { ok: true, content: { kind, metadata, policy: clientPolicy(policyGiven) } }
}

/** Whether a stored policy is one of Kora's own services. */
export const isOwnService = (policy: unknown): boolean => isObject(policy) && policy['ownService'] === true

/** A client under examination. */
export interface Part {
  kind: ClientKind
  metadata: Record<string, unknown>
  rules: ClientRules
  report: Report
  read: Readers
  field: (name: string) => string
}

const parseScopes = (scope: unknown): string[] => (typeof scope === 'string' ? scope.split(' ').filter(Boolean) : [])

/** JSON has no undefined: a member set to it was left out. */
const without = (value: unknown): unknown =>
  isObject(value) ? Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) : value

function checkNames ({ metadata, read, report, field }: Part): void {
  read.text(field('client_name'), metadata['client_name'], 120)
  read.text(field('software_id'), metadata['software_id'], 200)
  read.text(field('software_version'), metadata['software_version'], 100)
  for (const [index, contact] of read.list(field('contacts'), metadata['contacts'], 10).entries()) {
    if (
      typeof contact !== 'string' ||
      contact.length > 254 ||
      !/^[\w.!#$%&'*+/=?^`{|}~-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+$/i.test(contact)
    ) {
      report(field('contacts') + step(index), 'not_an_email', contact, 'name@example.gov.cn')
    }
  }
}

function checkGrants ({ kind, metadata, rules, report, read, field }: Part): void {
  const { grants, redirects, people } = kindRules[kind]
  read.one(field('application_type'), metadata['application_type'], [
    kind === 'native' || kind === 'device' ? 'native' : 'web'
  ])
  const wanted = read.some(field('grant_types'), metadata['grant_types'], grants)
  const [main] = grants
  if (main !== undefined && Array.isArray(metadata['grant_types']) && !wanted.includes(main)) {
    report(field('grant_types'), 'missing', wanted, main)
  }
  for (const grant of wanted) {
    if (!rules.grantTypes.includes(grant)) {
      report(field('grant_types'), 'not_offered', grant, rules.grantTypes.join(' | '))
    }
  }
  const types = read.some(field('response_types'), metadata['response_types'], redirects ? ['code'] : [])
  if (redirects && Array.isArray(metadata['response_types']) && types.length === 0) {
    report(field('response_types'), 'missing', types, 'code')
  }
  read.some(field('response_modes'), metadata['response_modes'], rules.responseModes)
  if (!people && metadata['scope'] !== undefined) report(field('scope'), 'not_for_this_kind', metadata['scope'], '')
  if (people) {
    checkScope({
      scope: metadata['scope'],
      offered: [...rules.scopes, 'offline_access'],
      report,
      field: field('scope')
    })
  }
}

interface CheckScopeInput {
  scope: unknown
  offered: readonly string[]
  report: Report
  field: string
}

function checkScope ({ scope, offered, report, field }: CheckScopeInput): void {
  if (typeof scope !== 'string' || scope === '') {
    report(field, 'missing', scope, 'openid …')
    return
  }
  const asked = parseScopes(scope)
  for (const name of asked) if (!offered.includes(name)) report(field, 'not_one_of', name, offered.join(' | '))
  if (!asked.includes('openid')) report(field, 'missing', scope, 'openid')
  if (new Set(asked).size !== asked.length) report(field, 'twice', scope, [...new Set(asked)].join(' '))
}

const singleAddresses: ReadonlyArray<readonly [name: string, use: UriUse]> = [
  ['backchannel_logout_uri', 'backchannel'],
  ['initiate_login_uri', 'initiate_login'],
  ['client_uri', 'page'],
  ['logo_uri', 'page'],
  ['policy_uri', 'page'],
  ['tos_uri', 'page'],
  ['jwks_uri', 'jwks'],
  ['sector_identifier_uri', 'sector']
]

function checkAddresses ({ kind, metadata, rules, report, read, field }: Part): void {
  const uriRules = selectUriRules(rules, kind)
  const address = (at: string, value: unknown, use: UriUse): void => {
    const found = uriFault(value, use, uriRules)
    if (found !== null) report(at, found.code, value, found.expected)
  }
  for (const [name, use] of [
    ['redirect_uris', 'redirect'],
    ['post_logout_redirect_uris', 'post_logout']
  ] as const) {
    const list = read.list(field(name), metadata[name], maximumRedirectUris)
    if (!kindRules[kind].redirects && list.length > 0) report(field(name), 'not_for_this_kind', list, '[]')
    else for (const [index, value] of list.entries()) address(field(name) + step(index), value, use)
  }
  if (
    kindRules[kind].redirects &&
    Array.isArray(metadata['redirect_uris']) &&
    metadata['redirect_uris'].length === 0
  ) {
    report(field('redirect_uris'), 'missing', [], 'https://…')
  }
  for (const [name, use] of singleAddresses) {
    if (metadata[name] !== undefined) address(field(name), metadata[name], use)
  }
  // pictures are uploaded: a picture at another address would show its owner who signs in where
  if (metadata['logo_uri'] !== undefined) report(field('logo_uri'), 'upload_instead', metadata['logo_uri'], '')
  read.flag(field('backchannel_logout_session_required'), metadata['backchannel_logout_session_required'])
  checkSector(metadata, report, field)
}

/** Pairwise subjects need one sector (OpenID Connect Core §8.1). */
function checkSector (metadata: Record<string, unknown>, report: Report, field: Part['field']): void {
  const pairwise = metadata['subject_type'] === 'pairwise'
  if (metadata['sector_identifier_uri'] !== undefined && !pairwise) {
    report(field('sector_identifier_uri'), 'needs', metadata['sector_identifier_uri'], 'subject_type=pairwise')
  }
  if (!pairwise || metadata['sector_identifier_uri'] !== undefined) return
  const uris = Array.isArray(metadata['redirect_uris']) ? metadata['redirect_uris'] : []
  const hosts = new Set(uris.map((uri) => URL.parse(String(uri))?.host ?? ''))
  if (hosts.size !== 1 || hosts.has('')) {
    report(field('sector_identifier_uri'), 'missing', [...hosts].join(' '), 'https://…')
  }
}

function checkAuthentication (part: Part): void {
  const { kind, metadata, rules, report, read, field } = part
  const method = read.one(
    field('token_endpoint_auth_method'),
    metadata['token_endpoint_auth_method'],
    kindRules[kind].authMethods.filter((name) => rules.authMethods.includes(name)),
    true
  )
  const both = metadata['jwks'] !== undefined && metadata['jwks_uri'] !== undefined
  if (both) report(field('jwks_uri'), 'either_or', metadata['jwks_uri'], 'jwks | jwks_uri')
  checkJwks({ field: field('jwks'), jwks: metadata['jwks'], report, readers: read })
  const algorithm = metadata['token_endpoint_auth_signing_alg']
  if (method === 'private_key_jwt') {
    if (metadata['jwks'] === undefined && metadata['jwks_uri'] === undefined) {
      report(field('jwks'), 'missing', undefined, '{"keys": […]} | jwks_uri')
    }
    read.one(field('token_endpoint_auth_signing_alg'), algorithm, rules.clientSigningAlgs)
  } else if (algorithm !== undefined) {
    report(field('token_endpoint_auth_signing_alg'), 'needs', algorithm, 'token_endpoint_auth_method=private_key_jwt')
  }
}

function checkTokens ({ metadata, rules, read, field }: Part): void {
  read.one(field('subject_type'), metadata['subject_type'], ['public', 'pairwise'])
  read.one(field('id_token_signed_response_alg'), metadata['id_token_signed_response_alg'], rules.signingAlgs)
  for (const name of ['require_pushed_authorization_requests', 'dpop_bound_access_tokens', 'require_auth_time']) {
    read.flag(field(name), metadata[name])
  }
  read.whole(field('default_max_age'), metadata['default_max_age'], 0, 43_200)
  read.some(field('default_acr_values'), metadata['default_acr_values'], acrValues)
}

function checkHighProfile ({ kind, metadata, report, field }: Part): void {
  if (kind !== 'server' && kind !== 'machine') report('/policy/profile', 'not_for_this_kind', 'high', 'standard')
  if (!provesByKey(metadata['token_endpoint_auth_method'])) {
    report(
      field('token_endpoint_auth_method'),
      'high_profile',
      metadata['token_endpoint_auth_method'],
      'private_key_jwt | tls_client_auth | self_signed_tls_client_auth'
    )
  }
  for (const [name, value] of Object.entries(highProfileMetadata)) {
    // bound to a certificate instead of a key
    if (name === 'dpop_bound_access_tokens' && metadata['tls_client_certificate_bound_access_tokens'] === true) {
      continue
    }
    if (metadata[name] !== value && (kind === 'server' || name !== 'require_pushed_authorization_requests')) {
      report(field(name), 'high_profile', metadata[name], String(value))
    }
  }
  if (metadata['token_endpoint_auth_signing_alg'] === 'RS256') {
    report(field('token_endpoint_auth_signing_alg'), 'high_profile', 'RS256', 'ES256 | PS256 | EdDSA')
  }
  for (const name of ['id_token_signed_response_alg', 'request_object_signing_alg', ...responseSigningMembers]) {
    if (metadata[name] === 'RS256') report(field(name), 'high_profile', 'RS256', 'ES256')
  }
  for (const [index, uri] of (Array.isArray(metadata['redirect_uris']) ? metadata['redirect_uris'] : []).entries()) {
    if (!String(uri).startsWith('https:')) report(field('redirect_uris') + step(index), 'not_https', uri, 'https://…')
  }
}
