/** Signing in to the user center and out again, by the relying party of the sites of Kora itself. */
import type { FastifyInstance } from 'fastify'
import { endSession } from '../../records/sessions/index.ts'
import type { Centre } from './me.ts'

export function registerSignIn (app: FastifyInstance, centre: Centre): void {
  const { deps, relyingParty } = centre

  app.get('/me/login', async (request, reply) => await relyingParty.beginLogin(request, reply))
  // another representation, or another person: the login asks
  app.get('/me/switch', async (request, reply) =>
    await relyingParty.beginLogin(request, reply, { prompt: 'select_account' }))
  app.get('/me/callback', async (request, reply) => await relyingParty.finishLogin(request, reply))

  app.get('/me/logout', async (_request, reply) => await reply.redirect('/me', 303))
  app.post('/me/logout', async (request, reply) => {
    const owner = await relyingParty.findSubject(request)
    if (owner !== null) {
      request.requireCsrf(centre.csrfScope(owner.idHash))
      if (owner.sessionUid !== null) {
        await endSession(deps, owner.sessionUid, { reason: 'logout', traceId: String(request.id) })
      }
      await relyingParty.endSession(deps.db, owner.idHash)
    }
    relyingParty.clearCookie(reply)
    return reply.page('oidc/logout-done', { sites: [], next: null }, { kind: 'own' })
  })
}
