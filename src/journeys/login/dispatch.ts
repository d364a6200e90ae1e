/**
 * The dispatcher: one place that decides where a login goes next. Every step ends by calling `advance`,
 * which reads everything afresh and asks the pure rules; no step knows another.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { LoginDeps } from './deps.ts'
import type { Oidc } from '../../oidc/index.ts'
import { organizationProof } from '../../domain/login/next-step.ts'
import { PageError } from '../../http/page-error.ts'
import type { RelyingSite } from '../../http/pages.ts'
import { needsConsent } from '../../records/consents/index.ts'
import { finishLogin, refuseLogin } from './finish.ts'
import { interactionPath, loadContext, stepOf, type LoginContext } from './context.ts'
import { choicePath, representationOf } from './representation.ts'

/** S8. */
export interface DonePage {
  rp: RelyingSite
  href: string
}

declare module '../../http/pages.ts' {
  interface Pages {
    'login/done': DonePage
  }
}

/** How the last step was done, for metrics and the audit trail. */
export type Method = 'password' | 'organization' | 'scan' | 'session' | 'counter'

/** Where this attempt goes next, as an address; finishing when everything is given. */
export async function nextLocation (
  deps: LoginDeps,
  context: LoginContext,
  request: FastifyRequest,
  method: Method
): Promise<{ location: string; finished: boolean }> {
  const step = stepOf(context)
  const about = { address: request.clientAddress.ip, traceId: request.id }
  switch (step.step) {
    case 'login':
      return { location: interactionPath(context.uid, 'login'), finished: false }
    case 'agent':
      return {
        location: interactionPath(
          context.uid,
          organizationProof(context.row.proofs)?.role === 'agent' ? 'agent' : 'standing'
        ),
        finished: false
      }
    case 'refused':
      throw new PageError(403, 'person_disabled')
    case 'verify': {
      // who is here by a session chooses first; who must still show who it is sees no names of organizations
      const first = context.facts.session !== null || context.row.representation !== null
      if (first && (await representationOf(deps, context)) === null) return await undecided()
      return { location: interactionPath(context.uid, 'qr'), finished: false }
    }
    case 'finish': {
      const representation = await representationOf(deps, context)
      if (representation === null) return await undecided()
      if (step.outcome.level < context.requestedLevel) {
        const error = {
          error: 'unmet_authentication_requirements',
          error_description: 'the requested level cannot be reached here'
        }
        return { location: await refuseLogin(deps, context, error, about), finished: true }
      }
      if (await needsConsent(deps, context)) {
        return { location: interactionPath(context.uid, 'consent'), finished: false }
      }
      const location = await finishLogin(deps, context, {
        ...about,
        outcome: step.outcome,
        representation,
        method,
        browserLabel: request.browserLabel
      })
      return { location, finished: true }
    }
  }

  /** The person chooses, or learns why they may not act for this organization. */
  async function undecided (): Promise<{ location: string; finished: false }> {
    const proof = organizationProof(context.row.proofs)
    if (method === 'organization' && proof !== undefined) {
      await deps.db.transaction().execute(async (trx) => {
        await deps.audit.record(trx, {
          ...about,
          type: 'login.refused',
          organizationId: proof.organizationId,
          role: proof.role,
          clientId: context.client.clientId,
          loginAttemptUid: context.uid,
          reason: 'may_not_act'
        })
      })
    }
    return { location: await choicePath(deps, context), finished: false }
  }
}

/**
 * Reload the facts and go on (303, RFC 9700 §4.12). After a scan the person sees a short page that says so (S8), unless
 * a device waits: then the page that follows says it.
 */
export async function advance (
  deps: LoginDeps,
  oidc: Oidc,
  request: FastifyRequest,
  reply: FastifyReply,
  method: Method
): Promise<FastifyReply> {
  const context = await loadContext(deps, oidc, request, reply)
  const { location, finished } = await nextLocation(deps, context, request, method)
  if (finished && method === 'scan' && context.interaction.deviceCode === undefined) {
    return await reply.page('login/done', { rp: context.rp, href: location })
  }
  return await reply.redirect(location, 303)
}
