/**
 * A sample government site that leaves login to an OpenID Connect identity provider. Read in this order:
 *
 *   relying-site.ts          this file: the parts, put together
 *   provider.ts              finding the identity provider (OIDC Discovery)
 *   sign-in.ts               authorization request, callback, step-up
 *   account.ts               the signed-in page: claims, refresh, userinfo, introspection, revocation
 *   acting.ts                in whose name: the representation claim, and what an agent may do
 *   verified-claims.ts       what was verified, and the authority to act, in words
 *   property-certificate.ts  a sensitive act that asks for a stronger login (RFC 9470) and a delegated function
 *   sign-out.ts              logout here, at the provider, and when the provider tells us (back channel)
 *
 * The rest is small change: sessions.ts and expiring-map.ts (memory), pages.ts, html.ts and words.ts (looks).
 * A real site would keep its sessions in its database; everything else can stay as it is.
 */
import cookie from '@fastify/cookie'
import formbody from '@fastify/formbody'
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyRequest
} from 'fastify'
import type { AddressInfo } from 'node:net'
import { accountRoutes } from './account.ts'
import { html } from './html.ts'
import { homeRoutes } from './home.ts'
import { problemPage, SECURITY_HEADERS } from './pages.ts'
import { propertyCertificateRoutes } from './property-certificate.ts'
import { openIdProvider, ProviderUnreachable, type OpenIdProvider } from './provider.ts'
import { siteSessions, type SiteSessions } from './sessions.ts'
import { signInRoutes } from './sign-in.ts'
import { signOutRoutes } from './sign-out.ts'

export interface RelyingSiteOptions {
  /** 0 takes any free port. */
  port: number
  /** Address to listen on; default `localhost`. */
  host?: string
  /** The provider's issuer identifier; https, or http on a loopback address. */
  issuer: string
  clientId: string
  clientSecret: string
  /** The sample API's own credentials for introspection (RFC 7662 §2.1); default: the site's. */
  resourceClient?: { id: string; secret: string }
  /** Where browsers find this site; default `http://localhost:<port>`. Redirect URIs are built from it. */
  baseUrl?: string
  name?: string
  /** Default `openid profile phone`. */
  scope?: string
  /** true, or a pino logger; default: silent. */
  logger?: FastifyBaseLogger | boolean
}

/** What the routes share. */
export interface Site {
  readonly name: string
  readonly issuer: string
  readonly clientId: string
  readonly scope: string
  readonly provider: OpenIdProvider
  readonly sessions: SiteSessions
  /** Origin as browsers see it; never taken from the Host header. */
  baseUrl: string
  /** Origin of this very process, for calls to its own API. */
  selfUrl: string
}

/**
 * Builds and starts the site. It starts whether or not the provider is up: discovery waits for the first login.
 * Throws when the issuer is neither https nor on a loopback address.
 */
export async function startRelyingSite (
  options: RelyingSiteOptions
): Promise<{ url: string; app: FastifyInstance; close(): Promise<void> }> {
  const { logger = false } = options
  const app = Fastify({
    ...(typeof logger === 'object' ? { loggerInstance: logger } : { logger }),
    // Request lines would put the authorization code and state into the log.
    logController: new LogController({ disableRequestLogging: true }),
    // A HEAD request must not use up a login.
    exposeHeadRoutes: false,
    bodyLimit: 32 * 1024,
    forceCloseConnections: true
  })
  const site: Site = {
    name: options.name ?? '示例不动产登记网',
    issuer: options.issuer,
    clientId: options.clientId,
    scope: options.scope ?? 'openid profile phone',
    provider: openIdProvider(options),
    sessions: siteSessions(options.clientId, options.baseUrl?.startsWith('https:') ?? false),
    baseUrl: '',
    selfUrl: ''
  }

  app.register(cookie)
  app.register(formbody)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS)
    if (isForeignPost(request)) {
      return problemPage(reply, site, { status: 403, code: 'foreign_form' })
    }
  })
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error instanceof ProviderUnreachable) {
      request.log.warn({ reason: error.message }, 'identity provider unreachable')
      return problemPage(reply, site, { status: 503, code: 'temporarily_unavailable' })
    }
    const status = error.validation ? 400 : (error.statusCode ?? 500)
    if (status >= 500) request.log.error({ err: error }, 'request failed')
    return problemPage(reply, site, { status, code: status >= 500 ? 'server_error' : 'invalid_request' })
  })
  app.setNotFoundHandler((_request, reply) =>
    problemPage(reply, site, {
      status: 404,
      code: 'not_found',
      actions: html`<a class="button" href="/">回到首页 <span lang="en">Home</span></a>`
    })
  )

  app.register(async (routes) => {
    homeRoutes(routes, site)
    signInRoutes(routes, site)
    accountRoutes(routes, site)
    propertyCertificateRoutes(routes, site)
    signOutRoutes(routes, site)
  })

  await app.listen({ port: options.port, host: options.host ?? 'localhost' })
  const { address, port } = app.server.address() as AddressInfo
  site.baseUrl = new URL(options.baseUrl ?? `http://localhost:${port}`).origin
  site.selfUrl = new URL(`http://${reachable(address)}:${port}`).origin
  return { url: site.baseUrl, app, close: () => app.close() }
}

/**
 * A form of another site posting here. SameSite=Lax already keeps our cookie out of such posts; sites that
 * share our registrable domain (or localhost) are stopped by this. The back channel is no browser and sends no such
 * header.
 */
function isForeignPost (request: FastifyRequest): boolean {
  const from = request.headers['sec-fetch-site']
  return request.method === 'POST' && from !== undefined && from !== 'same-origin' && from !== 'none'
}

function reachable (address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1'
  if (address === '::') return '[::1]'
  return address.includes(':') ? `[${address}]` : address
}
