/**
 * Delegations (代理授权): an organization's permission for one agent. Owns the table delegation.
 *
 * domain/representation/delegation has the states and rules. Here each transition is one conditional statement, in one
 * transaction with its audit event, the end of tokens, sites' sessions and trusted browsers, and the messages to both
 * people. The row of the organization is locked first, so acts about one organization run one after another.
 */
import { defaultLimits, type DelegationLimits } from '../../../domain/representation/delegation.ts'
import type { OrganizationsDeps } from '../deps.ts'
import { submittedContent } from './content.ts'
import { approve, reject, withdraw } from './decide.ts'
import { expireDue, resign, revoke, suspend } from './end.ts'
import { propose } from './propose.ts'
import { agentVerified, submit } from './submit.ts'
import type { Delegations } from './types.ts'
import { find, listOfAgent, listOfOrganization } from './views.ts'

export type * from './types.ts'
export { listDelegations, type DelegationSearch } from './views.ts'
export { endByStaff, refuseApprovalByStaff } from './staff.ts'
export { delegationExpiry } from './expiry.ts'

export function createDelegations (deps: OrganizationsDeps, limits: DelegationLimits = defaultLimits): Delegations {
  return {
    propose: async (input, by, actor) => await propose(deps, { limits, input, by, actor }),
    agentVerified: async (trx, id, version) => await agentVerified(trx, deps, { id, version }),
    submit: async (id, version, actor) => await submit(deps, { id, version, actor }),
    content: async (id, version) => await submittedContent(deps.db, deps, { id, version }),
    approve: async (approval) => await approve(deps, { ...approval, limits }),
    reject: async (rejection) => await reject(deps, rejection),
    withdraw: async (id, version, actor) => await withdraw(deps, { id, version, actor }),
    revoke: async (id, reason, actor) => await revoke(deps, { id, reason, actor }),
    suspend: async (id, reason, actor) => await suspend(deps, { id, reason, actor }),
    resign: async (id, actor) => await resign(deps, id, actor),
    listOfOrganization: async (organizationId) => await listOfOrganization(deps, organizationId),
    listOfAgent: async (personId) => await listOfAgent(deps, personId),
    find: async (id) => await find(deps, id),
    expireDue: async () => await expireDue(deps)
  }
}
