/**
 * The administrator's password and the secret of the one-time codes. Not for accounts that sign in with passkeys only.
 */
import { HasherBusy } from '../../../ports/password-hasher.ts'
import { adminRoles } from '../../../domain/administration/administration.ts'
import { checkPassword, selectRules } from '../../../domain/login/password-policy.ts'
import { PageError } from '../../../http/page-error.ts'
import type { FieldError } from '../../../http/pages.ts'
import { createThrottle } from '../../../records/throttle/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import {
  changePassword,
  changeTotp,
  hasPassword,
  nextTotpSecret,
  type OwnAct,
  readableSecret,
  totpUri
} from '../../../records/administrators/index.ts'
import type { WithConsoleLayout } from '../layout.ts'
import { administratorProfile, passwordFault } from './password-faults.ts'

/** Posts `csrf`, `former`, `new_password`, `again`. */
export interface OwnPasswordPage extends WithConsoleLayout {
  loginName: string
  rules: FieldError[]
  errors: FieldError[]
}

/** Posts `csrf`, `code` (of the new secret). */
export interface OwnCodesPage extends WithConsoleLayout {
  totp: { uri: string; secret: string }
  errors: FieldError[]
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/account/own-password': OwnPasswordPage
    'console/account/recovery-codes': OwnCodesPage
  }
}

export const describeAct = (c: ConsoleRequest): OwnAct => ({
  actor: `admin:${c.administrator.id}`,
  role: c.administrator.role,
  address: c.request.clientAddress.ip,
  traceId: String(c.request.id)
})

export function registerOwnPassword (console: Console): void {
  const { deps } = console
  const throttle = createThrottle(deps)
  type Page = ReturnType<ConsoleRequest['page']>
  /** Every role, with a password, after credentials were given again. */
  const own = (method: 'GET' | 'POST', path: string, handler: (c: ConsoleRequest) => Page | Promise<Page>): void => {
    console.page({
      method,
      path,
      roles: adminRoles,
      reauth: true,
      handler: async (c) => ((await hasPassword(deps.db, c.administrator.id)) ? await handler(c) : c.notFound())
    })
  }

  const showPassword = (c: ConsoleRequest, errors: FieldError[] = [], status = errors.length > 0 ? 422 : 200): Page =>
    c.page(
      'console/account/own-password',
      { loginName: c.administrator.loginName, rules: selectRules(administratorProfile).map(passwordFault), errors },
      { status }
    )

  own('GET', '/admin/me/password', (c) => showPassword(c))
  own('POST', '/admin/me/password', async (c) => {
    const { loginName, displayName } = c.administrator
    const next = c.field('new_password')
    const checked = checkPassword(administratorProfile, next, { identifiers: [loginName], name: displayName })
    const errors: FieldError[] = []
    if (c.field('former') === '') errors.push({ field: 'former', code: 'required' })
    if (!checked.ok) {
      errors.push(...(next === '' ? [{ field: 'new_password', code: 'required' }] : checked.failed.map(passwordFault)))
    } else if (c.field('again') !== next) errors.push({ field: 'again', code: 'different' })
    if (!checked.ok || errors.length > 0) return showPassword(c, errors)
    const changed = await changePassword(
      deps,
      { throttle, administrator: c.administrator, former: c.field('former'), next: checked.value, act: describeAct(c) }
    ).catch((error: unknown) => {
      if (error instanceof HasherBusy) {
        throw new PageError(503, 'unavailable', { retryAfterSeconds: 5, restartHref: '/admin/me/password' })
      }
      throw error
    })
    if (changed.ok) return c.redirect('/admin/me', 'password_changed')
    if (changed.code === 'throttled') {
      c.reply.header('retry-after', String(changed.retryAfterSeconds))
      return showPassword(
        c,
        [{ field: 'form', code: 'throttled', details: { minutes: Math.ceil(changed.retryAfterSeconds / 60) } }],
        429
      )
    }
    return showPassword(c, [
      changed.code === 'same' ? { field: 'new_password', code: 'as_before' } : { field: 'former', code: 'wrong' }
    ])
  })

  const showCodes = async (c: ConsoleRequest, errors: FieldError[] = []): Promise<Page> => {
    const { secret } = await nextTotpSecret(deps, c.administrator)
    return c.page(
      'console/account/recovery-codes',
      { totp: { uri: totpUri(secret, c.administrator.loginName), secret: readableSecret(secret) }, errors },
      { status: errors.length > 0 ? 422 : 200 }
    )
  }
  own('GET', '/admin/me/codes', async (c) => await showCodes(c))
  own('POST', '/admin/me/codes', async (c) => {
    const outcome = await changeTotp(deps, { own: c.administrator, typed: c.field('code'), act: describeAct(c) })
    if (outcome === 'changed') return c.redirect('/admin/me', 'codes_changed')
    return await showCodes(c, [
      outcome === 'gone' ? { field: 'form', code: 'codes_gone' } : { field: 'code', code: 'totp' }
    ])
  })
}
