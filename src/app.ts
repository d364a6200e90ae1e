/**
 * The table of contents: every part of one Kora process, in reading order.
 */
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { registerHttp, serverOptions } from './http/index.ts'
import { registerHostCheck } from './http/host.ts'
import { createLifecycle, registerHealth, type Lifecycle } from './http/health.ts'
import { registerClaimSchemas, registerDevelopers } from './journeys/developers/index.ts'
import { registerHelp } from './journeys/help/index.ts'
import { registerLoginStarts } from './http/login-starts.ts'
import { registerMetrics } from './http/metrics.ts'
import { registerRequestLog } from './runtime/logging.ts'
import { createOidc, routes, type Oidc } from './oidc/index.ts'
import { createProver, registerAdmin, type TableEntry } from './journeys/console/index.ts'
import { registerAdminApi } from './journeys/admin-api/index.ts'
import { registerAppApi } from './journeys/app-api/index.ts'
import { registerClientLogos } from './journeys/pictures/index.ts'
import { registerDeviceLogin } from './journeys/device-login/index.ts'
import { registerDynamicRegistration } from './journeys/dynamic-registration/index.ts'
import { createHostedLogin } from './journeys/login/index.ts'
import { createDelegations, createRepresentations } from './records/organizations/index.ts'
import { createMessages } from './records/messages/index.ts'
import { registerPhonePages } from './journeys/phone-pages/index.ts'
import { registerRegistration } from './journeys/registration/index.ts'
import { createScanTickets } from './records/scan-tickets/index.ts'
import { registerUserCentre } from './journeys/user-center/index.ts'
import { createSettings } from './records/settings/index.ts'
import { createPeriodicTask } from './runtime/periodic-task.ts'
import { startWorkers, type Workers } from './runtime/workers.ts'
import { registerSandbox } from './simulators/index.ts'
import type { RunningServices } from './services.ts'

export interface KoraApp {
  app: FastifyInstance
  oidc: Oidc
  lifecycle: Lifecycle
  workers: Workers
  /** Every route under /admin, and the roles that may use it. */
  adminTable: readonly TableEntry[]
}

export async function createApp (services: RunningServices): Promise<KoraApp> {
  const lifecycle = createLifecycle()
  const app: FastifyInstance = Fastify({
    ...serverOptions,
    loggerInstance: services.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'traceId' })
  })
  registerHealth(app, { deps: services, lifecycle, migrated: async () => (await services.pending()).length === 0 })
  registerRequestLog(app, services)
  registerHostCheck(app, services)
  registerMetrics(app, services)
  const settings = createSettings(services)
  await settings.load().catch((error: unknown) => {
    services.log.warn({ err: error }, 'settings could not be read')
  })
  await registerHttp(app, services, settings.current)

  registerLoginStarts(app, services, routes)
  // the provider answers before routing: its endpoints are not Fastify routes
  const oidc = await createOidc(services, app.renderer)
  oidc.mount(app)

  const tickets = createScanTickets(services)
  const login = createHostedLogin(services, {
    oidc,
    tickets,
    administrators: createProver(services)
  })
  await app.register(async (scope) => {
    login.register(scope, 'people')
  })
  await registerDeviceLogin(app, services, oidc)
  await registerAppApi(app, services, tickets)
  await registerPhonePages(app, services, tickets)
  await registerRegistration(app, services, tickets)
  await registerUserCentre(app, services, {
    tickets,
    delegations: createDelegations(services),
    representations: createRepresentations(services),
    messages: createMessages(services)
  })
  await registerHelp(app, services)
  await registerDevelopers(app, services)
  await registerClaimSchemas(app, services)
  registerClientLogos(app, services)
  await registerDynamicRegistration(app, services)
  const console = await registerAdmin(app, services, settings)
  await console.withLayout((scope) => {
    login.register(scope, 'administrators')
  })
  await registerAdminApi(app, console)
  if (services.sandbox !== null) await registerSandbox(app, services, { sandbox: services.sandbox, tickets })

  const workers = startWorkers(services, oidc)
  const settingsRefresh = createPeriodicTask(services, settings.refresh)
  settingsRefresh.start()
  app.addHook('onClose', async () => {
    await settingsRefresh.stop()
    await workers.stop()
    await oidc.close()
  })
  return { app, oidc, lifecycle, workers, adminTable: console.table }
}
