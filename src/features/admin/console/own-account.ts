/** The own account: credentials and sessions. */
import { sql } from 'kysely'
import { adminRoles, type AdminRole } from '../../../domain/administration.ts'
import type { FieldError } from '../../../http/pages.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import type { AdminFramed } from '../models.ts'
import { beginEnrolment, finishEnrolment, keepPasskey, passkeysPossible } from '../passkeys.ts'
import { closeSessionsOf, reauthSeconds } from '../sessions.ts'

/** Forms post `csrf` and: `credential` to `/admin/me/passkeys`; `id` to `…/remove`; nothing else to `/admin/me/sessions/end`. */
export interface OwnAccountPage extends AdminFramed {
  loginName: string
  name: string
  role: AdminRole
  password: boolean
  passkeys: Array<{ id: string, label: string, at: string, lastUsed: string | null, removable: boolean }>
  sessions: Array<{ label: string, since: string, method: 'passkey' | 'password', here: boolean }>
  passkey: boolean
  /** Credentials must be given again before anything here is changed. */
  againHref: string | null
  errors: FieldError[]
}

declare module '../../../http/pages.ts' {
  interface Pages { 'admin/me': OwnAccountPage }
}

export function registerOwnAccount (console: Console): void {
  const { services } = console
  const { db } = services

  const show = async (c: ConsoleRequest, errors: FieldError[] = []): Promise<ReturnType<ConsoleRequest['page']>> => {
    const { id, loginName, displayName, role, sessionHash, authenticatedSecondsAgo } = c.administrator
    const { password } = await db.selectFrom('adminAccount').select(sql<boolean>`password_hash is not null`.as('password')).where('id', '=', id).executeTakeFirstOrThrow()
    const passkeys = await db.selectFrom('adminCredential').select(['id', 'label', 'createdAt', 'lastUsedAt']).where('accountId', '=', id).orderBy('createdAt').execute()
    const sessions = await db.selectFrom('adminSession').select(['idHash', 'browserLabel', 'createdAt', 'method']).where('accountId', '=', id)
      .where('expiresAt', '>', sql<Date>`now()`).where('endsAt', '>', sql<Date>`now()`).orderBy('createdAt', 'desc').limit(50).execute()
    return c.page('admin/me', {
      loginName,
      name: displayName,
      role,
      password,
      passkeys: passkeys.map((one) => ({ id: one.id, label: one.label, at: one.createdAt.toISOString(), lastUsed: one.lastUsedAt?.toISOString() ?? null, removable: password || passkeys.length > 1 })),
      sessions: sessions.map((one) => ({ label: one.browserLabel, since: one.createdAt.toISOString(), method: one.method, here: one.idHash === sessionHash })),
      passkey: passkeysPossible(services.config.issuer),
      againHref: authenticatedSecondsAgo > reauthSeconds ? '/admin/again?to=/admin/me' : null,
      errors
    }, { status: errors.length > 0 ? 422 : 200 })
  }
  const about = (c: ConsoleRequest): { actor: `admin:${string}`, role: AdminRole, address: string, traceId: string } =>
    ({ actor: `admin:${c.administrator.id}`, role: c.administrator.role, address: c.request.clientAddress.ip, traceId: String(c.request.id) })

  console.page({ method: 'GET', path: '/admin/me', roles: adminRoles, handler: async (c) => await show(c) })

  console.page({
    method: 'POST',
    path: '/admin/me/passkeys/challenge',
    roles: adminRoles,
    reauth: true,
    handler: async (c) => {
      const { id, loginName, displayName } = c.administrator
      return await c.reply.send(await beginEnrolment(services, c.request.browser?.hash ?? '', { accountId: id, handle: id, loginName, displayName }))
    }
  })
  console.page({
    method: 'POST',
    path: '/admin/me/passkeys',
    roles: adminRoles,
    reauth: true,
    handler: async (c) => {
      const { id } = c.administrator
      const passkey = await finishEnrolment(services, c.request.browser?.hash ?? '', id, c.field('credential'))
      if (passkey === null) return await show(c, [{ field: 'form', code: 'passkey_refused' }])
      await db.transaction().execute(async (trx) => {
        await keepPasskey(trx, id, c.request.browserLabel, passkey)
        await services.audit.record(trx, { type: 'staff.credential-added', ...about(c), details: { method: 'passkey' } })
      })
      return c.redirect('/admin/me', 'passkey_added')
    }
  })
  console.page({
    method: 'POST',
    path: '/admin/me/passkeys/remove',
    roles: adminRoles,
    reauth: true,
    handler: async (c) => {
      const { id } = c.administrator
      const removed = await db.transaction().execute(async (trx) => {
        // the lock keeps two removals from leaving nothing to sign in with
        const account = await trx.selectFrom('adminAccount').select('passwordHash').where('id', '=', id).forUpdate().executeTakeFirstOrThrow()
        const { rows } = await sql`delete from admin_credential where id = ${c.field('id')} and account_id = ${id}
          and (${account.passwordHash !== null} or (select count(*) from admin_credential where account_id = ${id}) > 1) returning id`.execute(trx)
        if (rows.length === 1) await services.audit.record(trx, { type: 'staff.credential-removed', ...about(c), details: { method: 'passkey' } })
        return rows.length === 1
      })
      return removed ? c.redirect('/admin/me', 'passkey_removed') : await show(c, [{ field: 'form', code: 'last_credential' }])
    }
  })
  console.page({
    method: 'POST',
    path: '/admin/me/sessions/end',
    roles: adminRoles,
    handler: async (c) => {
      await db.transaction().execute(async (trx) => {
        await closeSessionsOf(trx, c.administrator.id, c.administrator.sessionHash)
        await services.audit.record(trx, { type: 'staff.signed-out', ...about(c), details: { others: true } })
      })
      return c.redirect('/admin/me', 'sessions_ended')
    }
  })
}
