/**
 * A provider over real HTTP with our storage, and a browser and relying sites to use it: several
 * providers may stand on one database, as processes do. Every login succeeds at once.
 */
import { createServer } from 'node:http'
import { hash } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { Provider, type Configuration, type KoaContextWithOIDC } from 'oidc-provider'
import { queryCounter } from '../../src/database/query-counter.ts'
import { createClientCache, type ClientCache } from '../../src/oidc/client-store.ts'
import { createSecret } from '../../src/tokens/client-secrets.ts'
import { createGrant } from '../../src/oidc/overrides/create-grant.ts'
import type { GrantContext } from '../../src/tokens/grant-id.ts'
import { createKeyRing } from '../../src/oidc/key-ring.ts'
import type { EndedClientSession } from '../../src/tokens/revocation.ts'
import { createAudit } from '../../src/records/audit/index.ts'
import { createTrail } from '../../src/oidc/trail.ts'
import { ensureSigningKeys } from '../../src/tokens/signing-keys.ts'
import { completeStorage, createStorageAdapter } from '../../src/oidc/storage-adapter.ts'
import { systemClock } from '../../src/ports/clock.ts'
import type { TestDatabase } from '../support/database.ts'

export const limits = { sessionIdleSeconds: 1800, sessionAbsoluteSeconds: 43_200, clockToleranceSeconds: 15 }
export const jwtApi = 'https://api.example/jwt'
export const redirectUri = 'http://127.0.0.1:9/cb'
const verifier = 'v'.repeat(43)
const log = { info () {}, warn () {} }

/** What tests do in the middle of a request. */
export interface Hooks {
  loadingGrant?: (ctx: KoaContextWithOIDC) => Promise<void>
  issuingRefreshToken?: (ctx: KoaContextWithOIDC) => Promise<void>
  account?: (sub: string) => boolean
  context?: GrantContext
  sessionsEnded?: (ended: EndedClientSession[]) => Promise<void>
}

export interface Rig {
  issuer: string
  provider: Provider
  clients: ClientCache
  hooks: Hooks
  /** Statements sent for the requests since the last call. */
  statements(): number
}

