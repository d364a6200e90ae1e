/**
 * What the tests of the sample site need: a bare oidc-provider with hands-free login, a browser that keeps
 * cookies per origin, and logout tokens of every kind.
 */
import { startRelyingSite, type RelyingSiteOptions } from '../../../examples/relying-site/relying-site.ts'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose'
import Provider, { interactionPolicy, type Configuration, type KoaContextWithOIDC } from 'oidc-provider'

export const CLIENT = { id: 'site', secret: 'site-secret-site-secret-site-secret' }
export const RESOURCE = { id: 'resource', secret: 'resource-secret-resource-secret-re' }
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'

/** How the next login at the provider goes; a test may change it. */
export interface LoginBehaviour {
  account: string
  level: 1 | 2 | 3
  /** Seconds since that login. */
  age: number
  denied: boolean
  /** Does not care for acr_values, as a provider may (OIDC Core §3.1.2.1). */
  careless: boolean
  representation: Record<string, unknown>
  verifiedClaims?: unknown
}

/** As in docs/claims.md: about the person, and the authority of an agent. */
export const verifiedClaims = [
  {
    verification: {
      trust_framework: 'https://sso.example.gov.cn/tf/person',
      time: '2026-04-11T02:03:04Z',
      evidence: [{ type: 'document', check_details: [{ check_method: 'bvr' }] }, { type: 'electronic_record' }]
    },
    claims: { name: '次仁卓玛' }
  },
  {
    verification: {
      trust_framework: 'https://sso.example.gov.cn/tf/delegation',
      time: '2026-04-11T02:03:04Z',
      verification_process: 'dlg_1',
      evidence: [
        {
          type: 'vouch',
          check_details: [{ check_method: 'bvr' }],
          attestation: {
            type: 'digital_attestation',
            voucher: { occupation: '法定代表人', organization: '西藏示例科技有限公司' }
          }
        }
      ]
    },
    claims: {
      authority: {
        applies_to: { organization_name: '西藏示例科技有限公司', registration_number: '91540102MA6T1A2BXK' },
        permission: [
          { role: 'agent', function: ['property.register'], validity: { start: '2026-04-11', end: '2027-04-10' } }
        ],
        granted_by: { method: 'delegated', reason: '代理人审核通过' }
      }
    }
  }
]

export async function start (siteOptions: Partial<RelyingSiteOptions> = {}) {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(privateKey)), kid: 'k1', alg: 'ES256', use: 'sig' }
  const behaviour: LoginBehaviour = {
    account: 'p1',
    level: 2,
    age: 0,
    denied: false,
    careless: false,
    representation: { role: 'self' }
  }

  let handle = (_request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(503).end()
  }
  const server = createServer((request, response) => handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const site = await startRelyingSite({
    port: 0,
    host: '127.0.0.1',
    issuer,
    clientId: CLIENT.id,
    clientSecret: CLIENT.secret,
    resourceClient: RESOURCE,
    ...siteOptions
  })
  const provider = bareProvider(issuer, site.url, jwk, behaviour)
  const turnOn = () => {
    const callback = provider.callback()
    handle = (request, response) => {
      const uid = /^\/interaction\/([\w-]+)$/.exec(request.url ?? '')?.[1]
      if (uid === undefined) callback(request, response)
      else {
        finishInteraction(provider, behaviour, request, response).catch((error) =>
          response.writeHead(500).end(String(error))
        )
      }
    }
  }
  turnOn()

  return {
    site,
    provider,
    issuer,
    behaviour,
    signing: { privateKey, publicKey },
    turnOff: () => {
      handle = (_request, response) => {
        response.writeHead(503).end()
      }
    },
    turnOn,
    browser: () => browser(site.url),
    async close () {
      await site.close()
      await closeServer(server)
    }
  }
}

function closeServer (server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}

