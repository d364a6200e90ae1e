/** The login page and its answers: tabs that the client allows, errors that do not reveal who has an account. */
import type { FastifyRequest } from 'fastify'
import { cleanLine } from '../../domain/plain-text.ts'
import { inTransaction } from '../../database/transaction.ts'
import { maskCertNo } from '../../domain/identity/masking.ts'
import { PageError } from '../../http/page-error.ts'
import type { FieldError, FormTarget, RelyingSite } from '../../http/pages.ts'
import type { AuditEvent } from '../../records/audit/index.ts'
import { acceptsOrganizations } from '../../records/organizations/index.ts'
import { personBySub, type StoredPerson } from '../../records/persons/index.ts'
import type { Throttle } from '../../records/throttle/index.ts'
import type { LoginTab } from '../scan-code/index.ts'
import { hasAgreed } from './agreement.ts'
import { loginPath } from './attempt.ts'
import type { StepDeps } from './deps.ts'
import { eventContext } from './event-context.ts'
import { isRequested, type LoginContext } from './facts.ts'
import { show, type Outcome } from './step.ts'
import { loginTabs } from './tabs.ts'
import type { VerificationResult } from './verify-password.ts'

/** Posts `csrf`, `kind`, `account`, `password`, `role` (legal only), `agree` ('1'). */
export interface PasswordPage extends FormTarget {
  rp: RelyingSite
  /** Ways to sign in that the client allows; one or none = no tab bar. */
  tabs: LoginTab[]
  kind: 'personal' | 'legal'
  /** What was typed; the password is never sent back. */
  account: string
  role: 'legal_representative' | 'agent'
  errors: FieldError[]
  /** Null when this browser agreed to this version already. */
  agreement: { version: string; checked: boolean } | null
  /**
   * Set when the person must sign in again (prompt=login, max_age): the account is shown masked and cannot be changed.
   */
  relogin: { maskedAccount: string; otherAccountHref: string } | null
}

declare module '../../http/pages.ts' {
  interface Pages {
    'login/password': PasswordPage
  }
}

export interface Typed {
  kind: 'personal' | 'legal'
  account: string
  role: 'legal_representative' | 'agent'
  agreeChecked: boolean
  errors: FieldError[]
}

/** Refused attempts recorded for one source. */
const throttledAudit = { limit: 50, seconds: 600 }

/** The owner of the typed password, if known. */
type Whose = Pick<AuditEvent, 'personId' | 'organizationId'>

/** The first values of the forms: what the site says about the person. */
export function emptyForm (context: LoginContext, kind: Typed['kind']): Typed {
  const { requested } = context
  const hint =
    typeof context.params['login_hint'] === 'string' ? cleanLine(context.params['login_hint']).slice(0, 64) : ''
  const [role] = requested?.roles ?? []
  return {
    kind,
    account: kind === 'legal' && requested !== null ? requested.uscc : hint,
    role: role ?? 'legal_representative',
    agreeChecked: false,
    errors: []
  }
}

/** The person who must authenticate again (prompt=login, max_age), unless another account was chosen. */
export async function reloginPerson (deps: StepDeps, context: LoginContext): Promise<StoredPerson | null> {
  const sub = context.interaction.session?.accountId
  if (
    sub === undefined ||
    (context.row.request as { freshLogin?: boolean }).freshLogin === true ||
    context.facts.session !== null ||
    !isRequested(deps, context, sub)
  ) {
    return null
  }
  return await personBySub(deps.db, deps.crypto, sub)
}

