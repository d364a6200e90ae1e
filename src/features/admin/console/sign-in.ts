/** Signing in to the console and out of it. */
import { adminRoles } from '../../../domain/administration.ts'
import { returnPath, type Console } from '../console.ts'
import { clearCookie } from '../cookie.ts'
import { closeSession } from '../sessions.ts'

export function registerSignIn (console: Console): void {
  const { services } = console

  console.open({
    method: 'GET',
    path: '/admin/sign-in',
    handler: async (request, reply) => {
      reply.ensureBrowser()
      const to = returnPath((request.query as { to?: unknown }).to)
      const some = await services.db.selectFrom('adminAccount').select('id').where('status', '=', 'active').limit(1).executeTakeFirst()
      return reply.page('admin/sign-in', { action: '/admin/sign-in', csrf: request.csrfToken('admin:sign-in'), returnTo: to, loginName: '', errors: [], empty: some === undefined, again: null, script: '' })
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
        await services.audit.record(trx, { type: 'staff.signed-out', actor: `admin:${c.administrator.id}`, role: c.administrator.role, address: c.request.clientAddress.ip, traceId: String(c.request.id) })
      })
      clearCookie(services.config, c.reply)
      return await c.reply.redirect('/admin/sign-in', 303)
    }
  })
}
