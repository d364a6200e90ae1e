/**
 * The organization tab (S2): unified social credit code, password and role. It says for which organization somebody
 * comes, and nothing more: who it is must still be shown (domain/login-attempt), and no session comes of it.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { LoginDeps } from './deps.ts'
import type { Oidc } from '../../oidc/index.ts'
import { parseAccount } from '../../domain/identity/account-identifier.ts'
import { normalisePassword } from '../../domain/login/password-policy.ts'
import { organizationProof } from '../../domain/login/next-step.ts'
import type { RepresentationRef } from '../../domain/representation/representation.ts'
import { organizationThrottleRules } from '../../domain/login/throttle.ts'
import { normaliseUscc, parseUscc } from '../../domain/identity/uscc.ts'
import { shanghaiDate } from '../../ports/clock.ts'
import { formField } from '../../http/forms.ts'
import { PageError } from '../../http/page-error.ts'
import type { FieldError, FormTarget, RelyingSite } from '../../http/pages.ts'
import {
  createOrganizationLogin,
  isBrowserOfOrganization,
  organizationById,
  replaceOrganizationPasswordHash,
  type Candidate,
  type StoredOrganization
} from '../../records/organizations/index.ts'
import { createThrottle, type Throttle } from '../../records/throttle/index.ts'
import { personByAccount } from './account-lookup.ts'
import { askedOf } from './asked.ts'
import { identifyOrganization, nameAgent } from '../../records/login-attempts/index.ts'
import { interactionPath, loadContext, type LoginContext } from './context.ts'
import { advance } from './dispatch.ts'
import { agreed, answerTried, rememberAgreement, showLogin, type Typed } from './password-page.ts'
import { tryPassword } from './password-try.ts'

/** Which agent is signing in, when an organization has several. Posts `csrf`, `account`. */
export interface AgentPage extends FormTarget {
  rp: RelyingSite
  organizationName: string
  account: string
  errors: FieldError[]
  backHref: string
}

declare module '../../http/pages.ts' {
  interface Pages {
    'login/agent': AgentPage
  }
}

/** What is wrong with a code as typed: position and what may have been meant, never whether anybody has it. */
function codeErrors (typed: string): FieldError[] {
  if (typed.trim() === '') return [{ field: 'account', code: 'uscc_required' }]
  const parsed = parseUscc(typed)
  if (parsed.ok) return []
  const code = `uscc_${parsed.code.toLowerCase()}`
  const details = {
    n: [...normaliseUscc(typed.slice(0, 100))].length,
    ...(parsed.position === undefined ? {} : { position: parsed.position }),
    ...(parsed.suggestion === undefined ? {} : { suggestion: parsed.suggestion })
  }
  return [{ field: 'account', code: parsed.suggestion === undefined ? code : `${code}_suggested`, details }]
}

