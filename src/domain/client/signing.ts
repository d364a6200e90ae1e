/**
 * What a client and Kora sign beyond ID tokens: request objects (RFC 9101 §10.5), authorization responses (JARM §3),
 * introspection (RFC 9701 §6) and userinfo (OpenID Connect Registration §2). Signed with asymmetric keys or not at all.
 */
import { kindRules } from './kinds.ts'
import type { Part } from './metadata.ts'

/** Response modes whose answer is a signed JWT (JARM §2.3). */
export const signedResponseModes: readonly string[] = ['jwt', 'query.jwt', 'form_post.jwt']

/** Members that name the algorithm of something that Kora signs for the client. */
export const responseSigningMembers = [
  'userinfo_signed_response_alg',
  'introspection_signed_response_alg',
  'authorization_signed_response_alg'
] as const

/** Whether a client takes signed authorization responses only. */
export const wantsSignedResponses = (modes: unknown): boolean =>
  Array.isArray(modes) && modes.length > 0 && modes.every((mode) => signedResponseModes.includes(mode as string))

/** Reports what is wrong with these members, each by itself. */
export function checkSignedMessages ({ kind, metadata, rules, report, read, field }: Part): void {
  const { redirects, people } = kindRules[kind]
  for (const name of responseSigningMembers) read.one(field(name), metadata[name], rules.signingAlgs)
  const algorithm = read.one(
    field('request_object_signing_alg'),
    metadata['request_object_signing_alg'],
    rules.requestSigningAlgs
  )
  const required = read.flag(field('require_signed_request_object'), metadata['require_signed_request_object'])

  const notFor = (name: string): void => {
    if (metadata[name] !== undefined) report(field(name), 'not_for_this_kind', metadata[name], '')
  }
  if (!people) notFor('userinfo_signed_response_alg')
  if (metadata['token_endpoint_auth_method'] === 'none') {
    // a public client does not introspect
    if (metadata['introspection_signed_response_alg'] !== undefined) {
      report(
        field('introspection_signed_response_alg'),
        'needs',
        metadata['introspection_signed_response_alg'],
        'token_endpoint_auth_method ≠ none'
      )
    }
  }
  if (!redirects) {
    for (const name of [
      'authorization_signed_response_alg',
      'request_object_signing_alg',
      'require_signed_request_object'
    ]) {
      notFor(name)
    }
    return
  }
  const modes = metadata['response_modes']
  if (
    metadata['authorization_signed_response_alg'] !== undefined &&
    Array.isArray(modes) &&
    !modes.some((mode) => signedResponseModes.includes(mode as string))
  ) {
    report(
      field('authorization_signed_response_alg'),
      'needs',
      metadata['authorization_signed_response_alg'],
      `response_modes=${signedResponseModes.join(' | ')}`
    )
  }
  const withoutKeys = metadata['jwks'] === undefined && metadata['jwks_uri'] === undefined
  // clients that authenticate with keys have this fault already
  if (
    (required === true || algorithm !== undefined) &&
    withoutKeys &&
    metadata['token_endpoint_auth_method'] !== 'private_key_jwt'
  ) {
    report(field('jwks'), 'missing', undefined, '{"keys": […]} | jwks_uri')
  }
}
