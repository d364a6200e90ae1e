/**
 * The login page (S1, S2) and its answers: tabs that the client allows, errors that say nothing of who has an account.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { AuditEvent } from '../../records/audit/index.ts'
import type { LoginDeps } from './deps.ts'
import { maskCertNo } from '../../domain/identity/masking.ts'
import { PageError } from '../../http/page-error.ts'
import type { FieldError, FormTarget, RelyingSite, Tab } from '../../http/pages.ts'
import { personBySub, type StoredPerson } from '../../records/persons/index.ts'
import type { Throttle } from '../../records/throttle/index.ts'
import { askedOf } from './asked.ts'
import { interactionPath, type LoginContext } from './context.ts'
import type { Tried } from './password-try.ts'
import { acceptsOrganizations } from '../../records/organizations/index.ts'

/** S1, S2. Posts `csrf`, `kind`, `account`, `password`, `role` (legal only), `agree` ('1'). */
export interface PasswordPage extends FormTarget {
  rp: RelyingSite
  /** Ways that the client allows; one or none = no tab bar. */
  tabs: Tab[]
  kind: 'personal' | 'legal'
  /** What was typed; the password is never sent back. */
  account: string
  role: 'legal_representative' | 'agent'
  errors: FieldError[]
  /** Null when this browser agreed to this version already. */
  agreement: { version: string; checked: boolean } | null
  /** Set when the person must sign in again (prompt=login, max_age): the account is shown masked, not asked. */
  relogin: { maskedAccount: string; otherAccountHref: string } | null
  /** One calm sentence above the form, or null. */
  notice: 'form_renewed' | 'maintenance' | null
  /** Null = this deployment does not offer it. */
  links: {
    forgot: string | null
    register: string | null
    activate: string | null
    phoneChange: string | null
    national: string | null
  }
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

const agreementCookie = 'kora_agreed'

/** Refused tries recorded for one source. */
const throttledAudit = { limit: 50, seconds: 600 }

export const agreed = (deps: LoginDeps, request: FastifyRequest): boolean =>
  request.cookies[agreementCookie] === deps.config.policyVersion

export function rememberAgreement ({ config }: LoginDeps, reply: FastifyReply): void {
  reply.setCookie(agreementCookie, config.policyVersion, {
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure: config.issuer.startsWith('https:'),
    maxAge: 395 * 86_400
  })
}

/**
 * Which form was asked for or sent: the organization's only where the site takes organizations, and then maybe nothing
 * else.
 */
export function tabOf (context: LoginContext, asked: unknown): 'personal' | 'legal' {
  const { policy } = context
  if (!acceptsOrganizations(policy)) return 'personal'
  if (asked === 'legal' || !policy.subjectKinds.includes('person')) return 'legal'
  return askedOf(context) !== null && asked !== 'personal' ? 'legal' : 'personal'
}

/** What the forms begin with: what the site says of who comes. */
export function begun (context: LoginContext, kind: Typed['kind']): Typed {
  const asked = askedOf(context)
  const hint = typeof context.params['login_hint'] === 'string' ? context.params['login_hint'].slice(0, 64) : ''
  const [role] = asked?.roles ?? []
  return {
    kind,
    account: kind === 'legal' && asked !== null ? asked.uscc : hint,
    role: role ?? 'legal_representative',
    agreeChecked: false,
    errors: []
  }
}

export function loginTabs (context: LoginContext, current: Tab['id']): Tab[] {
  const { uid, policy } = context
  const persons = policy.subjectKinds.includes('person')
  const tabs: Tab[] = []
  const personal = `${interactionPath(uid, 'login')}${askedOf(context) === null ? '' : '?tab=personal'}`
  if (persons) tabs.push({ id: 'personal', href: personal, current: current === 'personal' })
  if (acceptsOrganizations(policy)) {
    tabs.push({ id: 'legal', href: `${interactionPath(uid, 'login')}?tab=legal`, current: current === 'legal' })
  }
  if (persons) tabs.push({ id: 'qr', href: interactionPath(uid, 'qr'), current: current === 'qr' })
  return tabs
}

/** The person who must authenticate again (prompt=login, max_age), unless another account was chosen. */
export async function reloginPerson (deps: LoginDeps, context: LoginContext): Promise<StoredPerson | null> {
  const sub = context.interaction.session?.accountId
  if (
    sub === undefined ||
    (context.row.request as { freshLogin?: boolean }).freshLogin === true ||
    context.facts.session !== null
  ) {
    return null
  }
  return await personBySub(deps.db, deps.crypto, sub)
}

export async function showLogin (
  deps: LoginDeps,
  context: LoginContext,
  request: FastifyRequest,
  reply: FastifyReply,
  typed: Typed,
  status?: number
): Promise<FastifyReply> {
  const again = typed.kind === 'legal' ? null : await reloginPerson(deps, context)
  // who must authenticate again may do so as the organization they act for
  const tabs = again === null || acceptsOrganizations(context.policy) ? loginTabs(context, typed.kind) : []
  return await reply.page(
    'login/password',
    {
      action: interactionPath(context.uid, 'login'),
      csrf: request.csrfToken(context.uid),
      rp: context.rp,
      tabs,
      kind: typed.kind,
      account: again === null ? typed.account : '',
      role: typed.role,
      errors: typed.errors,
      agreement: agreed(deps, request)
        ? null
        : { version: deps.config.policyVersion, checked: typed.agreeChecked },
      relogin:
        again === null
          ? null
          : { maskedAccount: maskCertNo(again.certNo), otherAccountHref: interactionPath(context.uid, 'other') },
      notice: null,
      links: { forgot: null, register: '/register', activate: null, phoneChange: null, national: null }
    },
    { status: status ?? (typed.errors.length > 0 ? 422 : 200) }
  )
}

export type Circumstances = Pick<
  AuditEvent,
  'personId' | 'organizationId' | 'clientId' | 'loginAttemptUid' | 'address' | 'traceId'
>

/**
 * A password that was not accepted: the same page for every reason that could tell of an account. Counted and recorded.
 */
export async function answerTried (
  deps: LoginDeps,
  throttle: Throttle,
  context: LoginContext,
  request: FastifyRequest,
  reply: FastifyReply,
  typed: Typed,
  tried: Tried,
  about: Circumstances
): Promise<FastifyReply> {
  const record = async (event: { type: 'login.throttled' | 'login.failed'; reason: string }): Promise<void> => {
    await deps.db.transaction().execute(async (trx) => {
      await deps.audit.record(trx, { ...about, ...event })
    })
  }
  switch (tried.outcome) {
    case 'busy':
      throw new PageError(503, 'unavailable', {
        retryAfterSeconds: 5,
        restartHref: interactionPath(context.uid, 'login')
      })
    case 'refused': {
      deps.metrics.logins.inc({ outcome: 'throttled', method: 'password' })
      // a flood must not fill the audit trail: what is refused there is refused for one reason
      if (
        (
          await throttle.hit(
            `login-throttled:${request.clientAddress.prefix}`,
            throttledAudit.limit,
            throttledAudit.seconds
          )
        ).allowed
      ) {
        await record({ type: 'login.throttled', reason: tried.reason })
      }
      const words = typed.kind === 'legal' ? 'uscc_throttled' : 'throttled'
      typed.errors.push(
        tried.reason === 'suspended'
          ? { field: 'account', code: 'suspended' }
          : {
              field: 'account',
              code: words,
              details: { minutes: Math.max(1, Math.ceil(tried.retryAfterSeconds / 60)) }
            }
      )
      reply.header('retry-after', String(tried.retryAfterSeconds))
      return await showLogin(deps, context, request, reply, typed, 429)
    }
    default: {
      deps.metrics.logins.inc({ outcome: 'failed', method: 'password' })
      await record({ type: 'login.failed', reason: 'wrong_account_or_password' })
      const left = tried.outcome === 'wrong' ? tried.remaining : 0
      typed.errors.push({ field: 'password', code: left > 0 ? 'wrong' : 'wrong_last', details: { left } })
      return await showLogin(deps, context, request, reply, typed)
    }
  }
}
