/**
 * Refusals as problem details (RFC 9457): a stable `code`, a title in the caller's language, and what is wrong with
 * each field.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { acceptedLocale, adminTranslator } from '../../http/locale.ts'
import type { ClientFault } from '../../domain/client/metadata.ts'
import { faultMessage, titles } from './titles.ts'

/** One status for each code: the caller may act on either. */
export const problemStatus = {
  token_missing: 401,
  token_invalid: 401,
  proof_invalid: 401,
  insufficient_scope: 403,
  own_service: 403,
  console_only: 403,
  not_found: 404,
  no_such_route: 404,
  method_not_allowed: 405,
  taken: 409,
  not_a_draft: 409,
  wrong_state: 409,
  too_many_secrets: 409,
  no_secret: 409,
  change_waiting: 409,
  second_administrator_needed: 409,
  key_published: 409,
  idempotency_key_reused: 409,
  version_conflict: 412,
  body_too_large: 413,
  unsupported_media_type: 415,
  malformed_body: 400,
  malformed_query: 400,
  malformed_idempotency_key: 400,
  unknown_members: 400,
  invalid_fields: 422,
  reason_required: 422,
  version_required: 428,
  too_many_requests: 429,
  register_unavailable: 503
} as const

export type ProblemCode = keyof typeof problemStatus

/** A fault as it goes out. */
export interface WireFault {
  pointer: string
  code: string
  received: string
  expected: string
  message: string
}

export interface ProblemOptions {
  faults?: ClientFault[]
  headers?: Record<string, string>
  /** Further members (RFC 9457 §3.2), for example both versions of a conflict. */
  more?: Record<string, unknown>
}

/** Thrown by handlers and hooks; ends in `sendProblem`. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly faults: ClientFault[] | undefined
  readonly headers: Record<string, string>
  readonly more: Record<string, unknown>

  constructor (code: ProblemCode, { faults, headers = {}, more = {} }: ProblemOptions = {}) {
    super(code)
    this.name = 'Problem'
    // a misspelt member is no wrong value: what it was to say is not known
    const misspelt = code === 'invalid_fields' && faults?.some((fault) => fault.code === 'unknown') === true
    this.code = misspelt ? 'unknown_members' : code
    this.faults = faults
    this.headers = headers
    this.more = more
  }
}

/** The language of the header alone: a program has no cookie and chooses in no page. */
const translateFor = (request: FastifyRequest) =>
  adminTranslator(acceptedLocale(request.headers['accept-language']) ?? 'zh-CN')

export function wireFaults (request: FastifyRequest, faults: readonly ClientFault[]): WireFault[] {
  const t = translateFor(request)
  return faults.map(({ field, ...fault }) => ({
    pointer: field,
    ...fault,
    message: faultMessage(t, { field, ...fault })
  }))
}

/** The header for a request without a good token (RFC 6750 §3, RFC 9449 §7.1). */
function challenge (code: ProblemCode, scope: string | null): string | null {
  switch (code) {
    case 'token_missing':
      return 'Bearer realm="kora-admin", DPoP algs="ES256 EdDSA"'
    case 'token_invalid':
      return 'Bearer realm="kora-admin", error="invalid_token"'
    case 'proof_invalid':
      return 'DPoP error="invalid_dpop_proof", algs="ES256 EdDSA"'
    case 'insufficient_scope':
      return `Bearer realm="kora-admin", error="insufficient_scope", scope="${scope ?? ''}"`
    default:
      return null
  }
}

export function sendProblem (
  request: FastifyRequest,
  reply: FastifyReply,
  { problem, scope = null }: { problem: Problem; scope?: string | null | undefined }
): FastifyReply {
  const { code, faults, more } = problem
  const status = problemStatus[code]
  const asked = challenge(code, scope)
  if (asked !== null) reply.header('www-authenticate', asked)
  const t = translateFor(request)
  return reply
    .code(status)
    .headers({ 'cache-control': 'no-store', 'content-language': t.locale, ...problem.headers })
    .type('application/problem+json')
    .send(
      JSON.stringify({
        type: 'about:blank',
        title: titles(t.locale)[code],
        status,
        code,
        trace_id: String(request.id),
        ...(faults === undefined ? {} : { faults: wireFaults(request, faults) }),
        ...more
      })
    )
}