/** A provider process on this database. Keys are ES256 only: RSA takes a second to make. */
export async function startProvider (
  t: Test,
  { db, crypto }: TestDatabase,
  more: Configuration = {},
  attach: (provider: Provider) => void = () => {}
): Promise<Rig> {
  await ensureSigningKeys(db, crypto, { algs: ['ES256'] })
  const ring = await createKeyRing({ db, crypto })
  const clients = createClientCache({ db, clock: systemClock, log })
  const hooks: Hooks = {}
  const trail = createTrail({ audit: createAudit({ crypto }) })
  const counter = { queries: 0 }
  const server = createServer((request, response) => queryCounter.run(counter, () => handle(request, response)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const provider = new Provider(issuer, {
    adapter: createStorageAdapter({
      db,
      crypto,
      clock: systemClock,
      limits,
      log,
      trail,
      sessionsEnded: async (_trx, ended) => hooks.sessionsEnded?.(ended)
    }),
    jwks: ring.jwks,
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    extraClientMetadata: { properties: ['kora_policy'], validator () {} },
    cookies: { keys: [], long: { signed: false, httpOnly: true }, short: { signed: false, httpOnly: true } },
    claims: { openid: ['sub'], sid: null },
    scopes: ['openid', 'offline_access'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: async () => true },
      revocation: { enabled: true },
      dPoP: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      externalSigningSupport: { enabled: true, ack: 'experimental-01' },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = form
        }
      },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'read',
          audience: jwtApi,
          accessTokenTTL: 300,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } }
        })
      }
    },
    pkce: { required: () => true },
    expiresWithSession: () => false,
    rotateRefreshToken: (ctx) => ctx.oidc.client?.clientAuthMethod === 'none',
    issueRefreshToken: async (ctx, client) => {
      await hooks.issuingRefreshToken?.(ctx)
      return client.grantTypeAllowed('refresh_token')
    },
    findAccount: (_ctx, sub) =>
      hooks.account?.(sub) === false ? undefined : { accountId: sub, claims: () => ({ sub }) },
    loadExistingGrant: async (ctx) => {
      await hooks.loadingGrant?.(ctx)
      const { account, client } = ctx.oidc
      if (!account || !client) return undefined
      return createGrant(provider, crypto, {
        accountId: account.accountId,
        clientId: client.clientId,
        scope: 'openid offline_access',
        resources: Object.fromEntries(
          Object.keys(ctx.oidc.resourceServers ?? {}).map((indicator) => [indicator, 'read'])
        ),
        ...(hooks.context ? { context: hooks.context } : {})
      })
    },
    interactions: { url: (_ctx, { uid }) => `/i/${uid}` },
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      ClientCredentials: 600,
      Grant: 86_400,
      IdToken: 600,
      Interaction: 900,
      RefreshToken: 86_400,
      Session: limits.sessionIdleSeconds
    },
    renderError: (ctx, out) => {
      ctx.body = out
    },
    ...more
  } as Configuration)
  completeStorage(provider, { db, limits, trail })
  clients.connect(provider)
  attach(provider)

  const callback = provider.callback()
  async function handle (
    request: Parameters<typeof callback>[0],
    response: Parameters<typeof callback>[1]
  ): Promise<void> {
    if (!request.url?.startsWith('/i/')) return callback(request, response)
    const { params } = await provider.interactionDetails(request, response)
    await provider.interactionFinished(request, response, {
      login: { accountId: String(params['login_hint'] ?? 'sub-1') }
    })
  }
  return {
    issuer,
    provider,
    clients,
    hooks,
    statements: () => {
      const { queries } = counter
      counter.queries = 0
      return queries
    }
  }
}

type Issuer = Pick<Rig, 'issuer'>

export interface Site {
  clientId: string
  secret: string | null
}

/** A relying site: public without `method`. */
export async function registerSite (
  { db }: TestDatabase,
  clientId: string,
  method: 'none' | 'client_secret_basic' | 'client_secret_post' = 'client_secret_basic',
  metadata: object = {}
): Promise<Site> {
  await db
    .insertInto('client')
    .values({
      clientId,
      status: 'live',
      metadata: JSON.stringify({
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
        response_types: ['code'],
        token_endpoint_auth_method: method,
        backchannel_logout_uri: `https://${clientId}.example/logout`,
        backchannel_logout_session_required: true,
        ...(method === 'none' ? { grant_types: ['authorization_code', 'refresh_token'] } : {}),
        ...metadata
      }),
      policy: JSON.stringify({ names: { 'zh-CN': clientId } })
    })
    .execute()
  if (method === 'none') return { clientId, secret: null }
  const created = await db.transaction().execute((trx) => createSecret(trx, clientId))
  if (created.outcome !== 'created') throw new Error(created.outcome)
  return { clientId, secret: created.secret }
}

/** Cookies by name. The session's is the browser's; those of a login under way are the tab's (they have paths). */
export class Browser {
  readonly #session: Map<string, string>
  readonly #own = new Map<string, string>()
  constructor (session: Map<string, string> = new Map()) {
    this.#session = session
  }

