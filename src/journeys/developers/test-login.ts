/**
 * 试一试: one code flow of the demo client, step by step, with every request and answer as it was sent. What a site keeps
 * in its session is here in a cookie of the browser, for fifteen minutes; nothing is stored.
 */
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Config } from '../../ports/config.ts'
import { acrValues } from '../../domain/identity/assurance.ts'
import { claimsByScope } from '../../domain/claims/claims.ts'
import { lifetimes, routes } from '../../oidc/configuration.ts'
import { authorizationRequest } from './authorization-request.ts'
import { isErrorCode } from './error-catalogue.ts'
import type { BuildLayout, DeveloperLayout } from './index.ts'
import { testLoginClientId, testLoginPath, testLoginScopes } from './test-login-client.ts'

export interface TestLoginPage extends DeveloperLayout {
  title: string
  scopes: Array<{ name: string; claims: string; checked: boolean }>
  acrValues: Array<{ value: string; label: string }>
}

/** A request or an answer, as it was sent. */
export interface Wire {
  id: string
  label: string
  text: string
}

export interface TestLoginStepPage extends DeveloperLayout {
  title: string
  intro: string
  wires: Wire[]
  /** Tokens that the page's script decodes; without script they are in the answers above. */
  jwts: Array<{ id: string; label: string; text: string }>
  go: { href: string; label: string } | null
  /** Address of the end of the session, with the ID token as its hint. */
  logout: string | null
  /** After a fault: the page has the number with which support finds it. */
  refused: boolean
}

declare module '../../http/pages.ts' {
  interface Pages {
    'developers/test-login': TestLoginPage
    'developers/test-login-step': TestLoginStepPage
  }
}

const cookieName = 'kora_try'
const prompts = ['login', 'select_account', 'none']
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

