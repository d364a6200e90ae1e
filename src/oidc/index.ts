/**
 * The protocol engine: oidc-provider with Kora's profile, storage, keys and pages. It owns the lifecycle of the
 * provider, which is built again when signing keys change, without a restart. The provider's endpoints are answered
 * before the routing of Fastify, because no body parser may read their requests.
 */
import type { FastifyInstance } from 'fastify'
import { Provider, type Client, type KoaContextWithOIDC } from 'oidc-provider'
import { loadPairwiseKey } from '../database/index.ts'
import { isOwnService, validateClient } from '../domain/client/metadata.ts'
import { clientRules, createClientUsage } from '../records/clients/index.ts'
import type { OidcDeps } from './deps.ts'
import { findExpiredInteraction, type ExpiredInteraction } from '../records/login-attempts/index.ts'
import { baseHeaders } from '../http/headers.ts'
import type { Renderer } from '../http/rendering.ts'
import { createActingFor } from './acting-for.ts'
import { presentedBrowser, sendBrowserCookie } from './browser-binding.ts'
import { createClientCache } from './client-store.ts'
import { createConfiguration, lifetimes, responseModes, routes } from './configuration.ts'
import { createEgressFetch } from './egress.ts'
import { watchEpochs } from '../tokens/cache-epoch.ts'
import { completeDeviceFlow, createDeviceFlow, recordDeviceAllowed } from './device-flow.ts'
import { createErrorPages, getTraceId } from './error-pages.ts'
import { createFindAccount } from './find-account.ts'
import { createGrantLoader } from './grants.ts'
import { createInteractionPolicy } from './interaction-policy.ts'
import { createFailedAuthentications } from './failed-authentications.ts'
import { createKeyRing } from './key-ring.ts'
import { createLogoutDelivery, createLogoutPages } from './logout.ts'
import { recordSessionsEnded, type LogoutDelivery } from '../records/sessions/index.ts'
import { addAccessTokenHash } from './overrides/add-access-token-hash.ts'
import { addClaimAliases } from './overrides/add-claim-aliases.ts'
import { keepInteractionBrowser } from './overrides/keep-interaction-browser.ts'
import { keepSessionConfinement } from './overrides/keep-session-confinement.ts'
import { keepSessionIdentifier } from './overrides/keep-session-identifier.ts'
import { KoraProvider } from './overrides/sign-error-responses.ts'
import { pairwiseSubject } from '../tokens/pairwise.ts'
import { createResourceServers } from './resource-servers.ts'
import { redirectPostedRequests } from './posted-requests.ts'
import { restartAuthorization } from './restart-authorization.ts'
import { applyResponseRules, providerHeaders } from './response-rules.ts'
import { createRemovedKeys } from './removed-keys.ts'
import { ensureSigningKeys, signingAlgs } from '../tokens/signing-keys.ts'
import { isSameLogin, readLoginConfinement } from './session-adapter.ts'
import { completeStorage, createStorageAdapter } from './storage-adapter.ts'
import { tokenClaims } from './token-claims.ts'
import { chooseTokenIds } from './overrides/choose-token-id.ts'
import { createIntrospectionPolicy, mayRevoke } from './token-policies.ts'
import { createTrail } from './trail.ts'
import { deriveTestLoginKey } from '../tokens/test-login-key.ts'
import { answerUnknownAddresses } from './unknown-address.ts'

export { routes } from './configuration.ts'

/**
 * Seconds that a stored artifact is kept after it expires: the library accepts it for its clock tolerance, and should
 * then find it expired and not unknown.
 */
const keptAfterExpirySeconds = 15

export interface Oidc {
  /** The current provider. It is replaced when keys change, so it is read for each request and not kept. */
  readonly provider: Provider
  /** The `sub` of an account as this client knows it. */
  toSubject(client: Client, accountSub: string): string
  mount(app: FastifyInstance): void
  deliverLogout(delivery: LogoutDelivery): Promise<void>
  close(): Promise<void>
}

interface Built {
  provider: Provider
  handle: ReturnType<Provider['callback']>
  deliverLogout: (delivery: LogoutDelivery) => Promise<void>
}

