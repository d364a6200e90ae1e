/**
 * The administrator's account: credentials and sessions. Each change of a credential asks for the credentials again
 * first.
 */
import { inTransaction } from '../../../database/transaction.ts'
import { adminRoles, type AdminRole } from '../../../domain/administration/administration.ts'
import type { FieldError } from '../../../http/pages.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import {
  beginEnrolment,
  credentialEvents,
  endOwnSessions,
  finishEnrolment,
  hasPassword,
  keepPasskey,
  type OwnEvent,
  parsePasskeyLabel,
  passkeysPossible,
  reauthSeconds,
  removePasskey,
  renamePasskey,
  sessionMark
} from '../../../records/administrators/index.ts'
import { listAccountSessions } from '../../../records/own-sites/index.ts'
import type { WithConsoleLayout } from '../layout.ts'
import { describeAct, registerOwnPassword } from './own-password.ts'

/**
 * Forms post `csrf` and: `credential` to `/admin/me/passkeys`; `id` to `…/remove`; `id` and `label` to `…/rename`;
 * `session` (of one; none = all others) to `/admin/me/sessions/end`.
 */
export interface OwnAccountPage extends WithConsoleLayout {
  loginName: string
  name: string
  role: AdminRole
  password: boolean
  passkeys: Array<{ id: string; label: string; at: string; lastUsed: string | null; removable: boolean }>
  sessions: Array<{ mark: string; label: string; since: string; method: 'passkey' | 'password'; here: boolean }>
  events: Array<{ type: OwnEvent['type']; at: string }>
  passkey: boolean
  /** Credentials must be given again before anything here is changed. */
  againHref: string | null
  errors: FieldError[]
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/account/own-account': OwnAccountPage
  }
}

export function registerOwnAccount (console: Console): void {
  const { deps } = console
  const { db } = deps

  const show = async (c: ConsoleRequest, errors: FieldError[] = []): Promise<ReturnType<ConsoleRequest['page']>> => {
    const { id, loginName, displayName, role, sessionHash, authenticatedSecondsAgo } = c.administrator
    const password = await hasPassword(db, id)
    const passkeys = await db
      .selectFrom('adminCredential')
      .select(['id', 'label', 'createdAt', 'lastUsedAt'])
      .where('accountId', '=', id)
      .orderBy('createdAt')
      .execute()
    return c.page(
      'console/account/own-account',
      {
        loginName,
        name: displayName,
        role,
        password,
        passkeys: passkeys.map((one) => ({
          id: one.id,
          label: one.label,
          at: one.createdAt.toISOString(),
          lastUsed: one.lastUsedAt?.toISOString() ?? null,
          removable: password || passkeys.length > 1
        })),
        sessions: (await listAccountSessions(db, id)).map((one) => ({
          mark: sessionMark(one.idHash),
          label: one.browserLabel,
          since: one.createdAt.toISOString(),
          method: one.method,
          here: one.idHash === sessionHash
        })),
        events: (await credentialEvents(db, id)).map(({ type, at }) => ({ type, at: at.toISOString() })),
        passkey: passkeysPossible(deps.config.issuer),
        againHref: authenticatedSecondsAgo > reauthSeconds ? '/admin/again?to=/admin/me' : null,
        errors
      },
      { status: errors.length > 0 ? 422 : 200 }
    )
  }

  console.page({ method: 'GET', path: '/admin/me', roles: adminRoles, handler: async (c) => await show(c) })
  registerOwnPassword(console)

  /** Posts of the page itself. */
  const post = (
    path: string,
    reauth: boolean,
    handler: (c: ConsoleRequest) => Promise<ReturnType<ConsoleRequest['redirect']>>
  ): void => {
    console.page({ method: 'POST', path, roles: adminRoles, reauth, handler })
  }

  post('/admin/me/passkeys/challenge', true, async (c) => {
    const { id, loginName, displayName } = c.administrator
    return await c.reply.send(
      await beginEnrolment(deps, c.request.browser?.hash ?? '', {
        accountId: id,
        handle: id,
        loginName,
        displayName
      })
    )
  })
  post('/admin/me/passkeys', true, async (c) => {
    const { id } = c.administrator
    const passkey = await finishEnrolment(deps, {
      browserHash: c.request.browser?.hash ?? '',
      accountId: id,
      text: c.field('credential')
    })
    if (passkey === null) return await show(c, [{ field: 'form', code: 'passkey_refused' }])
    await inTransaction(db, async (trx) => {
      await keepPasskey(trx, { accountId: id, label: c.request.browserLabel, passkey })
      await deps.audit.record(trx, {
        type: 'staff.credential-added',
        ...describeAct(c),
        details: { method: 'passkey' }
      })
    })
    return c.redirect('/admin/me', 'passkey_added')
  })
  post('/admin/me/passkeys/rename', true, async (c) => {
    const label = parsePasskeyLabel(c.field('label'))
    if (label === null) return await show(c, [{ field: 'form', code: 'passkey_label' }])
    return (await renamePasskey(deps, {
      accountId: c.administrator.id,
      credentialId: c.field('id'),
      label,
      act: describeAct(c)
    }))
      ? c.redirect('/admin/me', 'passkey_renamed')
      : c.redirect('/admin/me')
  })
  post('/admin/me/passkeys/remove', true, async (c) =>
    (await removePasskey(deps, { administrator: c.administrator, credentialId: c.field('id'), act: describeAct(c) }))
      ? c.redirect('/admin/me', 'passkey_removed')
      : await show(c, [{ field: 'form', code: 'last_credential' }])
  )
  post('/admin/me/sessions/end', false, async (c) =>
    (await endOwnSessions(deps, { administrator: c.administrator, mark: c.field('session'), act: describeAct(c) }))
      ? c.redirect('/admin/me', 'sessions_ended')
      : c.redirect('/admin/me')
  )
}
