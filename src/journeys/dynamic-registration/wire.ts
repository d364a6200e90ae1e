/** Client metadata in the flat form of RFC 7591 and in the form of the registry; and the limits of a token. */
import { readKind, type ClientContent, type ClientRecord } from '../../domain/client/record.ts'
import type { ClientFault } from '../../domain/client/metadata.ts'
import type { RegistrationLimits } from './tokens.ts'

/** Sent by the server only (RFC 7592 §2.2). */
const ofServer = [
  'client_id',
  'client_secret',
  'client_secret_expires_at',
  'client_id_issued_at',
  'registration_access_token',
  'registration_client_uri'
]

/**
 * `{kind, metadata, policy}` for the registry. Beyond the standard: `kora_unit` and `kora_purposes` (why each scope is
 * needed, which people are shown); names by language as `client_name#en` (RFC 7591 §2.2).
 *
 * @param kept the present policy: a site cannot remove what administrators have set (levels, functions …)
 */
export function parseContent (
  sent: Record<string, unknown>,
  kept: object = {}
): { kind: string; metadata: Record<string, unknown>; policy: Record<string, unknown> } {
  const metadata: Record<string, unknown> = {}
  const names: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(sent)) {
    if (ofServer.includes(name) || name === 'kora_unit' || name === 'kora_purposes') continue
    // `__proto__` is a name like any other, and refused as an unknown one
    if (name.startsWith('client_name#')) {
      Object.defineProperty(names, name.slice('client_name#'.length), { value, enumerable: true })
    } else Object.defineProperty(metadata, name, { value, enumerable: true })
  }
  if (names['zh-CN'] === undefined) names['zh-CN'] = sent['client_name']
  return {
    kind: readKind(metadata),
    metadata,
    policy: {
      ...kept,
      purposes: {},
      names,
      ...(sent['kora_unit'] === undefined ? {} : { unit: sent['kora_unit'] }),
      ...(sent['kora_purposes'] === undefined ? {} : { purposes: sent['kora_purposes'] })
    }
  }
}

const addressMembers = [
  'redirect_uris',
  'post_logout_redirect_uris',
  'backchannel_logout_uri',
  'initiate_login_uri',
  'client_uri',
  'policy_uri',
  'tos_uri',
  'jwks_uri',
  'sector_identifier_uri'
] as const

/** What the token does not let be registered. */
export function beyondLimits (
  { kind, metadata }: ClientContent,
  { kinds, scopes, hosts }: RegistrationLimits
): ClientFault[] {
  const faults: ClientFault[] = []
  if (!kinds.includes(kind)) {
    faults.push({ field: '/kind', code: 'not_allowed', received: kind, expected: kinds.join(' | ') })
  }
  for (const scope of (metadata.scope ?? '').split(' ').filter(Boolean)) {
    if (scope !== 'openid' && !scopes.includes(scope)) {
      faults.push({
        field: '/metadata/scope',
        code: 'not_allowed',
        received: scope,
        expected: ['openid', ...scopes].join(' | ')
      })
    }
  }
  for (const name of addressMembers) {
    for (const address of [metadata[name] ?? []].flat()) {
      const host = URL.parse(address)?.hostname ?? ''
      if (!hosts.includes(host)) {
        faults.push({
          field: `/metadata/${name}`,
          code: 'not_allowed',
          received: address,
          expected: hosts.length === 0 ? 'no address' : hosts.join(' | ')
        })
      }
    }
  }
  return faults
}

/** RFC 7591 §3.2.1: everything that is registered. */
export const toWire = ({ clientId, metadata, policy, createdAt }: ClientRecord): Record<string, unknown> => ({
  ...metadata,
  client_id: clientId,
  client_id_issued_at: Math.floor(createdAt.getTime() / 1000),
  ...Object.fromEntries(Object.entries(policy.names).map(([language, name]) => [`client_name#${language}`, name])),
  ...(policy.unit === undefined ? {} : { kora_unit: policy.unit }),
  ...(Object.keys(policy.purposes).length === 0 ? {} : { kora_purposes: policy.purposes })
})

/** RFC 7591 §3.2.2. Every fault in one description, JSON characters only. */
export function toError (faults: readonly ClientFault[]): { error: string; error_description: string } {
  const redirects = faults.some(({ field }) => field.startsWith('/metadata/redirect_uris'))
  const text = faults
    .map(({ field, code, received, expected }) => {
      const detail = [received === '' ? '' : `received ${received}`, expected === '' ? '' : `expected ${expected}`]
        .filter(Boolean)
        .join(', ')
      return `${field.replace(/^\/(metadata|policy)\//, '')}: ${code}${detail === '' ? '' : ` (${detail})`}`
    })
    .join('; ')
  return {
    error: redirects ? 'invalid_redirect_uri' : 'invalid_client_metadata',
    error_description: text.replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?').slice(0, 2000)
  }
}
