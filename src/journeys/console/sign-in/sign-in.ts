/** Signing in to the console by its relying party, credentials given once more, and signing out. */
import type { FastifyReply } from 'fastify'
import { inTransaction } from '../../../database/transaction.ts'
import { adminRoles } from '../../../domain/administration/administration.ts'
import type { FieldError, FormTarget } from '../../../http/pages.ts'
import { passkeysPossible } from '../../../records/administrators/index.ts'
import { refreshAuthentication } from '../../../records/own-sites/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import { createProver } from '../prove.ts'
import { returnPath } from '../return-path.ts'
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

export function registerSignIn (console: Console): void {
  const { deps, relyingParty } = console
  const { db, config } = deps
  const prover = createProver(deps)
  const possible = passkeysPossible(config.issuer)

  console.open({
    method: 'GET',
    path: '/admin/sign-in',
    handler: async (request, reply) => await relyingParty.beginLogin(request, reply)
  })
  console.open({
    method: 'GET',
    path: '/admin/callback',
    handler: async (request, reply) => await relyingParty.finishLogin(request, reply)
  })

  const again = (
    c: ConsoleRequest,
    {
      returnTo,
      errors = [],
      status = 200
    }: { returnTo: string; errors?: FieldError[] | undefined; status?: number | undefined }
  ): FastifyReply =>
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
    handler: (c) => again(c, { returnTo: returnPath((c.request.query as { to?: unknown }).to) })
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
      const proved = await prover.prove(request, {
        browserHash: request.browser?.hash ?? '',
        loginName,
        again: { accountId: id }
      })
      if (!proved.ok) return again(c, { returnTo, errors: proved.errors, status: proved.status })
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
        await relyingParty.endSession(trx, c.administrator.sessionHash)
        await deps.audit.record(trx, {
          type: 'staff.signed-out',
          actor: `admin:${c.administrator.id}`,
          role: c.administrator.role,
          address: c.request.clientAddress.ip,
          traceId: String(c.request.id)
        })
      })
      relyingParty.clearCookie(c.reply)
      return await c.reply.redirect('/admin/sign-in', 303)
    }
  })
}
