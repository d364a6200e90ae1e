/**
 * The target of a one-time link: the first credential of an account, a passkey or a password with one-time codes. A
 * link that two administrators made asks for the code first and shows nothing before. The administrator who approved it
 * has seen the link, and must learn neither the secret of the one-time codes nor anything else from it.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { inTransaction } from '../../../database/transaction.ts'
import { HasherBusy } from '../../../ports/password-hasher.ts'
import { checkPassword, selectRules } from '../../../domain/login/password-policy.ts'
import { formField } from '../../../http/forms.ts'
import { PageError } from '../../../http/page-error.ts'
import type { FieldError, FormTarget } from '../../../http/pages.ts'
import { createThrottle } from '../../../records/throttle/index.ts'
import {
  acceptLink,
  beginEnrolment,
  parseDisplayName,
  findLink,
  finishEnrolment,
  parseLoginName,
  newAccountId,
  type NewCredential,
  newTotpSecret,
  type OpenLink,
  recordSignIn,
  passkeysPossible,
  readableSecret,
  totpStep,
  totpUri,
  verifyLinkCode
} from '../../../records/administrators/index.ts'
import type { AdminRole } from '../../../domain/administration/administration.ts'
import type { Console } from '../console.ts'
import { administratorProfile, passwordFault } from '../account/password-faults.ts'
import type { Unframed } from '../layout.ts'

/**
 * Posts `csrf`, `login_name` and `display_name` (without `account`), and either `credential` or `new_password`,
 * `again`, `code`.
 */
export interface EnrollmentPage extends FormTarget, Unframed {
  role: AdminRole
  purpose: 'bootstrap' | 'invitation' | 'reset'
  account: { loginName: string; displayName: string } | null
  loginName: string
  displayName: string
  errors: FieldError[]
  passkey: boolean
  totp: { uri: string; secret: string }
  rules: FieldError[]
}

/** Posts `csrf`, `link_code`: the second part of a link, before anything else is shown. */
export interface EnrollmentCodePage extends FormTarget, Unframed {
  errors: FieldError[]
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/sign-in/enrollment': EnrollmentPage
    'console/sign-in/enrollment-code': EnrollmentCodePage
  }
}

