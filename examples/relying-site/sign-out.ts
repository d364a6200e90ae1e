/**
 * Logout, three ways: by the user here (RP-Initiated Logout), coming back afterwards, and by the provider without
 * any browser (Back-Channel Logout), for example because the user left another site or a delegation was revoked.
 */
import type { FastifyInstance } from 'fastify'
import { jwtVerify, type JWTPayload } from 'jose'
import * as oidc from 'openid-client'
import { ExpiringMap } from './expiring-map.ts'
import { html } from './html.ts'
import { loginLink, sendPage } from './pages.ts'
import type { Site } from './relying-site.ts'

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const MAX_AGE_SECONDS = 300
const CLOCK_TOLERANCE_SECONDS = 15

export function signOutRoutes (app: FastifyInstance, site: Site): void {
  const seen = new ExpiringMap<true>((MAX_AGE_SECONDS + 2 * CLOCK_TOLERANCE_SECONDS) * 1000, 100_000)

  app.post('/logout', async (request, reply) => {
    const session = site.sessions.current(request)
    site.sessions.end(request, reply)
    if (!session) return reply.redirect('/logged-out', 303)
    // From here on the local session is gone, whatever becomes of the provider.
    const config = await site.provider.configuration()
    const state = oidc.randomState()
    site.sessions.beginLogout(request, reply, state)
    const url = oidc.buildEndSessionUrl(config, {
      id_token_hint: session.idToken,
      post_logout_redirect_uri: `${site.baseUrl}/logged-out`,
      state
    })
    return reply.redirect(url.href, 303)
  })

  app.get<{ Querystring: { state?: unknown } }>('/logged-out', (request, reply) => {
    const { state } = request.query
    const everywhere = typeof state === 'string' && site.sessions.finishLogout(request, state)
    const signedIn = site.sessions.current(request) !== undefined
    return sendPage(reply, site, {
      title: signedIn ? '您仍然登录着' : '您已退出',
      body: signedIn
        ? html`<h1>您仍然登录着 <span lang="en">You are still signed in</span></h1>
<div class="actions"><a class="button" href="/me">我的页面 <span lang="en">My page</span></a></div>`
        : html`<h1>您已退出 <span lang="en">You are signed out</span></h1>
<p>${
            everywhere
              ? html`您已退出本网站，统一身份认证也已处理退出。<span lang="en">You left this site, and the identity provider has handled the logout.</span>`
              : html`这个浏览器没有登录本网站。<span lang="en">This browser is not signed in to this site.</span>`
          }</p>
<p>如果使用的是公用电脑，请关闭所有浏览器窗口。<span lang="en">On a shared computer, close all browser windows.</span></p>
<div class="actions"><a class="button" href="${loginLink(site)}">登录 <span lang="en">Sign in</span></a></div>`
    })
  })

  // 200 or 400, nothing else (Back-Channel Logout 1.0 §2.8).
  app.post<{ Body: { logout_token?: unknown } | undefined }>('/backchannel-logout', async (request, reply) => {
    try {
      const { jti, sid, sub } = await verifyLogoutToken(site, request.body?.logout_token)
      if (seen.get(jti)) throw new Error('logout token seen before')
      seen.set(jti, true)
      const ended = site.sessions.endByProvider({ sid, sub })
      request.log.info({ ended }, 'signed out by the identity provider')
      return await reply.code(200).send()
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown'
      request.log.warn({ reason }, 'logout token refused')
      return reply.code(400).send({ error: 'invalid_request', error_description: reason })
    }
  })
}

/** Back-Channel Logout 1.0 §2.6, step by step. Throws when any step fails. */
async function verifyLogoutToken (site: Site, token: unknown): Promise<{ jti: string; sid?: string; sub?: string }> {
  if (typeof token !== 'string') throw new Error('logout_token is missing')
  const metadata = (await site.provider.configuration()).serverMetadata()
  const { payload } = await jwtVerify(token, await site.provider.keys(), {
    issuer: metadata.issuer,
    audience: site.clientId,
    typ: 'logout+jwt',
    algorithms: (metadata.id_token_signing_alg_values_supported ?? ['RS256']).filter(
      (alg) => alg !== 'none' && !alg.startsWith('HS')
    ),
    requiredClaims: ['iat', 'exp', 'jti', 'events'],
    maxTokenAge: MAX_AGE_SECONDS,
    clockTolerance: CLOCK_TOLERANCE_SECONDS
  })
  if (!isObject(payload.events) || !isObject(payload.events[LOGOUT_EVENT])) {
    throw new Error('events does not say logout')
  }
  if ('nonce' in payload) throw new Error('nonce is prohibited')
  const { jti, sid, sub } = payload as JWTPayload & { sid?: unknown }
  if (typeof jti !== 'string' || jti === '') throw new Error('jti is not a string')
  if (sid !== undefined && typeof sid !== 'string') throw new Error('sid is not a string')
  if (sub !== undefined && typeof sub !== 'string') throw new Error('sub is not a string')
  if (sid === undefined && sub === undefined) throw new Error('neither sid nor sub')
  return { jti, ...(sid === undefined ? {} : { sid }), ...(sub === undefined ? {} : { sub }) }
}

function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
