/**
 * The user center's login: authorization code with PKCE (RFC 7636) at our own endpoints, with the same rules as for
 * every other site.
 */
import type { JWTPayload } from 'jose'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import { PageError } from '../../http/page-error.ts'
import { routes } from '../../oidc/configuration.ts'
import { endSession } from '../../records/sessions/index.ts'
import { hashVerifier, isOurs, redeemCode } from '../../oidc/own-client.ts'
import { callbackOf, userCentreClientId } from './client.ts'
import { clearCookie, cookieOf, keepCookie } from './cookie.ts'
import type { Centre } from './me.ts'
import { closeSession, findSession, hashOf, openSession, startLogin, takeLogin } from './sessions.ts'

/** Where a login may lead back to: pages of the user center, nothing else. */
const isPage = (path: unknown): path is string =>
  typeof path === 'string' && path.length < 200 && /^\/me(\/[\w-]+)*$/.test(path)

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

export function registerSignIn (app: FastifyInstance, centre: Centre): void {
  const { deps } = centre
  const { issuer } = deps.config

  const authorize = async (
    request: FastifyRequest,
    reply: FastifyReply,
    extra: Record<string, string> = {}
  ): Promise<FastifyReply> => {
    const { to } = request.query as { to?: unknown }
    const { state, nonce, verifier } = await startLogin(deps, {
      browserHash: reply.ensureBrowser().hash,
      returnTo: isPage(to) ? to : '/me'
    })
    const parameters = new URLSearchParams({
      client_id: userCentreClientId,
      response_type: 'code',
      redirect_uri: callbackOf(issuer),
      scope: 'openid',
      // whom our session stands and falls with
      claims: JSON.stringify({ id_token: { sid: null } }),
      state,
      nonce,
      code_challenge: hashVerifier(verifier),
      code_challenge_method: 'S256',
      ui_locales: request.locale,
      ...extra
    })
    return await reply
      .header('cache-control', 'no-store')
      .redirect(`${routes.authorization}?${parameters.toString()}`, 303)
  }

  app.get('/me/login', async (request, reply) => await authorize(request, reply))
  // another representation, or another person: the login asks
  app.get('/me/switch', async (request, reply) => await authorize(request, reply, { prompt: 'select_account' }))

  app.get('/me/callback', async (request, reply) => {
    const { code, state, iss, error } = request.query as Record<string, unknown>
    reply.header('cache-control', 'no-store')
    const login = request.browser === null ? null : await takeLogin(deps, text(state), request.browser.hash)
    // an old page of the history: a signed-in person continues, everybody else starts again
    if (login === null || request.browser === null) return await reply.redirect('/me', 303)
    if (text(error) === 'access_denied') return await reply.redirect('/', 303)
    if (error !== undefined || iss !== issuer) throw new PageError(400, 'oauth', { restartHref: '/me' })
    const claims = await redeemCode(
      app,
      issuer,
      { clientId: userCentreClientId, callback: callbackOf(issuer) },
      { secret: centre.secret, code: text(code), verifier: login.verifier }
    )
    if (
      claims === null ||
      !isOurs(claims, { issuer, clientId: userCentreClientId, nonce: login.nonce, now: deps.clock.now() })
    ) {
      throw new PageError(400, 'expired', { restartHref: '/me' })
    }
    const contextId = await contextOf(claims)
    const before = cookieOf(deps.config, request)
    const opened = await inTransaction(deps.db, async (trx) => {
      if (before !== '') await closeSession(trx, hashOf(before))
      const site = { sub: text(claims.sub), clientId: userCentreClientId, sid: text(claims['sid']), contextId }
      const session = await openSession(trx, site, reply.ensureBrowser().hash)
      if (session === null) return null
      await deps.audit.record(trx, {
        type: 'session.started',
        personId: session.personId,
        clientId: userCentreClientId,
        address: request.clientAddress.ip,
        traceId: String(request.id)
      })
      return session
    })
    // ended between the code and here
    if (opened === null) throw new PageError(400, 'expired', { restartHref: '/me' })
    keepCookie(deps.config, reply, opened.secret)
    return await reply.redirect(login.returnTo, 303)
  })

  app.get('/me/logout', async (_request, reply) => await reply.redirect('/me', 303))
  app.post('/me/logout', async (request, reply) => {
    const found =
      request.browser === null
        ? null
        : await findSession(deps.db, cookieOf(deps.config, request), request.browser.hash)
    if (found !== null) {
      request.requireCsrf(centre.csrfScope(found.idHash))
      if (found.sessionUid !== null) {
        await endSession(deps, found.sessionUid, { reason: 'logout', traceId: String(request.id) })
      }
      await closeSession(deps.db, found.idHash)
    }
    clearCookie(deps.config, reply)
    return reply.page('oidc/logout-done', { sites: [], next: null }, { kind: 'own' })
  })

  /** The context that the login was finished in; it is checked again at every request. */
  async function contextOf (claims: JWTPayload): Promise<string> {
    const { role, organization, delegation } = (claims['representation'] ?? {}) as {
      role?: string
      organization?: { uscc?: string }
      delegation?: { id?: string }
    }
    if (role === 'agent') return text(delegation?.id)
    if (role !== 'legal_representative') return 'self'
    const row = await deps.db
      .selectFrom('organization')
      .select('id')
      .where('uscc', '=', text(organization?.uscc))
      .executeTakeFirst()
    return `lr:${row?.id ?? ''}`
  }
}
