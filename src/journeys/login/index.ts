/**
 * The hosted login: everything under /i/<uid>.
 *
 * The way of a request: the runner opens the login (attempt.ts), reads the facts (facts.ts), checks the precondition of
 * the step (steps.ts) and calls it; the step answers with an outcome (step.ts). What a step has recorded is read again,
 * and domain/login/next-step.ts says where the login goes; finish.ts ends it, once.
 */
import type { FastifyInstance } from 'fastify'
import { createOrganizationLogin, createRepresentations } from '../../records/organizations/index.ts'
import { registerTicketStatus } from '../scan-code/index.ts'
import { loginPath, type Audience } from './attempt.ts'
import type { LoginDeps, StepDeps } from './deps.ts'
import { registerSteps } from './runner.ts'
import { createSteps } from './steps.ts'

export { loginPath } from './attempt.ts'
export { consentPage, showApis, type ConsentPage, type ShownApi } from './consent-page.ts'
export { readHost, relyingSite } from './relying-site.ts'

export interface HostedLogin {
  /** Administrators see their step inside the console's layout: its scope is given here. */
  register(app: FastifyInstance, audience: Audience): void
}

export function createHostedLogin (
  deps: LoginDeps,
  given: Pick<StepDeps, 'administrators' | 'oidc' | 'tickets'>
): HostedLogin {
  const stepDeps = {
    ...deps,
    ...given,
    organizations: createOrganizationLogin(deps),
    representations: createRepresentations(deps)
  }
  const steps = createSteps(stepDeps)
  return {
    register (app, audience) {
      registerSteps(app, stepDeps, { table: steps, audience })
      if (audience === 'administrators') return
      registerTicketStatus(app, given.tickets, {
        pattern: loginPath(':uid', 'qr'),
        base: (request) => loginPath((request.params as { uid?: string }).uid ?? '', 'qr')
      })
    }
  }
}
