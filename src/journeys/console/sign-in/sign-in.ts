/**
 * Signing in to the console: authorization code with PKCE at our own endpoints, as every other site does it. The
 * provider's session of an administrator lasts until the console has its own: it is ended in the transaction that opens
 * the console's.
 */
import type { FastifyInstance, FastifyReply } from 'fastify'
import { inTransaction } from '../../../database/transaction.ts'
import { adminRoles, consoleClientId, isAdministratorId } from '../../../domain/administration/administration.ts'
import { PageError } from '../../../http/page-error.ts'
import type { FieldError, FormTarget } from '../../../http/pages.ts'
import { routes } from '../../../oidc/configuration.ts'
import { hashVerifier, isOurs, redeemCode } from '../../../oidc/own-client.ts'
import { revokeSession } from '../../../tokens/revocation.ts'
import { clientOf, startLogin, takeLogin } from '../client.ts'
import { returnPath, type Console, type ConsoleRequest } from '../console.ts'
import { clearCookie, cookieOf, keepCookie } from '../cookie.ts'
import {
  closeSession,
  hashOf,
  openSession,
  passkeysPossible,
  refreshAuthentication,
  signInMethod
} from '../../../records/administrators/index.ts'
import { createProver } from '../prove.ts'
import type { Unframed } from '../layout.ts'

/** Posts `csrf`, `to` and either `credential` (a passkey's answer) or `login_name`, `password`, `code`. */
export interface SignInPage extends FormTarget, Unframed {
  returnTo: string
  loginName: string
  errors: FieldError[]
  /** There is no account yet: the page says how to get the first link. */
  empty: boolean
  /** Again, for an act that requires it: the account whose credentials are needed. */
  again: string | null
  passkey: boolean
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/sign-in/sign-in': SignInPage
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

export function registerSignIn (app: FastifyInstance, console: Console, secret: string): void {
  const { deps } = console
  const { db, config } = deps
  const client = clientOf(config.issuer)
  const prover = createProver(deps)
  const possible = passkeysPossible(config.issuer)

  console.open({
    method: 'GET',
    path: '/admin/sign-in',
    handler: async (request, reply) => {
      const { state, nonce, verifier } = await startLogin(deps, {
        browserHash: reply.ensureBrowser().hash,
        returnTo: returnPath((request.query as { to?: unknown }).to)
      })
      const parameters = new URLSearchParams({
        client_id: consoleClientId,
        response_type: 'code',
        redirect_uri: client.callback,
        scope: 'openid',
        prompt: 'login',
        // which session of the provider is to be ended
        claims: JSON.stringify({ id_token: { sid: null, amr: null } }),
        state,
        nonce,
        code_challenge: hashVerifier(verifier),
        code_challenge_method: 'S256'
      })
      return await reply.redirect(`${routes.authorization}?${parameters.toString()}`, 303)
    }
  })

  console.open({
    method: 'GET',
    path: '/admin/callback',
    handler: async (request, reply) => {
      const { code, state, iss, error } = request.query as Record<string, unknown>
      const login = request.browser === null ? null : await takeLogin(deps, text(state), request.browser.hash)
      // an old page of the history: a signed-in administrator continues, everybody else starts again
      if (login === null || request.browser === null) return await reply.redirect('/admin', 303)
      if (error !== undefined || iss !== config.issuer) throw new PageError(400, 'oauth', { restartHref: '/admin' })
      const claims = await redeemCode(app, config.issuer, client, {
        secret,
        code: text(code),
        verifier: login.verifier
      })
      const expired = new PageError(400, 'expired', { restartHref: '/admin' })
      if (
        claims === null ||
        !isOurs(claims, {
          issuer: config.issuer,
          clientId: consoleClientId,
          nonce: login.nonce,
          now: deps.clock.now()
        })
      ) {
        throw expired
      }
      const accountId = text(claims.sub)
      if (!isAdministratorId(accountId)) throw expired
      const method = signInMethod(claims['amr'])
      const browserHash = request.browser.hash
      const before = cookieOf(config, request)
      const opened = await inTransaction(db, async (trx) => {
        const record = await trx
          .selectFrom('oidcArtifact')
          .select('sessionUid')
          .where('model', '=', 'ClientSession')
          .where('accountId', '=', accountId)
          .where('clientId', '=', consoleClientId)
          .where((where) => where(where.ref('payload', '->>').key('sid'), '=', text(claims['sid'])))
          .executeTakeFirst()
        if (record?.sessionUid === undefined || record.sessionUid === null) return null
        await revokeSession(trx, record.sessionUid)
        if (before !== '') await closeSession(trx, hashOf(before))
        const own = await openSession(trx, { accountId, browserHash, browserLabel: request.browserLabel, method })
        if (own !== null) {
          await deps.audit.record(trx, {
            type: 'staff.signed-in',
            actor: `admin:${accountId}`,
            clientId: consoleClientId,
            address: request.clientAddress.ip,
            traceId: String(request.id),
            details: { method }
          })
        }
        return own
      })
      // ended between the code and here
      if (opened === null) throw expired
      keepCookie(config, reply, opened)
      return await reply.redirect(login.returnTo, 303)
    }
  })

  const again = (c: ConsoleRequest, returnTo: string, errors: FieldError[] = [], status = 200): FastifyReply =>
    c.reply.page(
      'console/sign-in/sign-in',
      {
        action: '/admin/again',
        csrf: c.csrf,
        returnTo,
        loginName: c.administrator.loginName,
        errors,
        empty: false,
        again: c.administrator.displayName,
        passkey: possible,
        shell: null
      },
      { status }
    )

  console.page({
    method: 'GET',
    path: '/admin/again',
    roles: adminRoles,
    handler: (c) => again(c, returnPath((c.request.query as { to?: unknown }).to))
  })
  console.page({
    method: 'POST',
    path: '/admin/again/challenge',
    roles: adminRoles,
    handler: async (c) =>
      await c.reply.send(
        await prover.challenge(c.request, c.request.browser?.hash ?? '', { accountId: c.administrator.id })
      )
  })
  console.page({
    method: 'POST',
    path: '/admin/again',
    roles: adminRoles,
    handler: async (c) => {
      const {
        administrator: { id, loginName, role, sessionHash },
        request
      } = c
      const returnTo = returnPath(c.field('to'))
      const proved = await prover.prove(request, request.browser?.hash ?? '', loginName, { accountId: id })
      if (!proved.ok) return again(c, returnTo, proved.errors, proved.status)
      await inTransaction(db, async (trx) => {
        await refreshAuthentication(trx, sessionHash)
        await deps.audit.record(trx, {
          type: 'staff.reauthenticated',
          actor: `admin:${id}`,
          role,
          address: request.clientAddress.ip,
          traceId: String(request.id),
          details: { method: proved.method }
        })
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
      await inTransaction(db, async (trx) => {
        await closeSession(trx, c.administrator.sessionHash)
        await deps.audit.record(trx, {
          type: 'staff.signed-out',
          actor: `admin:${c.administrator.id}`,
          role: c.administrator.role,
          address: c.request.clientAddress.ip,
          traceId: String(c.request.id)
        })
      })
      clearCookie(config, c.reply)
      return await c.reply.redirect('/admin/sign-in', 303)
    }
  })
}