/** POST of the organization's form: 统一社会信用代码, password, role. */
export async function organizationPassword (
  deps: LoginDeps,
  oidc: Oidc,
  throttle: Throttle,
  context: LoginContext,
  request: FastifyRequest,
  reply: FastifyReply
): Promise<FastifyReply> {
  const role = formField(request.body, 'role') === 'agent' ? 'agent' : 'legal_representative'
  const typed: Typed = {
    kind: 'legal',
    account: formField(request.body, 'account'),
    role,
    agreeChecked: formField(request.body, 'agree') === '1',
    errors: []
  }
  const password = normalisePassword(formField(request.body, 'password'))
  typed.errors.push(...codeErrors(typed.account))
  if (password === null || password === '') typed.errors.push({ field: 'password', code: 'required' })
  const asked = askedOf(context)
  if (asked !== null && typed.errors.length === 0 && normaliseUscc(typed.account) !== asked.uscc) {
    typed.errors.push({ field: 'account', code: 'not_asked', details: { uscc: asked.uscc } })
  }
  if (asked?.roles?.includes(role) === false) typed.errors.push({ field: 'role', code: 'not_asked' })
  if (!context.policy.roles.includes(role)) typed.errors.push({ field: 'role', code: 'not_allowed_here' })
  if (!agreed(deps, request) && !typed.agreeChecked) typed.errors.push({ field: 'agree', code: 'required' })
  if (typed.errors.length > 0 || password === null) return await showLogin(deps, context, request, reply, typed)

  const organizations = createOrganizationLogin(deps)
  const uscc = normaliseUscc(typed.account)
  const organization = await organizations.find(uscc)
  const about = {
    organizationId: organization?.id ?? null,
    clientId: context.client.clientId,
    loginAttemptUid: context.uid,
    address: request.clientAddress.ip,
    traceId: request.id
  }
  const knownBrowser = await isBrowserOfOrganization(deps.db, organization?.id ?? '', context.browserHash)
  const attempt = { identifier: `uscc:${uscc}`, source: request.clientAddress.prefix, knownBrowser }
  const tried = await tryPassword(deps, throttle, attempt, organization?.passwordHash ?? null, password, true)
  if (tried.outcome !== 'right' || organization === null) {
    return await answerTried(deps, throttle, context, request, reply, typed, tried, about)
  }

  const candidates = await organizations.candidates(organization.id, role)
  const candidate = presumed(candidates, context)
  const identified = await deps.db.transaction().execute(async (trx) => {
    const proof = {
      kind: 'organization',
      organizationId: organization.id,
      role,
      at: Math.floor(deps.clock.now() / 1000)
    } as const
    if (
      !(await identifyOrganization(
        trx,
        context.uid,
        context.browserHash,
        proof,
        candidate === null ? null : whoIs(organization.id, candidate)
      ))
    ) {
      return false
    }
    await deps.audit.record(trx, { ...about, type: 'organization.password-verified', role })
    if (candidates.length === 0) {
      await deps.audit.record(trx, { ...about, type: 'login.refused', role, reason: 'may_not_act' })
    }
    return true
  })
  if (!identified) throw new PageError(409, 'not_started')
  rememberAgreement(deps, reply)
  await refreshHash(deps, organization, password)
  return await advance(deps, oidc, request, reply, 'organization')
}

const whoIs = (
  organizationId: string,
  { personId, role, delegationId }: Candidate
): { personId: string; representation: RepresentationRef } => ({
  personId,
  representation:
    role === 'agent' && delegationId !== null
      ? { role: 'agent', organizationId, delegationId }
      : { role: 'legal_representative', organizationId }
})

/** Who must show to be there, when that needs no question: the only one who may act, or else the only one there is. */
function presumed (candidates: Candidate[], context: LoginContext): Candidate | null {
  const active = candidates.filter(({ state }) => state === 'active')
  const mine = active.find(({ personId }) => personId === context.facts.session?.personId)
  if (mine !== undefined) return mine
  return (active.length === 0 ? candidates.length === 1 : active.length === 1)
    ? (active[0] ?? candidates[0] ?? null)
    : null
}

