/**
 * The person's side of the device grant (RFC 8628 §3.3): at /device a person types in the code of a device, sees what
 * it is for, and continues or refuses. To continue leads to the hosted login, which returns here.
 *
 * A code may come in a link, and a link from anybody (§5.4). So nothing is decided without a button on a page that
 * names the site, what it gets, where and when the device asked, and shows the code to compare.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import type { Oidc } from '../../oidc/index.ts'
import {
  startDeviceLogin,
  deviceOutcomes,
  devicePath,
  outcomePath,
  type DeviceOutcome
} from '../../oidc/device-flow.ts'
import { findDeviceLogin, type DeviceLogin } from '../../oidc/device-codes.ts'
import { refuseDeviceCode, takeUpDeviceCode } from '../../tokens/device-code-repository.ts'
import { lifetimes } from '../../oidc/configuration.ts'
import { foldUserCode } from '../../domain/login/user-code.ts'
import { formField } from '../../http/forms.ts'
import { PageError } from '../../http/page-error.ts'
import type { FieldError } from '../../http/pages.ts'
import type { DeviceLoginDeps } from './deps.ts'
import { loginPath } from '../login/index.ts'
import { findRequestedApis } from '../../records/resource-servers/index.ts'
import { createThrottle } from '../../records/throttle/index.ts'
import { confirmPage } from './confirm-page.ts'

/** Wrong codes of one browser, and of one network (a service hall has one address), in five minutes (RFC 8628 §5.1). */
const tries = { browser: 5, network: 100, seconds: 300 } as const

/** Refused tries recorded for one network. */
const throttledAudit = { limit: 5, seconds: 300 } as const

/** A form with a code is bound to that code: nothing can be decided without the page that shows it. */
const decisionScope = (userCode: string): string => `device:${userCode}`

