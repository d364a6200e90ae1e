/**
 * Several agents act for the organization: which one is signing in? Identified by phone or document number, with a
 * counter of its own.
 */
import type { FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import { parseAccount } from '../../domain/identity/account-identifier.ts'
import { organizationThrottleRules } from '../../domain/login/throttle.ts'
import { shanghaiDate } from '../../ports/clock.ts'
import { formField } from '../../http/forms.ts'
import type { FieldError, FormTarget, RelyingSite } from '../../http/pages.ts'
import { nameAgent } from '../../records/login-attempts/index.ts'
import type { StoredOrganization } from '../../records/organizations/index.ts'
import { createThrottle } from '../../records/throttle/index.ts'
import { personByAccount } from './account-lookup.ts'
import { loginPath } from './attempt.ts'
import { nameCandidate } from './candidate.ts'
import type { StepDeps } from './deps.ts'
import { eventContext } from './event-context.ts'
import type { LoginContext } from './facts.ts'
import { recorded, show, type Outcome } from './step.ts'

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

export function agentStep (deps: StepDeps) {
  const throttle = createThrottle(deps, organizationThrottleRules)

  return {
    page: (context: LoginContext, request: FastifyRequest): Outcome =>
      showAgent(context, request, { typed: { account: '', errors: [] } }),

    async submit (context: LoginContext, request: FastifyRequest): Promise<Outcome> {
      const organization = identifiedOrganization(context)
      const account = formField(request.body, 'account')
      const fail = (
        error: Omit<FieldError, 'field'>,
        options: { status?: number; retryAfterSeconds?: number } = {}
      ): Outcome =>
        showAgent(context, request, { typed: { account, errors: [{ field: 'account', ...error }] }, ...options })
      const parsed = parseAccount(account, shanghaiDate(deps.clock.now()))
      if (!parsed.ok) {
        const details = parsed.suggestion === undefined ? {} : { details: { suggestion: parsed.suggestion } }
        return fail({ code: parsed.code, ...details })
      }
      const record = async (type: 'login.throttled' | 'login.failed', reason: string): Promise<void> => {
        await inTransaction(deps.db, async (trx) => {
          await deps.audit.record(trx, {
            ...eventContext(context, request),
            type,
            organizationId: organization.id,
            role: 'agent',
            reason
          })
        })
      }
      const turn = await throttle.begin({
        identifier: `agent:${organization.id}`,
        source: request.clientAddress.prefix,
        knownBrowser: false
      })
      if (!turn.allowed) {
        await record('login.throttled', turn.reason)
        const { retryAfterSeconds } = turn
        const minutes = Math.max(1, Math.ceil(retryAfterSeconds / 60))
        return fail({ code: 'agent_throttled', details: { minutes } }, { status: 429, retryAfterSeconds })
      }
      const person = await personByAccount(deps, parsed.identifier)
      const candidate = (await context.candidates()).find(({ personId }) => personId === person?.id)
      await turn.settle(candidate !== undefined)
      if (candidate === undefined) {
        await record('login.failed', 'agent_unknown')
        return fail({ code: 'agent_unknown' })
      }
      const { personId, representation } = nameCandidate(organization.id, candidate)
      if (representation.role !== 'agent') throw new Error('an agent without a delegation')
      await nameAgent(deps.db, {
        uid: context.uid,
        browserHash: context.browserHash,
        who: { personId, representation }
      })
      return recorded('organization')
    }
  }
}

function identifiedOrganization ({ organization }: LoginContext): StoredOrganization {
  if (organization === null) throw new Error('an agent of no organization')
  return organization
}

interface ShowAgentInput {
  typed: { account: string; errors: FieldError[] }
  status?: number
  retryAfterSeconds?: number
}

const showAgent = (
  context: LoginContext,
  request: FastifyRequest,
  { typed, status = typed.errors.length > 0 ? 422 : 200, retryAfterSeconds }: ShowAgentInput
): Outcome =>
  show(
    'login/agent',
    {
      action: loginPath(context.uid, 'agent'),
      csrf: request.csrfToken(context.uid),
      rp: context.rp,
      organizationName: identifiedOrganization(context).name,
      ...typed,
      backHref: `${loginPath(context.uid, 'login')}?tab=legal`
    },
    { status, retryAfterSeconds }
  )