export function registerTry (
  app: FastifyInstance,
  { config }: { config: Pick<Config, 'issuer'> },
  frameOf: BuildLayout
): void {
  const { issuer } = config
  const redirectUri = `${issuer}${testLoginPath}/callback`
  const cookie = { httpOnly: true, sameSite: 'lax', secure: issuer.startsWith('https:'), path: testLoginPath } as const

  app.get(testLoginPath, async (request, reply) => {
    const frame = frameOf(request, 'try')
    return reply.page('developers/test-login', {
      ...frame,
      title: frame.w.tryTitle,
      scopes: testLoginScopes.map((name) => ({
        name,
        claims: claimsByScope[name as keyof typeof claimsByScope].join(' '),
        checked: name === 'openid' || name === 'profile'
      })),
      acrValues: acrValues.slice(0, 3).map((value) => ({ value, label: value }))
    })
  })

  app.get(`${testLoginPath}/start`, async (request, reply) => {
    const frame = frameOf(request, 'try')
    const query = request.query as Record<string, unknown>
    const requested = [query['scope']].flat().map(text)
    const scope = ['openid', ...testLoginScopes.filter((one) => one !== 'openid' && requested.includes(one))].join(' ')
    const made = authorizationRequest(
      `${issuer}${routes.authorization}`,
      { clientId: testLoginClientId, redirectUri, scope },
      {
        acr_values: acrValues.find((value) => value === query['acr_values']) ?? '',
        prompt: prompts.find((value) => value === query['prompt']) ?? '',
        ui_locales: request.locale
      }
    )
    const kept = { state: made.state, nonce: made.nonce, code_verifier: made.verifier }
    reply.setCookie(cookieName, Object.values(kept).join('.'), { ...cookie, maxAge: lifetimes.interaction })
    return reply.page('developers/test-login-step', {
      ...frame,
      title: frame.w.tryRequest,
      intro: frame.w.tryRequestIntro,
      wires: [
        { id: 'request', label: frame.w.wireRequest, text: readable('GET', made.url) },
        { id: 'kept', label: frame.w.wireKept, text: JSON.stringify(kept, null, 2) }
      ],
      jwts: [],
      go: { href: made.url, label: frame.w.tryGo },
      logout: null,
      refused: false
    })
  })

  app.get(`${testLoginPath}/callback`, async (request, reply) => {
    const frame = frameOf(request, 'try')
    const { code, state, iss, error } = request.query as Record<string, unknown>
    const [keptState = '', nonce = '', verifier = ''] = text(request.cookies[cookieName]).split('.')
    reply.clearCookie(cookieName, cookie)
    const page = ({
      intro,
      wires,
      more = {},
      status = 200
    }: {
      intro: string
      wires: Wire[]
      more?: { idToken?: string; go?: { href: string; label: string } } | undefined
      status?: number | undefined
    }): FastifyReply =>
      reply.page(
        'developers/test-login-step',
        {
          ...frame,
          title: frame.w.tryAnswer,
          intro,
          wires,
          jwts: more.idToken === undefined ? [] : [{ id: 'id-token', label: frame.w.decoded, text: more.idToken }],
          go: more.go ?? { href: testLoginPath, label: frame.w.tryAgain },
          logout:
            more.idToken === undefined
              ? null
              : `${routes.end_session}?${new URLSearchParams({ id_token_hint: more.idToken, post_logout_redirect_uri: `${issuer}${testLoginPath}` }).toString()}`,
          refused: status >= 400
        },
        { status }
      )

    if (keptState === '' || text(state) !== keptState || text(iss) !== issuer) {
      return page({ intro: frame.w.tryStale, wires: [], more: {}, status: 400 })
    }
    const back: Wire = {
      id: 'callback',
      label: frame.w.wireCallback,
      text: readable('GET', `${issuer}${request.url}`)
    }
    if (error !== undefined) {
      const anchor = isErrorCode(text(error)) ? `#${text(error)}` : ''
      return page({
        intro: frame.w.tryErrorIntro,
        wires: [back],
        more: {
          go: { href: `/developers/errors${anchor}`, label: frame.w.tryExplain }
        }
      })
    }

    const body = new URLSearchParams({
      grant_type: 'authorization_code',
      code: text(code),
      redirect_uri: redirectUri,
      code_verifier: verifier,
      client_id: testLoginClientId
    })
    const tokens = await ask({
      method: 'POST',
      url: routes.token,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: body.toString()
    })
    const wires: Wire[] = [
      back,
      {
        id: 'token',
        label: frame.w.wireToken,
        text: `POST ${issuer}${routes.token}\ncontent-type: application/x-www-form-urlencoded\n\n${lines(body)}`
      },
      { id: 'token-answer', label: frame.w.wireTokenAnswer, text: `${tokens.status}\n${pretty(tokens.body)}` }
    ]
    const accessToken = text(tokens.json['access_token'])
    const idToken = text(tokens.json['id_token'])
    if (tokens.status !== 200 || decodePayload(idToken)['nonce'] !== nonce) {
      return page({ intro: frame.w.tryErrorIntro, wires })
    }
    const userinfo = await ask({
      method: 'GET',
      url: routes.userinfo,
      headers: { authorization: `Bearer ${accessToken}` }
    })
    wires.push(
      {
        id: 'userinfo',
        label: frame.w.wireUserinfo,
        text: `GET ${issuer}${routes.userinfo}\nauthorization: Bearer ${accessToken}`
      },
      {
        id: 'userinfo-answer',
        label: frame.w.wireUserinfoAnswer,
        text: `${userinfo.status}\n${pretty(userinfo.body)}`
      }
    )
    return page({ intro: frame.w.tryAnswerIntro, wires, more: { idToken } })
  })

  /** Calls our own endpoints within this process: what a site would send over the network. */
  async function ask ({
    method,
    url,
    headers,
    payload
  }: {
    method: 'GET' | 'POST'
    url: string
    headers: Record<string, string>
    payload?: string | undefined
  }): Promise<{ status: number; body: string; json: Record<string, unknown> }> {
    const response = await app.inject({
      method,
      url,
      headers: { host: new URL(issuer).host, ...headers },
      ...(payload === undefined ? {} : { payload })
    })
    return { status: response.statusCode, body: response.body, json: parsed(response.body) }
  }
}

function parsed (body: string): Record<string, unknown> {
  try {
    return JSON.parse(body) as Record<string, unknown>
  } catch {
    return {}
  }
}

const decodePayload = (jwt: string): Record<string, unknown> =>
  parsed(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString())

const pretty = (body: string): string =>
  Object.keys(parsed(body)).length === 0 ? body : JSON.stringify(parsed(body), null, 2)

const lines = (parameters: URLSearchParams): string =>
  [...parameters].map(([name, value]) => `${name}=${value}`).join('\n&')

/** An address with each parameter on a line, decoded: for reading. */
function readable (method: string, url: string): string {
  const { origin, pathname, searchParams } = new URL(url)
  return `${method} ${origin}${pathname}\n?${lines(searchParams)}`
}