export async function showLogin (
  deps: StepDeps,
  { context, request }: { context: LoginContext; request: FastifyRequest },
  { typed, status, retryAfterSeconds }: { typed: Typed; status?: number; retryAfterSeconds?: number }
): Promise<Outcome> {
  const again = typed.kind === 'legal' ? null : await reloginPerson(deps, context)
  // who must authenticate again may do so as the organization they act for
  const tabs = again === null || acceptsOrganizations(context.policy) ? loginTabs(context, typed.kind) : []
  return show(
    'login/password',
    {
      action: loginPath(context.uid, 'login'),
      csrf: request.csrfToken(context.uid),
      rp: context.rp,
      tabs,
      kind: typed.kind,
      account: again === null ? typed.account : '',
      role: typed.role,
      errors: typed.errors,
      agreement: hasAgreed(deps, request) ? null : { version: deps.config.policyVersion, checked: typed.agreeChecked },
      relogin:
        again === null
          ? null
          : { maskedAccount: maskCertNo(again.certNo), otherAccountHref: loginPath(context.uid, 'other') }
    },
    { status: status ?? (typed.errors.length > 0 ? 422 : 200), retryAfterSeconds }
  )
}

/** The right password of an account that may not sign in: its state, and what to do. Recorded. */
export async function renderBarred (
  deps: StepDeps,
  { context, request }: { context: LoginContext; request: FastifyRequest },
  { typed, person }: { typed: Typed; person: StoredPerson }
): Promise<Outcome> {
  deps.metrics.logins.inc({ outcome: 'failed', method: 'password' })
  const code = `account_${person.status}`
  await inTransaction(deps.db, async (trx) => {
    await deps.audit.record(trx, {
      ...eventContext(context, request),
      type: 'login.refused',
      personId: person.id,
      reason: code
    })
  })
  typed.errors.push({ field: 'account', code })
  return await showLogin(deps, { context, request }, { typed, status: 403 })
}

/**
 * A password that was not accepted: the same page for every reason that could reveal an account. Counted and recorded.
 */
export async function renderFailure (
  deps: StepDeps,
  { context, request }: { context: LoginContext; request: FastifyRequest },
  failure: { throttle: Throttle; typed: Typed; result: VerificationResult; whose: Whose }
): Promise<Outcome> {
  const { throttle, typed, result, whose } = failure
  const record = async (event: {
    type: 'login.throttled' | 'login.failed' | 'login.password-suspended'
    reason: string
  }): Promise<void> => {
    await inTransaction(deps.db, async (trx) => {
      await deps.audit.record(trx, { ...eventContext(context, request), ...whose, ...event })
    })
  }
  switch (result.outcome) {
    case 'busy':
      throw new PageError(503, 'unavailable', {
        retryAfterSeconds: 5,
        restartHref: loginPath(context.uid, 'login')
      })
    case 'throttled': {
      deps.metrics.logins.inc({ outcome: 'throttled', method: 'password' })
      // once for each hundred consecutive tries of an identifier, so no other limit is needed
      if (result.suspensionBegins) await record({ type: 'login.password-suspended', reason: result.reason })
      // a flood must not fill the audit trail: all refused tries of it have the same reason
      if (
        (
          await throttle.hit(
            `login-throttled:${request.clientAddress.prefix}`,
            throttledAudit.limit,
            throttledAudit.seconds
          )
        ).allowed
      ) {
        await record({ type: 'login.throttled', reason: result.reason })
      }
      const words = typed.kind === 'legal' ? 'uscc_throttled' : 'throttled'
      typed.errors.push(
        result.reason === 'suspended'
          ? { field: 'account', code: 'suspended' }
          : {
              field: 'account',
              code: words,
              details: { minutes: Math.max(1, Math.ceil(result.retryAfterSeconds / 60)) }
            }
      )
      return await showLogin(
        deps,
        { context, request },
        { typed, status: 429, retryAfterSeconds: result.retryAfterSeconds }
      )
    }
    default: {
      deps.metrics.logins.inc({ outcome: 'failed', method: 'password' })
      await record({ type: 'login.failed', reason: 'wrong_account_or_password' })
      const left = result.outcome === 'wrong' ? result.remaining : 0
      typed.errors.push({ field: 'password', code: left > 0 ? 'wrong' : 'wrong_last', details: { left } })
      return await showLogin(deps, { context, request }, { typed })
    }
  }
}
