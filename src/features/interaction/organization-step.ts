/**
 * The organization tab (S2): its code and password say which organization, never who. Then the person: the legal
 * representative, the one agent, or the agent who says so by phone or ID number, each counted by itself. Unknown code and
 * wrong password give the same answer in the same time, and nobody can lock an organization out.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Services } from '../../services.ts'
import type { Oidc } from '../../oidc/index.ts'
import { HasherBusy } from '../../adapters/password-hasher.ts'
import { parseAccount } from '../../domain/account-identifier.ts'
import { normalisePassword } from '../../domain/password-policy.ts'
import type { RepresentationRef } from '../../domain/representation.ts'
import { parseUscc } from '../../domain/uscc.ts'
import { shanghaiDate } from '../../ports/clock.ts'
import { formField } from '../../http/forms.ts'
import { PageError } from '../../http/page-error.ts'
import type { FieldError } from '../../http/pages.ts'
import { createOrganizationLogin, organizationById, type Candidate } from '../organizations/index.ts'
import { personByCertNo, personByPhone } from '../persons/index.ts'
import { createThrottle } from '../throttle/index.ts'
import { identifyOrganization } from './attempts.ts'
import { interactionPath, loadContext, type LoginContext } from './context.ts'
import { advance } from './dispatch.ts'
import { agreed, loginTabs, noteAgreement } from './password-step.ts'

type OrganizationRole = 'legal_representative' | 'agent'
interface Typed { account: string, role: OrganizationRole, agreeChecked: boolean, errors: FieldError[] }

export const acceptsOrganizations = ({ policy }: Pick<LoginContext, 'policy'>): boolean =>
  policy.subjectKinds.includes('organization') && policy.roles.some((role) => role !== 'self')

const roleOf = (body: unknown): OrganizationRole => formField(body, 'role') === 'agent' ? 'agent' : 'legal_representative'

export function registerOrganizationStep (app: FastifyInstance, services: Services, oidc: Oidc): void {
  const throttle = createThrottle(services)
  const organizations = createOrganizationLogin(services)
  const aboutOf = (request: FastifyRequest, context: LoginContext) => ({
    clientId: context.client.clientId, loginAttemptUid: context.uid, address: request.clientAddress.ip, traceId: request.id
  })

  app.get('/i/:uid/organization', async (request, reply) => {
    const context = await loadContext(services, oidc, request, reply)
    if (!acceptsOrganizations(context)) return await reply.redirect(interactionPath(context.uid, 'login'), 303)
    return show(services, context, request, reply, { account: '', role: 'legal_representative', agreeChecked: false, errors: [] })
  })

  app.post('/i/:uid/organization', async (request, reply) => {
    const context = await loadContext(services, oidc, request, reply)
    if (!acceptsOrganizations(context)) return await reply.redirect(interactionPath(context.uid, 'login'), 303)
    request.requireCsrf(context.uid)
    const typed: Typed = { account: formField(request.body, 'account'), role: roleOf(request.body), agreeChecked: formField(request.body, 'agree') === '1', errors: [] }
    const password = normalisePassword(formField(request.body, 'password'))
    const code = parseUscc(typed.account)
    if (typed.account.trim() === '') typed.errors.push({ field: 'account', code: 'uscc_empty' })
    else if (!code.ok) typed.errors.push({ field: 'account', code: `uscc_${code.code.toLowerCase()}`, details: { n: [...typed.account.replace(/\s/g, '')].length, position: code.position ?? 0, suggestion: code.suggestion ?? '' } })
    if (password === null || password === '') typed.errors.push({ field: 'password', code: 'required' })
    if (!agreed(services, request) && !typed.agreeChecked) typed.errors.push({ field: 'agree', code: 'required' })
    if (typed.errors.length > 0 || !code.ok || password === null) return show(services, context, request, reply, typed)

    const about = aboutOf(request, context)
    const turn = await throttle.begin({ identifier: `uscc:${code.value}`, source: request.clientAddress.prefix, knownBrowser: false })
    if (!turn.allowed) {
      await services.db.transaction().execute(async (trx) => { await services.audit.record(trx, { ...about, type: 'login.throttled', reason: turn.reason }) })
      typed.errors.push(turn.reason === 'suspended' ? { field: 'account', code: 'suspended' } : { field: 'account', code: 'throttled', details: { minutes: Math.max(1, Math.ceil(turn.retryAfterSeconds / 60)) } })
      reply.header('retry-after', String(turn.retryAfterSeconds))
      return show(services, context, request, reply, typed, 429)
    }
    const organization = await organizations.find(code.value)
    let right: boolean
    try {
      const matches = await services.hasher.verify(organization?.passwordHash ?? null, password)
      right = matches && organization !== null && (organization.status === 'active' || organization.status === 'pending')
    } catch (error) {
      await turn.release()
      if (error instanceof HasherBusy) throw new PageError(503, 'unavailable', { retryAfterSeconds: 5, restartHref: interactionPath(context.uid, 'organization') })
      throw error
    }
    await turn.settle(right)
    if (!right || organization === null) {
      services.metrics.logins.inc({ outcome: 'failed', method: 'organization' })
      await services.db.transaction().execute(async (trx) => { await services.audit.record(trx, { ...about, type: 'login.failed', reason: 'wrong_organization_or_password', organizationId: organization?.id ?? null }) })
      typed.errors.push({ field: 'password', code: turn.remaining > 0 ? 'wrong' : 'wrong_last', details: { left: turn.remaining } })
      return show(services, context, request, reply, typed)
    }

    noteAgreement(services, reply)
    const candidates = await organizations.candidates(organization.id, typed.role)
    const active = candidates.filter(({ state }) => state === 'active' || (typed.role === 'legal_representative' && state === 'pending'))
    if (active.length === 0) {
      // told only after the right password: each state has its own words
      const states = new Set(candidates.map(({ state }) => state))
      typed.errors.push({ field: 'role', code: typed.role === 'agent' ? (states.size === 1 ? `agent_${[...states][0]}` : 'agent_none') : 'no_legal_representative' })
      return show(services, context, request, reply, typed, 403)
    }
    const only = active.length === 1 ? active[0] : undefined
    await note(services, context, request, { organizationId: organization.id, role: typed.role }, only ?? null)
    if (only === undefined) return await reply.redirect(interactionPath(context.uid, 'agent'), 303)
    return await advance(services, oidc, request, reply, 'organization')
  })

  app.get('/i/:uid/agent', async (request, reply) => {
    const context = await loadContext(services, oidc, request, reply)
    const asked = askedAgent(context)
    if (asked === null) return await reply.redirect(interactionPath(context.uid), 303)
    return await showAgent(services, context, request, reply, asked, '', [])
  })

  app.post('/i/:uid/agent', async (request, reply) => {
    const context = await loadContext(services, oidc, request, reply)
    request.requireCsrf(context.uid)
    const asked = askedAgent(context)
    if (asked === null) return await reply.redirect(interactionPath(context.uid), 303)
    const account = formField(request.body, 'account')
    const parsed = parseAccount(account, shanghaiDate(services.clock.now()))
    if (!parsed.ok) return await showAgent(services, context, request, reply, asked, account, [{ field: 'account', code: parsed.code }])
    const { identifier } = parsed
    // naming an agent is a guess like any other: counted for the person named, wherever it is tried
    const hit = await throttle.hit(`agent:${asked}:${request.clientAddress.prefix}`, 10, 900)
    if (!hit.allowed) return await showAgent(services, context, request, reply, asked, account, [{ field: 'account', code: 'throttled', details: { minutes: Math.ceil(hit.retryAfterSeconds / 60) } }])
    const person = identifier.kind === 'phone'
      ? await personByPhone(services.db, services.crypto, identifier.value)
      : await personByCertNo(services.db, services.crypto, identifier.certType, identifier.value)
    const candidate = (await organizations.candidates(asked, 'agent')).find(({ personId, state }) => personId === person?.id && state === 'active')
    if (candidate === undefined) {
      await services.db.transaction().execute(async (trx) => { await services.audit.record(trx, { ...aboutOf(request, context), type: 'login.failed', reason: 'not_an_agent', organizationId: asked }) })
      return await showAgent(services, context, request, reply, asked, account, [{ field: 'account', code: 'not_an_agent' }])
    }
    await note(services, context, request, { organizationId: asked, role: 'agent' }, candidate)
    return await advance(services, oidc, request, reply, 'organization')
  })

  /** The organization is known, and the person as far as the data say who it can be. */
  async function note (services: Services, context: LoginContext, request: FastifyRequest, organization: { organizationId: string, role: OrganizationRole }, candidate: Candidate | null): Promise<void> {
    const { organizationId, role } = organization
    const ref: RepresentationRef | null = candidate === null
      ? null
      : role === 'agent' && candidate.delegationId !== null ? { role, organizationId, delegationId: candidate.delegationId } : { role: 'legal_representative', organizationId }
    const proof = { kind: 'organization', organizationId, role, personId: candidate?.personId ?? null, at: Math.floor(services.clock.now() / 1000) } as const
    const done = await services.db.transaction().execute(async (trx) => {
      if (!await identifyOrganization(trx, context.uid, context.browserHash, proof, ref)) return false
      await services.audit.record(trx, { ...aboutOf(request, context), type: 'password.verified', personId: candidate?.personId ?? null, organizationId, role, delegationId: candidate?.delegationId ?? null, reason: 'organization' })
      return true
    })
    if (!done) throw new PageError(409, 'not_started')
  }
}

