/** The page that says why an application cannot continue, and what to do. */
import type { FastifyReply } from 'fastify'
import { duePath, registrationPath } from './held.ts'
import type { Registration } from './repository.ts'

/** Why an application cannot continue. */
export type StopCode = 'mismatch' | 'duplicate' | 'not_active' | 'blocked' | 'too_many'

export interface StoppedPage {
  code: StopCode
  changeHref: string | null
  retryHref: string | null
  loginHref: string | null
}

declare module '../../http/pages.ts' {
  interface Pages {
    'registration/stopped': StoppedPage
  }
}

const stopStatus: Record<StopCode, number> = {
  mismatch: 422,
  duplicate: 409,
  not_active: 422,
  blocked: 403,
  too_many: 429
}

export function stopped (reply: FastifyReply, registration: Registration, code: StopCode): FastifyReply {
  const changeable = registration.state === 'draft' || registration.state === 'verifying'
  return reply.page(
    'registration/stopped',
    {
      code,
      changeHref:
        changeable && (code === 'mismatch' || code === 'not_active')
          ? registrationPath(registration.id, code === 'mismatch' ? 'check' : 'unit')
          : null,
      retryHref: code === 'blocked' ? null : changeable ? null : duePath(registration),
      loginHref: code === 'duplicate' ? '/me' : null
    },
    { status: stopStatus[code] }
  )
}
