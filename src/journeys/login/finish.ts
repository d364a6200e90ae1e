/**
 * Finishing an attempt: once, in one transaction. The attempt is closed, the provider's interaction gets its
 * result, the browser is remembered, and the audit event stands beside it; then the browser goes back to the provider.
 */
import type { InteractionResults } from 'oidc-provider'
import type { LoginDeps } from './deps.ts'
import { earnsTrust, organizationProof, type LoginOutcome } from '../../domain/login/next-step.ts'
import { refOf, type Representation } from '../../domain/representation/representation.ts'
import { saveInteractionResult } from '../../tokens/interaction-result.ts'
import { recordSessionsEnded } from '../../records/sessions/index.ts'
import { revokeSession } from '../../tokens/revocation.ts'
import {
  acceptsOrganizations,
  createOrganizationLogin,
  createRepresentations
} from '../../records/organizations/index.ts'
import { rememberBrowser } from '../../records/persons/index.ts'
import { finishAttempt } from '../../records/login-attempts/index.ts'
import type { LoginContext } from './context.ts'

export interface FinishInput {
  outcome: LoginOutcome
  representation: Representation
  browserLabel: string
  address: string
  traceId: string
  method: string
}

/** Returns where the browser goes: back into the authorization request. Losers of a race go there too. */
export async function finishLogin (deps: LoginDeps, context: LoginContext, input: FinishInput): Promise<string> {
  const { person, interaction } = context
  if (person === null) throw new Error('finish without a person')
  const { outcome, representation } = input
  const ref = refOf(representation)
  const organization = organizationProof(context.row.proofs)
  const result: InteractionResults = {
    login: { accountId: person.sub, acr: outcome.acr, amr: outcome.amr, ts: outcome.authTime },
    consent: {},
    select_account: {},
    kora: { representation: ref }
  }
  // one person at a time: whoever was logged in here before is logged out, at their sites too
  const other = await context.sessionOfOther(person.sub)
  await deps.db.transaction().execute(async (trx) => {
    if (!(await finishAttempt(trx, context.uid, context.browserHash))) return
    if (other !== null) {
      await recordSessionsEnded(trx, deps, await revokeSession(trx, other), {
        reason: 'other-account',
        traceId: input.traceId
      })
    }
    const dropSession =
      other !== null || (interaction.session?.accountId !== undefined && interaction.session.accountId !== person.sub)
    await saveInteractionResult(trx, { uid: context.uid, result, dropSession })
    await rememberBrowser(trx, person.id, context.browserHash, input.browserLabel)
    // what was chosen, by the page or by the organization tab, holds here until something else is
    const chosen = context.row.representation !== null
    if (chosen && acceptsOrganizations(context.policy)) {
      await createRepresentations(deps).rememberChoice(trx, person.id, context.client.clientId, ref)
    }
    if (organization !== undefined && earnsTrust(person.id, context.row.proofs)) {
      await createOrganizationLogin(deps).trustBrowser(
        trx,
        organization.organizationId,
        person.id,
        context.browserHash
      )
    }
    const acting = {
      role: ref.role,
      organizationId: ref.role === 'self' ? null : ref.organizationId,
      delegationId: ref.role === 'agent' ? ref.delegationId : null
    }
    const about = {
      personId: person.id,
      clientId: context.client.clientId,
      loginAttemptUid: context.uid,
      address: input.address,
      traceId: input.traceId,
      ...acting
    }
    if (chosen) await deps.audit.record(trx, { ...about, type: 'representation.chosen' })
    await deps.audit.record(trx, {
      ...about,
      type: 'login.succeeded',
      details: { acr: outcome.acr, amr: outcome.amr, method: input.method, sso: context.row.proofs.length === 0 }
    })
  })
  deps.metrics.logins.inc({ outcome: 'succeeded', method: input.method })
  return interaction.returnTo
}

/** The person or the rules say no: the relying site gets a standard error (RFC 6749 §4.1.2.1). */
export async function refuseLogin (
  deps: LoginDeps,
  context: LoginContext,
  error: { error: string; error_description: string },
  input: { address: string; traceId: string }
): Promise<string> {
  await deps.db.transaction().execute(async (trx) => {
    if (!(await finishAttempt(trx, context.uid, context.browserHash))) return
    await saveInteractionResult(trx, { uid: context.uid, result: error, dropSession: false })
    await deps.audit.record(trx, {
      type: error.error === 'access_denied' ? 'login.cancelled' : 'login.refused',
      personId: context.person?.id ?? null,
      clientId: context.client.clientId,
      loginAttemptUid: context.uid,
      address: input.address,
      traceId: input.traceId,
      reason: error.error
    })
  })
  return context.interaction.returnTo
}
