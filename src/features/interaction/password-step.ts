/**
 * The password step (S1): ID number or phone and password. Unknown account, wrong password, locked and
 * disabled account give the same answer in the same time; counters are those of domain/throttle.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Services } from '../../services.ts'
import type { Oidc } from '../../oidc/index.ts'
import { parseAccount, type AccountIdentifier } from '../../domain/account-identifier.ts'
import { maskCertNo } from '../../domain/masking.ts'
import { normalisePassword } from '../../domain/password-policy.ts'
import { mayLogIn } from '../../domain/person.ts'
import { shanghaiDate } from '../../ports/clock.ts'
import { formField } from '../../http/forms.ts'
import { PageError } from '../../http/page-error.ts'
import type { FieldError, Tab } from '../../http/pages.ts'
import { HasherBusy } from '../../adapters/password-hasher.ts'
import { recordConsent } from '../consents/index.ts'
import { isKnownBrowser, personByCertNo, personByPhone, personBySub, replacePasswordHash, type StoredPerson } from '../persons/index.ts'
import { createThrottle } from '../throttle/index.ts'
import { identify, startAfresh } from './attempts.ts'
import { interactionPath, loadContext, type LoginContext } from './context.ts'
import { advance } from './dispatch.ts'

const agreementCookie = 'kora_agreed'

/** Refused tries recorded for one source. */
const throttledAudit = { limit: 50, seconds: 600 }

interface Typed { account: string, agreeChecked: boolean, errors: FieldError[] }

export function registerPasswordStep (app: FastifyInstance, services: Services, oidc: Oidc): void {
  const throttle = createThrottle(services)

  app.get('/i/:uid/login', async (request, reply) => {
    const context = await loadContext(services, oidc, request, reply)
    const hint = typeof context.params['login_hint'] === 'string' ? context.params['login_hint'].slice(0, 64) : ''
    return await showLogin(services, context, request, reply, { account: hint, agreeChecked: false, errors: [] })
  })

  app.post('/i/:uid/login', async (request, reply) => {
    const context = await loadContext(services, oidc, request, reply)
    request.requireCsrf(context.uid)
    const typed: Typed = { account: formField(request.body, 'account'), agreeChecked: formField(request.body, 'agree') === '1', errors: [] }
    const password = normalisePassword(formField(request.body, 'password'))
    const again = await reloginPerson(services, context)
    const parsed = again === null ? parseAccount(typed.account, shanghaiDate(services.clock.now())) : null
    if (parsed !== null && !parsed.ok) typed.errors.push({ field: 'account', code: parsed.code, ...(parsed.suggestion === undefined ? {} : { details: { suggestion: parsed.suggestion } }) })
    if (password === null || password === '') typed.errors.push({ field: 'password', code: 'required' })
    if (!agreed(services, request) && !typed.agreeChecked) typed.errors.push({ field: 'agree', code: 'required' })
    if (typed.errors.length > 0 || password === null) return await showLogin(services, context, request, reply, typed)

    const identifier: AccountIdentifier = parsed?.ok === true
      ? parsed.identifier
      : { kind: 'cert_no', value: again?.certNo ?? '', certType: again?.certType ?? '' }
    const person = again ?? await lookUp(services, identifier)
    const source = request.clientAddress.prefix
    const knownBrowser = person !== null && await isKnownBrowser(services.db, person.id, context.browserHash)
    const turn = await throttle.begin({ identifier: `${identifier.kind}:${identifier.value}`, source, knownBrowser })
    const about = {
      personId: person?.id ?? null,
      clientId: context.client.clientId,
      loginAttemptUid: context.uid,
      address: request.clientAddress.ip,
      traceId: request.id
    }
    if (!turn.allowed) {
      services.metrics.logins.inc({ outcome: 'throttled', method: 'password' })
      // a flood must not fill the audit trail: what is refused there is refused for one reason
      if ((await throttle.hit(`login-throttled:${source}`, throttledAudit.limit, throttledAudit.seconds)).allowed) {
        await services.db.transaction().execute(async (trx) => { await services.audit.record(trx, { ...about, type: 'login.throttled', reason: turn.reason }) })
      }
      typed.errors.push(turn.reason === 'suspended' ? { field: 'account', code: 'suspended' } : { field: 'account', code: 'throttled', details: { minutes: Math.max(1, Math.ceil(turn.retryAfterSeconds / 60)) } })
      reply.header('retry-after', String(turn.retryAfterSeconds))
      return await showLogin(services, context, request, reply, typed, 429)
    }

    let right: boolean
    try {
      // always one verification, whether or not there is an account that may log in
      const matches = await services.hasher.verify(person?.passwordHash ?? null, password)
      right = matches && person !== null && mayLogIn(person)
    } catch (error) {
      await turn.release()
      if (error instanceof HasherBusy) throw new PageError(503, 'unavailable', { retryAfterSeconds: 5, restartHref: interactionPath(context.uid, 'login') })
      throw error
    }
    await turn.settle(right)
    if (!right || person === null) {
      services.metrics.logins.inc({ outcome: 'failed', method: 'password' })
      await services.db.transaction().execute(async (trx) => { await services.audit.record(trx, { ...about, type: 'login.failed', reason: 'wrong_account_or_password' }) })
      typed.errors.push({ field: 'password', code: turn.remaining > 0 ? 'wrong' : 'wrong_last', details: { left: turn.remaining } })
      return await showLogin(services, context, request, reply, typed)
    }

    const identified = await services.db.transaction().execute(async (trx) => {
      const proof = { kind: 'password', personId: person.id, at: Math.floor(services.clock.now() / 1000) } as const
      if (!await identify(trx, context.uid, context.browserHash, proof)) return false
      await services.audit.record(trx, { ...about, type: 'password.verified' })
      if (typed.agreeChecked) {
        for (const kind of ['privacy', 'terms'] as const) {
          await recordConsent(trx, services, { personId: person.id, kind, version: services.config.policyVersion, locale: request.locale, source: context.uid, clientId: context.client.clientId, loginAttemptUid: context.uid, address: request.clientAddress.ip, traceId: request.id })
        }
      }
      return true
    })
    if (!identified) throw new PageError(409, 'not_started')
    reply.setCookie(agreementCookie, services.config.policyVersion, { path: '/', httpOnly: true, sameSite: 'lax', secure: services.config.issuer.startsWith('https:'), maxAge: 395 * 86_400 })
    await refreshHash(services, person, password)
    return await advance(services, oidc, request, reply, 'password')
  })

  app.post('/i/:uid/switch', async (request, reply) => {
    const context = await loadContext(services, oidc, request, reply)
    request.requireCsrf(context.uid)
    await startAfresh(services.db, context.uid, context.browserHash)
    return await reply.redirect(interactionPath(context.uid, 'login'), 303)
  })

  app.get('/i/:uid/other', async (request, reply) => {
    const context = await loadContext(services, oidc, request, reply)
    await startAfresh(services.db, context.uid, context.browserHash)
    return await reply.redirect(interactionPath(context.uid, 'login'), 303)
  })
}