/** The organization whose agents are several, when this attempt stands there. */
function askedAgent (context: LoginContext): string | null {
  const proof = context.row.proofs.find((item) => item.kind === 'organization')
  return proof?.kind === 'organization' && proof.personId === null ? proof.organizationId : null
}

function show (services: Services, context: LoginContext, request: FastifyRequest, reply: FastifyReply, typed: Typed, status?: number): FastifyReply {
  return reply.page('interaction/login', {
    action: interactionPath(context.uid, 'organization'),
    csrf: request.csrfToken(context.uid),
    rp: context.rp,
    tabs: loginTabs(context, 'legal'),
    kind: 'legal',
    account: typed.account,
    role: typed.role,
    errors: typed.errors,
    agreement: agreed(services, request) ? null : { version: services.config.policyVersion, checked: typed.agreeChecked },
    relogin: null,
    notice: null,
    links: { forgot: null, register: null, activate: null, phoneChange: null, national: null }
  }, { status: status ?? (typed.errors.length > 0 ? 422 : 200) })
}

async function showAgent (services: Services, context: LoginContext, request: FastifyRequest, reply: FastifyReply, organizationId: string, account: string, errors: FieldError[]): Promise<FastifyReply> {
  const organization = await organizationById(services.db, organizationId)
  return reply.page('interaction/agent', {
    action: interactionPath(context.uid, 'agent'),
    csrf: request.csrfToken(context.uid),
    rp: context.rp,
    organizationName: organization?.name ?? '',
    account,
    errors,
    backHref: interactionPath(context.uid, 'organization')
  }, { status: errors.length > 0 ? 422 : 200 })
}
