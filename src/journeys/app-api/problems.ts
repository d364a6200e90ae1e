/** Refusals as problem details (RFC 9457): a stable `code` for the app, a title in the person's language. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FieldFault, PhoneRefusal } from '../../records/scan-tickets/index.ts'
import { outwardFaults } from './mapping.ts'
import type { ProofFault } from './proofs.ts'
import { titles } from './titles.ts'

/** Codes that this API adds to those of the phone side. */
export type ApiCode =
  | ProofFault
  | 'device_unknown'
  | 'key_revoked'
  | 'malformed_body'
  | 'unknown_members'
  | 'unsupported_media_type'
  | 'body_too_large'
  | 'method_not_allowed'
  | 'no_such_route'

export type ProblemCode = ApiCode | PhoneRefusal['code']

/** One status for each code: the app may act on either. */
export const problemStatus: Readonly<Record<ProblemCode, number>> = {
  proof_missing: 401,
  proof_malformed: 401,
  proof_key_invalid: 401,
  proof_signature_invalid: 401,
  proof_target_mismatch: 401,
  proof_outdated: 401,
  proof_body_mismatch: 401,
  proof_replayed: 401,
  device_unknown: 401,
  key_revoked: 403,
  malformed_body: 400,
  unknown_members: 400,
  unsupported_media_type: 415,
  body_too_large: 413,
  method_not_allowed: 405,
  no_such_route: 404,
  not_found: 404,
  already_scanned: 409,
  expired: 410,
  wrong_state: 409,
  wrong_person: 403,
  account_locked: 403,
  device_not_bound: 403,
  number_mismatch: 422,
  number_exhausted: 403,
  digest_mismatch: 409,
  consent_required: 422,
  identity_mismatch: 422,
  identity_exhausted: 403,
  register_unavailable: 503,
  face_required: 409,
  face_exhausted: 403,
  face_unavailable: 503,
  too_many_requests: 429,
  code_invalid: 422,
  invalid_fields: 422
}

/** Thrown by handlers and hooks; ends in `sendProblem`. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly faults: FieldFault[] | undefined
  readonly headers: Record<string, string>

  constructor (
    code: ProblemCode,
    options: { faults?: FieldFault[] | undefined; headers?: Record<string, string> } = {}
  ) {
    super(code)
    this.name = 'Problem'
    this.code = code
    this.faults = options.faults
    this.headers = options.headers ?? {}
  }
}

/** What the phone side refused, as a problem. */
export const refusal = (refused: PhoneRefusal): Problem =>
  new Problem(refused.code, refused.code === 'invalid_fields' ? { faults: refused.faults } : {})

const retryAfter: Partial<Record<ProblemCode, string>> = {
  too_many_requests: '60',
  register_unavailable: '30',
  face_unavailable: '30'
}

export function sendProblem (request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  const { code, faults } = problem
  const status = problemStatus[code]
  // RFC 9110 §11.6.1 asks for a challenge, RFC 9449 §7.1 says which
  if (status === 401) reply.header('www-authenticate', 'DPoP error="invalid_dpop_proof", algs="ES256"')
  const wait = retryAfter[code]
  if (wait !== undefined) reply.header('retry-after', wait)
  return reply
    .code(status)
    .headers({ 'cache-control': 'no-store', ...problem.headers })
    .type('application/problem+json')
    .send(
      JSON.stringify({
        type: 'about:blank',
        title: titles(request.locale)[code] ?? request.t.code([`phone-pages.refused.${code}.title`], 'error.bad_request.title'),
        status,
        code,
        trace_id: String(request.id),
        ...(faults === undefined ? {} : { faults: outwardFaults(faults) })
      })
    )
}
