/**
 * The hosted login: everything under /i/<uid>. Owns the table `login_attempt` and the dispatcher.
 *
 * The way of a request: loadContext (context.ts) reads the provider's interaction, our attempt bound to this
 * browser and the facts → a step handles its form → advance (dispatch.ts) asks the pure rules of
 * domain/login-attempt what is missing → the next step's page, or finish.ts, once.
 */
import type { FastifyInstance } from 'fastify'
import type { LoginDeps } from './deps.ts'
import type { Oidc } from '../../oidc/index.ts'
import type { BrowserSide } from '../../records/scan-tickets/index.ts'
import { interactionPath } from './context.ts'
import { registerAskedStep } from './unmet-request.ts'
import { registerConsentStep } from './consent.ts'
import { registerCounterStep } from './in-person-code.ts'
import { advance } from './dispatch.ts'
import { registerAgentStep } from './organization.ts'
import { registerPasswordStep } from './password.ts'
import { registerRepresentationStep } from './representation.ts'
import { registerScanStep } from './scan.ts'
export { consentPage, relyingSite, type ConsentPage } from './consent-page.ts'
export { hostOf, interactionPath, type LoginContext } from './context.ts'

export async function registerInteraction (
  app: FastifyInstance,
  deps: LoginDeps,
  oidc: Oidc,
  tickets: BrowserSide
): Promise<void> {
  await app.register(async (scope) => {
    scope.get('/i/:uid', async (request, reply) => {
      // what the phone has confirmed counts before anything else is decided
      const { uid = '' } = request.params as { uid?: string }
      const latest = await tickets.latestOf(uid, reply.ensureBrowser().hash)
      const status = latest === null ? null : await tickets.status(latest, reply.ensureBrowser().hash)
      if (status?.state === 'confirmed') return await reply.redirect(interactionPath(uid, 'qr'), 303)
      return await advance(deps, oidc, request, reply, 'session')
    })
    registerPasswordStep(scope, deps, oidc)
    registerScanStep(scope, deps, oidc, tickets)
    registerCounterStep(scope, deps, oidc)
    registerAgentStep(scope, deps, oidc)
    registerRepresentationStep(scope, deps, oidc)
    registerAskedStep(scope, deps, oidc)
    registerConsentStep(scope, deps, oidc)
  })
}
