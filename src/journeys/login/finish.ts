/**
 * The ends of a login. Finishing happens once, in one transaction: the attempt is closed, the interaction of the
 * provider gets its result, the browser is remembered, and the audit event is written. Then the browser returns to the
 * provider.
 */
import type { FastifyRequest } from 'fastify'
import type { InteractionResults } from 'oidc-provider'
import { inTransaction } from '../../database/transaction.ts'
import { earnsTrust, type Step } from '../../domain/login/next-step.ts'
import { eventFields, toRepresentationRef } from '../../domain/representation/representation.ts'
import { saveInteractionResult } from '../../tokens/interaction-result.ts'
import { recordSessionsEnded } from '../../records/sessions/index.ts'
import { revokeSession } from '../../tokens/revocation.ts'
import { acceptsOrganizations } from '../../records/organizations/index.ts'
import { rememberBrowser } from '../../records/persons/index.ts'
import { finishAttempt } from '../../records/login-attempts/index.ts'
import { createThrottle, personIdentifier, type Throttle } from '../../records/throttle/index.ts'
import { PageError } from '../../http/page-error.ts'
import type { RelyingSite } from '../../http/pages.ts'
import type { StepDeps } from './deps.ts'
import { eventContext } from './event-context.ts'
import type { LoginContext } from './facts.ts'
import type { EndRow, Method, RefusalEvent } from './step.ts'

/** Shown for a moment after a scan. */
export interface DonePage {
  rp: RelyingSite
  href: string
}

declare module '../../http/pages.ts' {
  interface Pages {
    'login/done': DonePage
  }
}

type End = Pick<EndRow, 'end'>

export function finishStep (deps: StepDeps): End {
  const throttle = createThrottle(deps)
  return {
    async end (context, request, method) {
      const step = await context.next()
      if (step.step !== 'finish') throw new Error(`the login is not finished: ${step.step}`)
      return await finishLogin(deps, context, { step, request, method, throttle })
    }
  }
}

export const refusedStep = (deps: StepDeps): End => ({
  async end (context, request) {
    const step = await context.next()
    if (step.step !== 'refused' || step.code === 'person_disabled') throw new PageError(403, 'person_disabled')
    return await refuseLogin(deps, context, {
      error: 'unmet_authentication_requirements',
      description: 'the requested level cannot be reached here',
      request
    })
  }
})

interface Finish {
  step: Extract<Step, { step: 'finish' }>
  request: FastifyRequest
  method: Method
  throttle: Throttle
}

/**
 * Returns where the browser goes: back into the authorization request. The second of two submissions goes there too.
 */
async function finishLogin (deps: StepDeps, context: LoginContext, finish: Finish): Promise<string> {
  const { person, interaction } = context
  if (person === null) throw new Error('finish without a person')
  const { step, request, method, throttle } = finish
  const { outcome, representation } = step
  const ref = toRepresentationRef(representation)
  const result: InteractionResults = {
    login: { accountId: person.sub, acr: outcome.acr, amr: outcome.amr, ts: outcome.authTime },
    consent: {},
    select_account: {},
    // no proof was given here: the session of the browser continues
    kora: {
      representation: ref,
      continued: context.row.proofs.length === 0,
      ...(outcome.confined ? { confined: ref } : {})
    }
  }
  // one person at a time: another one who was signed in here is signed out, at their sites too
  const session = await context.browserSession()
  const other = session?.accountId === undefined || session.accountId === person.sub ? null : session.uid
  await inTransaction(deps.db, async (trx) => {
    if (!(await finishAttempt(trx, context.uid, context.browserHash))) return
    if (other !== null) {
      await recordSessionsEnded(trx, deps, {
        ended: await revokeSession(trx, other),
        about: {
          reason: 'other-account',
          traceId: request.id
        }
      })
    }
    const dropSession =
      other !== null || (interaction.session?.accountId !== undefined && interaction.session.accountId !== person.sub)
    await saveInteractionResult(trx, { uid: context.uid, result, dropSession })
    await rememberBrowser(trx, { personId: person.id, browserHash: context.browserHash, label: request.browserLabel })
    // the choice, on the page or by the organization tab, stays until another one is made
    const chosen = context.row.representation !== null
    if (chosen && acceptsOrganizations(context.policy)) {
      await deps.representations.rememberChoice(trx, { personId: person.id, clientId: context.client.clientId, ref })
    }
    const trusted = ref.role !== 'self' && earnsTrust(person.id, representation, context.row.proofs)
    if (trusted) {
      await deps.organizations.trustBrowser(trx, {
        organizationId: ref.organizationId,
        personId: person.id,
        browserHash: context.browserHash
      })
    }
    // a scan, a face or an in-person code proves the owner: counts by strangers are deleted
    if (context.row.proofs.some(({ kind }) => kind === 'scan' || kind === 'face' || kind === 'counter')) {
      await throttle.lift(trx, personIdentifier(person.id))
    }
    const about = { ...eventContext(context, request), personId: person.id, ...eventFields(ref) }
    if (trusted) await deps.audit.record(trx, { ...about, type: 'browser.remembered' })
    if (chosen) await deps.audit.record(trx, { ...about, type: 'representation.chosen' })
    await deps.audit.record(trx, {
      ...about,
      type: 'login.succeeded',
      details: {
        acr: outcome.acr,
        amr: outcome.amr,
        method,
        sso: context.row.proofs.length === 0,
        ...(outcome.confined ? { confined: true } : {})
      }
    })
  })
  deps.metrics.logins.inc({ outcome: 'succeeded', method })
  return interaction.returnTo
}

/** The person refuses or the rules do: the relying site gets a standard error (RFC 6749 §4.1.2.1). */
export async function refuseLogin (
  deps: StepDeps,
  context: LoginContext,
  refusal: { error: string; description: string; event?: RefusalEvent; request: FastifyRequest }
): Promise<string> {
  const { error, description, event, request } = refusal
  await inTransaction(deps.db, async (trx) => {
    if (!(await finishAttempt(trx, context.uid, context.browserHash))) return
    await saveInteractionResult(trx, {
      uid: context.uid,
      result: { error, error_description: description },
      dropSession: false
    })
    const about = { ...eventContext(context, request), personId: context.person?.id ?? null }
    if (event !== undefined) await deps.audit.record(trx, { ...about, type: event })
    await deps.audit.record(trx, {
      ...about,
      type: error === 'access_denied' ? 'login.cancelled' : 'login.refused',
      reason: error
    })
  })
  return context.interaction.returnTo
}
