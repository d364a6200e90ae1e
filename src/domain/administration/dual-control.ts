/**
 * Which changes of a client need approval: the one rule for console, admin API, command line, declared files and
 * dynamic registration. Each reason is a message `clients.second.<reason>` of the console.
 */
import { addsApiScopes, hasApiScopes } from '../client/api-grants.ts'
import { certificateNames, provesByKey } from '../client/certificate.ts'
import { canonicalJson } from '../client/diff.ts'
import type { ClientContent, ClientMetadata, ClientStatus } from '../client/record.ts'
import type { ClientPolicy } from '../client/policy.ts'
import { wantsSignedResponses } from '../client/signing.ts'

/** Scopes that only a second administrator may give: the document number of people. */
const highScopes: readonly string[] = ['identity']

/**
 * high_scope: a scope of the highest kind. scope_added: more than the client went live with. consent_skipped: no
 * consent page any more (or more data without one). introspects_all: may introspect every token. api_scope: tokens for
 * an API, or more of one. admin_scope: administers through the API. redirect_change: other addresses. keys_changed:
 * other keys, or another way of authentication, of a client with a power. subject_linked: people become recognizable
 * across sites. protection_lowered: a lower level of login, or weaker proof by the client. goes_live: from now on it
 * serves everybody. secret_changed: a new secret of a client with a power.
 */
export const contentReasonNames = [
  'high_scope',
  'scope_added',
  'consent_skipped',
  'introspects_all',
  'api_scope',
  'admin_scope',
  'redirect_change',
  'keys_changed',
  'subject_linked',
  'protection_lowered'
] as const
export const dualControlReasonNames = [...contentReasonNames, 'goes_live', 'secret_changed'] as const
type ContentReason = (typeof contentReasonNames)[number]
export type DualControlReason = (typeof dualControlReasonNames)[number]

export interface Judged {
  metadata: ClientMetadata
  policy?: Partial<ClientPolicy>
}

const listScopes = ({ metadata: { scope } }: Judged): string[] => (scope ?? '').split(' ').filter(Boolean)
const sorted = (list: readonly string[] | undefined): string => [...(list ?? [])].sort().join('\n')
const listAddresses = ({ metadata: m }: Judged): string =>
  canonicalJson([
    sorted(m.redirect_uris),
    sorted(m.post_logout_redirect_uris),
    m.backchannel_logout_uri ?? '',
    m.initiate_login_uri ?? ''
  ])
const describeKeys = ({ metadata }: Judged): string =>
  canonicalJson([
    metadata.jwks ?? null,
    metadata.jwks_uri ?? null,
    metadata.token_endpoint_auth_method ?? null,
    ...certificateNames.map((name) => metadata[name] ?? null)
  ])
const introspectsAll = ({ policy }: Judged): boolean => policy?.introspects?.includes('*') === true
const nothing: Judged = { metadata: {} }

/**
 * Why a change needs a second administrator. `before` null: a new client.
 *
 * Powers need one whenever they are given. Scopes, addresses, subjects and protections need one for a client that is
 * live (or was, and is disabled: otherwise disabling would be a way around), and for a client with a power in every
 * status, because the power was given to what was shown; so the keys of a client with a power need one in every status,
 * too.
 */
export function dualControlReasons (before: (Judged & { status: string }) | null, after: Judged): DualControlReason[] {
  const had = before ?? nothing
  const hadScopes = listScopes(had)
  const added = listScopes(after).filter((scope) => !hadScopes.includes(scope))
  const administers = had.policy?.adminScopes ?? []
  const guarded = before !== null && (before.status === 'live' || before.status === 'disabled' || isPowerful(before))
  const found: Record<ContentReason, boolean> = {
    high_scope: added.some((scope) => highScopes.includes(scope)),
    scope_added: guarded && added.some((scope) => scope !== 'openid' && !highScopes.includes(scope)),
    consent_skipped: after.policy?.trusted === true && (had.policy?.trusted !== true || added.length > 0),
    introspects_all: introspectsAll(after) && !introspectsAll(had),
    api_scope: addsApiScopes(had.policy?.resources, after.policy?.resources),
    admin_scope: (after.policy?.adminScopes ?? []).some((scope) => !administers.includes(scope)),
    redirect_change: guarded && listAddresses(had) !== listAddresses(after),
    keys_changed: isPowerful(had) && describeKeys(had) !== describeKeys(after),
    subject_linked:
      guarded &&
      had.metadata.subject_type === 'pairwise' &&
      (after.metadata.subject_type !== 'pairwise' ||
        had.metadata.sector_identifier_uri !== after.metadata.sector_identifier_uri),
    protection_lowered: guarded && isWeaker(had, after)
  }
  return contentReasonNames.filter((reason) => found[reason])
}

/** Why a status needs a second administrator: what goes live serves everybody with everything that it was given. */
export const statusReasons = (status: ClientStatus): DualControlReason[] => (status === 'live' ? ['goes_live'] : [])

/** Why a notice needs a second administrator: what everybody was told cannot be taken back. */
export const noticeReasons = (audience: string): Array<'everybody'> => (audience === 'everybody' ? ['everybody'] : [])

/** Why a new secret needs a second administrator: who has the secret has the powers of the client. */
export const secretReasons = (client: Judged): DualControlReason[] => (isPowerful(client) ? ['secret_changed'] : [])

const isPowerful = (client: Judged): boolean =>
  listScopes(client).some((scope) => highScopes.includes(scope)) ||
  client.policy?.trusted === true ||
  introspectsAll(client) ||
  hasApiScopes(client.policy?.resources) ||
  (client.policy?.adminScopes ?? []).length > 0

/** How strongly a client authenticates: not at all, by a shared secret, by a key of its own. */
const rankProof = ({ token_endpoint_auth_method: method }: ClientMetadata): number =>
  method === 'none' ? 0 : provesByKey(method) ? 2 : 1

/** A copied token is of no use without the key. */
const isBound = (metadata: ClientMetadata): boolean =>
  metadata.dpop_bound_access_tokens === true || metadata.tls_client_certificate_bound_access_tokens === true

function isWeaker ({ metadata: was, policy: ruled }: Judged, { metadata: is, policy: rules }: Judged): boolean {
  return (
    (rules?.minimumLevel ?? 1) < (ruled?.minimumLevel ?? 1) ||
    (ruled?.profile === 'high' && rules?.profile !== 'high') ||
    rankProof(is) < rankProof(was) ||
    (was.require_pushed_authorization_requests === true && is.require_pushed_authorization_requests !== true) ||
    (isBound(was) && !isBound(is)) ||
    (was.require_signed_request_object === true && is.require_signed_request_object !== true) ||
    (wantsSignedResponses(was.response_modes) && !wantsSignedResponses(is.response_modes))
  )
}

/** A new client without the powers that need approval: it is created at once, and the rest is requested. */
export function withoutPowers (content: ClientContent): ClientContent {
  const {
    metadata,
    policy: { adminScopes: _administers, ...policy }
  } = content
  const low = (name: string): boolean => !highScopes.includes(name)
  return {
    ...content,
    metadata:
      metadata.scope === undefined
        ? metadata
        : { ...metadata, scope: metadata.scope.split(' ').filter(low).join(' ') },
    policy: {
      ...policy,
      trusted: false,
      resources: {},
      introspects: policy.introspects.filter((resource) => resource !== '*'),
      purposes: Object.fromEntries(Object.entries(policy.purposes).filter(([name]) => low(name))),
      optionalScopes: policy.optionalScopes.filter(low)
    }
  }
}
