/**
 * The dispatcher: one place that decides where a login goes next. Every step ends by calling `advance`,
 * which reads everything afresh and asks the pure rules; no step knows another.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Services } from '../../services.ts'
import type { Oidc } from '../../oidc/index.ts'
import { PageError } from '../../http/page-error.ts'
import { needsConsent } from './release-consent.ts'
import { finishLogin, refuseLogin } from './finish.ts'
import { interactionPath, loadContext, stepOf, type LoginContext } from './context.ts'

/** How the last step was done, for metrics and the audit trail. */
export type Method = 'password' | 'scan' | 'session' | 'counter'

/** Where this attempt goes next, as an address; finishing when everything is given. */
export async function nextLocation (services: Services, context: LoginContext, request: FastifyRequest, method: Method): Promise<{ location: string, finished: boolean }> {
  const asks = context.interaction.prompt.name
  if (asks === 'select_account' && context.row.representation === null && context.person !== null && context.row.personId === null) {
    return { location: interactionPath(context.uid, 'select'), finished: false }
  }
  const step = stepOf(context)
  const about = { address: request.clientAddress.ip, traceId: request.id }
  switch (step.step) {
    case 'login': return { location: interactionPath(context.uid, 'login'), finished: false }
    case 'verify': return { location: interactionPath(context.uid, 'qr'), finished: false }
    case 'refused': throw new PageError(403, 'person_disabled')
    case 'finish': {
      if (step.outcome.level < context.requestedLevel) {
        const error = { error: 'unmet_authentication_requirements', error_description: 'the requested level cannot be reached here' }
        return { location: await refuseLogin(services, context, error, about), finished: true }
      }
      if (await needsConsent(services, context)) return { location: interactionPath(context.uid, 'consent'), finished: false }
      const location = await finishLogin(services, context, {
        ...about, outcome: step.outcome, method, browserLabel: request.browserLabel
      })
      return { location, finished: true }
    }
  }
}

/** Reload the facts and go on (303, RFC 9700 §4.12). After a scan the person sees a short page that says so (S8). */
export async function advance (services: Services, oidc: Oidc, request: FastifyRequest, reply: FastifyReply, method: Method): Promise<FastifyReply> {
  const context = await loadContext(services, oidc, request, reply)
  const { location, finished } = await nextLocation(services, context, request, method)
  if (finished && method === 'scan') return await reply.page('interaction/done', { rp: context.rp, href: location })
  return await reply.redirect(location, 303)
}