const formScope = 'admin:begin'
export function registerBegin (console: Console): void {
  const { deps } = console
  const { db, crypto, config } = deps
  const throttle = createThrottle(deps)

  async function requireLink (request: FastifyRequest, reply: FastifyReply): Promise<OpenLink> {
    const { secret } = request.params as { secret: string }
    const link = await findLink(db, secret, reply.ensureBrowser().hash)
    if (link !== null) return link
    // a wrong guess has no other cost; an expired link says so to everybody who had it
    if ((await throttle.hit(`admin-link:${request.clientAddress.prefix}`, 20, 600)).allowed) {
      await inTransaction(db, async (trx) => {
        await deps.audit.record(trx, {
          type: 'staff.link-refused',
          actor: 'anonymous',
          address: request.clientAddress.ip,
          traceId: String(request.id)
        })
      })
    }
    throw new PageError(404, 'expired', { restartHref: '/admin/sign-in' })
  }

  /** One secret for the lifetime of the link, because the page may be loaded again after the code was scanned. */
  async function loadTotpSecret (link: OpenLink): Promise<string> {
    if (link.totpSecretEnc === null) {
      const made = crypto.encrypt('admin_bootstrap', 'totp_secret_enc', link.tokenHash, newTotpSecret())
      await db
        .updateTable('adminBootstrap')
        .set({ totpSecretEnc: made })
        .where('tokenHash', '=', link.tokenHash)
        .where('totpSecretEnc', 'is', null)
        .execute()
    }
    const { totpSecretEnc } = await db
      .selectFrom('adminBootstrap')
      .select('totpSecretEnc')
      .where('tokenHash', '=', link.tokenHash)
      .executeTakeFirstOrThrow()
    return crypto.decrypt('admin_bootstrap', 'totp_secret_enc', link.tokenHash, totpSecretEnc ?? '')
  }

  const readPath = (request: FastifyRequest): string =>
    `/admin/begin/${encodeURIComponent((request.params as { secret: string }).secret)}`

  const askCode = (request: FastifyRequest, reply: FastifyReply, errors: FieldError[] = []): FastifyReply =>
    reply.page(
      'console/sign-in/enrollment-code',
      { action: `${readPath(request)}/code`, csrf: request.csrfToken(formScope), errors, shell: null },
      { status: errors.length > 0 ? 422 : 200 }
    )

  async function show (
    request: FastifyRequest,
    reply: FastifyReply,
    {
      link,
      typed,
      errors = []
    }: { link: OpenLink; typed: { loginName: string; displayName: string }; errors?: FieldError[] | undefined }
  ): Promise<FastifyReply> {
    const secret = await loadTotpSecret(link)
    const label = link.loginName ?? 'administrator'
    return await reply.page(
      'console/sign-in/enrollment',
      {
        action: readPath(request),
        csrf: request.csrfToken(formScope),
        role: link.role,
        purpose: link.purpose,
        account:
          link.loginName === null || link.displayName === null
            ? null
            : { loginName: link.loginName, displayName: link.displayName },
        loginName: typed.loginName,
        displayName: typed.displayName,
        errors,
        passkey: passkeysPossible(config.issuer),
        totp: { uri: totpUri(secret, label), secret: readableSecret(secret) },
        rules: selectRules(administratorProfile).map(passwordFault),
        shell: null
      },
      { status: errors.length > 0 ? 422 : 200 }
    )
  }

  function readNames (
    request: FastifyRequest,
    link: OpenLink
  ): {
      typed: { loginName: string; displayName: string }
      names: { loginName: string; displayName: string } | null
      errors: FieldError[]
    } {
    const typed = {
      loginName: link.loginName ?? formField(request.body, 'login_name'),
      displayName: link.displayName ?? formField(request.body, 'display_name')
    }
    const loginName = link.loginName ?? parseLoginName(typed.loginName)
    const displayName = link.displayName ?? parseDisplayName(typed.displayName)
    const errors: FieldError[] = []
    if (loginName === null) errors.push({ field: 'login_name', code: 'invalid' })
    if (displayName === null) errors.push({ field: 'display_name', code: 'invalid' })
    return { typed, names: loginName === null || displayName === null ? null : { loginName, displayName }, errors }
  }

  console.open({
    method: 'GET',
    path: '/admin/begin/:secret',
    handler: async (request, reply) => {
      const link = await requireLink(request, reply)
      return link.codeNeeded
        ? askCode(request, reply)
        : await show(request, reply, { link, typed: { loginName: '', displayName: '' } })
    }
  })

  console.open({
    method: 'GET',
    path: '/admin/begin/:secret/code',
    handler: async (request, reply) => await reply.redirect(readPath(request), 303)
  })
  console.open({
    method: 'POST',
    path: '/admin/begin/:secret/code',
    handler: async (request, reply) => {
      request.requireCsrf(formScope)
      const { tokenHash, purpose, accountId } = await requireLink(request, reply)
      const browserHash = reply.ensureBrowser().hash
      const right = await inTransaction(db, async (trx) => {
        const verified = await verifyLinkCode(trx, crypto, {
          tokenHash,
          typed: formField(request.body, 'link_code'),
          browserHash
        })
        if (!verified.right && verified.counted) {
          await deps.audit.record(trx, {
            type: 'staff.link-refused',
            actor: 'anonymous',
            address: request.clientAddress.ip,
            traceId: String(request.id),
            details: { purpose, ...(accountId === null ? {} : { accountId }) }
          })
        }
        return verified.right
      })
      return right
        ? await reply.redirect(readPath(request), 303)
        : askCode(request, reply, [{ field: 'link_code', code: 'link_code' }])
    }
  })

  console.open({
    method: 'POST',
    path: '/admin/begin/:secret/challenge',
    handler: async (request, reply) => {
      request.requireCsrf(formScope)
      const link = await requireLink(request, reply)
      if (link.codeNeeded) throw new PageError(403, 'forbidden', { restartHref: readPath(request) })
      const { names, errors } = readNames(request, link)
      if (names === null) return await reply.code(422).send({ fields: errors.map(({ field }) => field) })
      return await reply.send(
        await beginEnrolment(deps, reply.ensureBrowser().hash, {
          accountId: link.accountId,
          handle: link.accountId ?? newAccountId(),
          ...names
        })
      )
    }
  })

  console.open({
    method: 'POST',
    path: '/admin/begin/:secret',
    handler: async (request, reply) => {
      request.requireCsrf(formScope)
      const link = await requireLink(request, reply)
      if (link.codeNeeded) return askCode(request, reply)
      const { typed, names, errors } = readNames(request, link)
      const credential = await readCredential(request, reply, { link, ...typed, errors })
      if (names === null || credential === null || errors.length > 0) {
        return await show(request, reply, { link, typed, errors })
      }
      const about = { address: request.clientAddress.ip, traceId: String(request.id) }
      const accepted = await acceptLink(deps, {
        link,
        who: names,
        credential,
        about,
        browserHash: reply.ensureBrowser().hash
      })
      if (!accepted.ok) {
        if (accepted.code === 'link_used') throw new PageError(404, 'expired', { restartHref: '/admin/sign-in' })
        return await show(request, reply, { link, typed, errors: [{ field: 'login_name', code: 'taken' }] })
      }
      const secret = await inTransaction(db, async (trx) => {
        await deps.audit.record(trx, {
          type: 'staff.signed-in',
          actor: `admin:${accepted.accountId}`,
          ...about,
          details: { method: credential.kind }
        })
        if (!(await recordSignIn(trx, accepted.accountId))) return null
        return await console.relyingParty.openSession(trx, reply.ensureBrowser().hash, {
          accountId: accepted.accountId,
          browserLabel: request.browserLabel,
          method: credential.kind
        })
      })
      if (secret !== null) console.relyingParty.keepCookie(reply, secret)
      return await reply.redirect('/admin', 303)
    }
  })

  /** Null: errors say why. */
  async function readCredential (
    request: FastifyRequest,
    reply: FastifyReply,
    {
      link,
      loginName,
      displayName,
      errors
    }: { link: OpenLink; loginName: string; displayName: string; errors: FieldError[] }
  ): Promise<NewCredential | null> {
    const { body } = request
    const answer = formField(body, 'credential')
    if (answer !== '') {
      const passkey = await finishEnrolment(deps, {
        browserHash: reply.ensureBrowser().hash,
        accountId: link.accountId,
        text: answer
      })
      if (passkey === null) errors.push({ field: 'form', code: 'passkey_refused' })
      return passkey === null ? null : { kind: 'passkey', passkey, label: request.browserLabel }
    }
    const password = formField(body, 'new_password')
    const checked = checkPassword(administratorProfile, password, { identifiers: [loginName], name: displayName })
    if (!checked.ok) {
      errors.push(
        ...(password === '' ? [{ field: 'new_password', code: 'required' }] : checked.failed.map(passwordFault))
      )
    } else if (formField(body, 'again') !== password) errors.push({ field: 'again', code: 'different' })
    const totpSecret = await loadTotpSecret(link)
    const step = totpStep(totpSecret, formField(body, 'code'), deps.clock.now())
    if (step === null) errors.push({ field: 'code', code: 'totp' })
    if (!checked.ok || step === null || errors.length > 0) return null
    try {
      return { kind: 'password', passwordHash: await deps.hasher.hash(checked.value), totpSecret, step }
    } catch (error) {
      if (error instanceof HasherBusy) throw new PageError(503, 'unavailable', { retryAfterSeconds: 5 })
      throw error
    }
  }
}
