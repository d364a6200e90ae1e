/**
 * The password step (S1): ID number or phone and password. Unknown account, wrong password, locked and
 * disabled account give the same answer in the same time; counters are those of domain/throttle.
 */
import type { FastifyInstance } from 'fastify'
import type { LoginDeps } from './deps.ts'
import type { Oidc } from '../../oidc/index.ts'
import { parseAccount, type AccountIdentifier } from '../../domain/identity/account-identifier.ts'
import { normalisePassword } from '../../domain/login/password-policy.ts'
import { mayLogIn } from '../../domain/identity/person.ts'
import { organizationThrottleRules } from '../../domain/login/throttle.ts'
import { shanghaiDate } from '../../ports/clock.ts'
import { formField } from '../../http/forms.ts'
import { PageError } from '../../http/page-error.ts'
import { recordConsent } from '../../records/consents/index.ts'
import { isKnownBrowser, replacePasswordHash, type StoredPerson } from '../../records/persons/index.ts'
import { createThrottle } from '../../records/throttle/index.ts'
import { personByAccount } from './account-lookup.ts'
import { identify, startAfresh } from '../../records/login-attempts/index.ts'
import { interactionPath, loadContext } from './context.ts'
import { advance } from './dispatch.ts'
import {
  agreed,
  answerTried,
  begun,
  rememberAgreement,
  reloginPerson,
  showLogin,
  tabOf,
  type Typed
} from './password-page.ts'
import { organizationPassword } from './organization.ts'
import { tryPassword } from './password-try.ts'

export function registerPasswordStep (app: FastifyInstance, deps: LoginDeps, oidc: Oidc): void {
  const throttle = createThrottle(deps)
  const organizationThrottle = createThrottle(deps, organizationThrottleRules)

  app.get('/i/:uid/login', async (request, reply) => {
    const context = await loadContext(deps, oidc, request, reply)
    return await showLogin(
      deps,
      context,
      request,
      reply,
      begun(context, tabOf(context, (request.query as { tab?: unknown }).tab))
    )
  })

  app.post('/i/:uid/login', async (request, reply) => {
    const context = await loadContext(deps, oidc, request, reply)
    request.requireCsrf(context.uid)
    if (tabOf(context, formField(request.body, 'kind')) === 'legal') {
      return await organizationPassword(deps, oidc, organizationThrottle, context, request, reply)
    }
    const typed: Typed = {
      kind: 'personal',
      role: 'legal_representative',
      account: formField(request.body, 'account'),
      agreeChecked: formField(request.body, 'agree') === '1',
      errors: []
    }
    const password = normalisePassword(formField(request.body, 'password'))
    const again = await reloginPerson(deps, context)
    const parsed = again === null ? parseAccount(typed.account, shanghaiDate(deps.clock.now())) : null
    if (parsed !== null && !parsed.ok) {
      typed.errors.push({
        field: 'account',
        code: parsed.code,
        ...(parsed.suggestion === undefined ? {} : { details: { suggestion: parsed.suggestion } })
      })
    }
    if (password === null || password === '') typed.errors.push({ field: 'password', code: 'required' })
    if (!agreed(deps, request) && !typed.agreeChecked) typed.errors.push({ field: 'agree', code: 'required' })
    if (typed.errors.length > 0 || password === null) return await showLogin(deps, context, request, reply, typed)

    const identifier: AccountIdentifier =
      parsed?.ok === true
        ? parsed.identifier
        : { kind: 'cert_no', value: again?.certNo ?? '', certType: again?.certType ?? '' }
    const person = again ?? (await personByAccount(deps, identifier))
    const knownBrowser = person !== null && (await isKnownBrowser(deps.db, person.id, context.browserHash))
    const about = {
      personId: person?.id ?? null,
      clientId: context.client.clientId,
      loginAttemptUid: context.uid,
      address: request.clientAddress.ip,
      traceId: request.id
    }
    const attempt = {
      identifier: `${identifier.kind}:${identifier.value}`,
      source: request.clientAddress.prefix,
      knownBrowser
    }
    const tried = await tryPassword(
      deps,
      throttle,
      attempt,
      person?.passwordHash ?? null,
      password,
      person !== null && mayLogIn(person)
    )
    if (tried.outcome !== 'right' || person === null) {
      return await answerTried(deps, throttle, context, request, reply, typed, tried, about)
    }

    const identified = await deps.db.transaction().execute(async (trx) => {
      const proof = { kind: 'password', personId: person.id, at: Math.floor(deps.clock.now() / 1000) } as const
      if (!(await identify(trx, context.uid, context.browserHash, proof))) return false
      await deps.audit.record(trx, { ...about, type: 'password.verified' })
      if (typed.agreeChecked) {
        for (const kind of ['privacy', 'terms'] as const) {
          await recordConsent(trx, deps, {
            personId: person.id,
            kind,
            version: deps.config.policyVersion,
            locale: request.locale,
            source: context.uid,
            clientId: context.client.clientId,
            loginAttemptUid: context.uid,
            address: request.clientAddress.ip,
            traceId: request.id
          })
        }
      }
      return true
    })
    if (!identified) throw new PageError(409, 'not_started')
    rememberAgreement(deps, reply)
    await refreshHash(deps, person, password)
    return await advance(deps, oidc, request, reply, 'password')
  })

  app.post('/i/:uid/switch', async (request, reply) => {
    const context = await loadContext(deps, oidc, request, reply)
    request.requireCsrf(context.uid)
    await startAfresh(deps.db, context.uid, context.browserHash)
    return await reply.redirect(interactionPath(context.uid, 'login'), 303)
  })

  app.get('/i/:uid/other', async (request, reply) => {
    const context = await loadContext(deps, oidc, request, reply)
    await startAfresh(deps.db, context.uid, context.browserHash)
    return await reply.redirect(interactionPath(context.uid, 'login'), 303)
  })
}

/** A better hash as soon as the password is known again; never in the way of the login. */
async function refreshHash (deps: LoginDeps, person: StoredPerson, password: string): Promise<void> {
  if (person.passwordHash === null || !deps.hasher.needsRehash(person.passwordHash)) return
  try {
    await replacePasswordHash(deps.db, person.id, person.passwordHash, await deps.hasher.hash(password))
  } catch (error) {
    deps.log.warn({ err: error }, 'password hash was not renewed')
  }
}
