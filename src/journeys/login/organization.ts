/**
 * The organization tab: unified social credit code, password and role. It says for which organization a person comes,
 * and nothing more. The person must still be proved (domain/login/next-step), and no session comes from it.
 */
import type { FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import { normalisePassword } from '../../domain/login/password-policy.ts'
import { organizationThrottleRules } from '../../domain/login/throttle.ts'
import { normaliseUscc, parseUscc } from '../../domain/identity/uscc.ts'
import { formField } from '../../http/forms.ts'
import { PageError } from '../../http/page-error.ts'
import type { FieldError } from '../../http/pages.ts'
import { identifyOrganization } from '../../records/login-attempts/index.ts'
import {
  isBrowserOfOrganization,
  replaceOrganizationPasswordHash,
  type Candidate,
  type StoredOrganization
} from '../../records/organizations/index.ts'
import { createThrottle } from '../../records/throttle/index.ts'
import { hasAgreed } from './agreement.ts'
import { nameCandidate } from './candidate.ts'
import type { StepDeps } from './deps.ts'
import { eventContext } from './event-context.ts'
import type { LoginContext } from './facts.ts'
import { renderFailure, showLogin, type Typed } from './password-page.ts'
import { recorded, type Outcome } from './step.ts'
import { verifyPassword } from './verify-password.ts'

/** The fault of a typed code: position and what may have been meant, never whether an organization has it. */
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

export function organizationStep (deps: StepDeps) {
  const throttle = createThrottle(deps, organizationThrottleRules)

  return {
    async submit (context: LoginContext, request: FastifyRequest): Promise<Outcome> {
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
      const { requested } = context
      if (requested !== null && typed.errors.length === 0 && normaliseUscc(typed.account) !== requested.uscc) {
        typed.errors.push({ field: 'account', code: 'not_asked', details: { uscc: requested.uscc } })
      }
      if (requested?.roles?.includes(role) === false) typed.errors.push({ field: 'role', code: 'not_asked' })
      if (!context.policy.roles.includes(role)) typed.errors.push({ field: 'role', code: 'not_allowed_here' })
      if (!hasAgreed(deps, request) && !typed.agreeChecked) typed.errors.push({ field: 'agree', code: 'required' })
      if (typed.errors.length > 0 || password === null) return await showLogin(deps, { context, request }, { typed })

      const uscc = normaliseUscc(typed.account)
      const organization = await deps.organizations.find(uscc)
      const result = await verifyPassword(deps, throttle, {
        attempt: {
          identifier: `uscc:${uscc}`,
          source: request.clientAddress.prefix,
          knownBrowser: await isBrowserOfOrganization(deps.db, organization?.id ?? '', context.browserHash)
        },
        hash: organization?.passwordHash ?? null,
        password
      })
      if (result.outcome !== 'right' || organization === null) {
        const whose = { organizationId: organization?.id ?? null }
        return await renderFailure(deps, { context, request }, { throttle, typed, result, whose })
      }

      const candidates = await deps.organizations.candidates(organization.id, role)
      const candidate = presumed(candidates, context)
      const identified = await inTransaction(deps.db, async (trx) => {
        const proof = {
          kind: 'organization',
          organizationId: organization.id,
          role,
          at: Math.floor(deps.clock.now() / 1000)
        } as const
        if (
          !(await identifyOrganization(trx, {
            uid: context.uid,
            browserHash: context.browserHash,
            proof,
            who: candidate === null ? null : nameCandidate(organization.id, candidate)
          }))
        ) {
          return false
        }
        await deps.audit.record(trx, {
          ...eventContext(context, request),
          type: 'organization.password-verified',
          organizationId: organization.id,
          role
        })
        return true
      })
      if (!identified) throw new PageError(409, 'not_started')
      await refreshHash(deps, organization, password)
      return recorded('organization', { agreementAccepted: true })
    }
  }
}

/**
 * The person who must prove to be there, when no question is needed: the only one who may act, or otherwise the only
 * one.
 */
function presumed (candidates: Candidate[], context: LoginContext): Candidate | null {
  const active = candidates.filter(({ state }) => state === 'active')
  const mine = active.find(({ personId }) => personId === context.facts.session?.personId)
  if (mine !== undefined) return mine
  return (active.length === 0 ? candidates.length === 1 : active.length === 1)
    ? (active[0] ?? candidates[0] ?? null)
    : null
}

/** A better hash as soon as the password is known again; its failure does not affect the login. */
async function refreshHash (deps: StepDeps, { id, passwordHash }: StoredOrganization, password: string): Promise<void> {
  if (passwordHash === null || !deps.hasher.needsRehash(passwordHash)) return
  try {
    const hash = await deps.hasher.hash(password)
    await inTransaction(deps.db, async (trx) => {
      if (!(await replaceOrganizationPasswordHash(trx, { id, from: passwordHash, to: hash }))) return
      await deps.audit.record(trx, { type: 'password.rehashed', organizationId: id })
    })
  } catch (error) {
    deps.log.warn({ err: error }, 'password hash was not renewed')
  }
}