export async function registerDeviceLogin (app: FastifyInstance, deps: DeviceLoginDeps, oidc: Oidc): Promise<void> {
  const throttle = createThrottle(deps)
  const secure = deps.config.issuer.startsWith('https:')

  await app.register(async (scope) => {
    scope.get(devicePath, async (request, reply) => {
      reply.ensureBrowser()
      const given = (request.query as { user_code?: unknown }).user_code
      return typeof given === 'string' && given !== ''
        ? await verifyCode(given, request, reply)
        : showInput(request, reply)
    })

    scope.post(devicePath, async (request, reply) => {
      request.requireCsrf('device')
      return await verifyCode(formField(request.body, 'user_code'), request, reply)
    })

    scope.post(`${devicePath}/decision`, async (request, reply) => {
      const userCode = foldUserCode(formField(request.body, 'user_code'))
      if (userCode === null) throw new PageError(400, 'bad_request', { restartHref: devicePath })
      request.requireCsrf(decisionScope(userCode))
      const { hash } = reply.ensureBrowser()
      const found = await findDeviceLogin(oidc.provider, userCode, hash)
      if (found.state !== 'waiting') return await reply.redirect(outcomePath(found.state), 303)
      return formField(request.body, 'decision') === 'allow'
        ? await goOn({ login: found.login, browserHash: hash, request, reply })
        : await refuse({ login: found.login, browserHash: hash, request, reply })
    })

    scope.get(`${devicePath}/:outcome`, async (request, reply) => {
      const { outcome } = request.params as { outcome: string }
      if (!deviceOutcomes.includes(outcome as DeviceOutcome)) throw new PageError(404, 'not_found')
      return await reply.page('device-login/outcome', { outcome: outcome as DeviceOutcome, againHref: devicePath })
    })
  })

  function showInput (
    request: FastifyRequest,
    reply: FastifyReply,
    {
      typed = '',
      error = null,
      status = 422
    }: { typed?: string | undefined; error?: FieldError | null | undefined; status?: number | undefined } = {}
  ): FastifyReply {
    return reply.page(
      'device-login/code',
      { action: devicePath, csrf: request.csrfToken('device'), typed, errors: error === null ? [] : [error] },
      { status: error === null ? 200 : status }
    )
  }

  /** Counted before it is looked up; a waiting code was no guess, so its count is taken back. */
  async function verifyCode (typed: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const userCode = foldUserCode(typed)
    if (userCode === null) {
      return showInput(request, reply, {
        typed: typed.slice(0, 64),
        error: {
          field: 'user_code',
          code: typed.trim() === '' ? 'required' : 'format'
        }
      })
    }
    const { hash } = reply.ensureBrowser()
    const keys = {
      network: `device-code-network:${request.clientAddress.prefix}`,
      browser: `device-code-browser:${hash}`
    }
    const network = await throttle.hit(keys.network, tries.network, tries.seconds)
    const hit = network.allowed ? await throttle.hit(keys.browser, tries.browser, tries.seconds) : network
    if (!hit.allowed) {
      await recordThrottled(request)
      reply.header('retry-after', String(hit.retryAfterSeconds))
      return showInput(request, reply, {
        typed,
        error: {
          field: 'user_code',
          code: 'throttled',
          details: { minutes: Math.max(1, Math.ceil(hit.retryAfterSeconds / 60)) }
        },
        status: 429
      })
    }
    const found = await findDeviceLogin(oidc.provider, userCode, hash)
    if (found.state !== 'waiting') {
      return showInput(request, reply, { typed, error: { field: 'user_code', code: found.state } })
    }
    await Promise.all([throttle.release(keys.network), throttle.release(keys.browser)])
    const client = await oidc.provider.Client.find(found.login.clientId)
    if (client === undefined) {
      return showInput(request, reply, { typed, error: { field: 'user_code', code: 'unknown' } })
    }
    const apis = await findRequestedApis(deps.db, client.clientId, found.login.params)
    return reply.page(
      'device-login/confirm',
      confirmPage(
        found.login,
        { client, apis },
        {
          action: `${devicePath}/decision`,
          csrf: request.csrfToken(decisionScope(userCode)),
          locale: request.locale
        }
      )
    )
  }

  async function goOn ({
    login,
    browserHash,
    request,
    reply
  }: {
    login: DeviceLogin
    browserHash: string
    request: FastifyRequest
    reply: FastifyReply
  }): Promise<FastifyReply> {
    if (!(await takeUpDeviceCode(deps.db, login.id, browserHash))) {
      return await reply.redirect(outcomePath('used'), 303)
    }
    const begun = await startDeviceLogin(oidc.provider, login, {
      hash: browserHash,
      sessionCookie: request.cookies[oidc.provider.cookieName('session')]
    })
    for (const { name, value, path } of begun.cookies) {
      reply.setCookie(name, value, { path, httpOnly: true, sameSite: 'lax', secure, maxAge: lifetimes.interaction })
    }
    return await reply.redirect(loginPath(begun.uid), 303)
  }

  async function refuse ({
    login,
    browserHash,
    request,
    reply
  }: {
    login: DeviceLogin
    browserHash: string
    request: FastifyRequest
    reply: FastifyReply
  }): Promise<FastifyReply> {
    const refused = await inTransaction(deps.db, async (trx) => {
      if (!(await refuseDeviceCode(trx, login.id, browserHash))) return false
      await deps.audit.record(trx, {
        type: 'device-login.refused',
        clientId: login.clientId,
        address: request.clientAddress.ip,
        traceId: request.id,
        details: { place: login.place }
      })
      return true
    })
    return await reply.redirect(outcomePath(refused ? 'refused' : 'used'), 303)
  }

  async function recordThrottled (request: FastifyRequest): Promise<void> {
    deps.metrics.logins.inc({ outcome: 'throttled', method: 'device' })
    const { allowed } = await throttle.hit(
      `device-code-throttled:${request.clientAddress.prefix}`,
      throttledAudit.limit,
      throttledAudit.seconds
    )
    if (!allowed) return
    await inTransaction(deps.db, async (trx) => {
      await deps.audit.record(trx, {
        type: 'device-login.throttled',
        address: request.clientAddress.ip,
        traceId: request.id
      })
    })
  }
}
