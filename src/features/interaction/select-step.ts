/** Choosing an identity (S3): go on as the person of this session, or with another account. */
import type { FastifyInstance } from 'fastify'
import type { Services } from '../../services.ts'
import type { Oidc } from '../../oidc/index.ts'
import { self } from '../../domain/claims.ts'
import { maskCertNo, maskName } from '../../domain/masking.ts'
import { formField } from '../../http/forms.ts'
import { chooseRepresentation } from './attempts.ts'
import { interactionPath, loadContext, stepOf } from './context.ts'
import { advance } from './dispatch.ts'

export function registerSelectStep (app: FastifyInstance, services: Services, oidc: Oidc): void {
  app.get('/i/:uid/select', async (request, reply) => {
    const context = await loadContext(services, oidc, request, reply)
    if (context.person === null) return await reply.redirect(interactionPath(context.uid), 303)
    const step = stepOf(context)
    return await reply.page('interaction/select', {
      action: interactionPath(context.uid, 'select'),
      csrf: request.csrfToken(context.uid),
      rp: context.rp,
      choices: [{
        value: 'self',
        kind: 'self',
        name: maskName(context.person.name),
        maskedNumber: maskCertNo(context.person.certNo),
        until: null,
        needs: step.step === 'login' ? 'password' : step.step === 'verify' ? 'scan' : null,
        blocked: step.step === 'refused' ? 'frozen' : null
      }],
      otherAccountHref: interactionPath(context.uid, 'other'),
      logoutHref: null
    })
  })

  app.post('/i/:uid/select', async (request, reply) => {
    const context = await loadContext(services, oidc, request, reply)
    request.requireCsrf(context.uid)
    if (formField(request.body, 'choice') !== 'self') return await reply.redirect(interactionPath(context.uid, 'select'), 303)
    await chooseRepresentation(services.db, context.uid, context.browserHash, self)
    return await advance(services, oidc, request, reply, 'session')
  })
}