function bareProvider (issuer: string, siteUrl: string, jwk: object, behaviour: LoginBehaviour): Provider {
  const { base, Check, Prompt } = interactionPolicy
  const policy = base()
  policy
    .get('login')
    ?.checks.add(
      new Check(
        'level_missing',
        'a stronger login is needed',
        'unmet_authentication_requirements',
        (ctx) =>
          typeof ctx.oidc.params?.acr_values === 'string' &&
          ctx.oidc.session?.acr !== ctx.oidc.params.acr_values &&
          !ctx.oidc.result?.login
      )
    )
  policy.add(new Prompt({ name: 'select_account', requestable: true }), 0)

  const configuration: Configuration = {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [`${siteUrl}/callback`],
        post_logout_redirect_uris: [`${siteUrl}/logged-out`],
        backchannel_logout_uri: `${siteUrl}/backchannel-logout`,
        backchannel_logout_session_required: true,
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code']
      },
      {
        client_id: RESOURCE.id,
        client_secret: RESOURCE.secret,
        redirect_uris: [],
        response_types: [],
        grant_types: []
      },
      {
        client_id: 'other',
        client_secret: 'other-secret-other-secret-other-se',
        redirect_uris: [],
        response_types: [],
        grant_types: ['client_credentials'],
        token_endpoint_auth_method: 'client_secret_post'
      }
    ],
    jwks: { keys: [jwk] },
    cookies: { keys: ['test-key-test-key'] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    acrValues: [1, 2, 3].map((level) => `urn:kora:loa:${level}`),
    scopes: ['openid', 'profile', 'phone'],
    claims: {
      openid: ['sub', 'acr', 'amr', 'auth_time', 'representation'],
      profile: ['name', 'verified_claims'],
      phone: ['phone_number'],
      sid: null
    },
    conformIdTokenClaims: true,
    pkce: { required: () => true },
    fetch: (url: string | URL | Request, { dispatcher, ...options }: RequestInit & { dispatcher?: unknown } = {}) =>
      fetch(url, options),
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
      backchannelLogout: { enabled: true },
      clientCredentials: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx: KoaContextWithOIDC, form: string) => {
          ctx.body = form
        }
      }
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}`, policy },
    issueRefreshToken: async () => true,
    rotateRefreshToken: true,
    // RFC 9470 §6.2: the resource server learns acr and auth_time from introspection.
    extraTokenClaims (ctx) {
      const from = ctx.oidc.entities.AuthorizationCode ?? ctx.oidc.entities.RefreshToken
      return from && { acr: from.acr, auth_time: from.authTime, representation: behaviour.representation }
    },
    findAccount: (_ctx, sub) => ({
      accountId: sub,
      claims: () =>
        ({
          sub,
          name: '<b>卓玛</b>',
          phone_number: '+8613812345678',
          representation: behaviour.representation,
          verified_claims: behaviour.verifiedClaims
        }) as unknown as { sub: string }
    }),
    async loadExistingGrant ({ oidc: { session, client, provider } }) {
      const grant = new provider.Grant({ accountId: session!.accountId!, clientId: client!.clientId })
      grant.addOIDCScope('openid profile phone')
      await grant.save()
      return grant
    },
    renderError: (ctx, out) => {
      ctx.body = out
    }
  }
  const provider = new Provider(issuer, configuration)
  provider.on('server_error', (_ctx, error) => {
    console.error(error)
  })
  return provider
}

async function finishInteraction (
  provider: Provider,
  { account, level, age, denied, careless }: LoginBehaviour,
  request: IncomingMessage,
  response: ServerResponse
) {
  const { params } = await provider.interactionDetails(request, response)
  if (denied) {
    return provider.interactionFinished(request, response, {
      error: 'access_denied',
      error_description: 'the user said no'
    })
  }
  const acr = !careless && typeof params.acr_values === 'string' ? params.acr_values : `urn:kora:loa:${level}`
  const amr = acr.endsWith('3') ? ['pwd', 'face'] : ['pwd']
  return provider.interactionFinished(request, response, {
    login: { accountId: account, acr, amr, ts: Math.floor(Date.now() / 1000) - age },
    select_account: {}
  })
}

export type Page = { status: number; url: URL; location: string | undefined; headers: Headers; text: string }

/** Follows redirects and keeps cookies by origin, as a browser does; `stop` ends before a URL that matches. */
export function browser (home: string) {
  const jars = new Map<string, Map<string, string>>()
  const jar = (origin: string) => jars.get(origin) ?? jars.set(origin, new Map()).get(origin)!

  async function once (url: URL, init: RequestInit = {}): Promise<Page> {
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: {
        ...(init.headers as Record<string, string>),
        cookie: [...jar(url.origin)].map(([name, value]) => `${name}=${value}`).join('; ')
      }
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      if (value === '' || /expires=Thu, 01 Jan 1970/i.test(cookie)) jar(url.origin).delete(name)
      else jar(url.origin).set(name, value)
    }
    return {
      status: response.status,
      url,
      location: response.headers.get('location') ?? undefined,
      headers: response.headers,
      text: await response.text()
    }
  }

  async function go (path: string, { stop, ...init }: RequestInit & { stop?: RegExp } = {}): Promise<Page> {
    let page = await once(new URL(path, home), init)
    for (let hops = 0; page.location !== undefined && hops < 12; hops++) {
      const next = new URL(page.location, page.url)
      if (stop?.test(next.href)) return page
      page = await once(next)
    }
    return page
  }

  return {
    go,
    post: (path: string, form: Record<string, string> = {}, headers: Record<string, string> = {}) =>
      go(path, {
        method: 'POST',
        body: new URLSearchParams(form),
        headers: { 'sec-fetch-site': 'same-origin', ...headers }
      }),
    cookies: (origin = home) => jar(origin)
  }
}

/** A logout token; `claims` and `header` override what makes a good one, undefined leaves a part out. */
export async function logoutToken (
  key: CryptoKey,
  issuer: string,
  claims: Record<string, unknown>,
  header: Record<string, unknown> = {}
): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const payload = {
    iss: issuer,
    aud: CLIENT.id,
    iat: now,
    exp: now + 120,
    jti: crypto.randomUUID(),
    events: { [LOGOUT_EVENT]: {} },
    ...claims
  }
  return new SignJWT(JSON.parse(JSON.stringify(payload)))
    .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ: 'logout+jwt', ...header })
    .sign(key)
}
