/** Faults of a client in words, one line each: what is wrong, what was received, what would be right. */
import type { ClientFault } from '../domain/client/metadata.ts'
import type { ResourceServerReason } from '../domain/resource-server/dual-control.ts'
import type { DualControlReason } from '../domain/administration/dual-control.ts'

const words: Record<string, string> = {
  missing: 'is missing',
  unknown: 'is not a known member',
  not_one_of: 'is not one of the allowed values',
  not_text: 'must be text',
  not_a_flag: 'must be true or false',
  not_a_list: 'must be a list',
  not_an_object: 'must be an object',
  not_in_range: 'is out of range',
  too_long: 'is too long',
  too_many: 'has too many entries',
  twice: 'is there twice',
  unsafe_text: 'contains control or direction characters',
  not_https: 'must begin with https://',
  wildcard: 'must not contain *: addresses are compared exactly',
  fragment: 'must not have a fragment',
  userinfo: 'must not contain a user name or password',
  ip_address: 'must have a host name, not an IP address',
  loopback: 'loopback is for native apps (127.0.0.1) and the sandbox only',
  unqualified_host: 'needs a full host name',
  private_host: 'has a host name that only exists in a private network (EGRESS_ALLOWED names exceptions)',
  port: 'has a port that is not called (EGRESS_ALLOWED names exceptions)',
  dot_segment: 'must not contain . or .. as a path segment',
  host_case: 'must have its host in lower case',
  default_port: 'must not spell out the default port',
  not_canonical: 'must be written in canonical form',
  not_ascii: 'must be ASCII (punycode host, percent-encoded path)',
  scheme: 'has a scheme that this kind of client may not use',
  scheme_not_reverse_dns: 'a scheme of an app must be a reversed domain name',
  reserved_parameter: 'must not contain a parameter of the answer',
  private_key: 'contains a private key: never send it anywhere, make a new one',
  secret_not_here: 'secrets are made by Kora, never given',
  not_offered: 'is not offered by this deployment',
  not_for_this_kind: 'does not fit this kind of client',
  not_in_scope: 'names a scope that the client does not have',
  high_profile: 'is required by the high profile',
  needs: 'needs another member',
  own_service: "is one of Kora's own services",
  status_step: 'cannot be reached from the present status',
  own_origin: "is at Kora's own address; only Kora's own services are there",
  not_yaml: 'is not readable',
  unknown_resource: 'is not a registered API (kora resource-server list)',
  unknown_client: 'is not a client',
  client_refused: 'cannot introspect',
  not_a_scope: 'is not a scope name',
  in_use: 'is granted to clients: take it from them first'
}

/** Why one person alone may not decide it. */
export const dualControlWords: Readonly<Record<DualControlReason | ResourceServerReason, string>> = {
  high_scope: 'asks for document numbers',
  scope_added: 'asks for more than it went live with',
  consent_skipped: 'people are not asked for consent',
  introspects_all: 'may introspect every token',
  api_scope: 'gets tokens for an API, or for more of one',
  admin_scope: 'administers through the API',
  redirect_change: 'other addresses of a client in use, or with such a right',
  keys_changed: 'other keys, or another way of authentication, of a client with such a right',
  subject_linked: 'people become recognizable across sites',
  protection_lowered: 'a lower level, or weaker proof by the client',
  goes_live: 'serves everybody from now on',
  secret_changed: 'a new secret of a client with such a right',
  level_lowered: 'a lower minimum level of the login',
  token_longer: 'tokens live longer',
  token_not_revocable: 'tokens cannot be revoked at once'
}

export function faultLine (fault: ClientFault & { line?: number }): string {
  const { field, code, received, expected, line } = fault
  const what = `${field === '' ? 'the file' : field} ${words[code] ?? code}`
  return [
    line === undefined ? '' : `line ${line}: `,
    what,
    received === '' ? '' : ` — received ${received}`,
    expected === '' ? '' : `, expected ${expected}`
  ].join('')
}
