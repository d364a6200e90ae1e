/** 换个设备继续: the page that offers a link by short message. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import { maskPhone } from '../../domain/identity/masking.ts'
import { phoneIndex } from '../../records/persons/index.ts'
import type { FormTarget } from '../../http/pages.ts'
import { duePath, loadAny, mayLeave, registrationPath, type Parts } from './held.ts'
import { sendResumeLink } from './resume-links.ts'
import type { Registration } from './repository.ts'

/** Posts `csrf`: a link is sent to the phone. */
export interface LaterPage extends FormTarget {
  maskedPhone: string
  said: 'sent' | 'too_many' | null
  backHref: string
}

declare module '../../http/pages.ts' {
  interface Pages {
    'registration/later': LaterPage
  }
}

const limits = {
  application: { limit: 3, seconds: 86_400 },
  phone: { limit: 5, seconds: 86_400 }
}

export function registerLaterStep (app: FastifyInstance, { deps, throttle }: Parts): void {
  app.get('/register/:id/later', async (request, reply) => {
    const registration = await loadAny(deps, request, reply)
    if (!mayLeave(registration)) return await reply.redirect(duePath(registration), 303)
    return show(registration, { said: null, status: 200, request, reply })
  })

  app.post('/register/:id/later', async (request, reply) => {
    const registration = await loadAny(deps, request, reply)
    request.requireCsrf(registration.id)
    const phone = registration.draft.phone?.phone
    if (!mayLeave(registration) || phone === undefined) return await reply.redirect(duePath(registration), 303)
    for (const [key, { limit, seconds }] of [
      [`registration:resume:${registration.id}`, limits.application],
      [`registration:resume-phone:${phoneIndex(deps.crypto, phone)}`, limits.phone]
    ] as const) {
      if (!(await throttle.hit(key, limit, seconds)).allowed) {
        return show(registration, { said: 'too_many', status: 429, request, reply })
      }
    }
    await inTransaction(deps.db, async (trx) => {
      await sendResumeLink(trx, deps, {
        registrationId: registration.id,
        phone,
        kind: 'registration-resume',
        notice: '您可以打开链接继续填写法人注册申请，24 小时内有效'
      })
    })
    return show(registration, { said: 'sent', status: 200, request, reply })
  })

  function show (
    registration: Registration,
    {
      said,
      status,
      request,
      reply
    }: { said: 'sent' | 'too_many' | null; status: number; request: FastifyRequest; reply: FastifyReply }
  ): FastifyReply {
    return reply.page(
      'registration/later',
      {
        action: registrationPath(registration.id, 'later'),
        csrf: request.csrfToken(registration.id),
        maskedPhone: maskPhone(registration.draft.phone?.phone ?? ''),
        said,
        backHref: duePath(registration)
      },
      { status }
    )
  }
}
