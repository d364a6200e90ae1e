/** Choosing an identity (S3): go on as the person of this session, or with another account. */
import type { FastifyInstance } from 'fastify'
import type { Services } from '../../services.ts'
import type { Oidc } from '../../oidc/index.ts'
import { maskCertNo, maskName, maskUscc } from '../../domain/masking.ts'
import { contextId, refOf } from '../../domain/representation.ts'
import { formField } from '../../http/forms.ts'
import { chooseRepresentation } from './attempts.ts'
import { interactionPath, loadContext, stepOf, type LoginContext } from './context.ts'
import { advance } from './dispatch.ts'
import { hatsOf, sameContext } from './representation.ts'
import type { IdentityChoice } from '../../http/pages/interaction.ts'
import type { Hat } from '../organizations/index.ts'

export function registerSelectStep (app: FastifyInstance, services: Services, oidc: Oidc): void {
  app.get('/i/:uid/select', async (request, reply) => {
    const context = await loadContext(services, oidc, request, reply)
    if (context.person === null) return await reply.redirect(interactionPath(context.uid), 303)
    return await reply.page('interaction/select', {
      action: interactionPath(context.uid, 'select'),
      csrf: request.csrfToken(context.uid),
      rp: context.rp,
      choices: (await hatsOf(services, context)).map((hat) => choiceOf(context, hat)),
      otherAccountHref: interactionPath(context.uid, 'other'),
      logoutHref: null
    })
  })

  app.post('/i/:uid/select', async (request, reply) => {
    const context = await loadContext(services, oidc, request, reply)
    request.requireCsrf(context.uid)
    const choice = formField(request.body, 'choice')
    const hat = (await hatsOf(services, context)).find((item) => item.blocked === null && sameContext(refOf(item.representation), choice))
    if (hat === undefined) return await reply.redirect(interactionPath(context.uid, 'select'), 303)
    await chooseRepresentation(services.db, context.uid, context.browserHash, refOf(hat.representation))
    return await advance(services, oidc, request, reply, 'session')
  })
}

function choiceOf (context: LoginContext, { representation, blocked }: Hat): IdentityChoice {
  const { step } = stepOf(context)
  const needs = step === 'login' ? 'password' : step === 'verify' ? 'scan' : null
  const value = contextId(refOf(representation))
  if (representation.role === 'self') {
    const { person } = context
    return { value, kind: 'self', name: maskName(person?.name ?? ''), maskedNumber: maskCertNo(person?.certNo ?? ''), until: null, needs, blocked: step === 'refused' ? 'frozen' : choiceBlocked(blocked) }
  }
  const { organization } = representation
  return {
    value,
    kind: representation.role,
    name: organization.name,
    maskedNumber: maskUscc(organization.uscc),
    until: representation.role === 'agent' ? representation.delegation.validTo : null,
    needs,
    blocked: choiceBlocked(blocked)
  }
}

const choiceBlocked = (blocked: Hat['blocked']): IdentityChoice['blocked'] => blocked === 'not_yet_valid' ? 'pending' : blocked
