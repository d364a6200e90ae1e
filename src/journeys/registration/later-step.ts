/** 换个设备继续: the page that offers the link by short message, and the page that the link leads to. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import { maskPhone } from '../../domain/identity/masking.ts'
import { PageError } from '../../http/page-error.ts'
import { phoneIndex } from '../../records/persons/index.ts'
import { circumstancesOf, duePath, loadAny, mayLeave, registrationPath, type Parts } from './held.ts'
import { resumePath, resumeRegistration, sendResumeLink } from './resume.ts'
import type { Registration } from './repository.ts'

const limits = {
  application: { limit: 3, seconds: 86_400 },
  phone: { limit: 5, seconds: 86_400 },
  source: { limit: 30, seconds: 3600 }
}
const openScope = 'register-resume'

export function registerLaterStep (app: FastifyInstance, { deps, throttle, smsCodes }: Parts): void {
  app.get('/register/:id/later', async (request, reply) => {
    const registration = await loadAny(deps, request, reply)
    if (!mayLeave(registration)) return await reply.redirect(duePath(registration), 303)
    return show(registration, null, 200, request, reply)
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
        return show(registration, 'too_many', 429, request, reply)
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
    return show(registration, 'sent', 200, request, reply)
  })

  app.get(`${resumePath}/:token`, async (request, reply) => {
    reply.ensureBrowser()
    return reply.page('registration/resume', {
      action: request.url.split('?', 1)[0] ?? '',
      csrf: request.csrfToken(openScope),
      gone: false
    })
  })

  app.post(`${resumePath}/:token`, async (request, reply) => {
    request.requireCsrf(openScope)
    const hit = await throttle.hit(
      `registration:resume-source:${request.clientAddress.prefix}`,
      limits.source.limit,
      limits.source.seconds
    )
    if (!hit.allowed) throw new PageError(429, 'too_many', { retryAfterSeconds: hit.retryAfterSeconds })
    const { token = '' } = request.params as { token?: string }
    const id = await resumeRegistration(deps, smsCodes, token, reply.ensureBrowser().hash, circumstancesOf(request))
    if (id !== null) return await reply.redirect(registrationPath(id), 303)
    return reply.page('registration/resume', { action: '', csrf: '', gone: true }, { status: 410 })
  })

  function show (
    registration: Registration,
    said: 'sent' | 'too_many' | null,
    status: number,
    request: FastifyRequest,
    reply: FastifyReply
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
