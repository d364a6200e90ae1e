/**
 * After an agent's application: the delegation that the agent asks for, proposed, verified and submitted in the agent's
 * name.
 */
import { inTransaction } from '../../database/transaction.ts'
import type { RegistrationDeps } from './deps.ts'
import { delegationEnd } from '../../domain/representation/registration.ts'
import { shanghaiDate } from '../../ports/clock.ts'
import { createDelegations } from '../../records/organizations/index.ts'
import { OutboxPermanentError, type OutboxHandler } from '../../records/outbox/index.ts'

export const registrationTopic = 'registration-delegation'

export interface DelegationOrder {
  registrationId: string
  organizationId: string
  agentId: string
  years: number
  address: string
  traceId: string
}

/**
 * Through the outbox, because it is several transactions: after an interruption, the next delivery starts with a new
 * draft (which replaces the old one), and finds what was submitted already.
 */
export function registrationHandler (deps: RegistrationDeps): OutboxHandler {
  const delegations = createDelegations(deps)
  return async (payload) => {
    const { registrationId, organizationId, agentId, years, address, traceId } = payload as unknown as DelegationOrder
    const actor = { personId: agentId, address, traceId }
    const validFrom = shanghaiDate(deps.clock.now())
    const proposed = await delegations.propose(
      {
        organizationId,
        agentId,
        functions: null,
        clientIds: null,
        validFrom,
        validTo: delegationEnd(validFrom, years)
      },
      'agent',
      actor
    )
    if (!proposed.ok) {
      if (proposed.code === 'already_waiting') return
      throw new OutboxPermanentError(`the delegation was refused: ${proposed.code}`)
    }
    const { id, version } = proposed
    await inTransaction(deps.db, async (trx) => {
      // scan and face check were for the application, in which the delegation was requested
      await delegations.agentVerified(trx, id, version)
      await trx.updateTable('registration').set({ delegationId: id }).where('id', '=', registrationId).execute()
    })
    if (!(await delegations.submit(id, version, actor))) throw new Error('the delegation was not submitted')
  }
}