async function lookUp (services: Services, identifier: AccountIdentifier): Promise<StoredPerson | null> {
  return identifier.kind === 'phone'
    ? await personByPhone(services.db, services.crypto, identifier.value)
    : await personByCertNo(services.db, services.crypto, identifier.certType, identifier.value)
}

/** The person who must authenticate again (prompt=login, max_age), unless another account was chosen. */
async function reloginPerson (services: Services, context: LoginContext): Promise<StoredPerson | null> {
  const sub = context.interaction.session?.accountId
  if (sub === undefined || (context.row.request as { freshLogin?: boolean }).freshLogin === true || context.facts.session !== null) return null
  return await personBySub(services.db, services.crypto, sub)
}

/** A better hash as soon as the password is known again; never in the way of the login. */
async function refreshHash (services: Services, person: StoredPerson, password: string): Promise<void> {
  if (person.passwordHash === null || !services.hasher.needsRehash(person.passwordHash)) return
  try {
    await replacePasswordHash(services.db, person.id, person.passwordHash, await services.hasher.hash(password))
  } catch (error) {
    services.log.warn({ err: error }, 'password hash was not renewed')
  }
}

const agreed = (services: Services, request: FastifyRequest): boolean => request.cookies[agreementCookie] === services.config.policyVersion

export const loginTabs = (context: LoginContext, current: Tab['id']): Tab[] => {
  const { uid } = context
  const tabs: Tab[] = []
  if (context.policy.subjectKinds.includes('person')) tabs.push({ id: 'personal', href: interactionPath(uid, 'login'), current: current === 'personal' })
  if (context.policy.subjectKinds.includes('person')) tabs.push({ id: 'qr', href: interactionPath(uid, 'qr'), current: current === 'qr' })
  return tabs
}

async function showLogin (services: Services, context: LoginContext, request: FastifyRequest, reply: FastifyReply, typed: Typed, status?: number): Promise<FastifyReply> {
  const again = await reloginPerson(services, context)
  return await reply.page('interaction/login', {
    action: interactionPath(context.uid, 'login'),
    csrf: request.csrfToken(context.uid),
    rp: context.rp,
    tabs: again === null ? loginTabs(context, 'personal') : [],
    kind: 'personal',
    account: again === null ? typed.account : '',
    role: 'legal_representative',
    errors: typed.errors,
    agreement: agreed(services, request) ? null : { version: services.config.policyVersion, checked: typed.agreeChecked },
    relogin: again === null ? null : { maskedAccount: maskCertNo(again.certNo), otherAccountHref: interactionPath(context.uid, 'other') },
    notice: null,
    links: { forgot: null, register: '/register', activate: null, phoneChange: null, national: null }
  }, { status: status ?? (typed.errors.length > 0 ? 422 : 200) })
}