  /** Another tab of this browser. */
  tab (): Browser {
    return new Browser(this.#session)
  }

  /** Whoever has copied the cookies as they are now. */
  copy (): Browser {
    return new Browser(new Map(this.#session))
  }

  /** A cookie that a page of Kora sets, not the library. */
  setCookie (name: string, value: string): void {
    this.#own.set(name, value)
  }

  async go (url: string, init: RequestInit = {}): Promise<Response> {
    const response = await fetch(url, {
      redirect: 'manual',
      ...init,
      headers: {
        ...init.headers,
        cookie: [...this.#session, ...this.#own].map(([name, value]) => `${name}=${value}`).join('; ')
      }
    })
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';')
      const at = pair.indexOf('=')
      const name = pair.slice(0, at)
      const jar = name === '_session' ? this.#session : this.#own
      if (pair.slice(at + 1) === '' || /expires=Thu, 01 Jan 1970/i.test(line)) jar.delete(name)
      else jar.set(name, pair.slice(at + 1))
    }
    return response
  }
}

export function authorizeUrl ({ issuer }: Issuer, { clientId }: Site, more: Record<string, string> = {}): string {
  return `${issuer}/auth?${new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid',
    code_challenge: hash('sha256', verifier, 'base64url'),
    code_challenge_method: 'S256',
    ...more
  })}`
}

/** Follows redirects to the relying site; the parameters it got (code, or error). */
export async function authorize (
  rig: Issuer,
  browser: Browser,
  site: Site,
  more: Record<string, string> = {}
): Promise<URLSearchParams> {
  let url = authorizeUrl(rig, site, more)
  for (let i = 0; i < 10; i++) {
    const response = await browser.go(url)
    const location = response.headers.get('location')
    if (location === null) throw new Error(`stopped with ${response.status}: ${await response.text()}`)
    url = new URL(location, rig.issuer).href
    if (url.startsWith(redirectUri)) return new URL(url).searchParams
  }
  throw new Error('too many redirects')
}

export interface TokenResponse {
  status: number
  error?: string
  access_token: string
  refresh_token: string
  id_token: string
}

export async function post (
  { issuer }: Issuer,
  path: string,
  site: Site,
  body: Record<string, string>
): Promise<Response> {
  const headers: Record<string, string> =
    site.secret === null
      ? {}
      : { authorization: `Basic ${Buffer.from(`${site.clientId}:${site.secret}`).toString('base64')}` }
  return fetch(issuer + path, {
    method: 'POST',
    headers,
    body: new URLSearchParams({ ...(site.secret === null ? { client_id: site.clientId } : {}), ...body })
  })
}

async function token (rig: Issuer, site: Site, body: Record<string, string>): Promise<TokenResponse> {
  const response = await post(rig, '/token', site, body)
  return { status: response.status, ...((await response.json()) as Omit<TokenResponse, 'status'>) }
}

export const redeem = (
  rig: Issuer,
  site: Site,
  code: string | null,
  more: Record<string, string> = {}
): Promise<TokenResponse> =>
  token(rig, site, {
    grant_type: 'authorization_code',
    code: String(code),
    redirect_uri: redirectUri,
    code_verifier: verifier,
    ...more
  })

export const refresh = (rig: Rig, site: Site, refreshToken: string): Promise<TokenResponse> =>
  token(rig, site, { grant_type: 'refresh_token', refresh_token: refreshToken })

export const clientCredentials = (rig: Rig, site: Site): Promise<TokenResponse> =>
  token(rig, site, { grant_type: 'client_credentials' })

export async function isActive (rig: Rig, site: Site, value: string): Promise<boolean> {
  return ((await (await post(rig, '/token/introspection', site, { token: value })).json()) as { active: boolean })
    .active
}

/** Login and code exchange. */
export async function signIn (
  rig: Rig,
  browser: Browser,
  site: Site,
  more: Record<string, string> = {}
): Promise<TokenResponse> {
  return redeem(rig, site, (await authorize(rig, browser, site, more)).get('code'))
}

/** RP-initiated logout with the confirmation's form. */
export async function logOut (
  { issuer }: Rig,
  browser: Browser,
  everywhere = true,
  idTokenHint?: string
): Promise<Response> {
  const page = await browser.go(
    `${issuer}/session/end${idTokenHint === undefined ? '' : `?id_token_hint=${idTokenHint}`}`
  )
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(await page.text())?.[1] ?? ''
  return browser.go(`${issuer}/session/end/confirm`, {
    method: 'POST',
    body: new URLSearchParams({ xsrf, ...(everywhere ? { logout: 'yes' } : {}) })
  })
}
