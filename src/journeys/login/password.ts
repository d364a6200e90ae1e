/**
 * The password step: ID number or phone and password. An unknown account and a wrong password give the same answer in
 * the same time, in every state of the account. After the right password the page shows that state. Counters are those
 * of domain/login/throttle.
 */
import type { FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import { parseAccount, type AccountIdentifier } from '../../domain/identity/account-identifier.ts'
import { normalisePassword } from '../../domain/login/password-policy.ts'
import { mayLogIn } from '../../domain/identity/person.ts'
import { shanghaiDate } from '../../ports/clock.ts'
import { formField } from '../../http/forms.ts'
import { PageError } from '../../http/page-error.ts'
import { recordConsent } from '../../records/consents/index.ts'
import { identify } from '../../records/login-attempts/index.ts'
import { isKnownBrowser, replacePasswordHash, type StoredPerson } from '../../records/persons/index.ts'
import { createThrottle, personIdentifier } from '../../records/throttle/index.ts'
import { personByAccount } from './account-lookup.ts'
import { hasAgreed } from './agreement.ts'
import type { StepDeps } from './deps.ts'
import { eventContext } from './event-context.ts'
import type { LoginContext } from './facts.ts'
import { emptyForm, reloginPerson, renderBarred, renderFailure, showLogin, type Typed } from './password-page.ts'
import { recorded, type Outcome } from './step.ts'
import { chooseTab } from './tabs.ts'
import { verifyPassword } from './verify-password.ts'

export function passwordStep (deps: StepDeps) {
  const throttle = createThrottle(deps)

  return {
    async page (context: LoginContext, request: FastifyRequest): Promise<Outcome> {
      const tab = chooseTab(context, (request.query as { tab?: unknown }).tab)
      return await showLogin(deps, { context, request }, { typed: emptyForm(context, tab) })
    },

    async submit (context: LoginContext, request: FastifyRequest): Promise<Outcome> {
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
      if (!hasAgreed(deps, request) && !typed.agreeChecked) typed.errors.push({ field: 'agree', code: 'required' })
      if (typed.errors.length > 0 || password === null) return await showLogin(deps, { context, request }, { typed })

      const identifier: AccountIdentifier =
        parsed?.ok === true
          ? parsed.identifier
          : { kind: 'cert_no', value: again?.certNo ?? '', certType: again?.certType ?? '' }
      const person = again ?? (await personByAccount(deps, identifier))
      const knownBrowser = person !== null && (await isKnownBrowser(deps.db, person.id, context.browserHash))
      const result = await verifyPassword(deps, throttle, {
        attempt: {
          // counted by person, if there is one: number and phone together must not have the tries of both
          identifier: person === null ? `${identifier.kind}:${identifier.value}` : personIdentifier(person.id),
          source: request.clientAddress.prefix,
          knownBrowser
        },
        hash: person?.passwordHash ?? null,
        password
      })
      if (result.outcome !== 'right' || person === null) {
        const whose = { personId: person?.id ?? null }
        return await renderFailure(deps, { context, request }, { throttle, typed, result, whose })
      }
      // the password was right: the state is shown, to its owner only
      if (!mayLogIn(person)) return await renderBarred(deps, { context, request }, { typed, person })

      const identified = await inTransaction(deps.db, async (trx) => {
        const proof = { kind: 'password', personId: person.id, at: Math.floor(deps.clock.now() / 1000) } as const
        if (!(await identify(trx, { uid: context.uid, browserHash: context.browserHash, proof }))) return false
        await deps.audit.record(trx, {
          ...eventContext(context, request),
          type: 'password.verified',
          personId: person.id
        })
        if (typed.agreeChecked) {
          for (const kind of ['privacy', 'terms'] as const) {
            await recordConsent(trx, deps, {
              personId: person.id,
              kind,
              version: deps.config.policyVersion,
              locale: request.locale,
              source: context.uid,
              ...eventContext(context, request)
            })
          }
        }
        return true
      })
      if (!identified) throw new PageError(409, 'not_started')
      await refreshHash(deps, person, password)
      return recorded('password', { agreementAccepted: true })
    }
  }
}

/** A better hash as soon as the password is known again; its failure does not affect the login. */
async function refreshHash (deps: StepDeps, person: StoredPerson, password: string): Promise<void> {
  const { id, passwordHash } = person
  if (passwordHash === null || !deps.hasher.needsRehash(passwordHash)) return
  try {
    const hash = await deps.hasher.hash(password)
    await inTransaction(deps.db, async (trx) => {
      if (!(await replacePasswordHash(trx, { id, from: passwordHash, to: hash }))) return
      await deps.audit.record(trx, { type: 'password.rehashed', personId: id })
    })
  } catch (error) {
    deps.log.warn({ err: error }, 'password hash was not renewed')
  }
}