/** Several agents: which one? By the own phone or document number, counted by itself. */
export function registerAgentStep (app: FastifyInstance, deps: LoginDeps, oidc: Oidc): void {
  const throttle = createThrottle(deps, organizationThrottleRules)
  const organizations = createOrganizationLogin(deps)

  app.get('/i/:uid/agent', async (request, reply) => {
    const context = await loadContext(deps, oidc, request, reply)
    const organization = await asked(context)
    // nobody to be asked for
    if (organization !== null && (await organizations.candidates(organization.id, 'agent')).length === 0) {
      return await reply.redirect(interactionPath(context.uid, 'standing'), 303)
    }
    return await showAgent(context, request, reply, { account: '', errors: [] })
  })

  app.post('/i/:uid/agent', async (request, reply) => {
    const context = await loadContext(deps, oidc, request, reply)
    request.requireCsrf(context.uid)
    const organization = await asked(context)
    if (organization === null) return await reply.redirect(interactionPath(context.uid), 303)
    const account = formField(request.body, 'account')
    const parsed = parseAccount(account, shanghaiDate(deps.clock.now()))
    if (!parsed.ok) {
      const details = parsed.suggestion === undefined ? {} : { details: { suggestion: parsed.suggestion } }
      return await showAgent(context, request, reply, {
        account,
        errors: [{ field: 'account', code: parsed.code, ...details }]
      })
    }
    const about = {
      organizationId: organization.id,
      clientId: context.client.clientId,
      loginAttemptUid: context.uid,
      address: request.clientAddress.ip,
      traceId: request.id,
      role: 'agent'
    } as const
    const record = async (type: 'login.throttled' | 'login.failed', reason: string): Promise<void> => {
      await deps.db.transaction().execute(async (trx) => {
        await deps.audit.record(trx, { ...about, type, reason })
      })
    }
    const turn = await throttle.begin({
      identifier: `agent:${organization.id}`,
      source: request.clientAddress.prefix,
      knownBrowser: false
    })
    if (!turn.allowed) {
      await record('login.throttled', turn.reason)
      reply.header('retry-after', String(turn.retryAfterSeconds))
      return await showAgent(
        context,
        request,
        reply,
        {
          account,
          errors: [
            {
              field: 'account',
              code: 'agent_throttled',
              details: { minutes: Math.max(1, Math.ceil(turn.retryAfterSeconds / 60)) }
            }
          ]
        },
        429
      )
    }
    const person = await personByAccount(deps, parsed.identifier)
    const candidate = (await organizations.candidates(organization.id, 'agent')).find(
      ({ personId }) => personId === person?.id
    )
    await turn.settle(candidate !== undefined)
    if (candidate === undefined) {
      await record('login.failed', 'agent_unknown')
      return await showAgent(context, request, reply, {
        account,
        errors: [{ field: 'account', code: 'agent_unknown' }]
      })
    }
    const who = whoIs(organization.id, candidate)
    if (who.representation.role !== 'agent') throw new Error('an agent without a delegation')
    await nameAgent(deps.db, context.uid, context.browserHash, {
      personId: who.personId,
      representation: who.representation
    })
    return await advance(deps, oidc, request, reply, 'organization')
  })

  /** The organization whose agent is asked for now; null when nothing is to be asked. */
  async function asked (context: LoginContext): Promise<StoredOrganization | null> {
    const proof = organizationProof(context.row.proofs)
    if (proof?.role !== 'agent' || context.row.personId !== null) return null
    return await organizationById(deps.db, proof.organizationId)
  }

  async function showAgent (
    context: LoginContext,
    request: FastifyRequest,
    reply: FastifyReply,
    typed: { account: string; errors: FieldError[] },
    status = typed.errors.length > 0 ? 422 : 200
  ): Promise<FastifyReply> {
    const organization = await asked(context)
    if (organization === null) return await reply.redirect(interactionPath(context.uid), 303)
    return await reply.page(
      'login/agent',
      {
        action: interactionPath(context.uid, 'agent'),
        csrf: request.csrfToken(context.uid),
        rp: context.rp,
        organizationName: organization.name,
        ...typed,
        backHref: `${interactionPath(context.uid, 'login')}?tab=legal`
      },
      { status }
    )
  }
}

/** A better hash as soon as the password is known again; never in the way of the login. */
async function refreshHash (
  deps: LoginDeps,
  { id, passwordHash }: StoredOrganization,
  password: string
): Promise<void> {
  if (passwordHash === null || !deps.hasher.needsRehash(passwordHash)) return
  try {
    await replaceOrganizationPasswordHash(deps.db, id, passwordHash, await deps.hasher.hash(password))
  } catch (error) {
    deps.log.warn({ err: error }, 'password hash was not renewed')
  }
}
