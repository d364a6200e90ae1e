/**
 * The user center, /me: what a person sees of their own account, and where a legal representative approves, limits and
 * ends delegations. Owns the table organization_password_draft.
 *
 * It is an OIDC client of Kora like any other (site.ts, journeys/own-site). The way of a request: loadMe (me.ts) asks
 * whether the session is still valid, then who is here and in whose name, at this moment → a page in a file of its own.
 * Roles come from the database at each request, never from the session, a form or an address.
 */
import type { FastifyInstance } from 'fastify'
import { createRelyingParty } from '../own-site/index.ts'
import type { UserCenterDeps } from './deps.ts'
import { registerAgentForms } from './agents/add.ts'
import { registerApproval } from './agents/approve.ts'
import { registerDecisions } from './agents/decide.ts'
import { registerAgentList } from './agents/list.ts'
import { registerBrowsers } from './trusted-browsers.ts'
import { registerHome } from './home.ts'
import { registerInbox } from './inbox.ts'
import { NotAllowed, buildLayout, type Centre, type Parts } from './me.ts'
import { registerMine } from './my-delegations.ts'
import { registerOrganizationPassword } from './organization-password.ts'
import { registerSignIn } from './sign-in.ts'
import { describeSite } from './site.ts'

export { sweepUserCentre } from './sweep.ts'

export async function registerUserCentre (app: FastifyInstance, deps: UserCenterDeps, parts: Parts): Promise<void> {
  const relyingParty = await createRelyingParty(app, deps, describeSite(deps))
  const centre: Centre = { deps, relyingParty, ...parts, csrfScope: (idHash) => `me:${idHash}` }
  await app.register(async (scope) => {
    scope.setErrorHandler(async (error, request, reply) => {
      if (!(error instanceof NotAllowed)) throw error
      request.log.info({ code: error.reason }, 'user centre refused')
      return reply.page(
        'user-center/not-allowed',
        { shell: await buildLayout(centre, request, { me: error.me, current: null }), reason: error.reason },
        { status: 403 }
      )
    })
    registerSignIn(scope, centre)
    registerHome(scope, centre)
    registerAgentList(scope, centre)
    registerAgentForms(scope, centre)
    registerApproval(scope, centre)
    registerDecisions(scope, centre)
    registerOrganizationPassword(scope, centre)
    registerMine(scope, centre)
    registerInbox(scope, centre)
    registerBrowsers(scope, centre)
  })
}
