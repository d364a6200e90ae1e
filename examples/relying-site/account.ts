/** The signed-in page, and what can be done with the tokens: refresh, userinfo, introspection, revocation. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import * as oidc from 'openid-client'
import { claimsView } from './claims-view.ts'
import { explain } from './explain.ts'
import { html } from './html.ts'
import { both, fold, note, problemPage, sendPage, tryAgain } from './pages.ts'
import type { Site } from './relying-site.ts'
import { fromTokens, type Session } from './sessions.ts'
import { beijingTime, problem } from './words.ts'

export function accountRoutes (app: FastifyInstance, site: Site): void {
  app.get('/me', (request, reply) => {
    const session = site.sessions.current(request)
    if (!session) return signedOutPage(request, reply, site)
    const { notice } = session
    session.notice = undefined
    return sendPage(reply, site, {
      title: '我的',
      body: html`<h1>我的页面 <span lang="en">My page</span></h1>
${notice}
${claimsView(site, session)}
<div class="actions">
<form method="post" action="/logout"><button>退出登录 <span lang="en">Sign out</span></button></form>
</div>
<h2>令牌 <span lang="en">Tokens</span></h2>
<table><tbody>
<tr><th scope="row">授权范围 <span lang="en">Scope</span></th><td>${session.scope ?? site.scope}</td></tr>
<tr><th scope="row">访问令牌有效期至 <span lang="en">Access token valid until</span></th><td>${session.accessTokenExpiresAt ? beijingTime(session.accessTokenExpiresAt) : both(['未说明', 'not stated'])}</td></tr>
<tr><th scope="row">刷新令牌 <span lang="en">Refresh token</span></th><td>${both(session.refreshToken ? ['有', 'yes'] : ['无', 'no'])}</td></tr>
</tbody></table>
<div class="actions">
${session.refreshToken && button('/me/refresh', '刷新令牌', 'Refresh')}
${button('/me/userinfo', '重新获取用户信息', 'Userinfo')}
${button('/me/introspect', '检查访问令牌', 'Introspect')}
${button('/me/revoke', '撤销访问令牌', 'Revoke access token', 'access_token')}
${session.refreshToken && button('/me/revoke', '撤销刷新令牌', 'Revoke refresh token', 'refresh_token')}
</div>
${fold(['ID 令牌内容', 'ID token claims'], session.claims)}
${fold(['用户信息', 'Userinfo'], session.userinfo ?? null)}
${fold(['原始令牌（请勿外传）', 'Raw tokens: keep them to yourself'], { id_token: session.idToken, access_token: session.accessToken, refresh_token: session.refreshToken })}`
    })
  })

  /** A button of the page: does its work, leaves a notice, goes back to the page (303). */
  function action (
    path: string,
    work: (config: oidc.Configuration, session: Session, request: FastifyRequest) => Promise<Session['notice']>
  ): void {
    app.post(path, async (request, reply) => {
      const session = site.sessions.current(request)
      if (!session) return signedOutPage(request, reply, site)
      try {
        session.notice = await work(await site.provider.configuration(), session, request)
      } catch (error) {
        const { code, detail } = explain(error)
        request.log.info({ code, path }, 'token action failed')
        if (code === 'invalid_grant') {
          // The provider ended this login (logout, revoked delegation, disabled account …): so do we.
          site.sessions.end(request, reply)
          return problemPage(reply, site, { status: 403, code, detail })
        }
        session.notice = note(problem(code).title, {
          warn: true,
          more: html`<p>${both(problem(code).why)} <code>${code}${detail && ` (${detail})`}</code></p>`
        })
      }
      return reply.redirect('/me', 303)
    })
  }

  action('/me/refresh', async (config, session) => {
    session.refreshing ??= refresh(config, session).finally(() => {
      delete session.refreshing
    })
    await session.refreshing
    return note(['令牌已刷新。', 'The tokens were refreshed.'])
  })

  action('/me/userinfo', async (config, session) => {
    session.userinfo = await oidc.fetchUserInfo(config, session.accessToken, session.claims.sub)
    return note(['用户信息已更新。', 'Userinfo was fetched again.'])
  })

  action('/me/introspect', async (_config, session) => {
    const answer = await site.provider.introspect(session.accessToken)
    return note(
      answer.active
        ? ['访问令牌有效。', 'The access token is active.']
        : ['访问令牌已无效。', 'The access token is not active.'],
      { warn: !answer.active, more: html`<pre>${JSON.stringify(answer, null, 2)}</pre>` }
    )
  })

  action('/me/revoke', async (config, session, request) => {
    const which =
      (request.body as { token?: unknown } | undefined)?.token === 'refresh_token' ? 'refresh_token' : 'access_token'
    const token = which === 'refresh_token' ? session.refreshToken : session.accessToken
    if (token === undefined) return note(['没有可撤销的令牌。', 'There is no such token.'], { warn: true })
    await oidc.tokenRevocation(config, token, { token_type_hint: which })
    if (which === 'refresh_token') session.refreshToken = undefined
    return note(['令牌已撤销。', 'The token was revoked.'], { more: html` <code>${which}</code>` })
  })
}

/** RFC 6749 §6. The new ID token must speak of the same person as the old one (OIDC Core §12.2). */
async function refresh (config: oidc.Configuration, session: Session): Promise<void> {
  if (session.refreshToken === undefined) return
  const tokens = await oidc.refreshTokenGrant(config, session.refreshToken)
  const renewed = fromTokens(tokens, session)
  if (renewed.claims.sub !== session.claims.sub) {
    throw new oidc.ClientError('the refreshed ID token speaks of someone else')
  }
  Object.assign(session, renewed)
}

function signedOutPage (request: FastifyRequest, reply: FastifyReply, site: Site): FastifyReply {
  const byProvider = site.sessions.wasEndedByProvider(request, reply)
  return sendPage(reply, site, {
    status: 403,
    title: '请登录',
    body: html`<h1>请登录 <span lang="en">Please sign in</span></h1>
${
  byProvider
    ? note(['统一身份认证已将您退出，请重新登录。', 'You were signed out by the identity provider.'], { warn: true })
    : html`<p>您还没有登录，或者超过 30 分钟没有操作。<span lang="en">You are not signed in, or were idle for 30 minutes.</span></p>`
}
<div class="actions">${tryAgain(site)}</div>`
  })
}

function button (action: string, zh: string, en: string, token?: string) {
  return html`<form method="post" action="${action}">${token && html`<input type="hidden" name="token" value="${token}">`}<button class="second">${zh} <span lang="en">${en}</span></button></form>`
}
