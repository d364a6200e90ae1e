/**
 * Login: authorization code with PKCE, state, nonce and the issuer check (RFC 9700, RFC 9207, OIDC Core §3.1).
 * All checks of the answer are openid-client's; this file keeps what they need between the two requests.
 */
import type { FastifyInstance } from 'fastify'
import * as oidc from 'openid-client'
import { inNameOf, representationOf } from './acting.ts'
import { satisfies } from './assurance.ts'
import { explain } from './explain.ts'
import { html } from './html.ts'
import { note, problemPage, tryAgain } from './pages.ts'
import type { Site } from './relying-site.ts'
import { fromTokens, type LoginRequest } from './sessions.ts'

const loginRequest = {
  type: 'object',
  properties: {
    prompt: { enum: ['none', 'login', 'select_account'] },
    acr_values: { type: 'string', pattern: '^[\\x21-\\x7e]+( [\\x21-\\x7e]+)*$', maxLength: 200 },
    max_age: { type: 'integer', minimum: 0, maximum: 86400 },
    ui_locales: { enum: ['zh-CN', 'bo', 'en'] },
    organization: { type: 'string', pattern: '^[0-9A-Z]{18}$' },
    function: { type: 'string', pattern: '^[a-z.]{1,64}$' },
    next: { enum: ['/me', '/property-certificate'] }
  }
}

export function signInRoutes (app: FastifyInstance, site: Site): void {
  const redirectUri = () => `${site.baseUrl}/callback`

  app.get<{ Querystring: LoginRequest }>(
    '/login',
    { schema: { querystring: loginRequest } },
    async (request, reply) => {
      const config = await site.provider.configuration()
      const asked = request.query
      const state = oidc.randomState()
      const nonce = oidc.randomNonce()
      const codeVerifier = oidc.randomPKCECodeVerifier()
      site.sessions.beginLogin(request, reply, state, { nonce, codeVerifier, asked })

      const { next, organization, function: code, ...parameters } = asked
      const url = oidc.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri(),
        scope: site.scope,
        state,
        nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
        ...(organization !== undefined && {
          authorization_details: JSON.stringify([inNameOf(site.issuer, organization, code)])
        }),
        ...Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, String(value)]))
      })
      return reply.redirect(url.href, 303)
    }
  )

  app.get<{ Querystring: { state?: unknown } }>('/callback', async (request, reply) => {
    const { state } = request.query
    const login = typeof state === 'string' ? site.sessions.finishLogin(request, state) : undefined
    if (!login || typeof state !== 'string') {
      // Back button, reload, a second copy of the answer, or an answer this browser never asked for.
      const signedIn = site.sessions.current(request) !== undefined
      return problemPage(reply, site, {
        status: 400,
        code: 'lost_state',
        actions: signedIn
          ? html`<a class="button" href="/me">您已登录，继续 <span lang="en">You are signed in: continue</span></a>`
          : tryAgain(site)
      })
    }

    try {
      const config = await site.provider.configuration()
      const answer = new URL(request.url, site.baseUrl)
      const tokens = await oidc.authorizationCodeGrant(config, answer, {
        expectedState: state,
        expectedNonce: login.nonce,
        pkceCodeVerifier: login.codeVerifier,
        ...(login.asked.max_age === undefined ? {} : { maxAge: login.asked.max_age })
      })
      const session = fromTokens(tokens)
      session.userinfo = await oidc
        .fetchUserInfo(config, session.accessToken, session.claims.sub)
        .catch((error: unknown) => {
          // Nice to have, not part of the login: the page offers to ask again.
          request.log.warn({ code: explain(error).code }, 'userinfo failed')
          return undefined
        })
      // acr_values is a wish (OIDC Core §3.1.2.1): what was reached is known only from the ID token.
      const wanted = login.asked.acr_values
      if (wanted !== undefined && !satisfies(session.claims.acr, wanted)) {
        session.notice = note(['这次登录没有达到要求的认证等级。', 'This login did not reach the level asked for.'], {
          warn: true
        })
      }
      // What was granted is what counts (RFC 9396 §7), and the claim says it too.
      const { organization } = login.asked
      if (
        organization !== undefined &&
        representationOf(session.claims.representation).organization?.uscc !== organization
      ) {
        session.notice = note(
          ['这次登录不是以要求的单位名义。', 'This login is not in the name of the organization asked for.'],
          { warn: true }
        )
      }
      site.sessions.start(request, reply, session)
      return await reply.redirect(login.asked.next ?? '/me', 303)
    } catch (error) {
      const { code, detail } = explain(error)
      request.log.info({ code }, 'login failed')
      return problemPage(reply, site, {
        status: code === 'temporarily_unavailable' ? 503 : 400,
        code,
        detail,
        actions: tryAgain(site, login.asked)
      })
    }
  })
}