export async function createOidc (deps: OidcDeps, renderer: Renderer): Promise<Oidc> {
  const { config, db, crypto, clock, log } = deps
  await ensureSigningKeys(db, crypto, {
    algs: signingAlgs,
    made: async (trx, { kid, alg }) => {
      await deps.audit.record(trx, { type: 'signing-key.created', reason: 'first_start', details: { kid, alg } })
    }
  })
  const keyRing = await createKeyRing({ db, crypto })
  const rules = clientRules(config)
  const clients = createClientCache({
    db,
    clock,
    log,
    testLoginCallback: `${config.issuer}/admin/trial/callback`,
    check: (content) => {
      const checked = validateClient(content, { ...rules, ownService: isOwnService(content.policy) })
      return checked.ok ? [] : checked.faults
    }
  })
  const usage = createClientUsage({ db, log })
  const limits = {
    sessionIdleSeconds: lifetimes.session,
    sessionAbsoluteSeconds: lifetimes.sessionAbsolute,
    clockToleranceSeconds: keptAfterExpirySeconds
  }
  const trail = createTrail(deps)
  const failedAuthentications = createFailedAuthentications(deps)
  const adapter = createStorageAdapter({
    trail,
    db,
    crypto,
    clock,
    log,
    limits,
    testLoginJwk: deriveTestLoginKey(crypto).publicJwk,
    sessionsEnded: async (trx, ended) => {
      const ctx = Provider.ctx
      await recordSessionsEnded(trx, deps, {
        ended,
        about: {
          reason: 'logout',
          ...(ctx === undefined ? {} : { traceId: getTraceId(ctx) })
        }
      })
    },
    deviceAllowed: async (trx, allowed) => {
      await recordDeviceAllowed(trx, deps, allowed)
    }
  })
  const removedKeys = createRemovedKeys(deps)
  await removedKeys.reload()
  const pairwiseKey = await loadPairwiseKey(deps.db, crypto)
  const toSubject = (client: Client, accountSub: string): string =>
    client.subjectType === 'pairwise' ? pairwiseSubject(pairwiseKey, accountSub, client) : accountSub
  const findExpired = async (ctx: KoaContextWithOIDC): Promise<ExpiredInteraction | null> => {
    const uid = /^\/oidc\/(?:auth|device)\/([\w-]{21,64})$/.exec(ctx.path)?.[1]
    return uid === undefined
      ? null
      : await restartAuthorization(
        ctx,
        await findExpiredInteraction(deps, uid, presentedBrowser(ctx))
      )
  }
  const errorPage = createErrorPages(renderer, findExpired)
  const logoutPages = createLogoutPages(renderer)
  const actingFor = createActingFor(deps)
  const egress = createEgressFetch(
    config.sandbox && config.relyingSitePort !== null
      ? [...config.egressAllowed, `localhost:${config.relyingSitePort}`, `127.0.0.1:${config.relyingSitePort}`]
      : config.egressAllowed
  )

  function build (): Built {
    const provider = new KoraProvider(
      config.issuer,
      createConfiguration({
        config,
        adapter,
        jwks: keyRing.jwks,
        interactions: {
          policy: createInteractionPolicy({ db, toSubject }),
          url: (ctx, interaction) => {
            sendBrowserCookie(ctx)
            return `/i/${interaction.uid}`
          }
        },
        deviceFlow: createDeviceFlow(async (ctx) => (await findExpired(ctx))?.restart ?? null),
        findAccount: createFindAccount(deps, actingFor),
        loadExistingGrant: createGrantLoader(deps, actingFor),
        extraTokenClaims: tokenClaims,
        pairwiseIdentifier: (_ctx, sub, client) => pairwiseSubject(pairwiseKey, sub, client),
        resourceServerInfo: createResourceServers(deps),
        mayIntrospect: createIntrospectionPolicy(deps, actingFor),
        mayRevoke,
        renderError: errorPage,
        ...logoutPages,
        fetch: egress
      })
    )
    // the library takes the addresses of endpoints from the headers that `mount` sets
    provider.proxy = true
    provider.on('server_error', (ctx: KoaContextWithOIDC, error) => {
      log.error({ err: error, trace: getTraceId(ctx), route: ctx.oidc?.route }, 'provider failed')
    })
    completeStorage(provider, { db, limits, trail })
    answerUnknownAddresses(provider, renderer)
    redirectPostedRequests(provider, renderer)
    applyResponseRules(provider, responseModes)
    completeDeviceFlow(provider, { db, issuer: config.issuer })
    addAccessTokenHash(provider)
    addClaimAliases(provider)
    chooseTokenIds(provider)
    keepInteractionBrowser(provider)
    keepSessionIdentifier(provider, isSameLogin)
    keepSessionConfinement(provider, readLoginConfinement)
    removedKeys.observe(provider)
    failedAuthentications.observe(provider)
    clients.connect(provider)
    usage.observe(provider)
    return { provider, handle: provider.callback(), deliverLogout: createLogoutDelivery(provider) }
  }

  let current = build()
  const watch = await watchEpochs({
    db,
    log,
    changed: {
      clients: () => {
        clients.invalidate()
      },
      'signing-keys': async () => {
        await removedKeys.reload()
        if (await keyRing.reload()) current = build()
      }
    }
  })

  return {
    get provider () {
      return current.provider
    },
    toSubject,
    mount (app) {
      mount(app, deps, () => current)
    },
    deliverLogout: async (delivery) => {
      await current.deliverLogout(delivery)
    },
    close: async () => {
      await Promise.all([watch.stop(), usage.stop(), removedKeys.stop(), failedAuthentications.stop()])
    }
  }
}

const prefixes = [
  `/${routes.token.split('/')[1]}/`,
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server'
]

const known = new Set<string>(Object.values(routes))

/** The address without identifiers, for logs and metrics. */
function describeRoute (url: string): string {
  const path = url.split('?', 1)[0] ?? ''
  if (known.has(path) || prefixes.includes(path)) return path
  const returned = [routes.authorization, routes.code_verification].find((route) => path.startsWith(`${route}/`))
  return returned === undefined ? '/oidc/*' : `${returned}/:uid`
}

/**
 * Answers in the first hook, before routing and body parsers. Host and scheme are always the issuer's, because the
 * library builds addresses from those of the request. The raw request carries the trace id.
 */
function mount (app: FastifyInstance, { config }: OidcDeps, current: () => Built): void {
  const issuer = new URL(config.issuer)
  const headers = Object.entries({ ...baseHeaders(config), ...providerHeaders })
  const scheme = issuer.protocol.slice(0, -1)
  app.addHook('onRequest', (request, reply, done) => {
    const raw = request.raw
    const url = raw.url ?? ''
    if (!prefixes.some((prefix) => url.startsWith(prefix))) {
      done()
      return
    }
    raw.headers['x-forwarded-host'] = issuer.host
    raw.headers['x-forwarded-proto'] = scheme
    Object.assign(raw, {
      koraTraceId: String(request.id),
      koraRoute: describeRoute(url),
      koraPlace: () => request.clientAddress.place,
      koraAddress: () => request.clientAddress.ip
    })
    for (const [name, value] of headers) reply.raw.setHeader(name, String(value))
    reply.hijack()
    current()
      .handle(raw, reply.raw)
      .catch((error: unknown) => {
        request.log.error({ err: error }, 'provider callback failed')
      })
  })
}
