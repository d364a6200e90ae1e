/**
 * A sensitive act and the API behind it. The API knows nothing of this site's sessions: it sees a bearer token,
 * asks the provider about it, and when the login behind it was too weak or too long ago it answers with a step-up
 * challenge (RFC 9470); when an agent acts whose delegation does not name this function, with 403. The page turns that
 * challenge into a sentence and a button.
 */
import type { FastifyInstance, FastifyReply } from 'fastify'
import * as oidc from 'openid-client'
import { acting, mayDo, representationOf } from './acting.ts'
import { LEVEL_3, satisfies } from './assurance.ts'
import { explain } from './explain.ts'
import { html, type Html } from './html.ts'
import { both, fold, loginLink, note, sendPage, tryAgain } from './pages.ts'
import type { Site } from './relying-site.ts'
import type { LoginRequest, Session } from './sessions.ts'
import { problem } from './words.ts'

/** This act, as the catalogue of functions calls it. */
const FUNCTION = 'property.register'
const MAX_AGE_SECONDS = 900
const CLOCK_TOLERANCE_SECONDS = 15

export function propertyCertificateRoutes (app: FastifyInstance, site: Site): void {
  app.get('/api/property-certificate', async (request, reply) => {
    const accessToken = /^Bearer ([\w.~+/-]+=*)$/i.exec(request.headers.authorization ?? '')?.[1]
    // No token at all: a challenge without an error code (RFC 6750 §3.1).
    if (accessToken === undefined) return refuse(reply, 'Bearer')
    let token: oidc.IntrospectionResponse
    try {
      token = await site.provider.introspect(accessToken)
    } catch (error) {
      const { code } = explain(error)
      request.log.warn({ code }, 'introspection failed')
      return reply.code(503).send({ error: 'temporarily_unavailable' })
    }
    // A token made for another site must not work here.
    if (!token.active || token.client_id !== site.clientId) return refuse(reply, 'Bearer error="invalid_token"')
    // `acr` and `auth_time` in the introspection answer: RFC 9470 §6.2.
    const age = Date.now() / 1000 - (typeof token.auth_time === 'number' ? token.auth_time : 0)
    if (!satisfies(token.acr, LEVEL_3) || age > MAX_AGE_SECONDS + CLOCK_TOLERANCE_SECONDS) {
      return refuse(
        reply,
        'Bearer error="insufficient_user_authentication", ' +
          'error_description="A stronger or more recent authentication is required", ' +
          `acr_values="${LEVEL_3}", max_age="${MAX_AGE_SECONDS}"`
      )
    }
    // Whose act it is, is in the token too: an agent may do what the organization delegated, and nothing else.
    const representation = representationOf(token.representation)
    if (!mayDo(representation, FUNCTION)) return reply.code(403).send({ error: 'function_not_delegated' })
    return reply.send({
      applicant: representation.organization?.name ?? '本人',
      certificate: '藏（2026）示例市不动产权第 0000001 号',
      status: 'registered',
      issued_at: new Date().toISOString()
    })
  })

  app.get('/property-certificate', async (request, reply) => {
    const session = site.sessions.current(request)
    return sendPage(reply, site, {
      title: '办理不动产登记',
      body: html`<h1>办理不动产登记 <span lang="en">Register property: a sensitive act</span></h1>
${session ? await act(site, session) : invitation(site)}`
    })
  })
}

function refuse (reply: FastifyReply, challenge: string): FastifyReply {
  return reply
    .code(401)
    .header('www-authenticate', challenge)
    .send({ error: /error="(\w+)"/.exec(challenge)?.[1] ?? 'token_required' })
}

function invitation (site: Site): Html {
  return html`<p>请先登录。<span lang="en">Please sign in first.</span></p>
<div class="actions"><a class="button" href="${loginLink(site, { next: '/property-certificate' })}">登录 <span lang="en">Sign in</span></a></div>`
}

/** Calls the API with the user's access token and shows what came of it. */
async function act (site: Site, session: Session): Promise<Html> {
  const { notice } = session
  session.notice = undefined
  const who = acting(site, session, '/property-certificate')
  try {
    const response = await site.provider.get(new URL('/api/property-certificate', site.selfUrl), session.accessToken)
    if (response.status === 403) return html`${notice}${who}${failure(site, 'function_not_delegated')}`
    if (!response.ok) return failure(site, 'temporarily_unavailable')
    return html`${notice}${who}${note(['认证等级符合要求，登记已办理。', 'The level is sufficient: done.'])}
${fold(['接口应答', 'Answer of the API'], await response.json())}`
  } catch (error) {
    const challenge = error instanceof oidc.WWWAuthenticateChallengeError ? error.cause[0]?.parameters : undefined
    if (challenge?.error === 'insufficient_user_authentication') return html`${notice}${who}${stepUp(site, challenge)}`
    return html`${notice}${failure(site, explain(error).code)}`
  }
}

function failure (site: Site, code: string): Html {
  const { title, why } = problem(code)
  return html`${note(title, { warn: true, more: html`<p>${both(why)}</p>` })}
<div class="actions">${tryAgain(site, { next: '/property-certificate' })}</div>`
}

/** The challenge in words, and a login that asks for exactly what it demands (RFC 9470 §4). */
function stepUp (site: Site, challenge: oidc.WWWAuthenticateChallengeParameters): Html {
  const ask: LoginRequest = { next: '/property-certificate' }
  if (challenge.acr_values !== undefined) ask.acr_values = challenge.acr_values
  if (challenge.max_age !== undefined) ask.max_age = Number(challenge.max_age)
  return html`${note(problem('insufficient_user_authentication').title, {
    warn: true,
    more: html`<p>这项业务要求 3 级认证（人脸核验或等效方式），并且在最近 ${MAX_AGE_SECONDS / 60} 分钟内完成。
<span lang="en">This act requires level 3 (a face check or an equal alternative) within the last ${MAX_AGE_SECONDS / 60} minutes.</span></p>`
  })}
<div class="actions"><a class="button" href="${loginLink(site, ask)}">提高认证等级 <span lang="en">Strengthen this login</span></a></div>
${fold(['接口的要求（WWW-Authenticate）', 'What the API demands'], challenge)}`
}
