/** Signing in to the console (A11), giving credentials again, signing out. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { adminRoles } from '../../../domain/administration.ts'
import { formField } from '../../../http/forms.ts'
import { PageError } from '../../../http/page-error.ts'
import type { FieldError } from '../../../http/pages.ts'
import { createThrottle } from '../../throttle/index.ts'
import { hasActive } from '../accounts.ts'
import { returnPath, type Console, type ConsoleRequest } from '../console.ts'
import { clearCookie, cookieOf, keepCookie } from '../cookie.ts'
import { beginPasskeySignIn, finishPasskey, passkeysPossible } from '../passkeys.ts'
import { tryPassword } from '../password.ts'
import { closeSession, hashOf, openSession, refreshAuthentication, type SignInMethod } from '../sessions.ts'

const formScope = 'admin:sign-in'
/** Challenges for one source; nobody who can read needs more. */
const challenges = { limit: 60, seconds: 600 }
/** Failures recorded for one source: a flood must not fill the audit trail. */
const recorded = { limit: 50, seconds: 600 }

export function registerSignIn (console: Console): void {
  const { services } = console
  const throttle = createThrottle(services)
  const possible = passkeysPossible(services.config.issuer)

  const show = async (request: FastifyRequest, reply: FastifyReply, { returnTo, loginName = '', errors = [], status = 200 }: { returnTo: string, loginName?: string, errors?: FieldError[], status?: number }): Promise<FastifyReply> => {
    reply.ensureBrowser()
    return reply.page('admin/sign-in', {
      action: '/admin/sign-in', csrf: request.csrfToken(formScope), returnTo, loginName, errors, empty: !await hasActive(services.db), again: null, passkey: possible, shell: null
    }, { status })
  }
  const again = (c: ConsoleRequest, returnTo: string, errors: FieldError[] = [], status = 200): FastifyReply =>
    c.reply.page('admin/sign-in', { action: '/admin/again', csrf: c.csrf, returnTo, loginName: c.administrator.loginName, errors, empty: false, again: c.administrator.displayName, passkey: possible, shell: null }, { status })

  const about = (request: FastifyRequest): { address: string, traceId: string } => ({ address: request.clientAddress.ip, traceId: String(request.id) })

  async function failed (request: FastifyRequest, method: SignInMethod, reason: string): Promise<void> {
    if (!(await throttle.hit(`admin-failed:${request.clientAddress.prefix}`, recorded.limit, recorded.seconds)).allowed) return
    await services.db.transaction().execute(async (trx) => {
      await services.audit.record(trx, { type: 'staff.sign-in-failed', actor: 'anonymous', ...about(request), reason, details: { method } })
    })
  }

  async function enter (request: FastifyRequest, reply: FastifyReply, accountId: string, method: SignInMethod, returnTo: string): Promise<FastifyReply> {
    const before = cookieOf(services.config, request)
    const secret = await services.db.transaction().execute(async (trx) => {
      if (before !== '') await closeSession(trx, hashOf(before))
      const opened = await openSession(trx, { accountId, browserHash: reply.ensureBrowser().hash, browserLabel: request.browserLabel, method })
      if (opened !== null) await services.audit.record(trx, { type: 'staff.signed-in', actor: `admin:${accountId}`, ...about(request), details: { method } })
      return opened
    })
    if (secret === null) return await show(request, reply, { returnTo, errors: [{ field: 'form', code: 'signin_wrong' }], status: 422 })
    keepCookie(services.config, reply, secret)
    return await reply.redirect(returnTo, 303)
  }

  async function challenge (request: FastifyRequest, reply: FastifyReply, accountId: string | null): Promise<FastifyReply> {
    const turn = await throttle.hit(`admin-challenge:${request.clientAddress.prefix}`, challenges.limit, challenges.seconds)
    if (!turn.allowed) throw new PageError(429, 'too_many', { retryAfterSeconds: turn.retryAfterSeconds })
    return await reply.send(await beginPasskeySignIn(services, reply.ensureBrowser().hash, accountId === null ? null : { accountId }))
  }

  console.open({ method: 'GET', path: '/admin/sign-in', handler: async (request, reply) => await show(request, reply, { returnTo: returnPath((request.query as { to?: unknown }).to) }) })

  console.open({
    method: 'POST',
    path: '/admin/sign-in/challenge',
    handler: async (request, reply) => {
      request.requireCsrf(formScope)
      return await challenge(request, reply, null)
    }
  })

  console.open({
    method: 'POST',
    path: '/admin/sign-in',
    handler: async (request, reply) => {
      request.requireCsrf(formScope)
      const { body } = request
      const returnTo = returnPath(formField(body, 'to'))
      const credential = formField(body, 'credential')
      const browserHash = reply.ensureBrowser().hash
      if (credential !== '') {
        const accountId = await finishPasskey(services, browserHash, null, credential)
        if (accountId !== null) return await enter(request, reply, accountId, 'passkey', returnTo)
        await failed(request, 'passkey', 'passkey_refused')
        return await show(request, reply, { returnTo, errors: [{ field: 'form', code: 'passkey_refused' }], status: 422 })
      }
      const loginName = formField(body, 'login_name')
      const outcome = await tryPassword(services, throttle, { loginName, password: formField(body, 'password'), code: formField(body, 'code'), source: request.clientAddress.prefix, browserHash })
      if (outcome.ok) return await enter(request, reply, outcome.accountId, 'password', returnTo)
      await failed(request, 'password', outcome.code)
      if (outcome.code === 'wrong') return await show(request, reply, { returnTo, loginName, errors: [{ field: 'form', code: 'signin_wrong' }], status: 422 })
      reply.header('retry-after', String(outcome.retryAfterSeconds))
      return await show(request, reply, { returnTo, loginName, errors: [{ field: 'form', code: 'throttled', details: { minutes: Math.ceil(outcome.retryAfterSeconds / 60) } }], status: 429 })
    }
  })

  console.page({ method: 'GET', path: '/admin/again', roles: adminRoles, handler: (c) => again(c, returnPath((c.request.query as { to?: unknown }).to)) })
  console.page({ method: 'GET', path: '/admin/again/challenge', roles: adminRoles, handler: (c) => c.redirect('/admin/again') })
  console.page({ method: 'POST', path: '/admin/again/challenge', roles: adminRoles, handler: async (c) => await challenge(c.request, c.reply, c.administrator.id) })
  console.page({
    method: 'POST',
    path: '/admin/again',
    roles: adminRoles,
    handler: async (c) => {
      const { administrator: { id, loginName, sessionHash }, request } = c
      const returnTo = returnPath(c.field('to'))
      const browserHash = request.browser?.hash ?? ''
      const credential = c.field('credential')
      if (credential !== '') {
        if (await finishPasskey(services, browserHash, { accountId: id }, credential) === null) {
          await failed(request, 'passkey', 'passkey_refused')
          return again(c, returnTo, [{ field: 'form', code: 'passkey_refused' }], 422)
        }
      } else {
        const outcome = await tryPassword(services, throttle, { loginName, password: c.field('password'), code: c.field('code'), source: request.clientAddress.prefix, browserHash })
        if (!outcome.ok) {
          await failed(request, 'password', outcome.code)
          return outcome.code === 'wrong'
            ? again(c, returnTo, [{ field: 'form', code: 'signin_wrong' }], 422)
            : again(c, returnTo, [{ field: 'form', code: 'throttled', details: { minutes: Math.ceil(outcome.retryAfterSeconds / 60) } }], 429)
        }
      }
      await services.db.transaction().execute(async (trx) => {
        await refreshAuthentication(trx, sessionHash)
        await services.audit.record(trx, { type: 'staff.reauthenticated', actor: `admin:${id}`, ...about(request), details: { method: credential === '' ? 'password' : 'passkey' } })
      })
      return await c.reply.redirect(returnTo, 303)
    }
  })

  console.page({ method: 'GET', path: '/admin/sign-out', roles: adminRoles, handler: (c) => c.redirect('/admin') })
  console.page({
    method: 'POST',
    path: '/admin/sign-out',
    roles: adminRoles,
    handler: async (c) => {
      await services.db.transaction().execute(async (trx) => {
        await closeSession(trx, c.administrator.sessionHash)
        await services.audit.record(trx, { type: 'staff.signed-out', actor: `admin:${c.administrator.id}`, role: c.administrator.role, ...about(c.request) })
      })
      clearCookie(services.config, c.reply)
      return await c.reply.redirect('/admin/sign-in', 303)
    }
  })
}
