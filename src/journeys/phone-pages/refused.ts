/** Every refusal on a phone ends on one page that says why and what to do. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import { problemStatus } from '../app-api/index.ts'

/** Why a phone cannot continue: PhoneRefusal codes and those of the pages. */
export type RefusalCode =
  | 'not_found'
  | 'already_scanned'
  | 'expired'
  | 'wrong_state'
  | 'wrong_person'
  | 'account_locked'
  | 'device_not_bound'
  | 'number_mismatch'
  | 'number_exhausted'
  | 'digest_mismatch'
  | 'consent_required'
  | 'identity_mismatch'
  | 'identity_exhausted'
  | 'register_unavailable'
  | 'face_required'
  | 'face_exhausted'
  | 'face_unavailable'
  | 'too_many_requests'
  | 'code_invalid'
  | 'invalid_fields'
  | 'download_code'
  | 'cancelled'
  | 'channel_closed'

export interface RefusedPage {
  code: RefusalCode
  counterHref: string | null
}

declare module '../../http/pages.ts' {
  interface Pages {
    'phone-pages/refused': RefusedPage
  }
}

const ownStatus = { download_code: 404, cancelled: 200, channel_closed: 403 } as const

/** Thrown by the steps; ends on phone-pages/refused. */
export class Stopped extends Error {
  readonly code: RefusalCode
  readonly counterHref: string | null

  constructor (code: RefusalCode, counterHref: string | null = null) {
    super(code)
    this.name = 'Stopped'
    this.code = code
    this.counterHref = counterHref
  }
}

function refusedPage (
  reply: FastifyReply,
  { code, counterHref }: Pick<Stopped, 'code' | 'counterHref'>
): FastifyReply {
  const status =
    code in ownStatus ? ownStatus[code as keyof typeof ownStatus] : problemStatus[code as keyof typeof problemStatus]
  return reply.page('phone-pages/refused', { code, counterHref }, { status })
}

export function handleStops (scope: FastifyInstance): void {
  scope.setErrorHandler(async (error, request, reply) => {
    if (!(error instanceof Stopped)) throw error
    request.log.info({ code: error.code }, 'phone refused')
    return refusedPage(reply, error)
  })
}
