import { sql } from 'kysely'
import { inTransaction } from '../../../database/transaction.ts'
import { inForceStates, waitingStates, type DelegationState } from '../../../domain/representation/delegation.ts'
import type { OrganizationsDeps } from '../deps.ts'
import type { AuditActor, AuditEventType, StaffEventType } from '../../audit/index.ts'
import type { MessageKind } from '../../messages/index.ts'
import { endContext } from '../end-context.ts'
import { lockOrganizationByDelegation, shanghaiToday, type LockedOrganization, type Trx } from '../repository.ts'
import { revokeTrustedBrowsers } from '../trusted-browsers.ts'
import { tell } from './tell.ts'
import { cleanReason } from '../../../domain/reason.ts'
import { byAgent, byLegalRepresentative, recordRefused, transition, type Changed } from './transition.ts'
import type { Actor } from './types.ts'

interface Ending {
  to: Extract<DelegationState, 'revoked' | 'suspended' | 'expired'>
  event: Exclude<AuditEventType, StaffEventType>
  message: MessageKind
  by: 'legal_representative' | 'agent'
  /** Kept in the row. */
  reason: string
}

/** The legal representative takes it back. */
export const revoke = async (
  deps: OrganizationsDeps,
  { id, reason, actor }: { id: string; reason: string; actor: Actor }
): Promise<boolean> =>
  await endByPerson(deps, {
    id,
    ending: {
      to: 'revoked',
      event: 'delegation.revoked',
      message: 'delegation-revoked',
      by: 'legal_representative',
      reason: cleanReason(reason)
    },
    actor
  })

/** The legal representative suspends it; a new version, approved like any other, resumes it. */
export const suspend = async (
  deps: OrganizationsDeps,
  { id, reason, actor }: { id: string; reason: string; actor: Actor }
): Promise<boolean> =>
  await endByPerson(deps, {
    id,
    ending: {
      to: 'suspended',
      event: 'delegation.suspended',
      message: 'delegation-suspended',
      by: 'legal_representative',
      reason: cleanReason(reason)
    },
    actor
  })

/** The agent gives it back. */
export const resign = async (deps: OrganizationsDeps, id: string, actor: Actor): Promise<boolean> =>
  await endByPerson(deps, {
    id,
    ending: {
      to: 'revoked',
      event: 'delegation.resigned',
      message: 'delegation-resigned',
      by: 'agent',
      reason: 'resigned'
    },
    actor
  })

async function endByPerson (
  deps: OrganizationsDeps,
  { id, ending, actor }: { id: string; ending: Ending; actor: Actor }
): Promise<boolean> {
  return await inTransaction(deps.db, async (trx) => {
    const organization = await lockOrganizationByDelegation(trx, id)
    if (organization === null) return false
    const only = ending.by === 'agent' ? byAgent(actor.personId) : byLegalRepresentative(actor.personId)
    const [row] = await transition(trx, { id, to: ending.to, only, reason: ending.reason, moment: 'ended_at' })
    if (row === undefined) {
      if (ending.by === 'legal_representative' && organization.legalRepresentativeId !== actor.personId) {
        await recordRefused(trx, deps, ending.to === 'revoked' ? 'revoke' : 'suspend', {
          actor,
          organization,
          id,
          code: 'not_legal_representative'
        })
      }
      return false
    }
    if (ending.to === 'revoked') {
      await withdrawWaiting(deps, trx, {
        organization,
        id,
        by: {
          actor: `person:${actor.personId}`,
          personId: actor.personId,
          traceId: actor.traceId
        }
      })
    }
    await deps.audit.record(trx, {
      type: ending.event,
      actor: `person:${actor.personId}`,
      personId: actor.personId,
      organizationId: organization.id,
      delegationId: id,
      role: ending.by,
      address: actor.address,
      traceId: actor.traceId,
      details: { version: row.version, ...bothNames(organization, row.agentId) }
    })
    await takeEffect(deps, trx, {
      organization,
      changed: row,
      reason: `delegation_${ending.to}`,
      traceId: actor.traceId
    })
    // a former agent knows the organization's password
    if (ending.to === 'revoked') {
      await trx
        .updateTable('organization')
        .set({ passwordMustChange: true })
        .where('id', '=', organization.id)
        .where('passwordHash', 'is not', null)
        .execute()
    }
    await tell(trx, deps, { kind: ending.message, about: { ...row, organization }, reason: ending.reason })
    return true
  })
}

/**
 * The agent whose delegation ended, and the legal representative of the organization: the audit trail names both,
 * independent of the actor.
 */
const bothNames = (
  { legalRepresentativeId }: LockedOrganization,
  agent: string
): { agent: string; representative: string | null } => ({ agent, representative: legalRepresentativeId })

interface TakeEffectInput {
  organization: LockedOrganization
  changed: Changed
  reason: string
  traceId?: string | undefined
}

/** Ends everything that the context gave, and the agent's browsers that stood for this organization's password. */
export async function takeEffect (
  deps: OrganizationsDeps,
  trx: Trx,
  { organization, changed: { id, agentId }, reason, traceId }: TakeEffectInput
): Promise<void> {
  await endContext(trx, deps, { contextId: id, about: { reason, traceId } })
  await revokeTrustedBrowsers(trx, { organizationId: organization.id, personId: agentId })
}

/** An open new version of what was taken back. */
export async function withdrawWaiting (
  deps: OrganizationsDeps,
  trx: Trx,
  {
    organization,
    id,
    by,
    reason = 'delegation_revoked'
  }: {
    organization: LockedOrganization
    id: string
    by: { actor: AuditActor; personId: string | null; traceId: string | null; address?: string | null }
    reason?: string
  }
): Promise<Changed[]> {
  const withdrawn = await transition(trx, {
    id,
    from: waitingStates,
    to: 'withdrawn',
    only: sql`true`,
    reason,
    moment: 'ended_at'
  })
  for (const { version, agentId } of withdrawn) {
    await deps.audit.record(trx, {
      type: 'delegation.withdrawn',
      ...by,
      organizationId: organization.id,
      delegationId: id,
      reason,
      details: { version, ...bothNames(organization, agentId) }
    })
  }
  return withdrawn
}

export interface OrganizationEnding {
  to: 'suspended' | 'revoked'
  /** Open applications are void too. */
  withdrawSubmitted: boolean
  reason: 'legal_representative_changed' | 'organization_suspended' | 'organization_dissolved'
  /** The notification to the agents. */
  message: MessageKind
}

/**
 * Ends every delegation of an organization, because of a change in the register. The caller has locked and changed the
 * organization; `organization` is its former state. Returns how many delegations ended.
 */
export async function endDelegations (
  trx: Trx,
  deps: OrganizationsDeps,
  { organization, ending }: { organization: LockedOrganization; ending: OrganizationEnding }
): Promise<number> {
  const { to, reason } = ending
  const targets = await trx
    .selectFrom('delegation')
    .select(['id', 'version', 'state'])
    .where('organizationId', '=', organization.id)
    .where('state', 'in', [...inForceStates, ...(ending.withdrawSubmitted ? ['submitted' as const] : [])])
    .orderBy('id')
    .orderBy('version')
    .execute()
  let ended = 0
  for (const { id, version, state } of targets) {
    const open = state === 'submitted'
    const [row] = await transition(trx, {
      id,
      version,
      from: [state],
      to: open ? 'withdrawn' : to,
      only: sql`true`,
      reason,
      moment: 'ended_at'
    })
    if (row === undefined) continue
    await deps.audit.record(trx, {
      type: open ? 'delegation.withdrawn' : to === 'suspended' ? 'delegation.suspended' : 'delegation.revoked',
      actor: 'system',
      personId: row.agentId,
      organizationId: organization.id,
      delegationId: id,
      reason,
      details: { version, ...bothNames(organization, row.agentId) }
    })
    if (!open) {
      await takeEffect(deps, trx, { organization, changed: row, reason })
      ended += 1
    }
    await tell(
      trx,
      deps,
      { kind: open ? 'delegation-withdrawn' : ending.message, about: { ...row, organization }, reason, to: 'agent' }
    )
  }
  return ended
}

/**
 * Worker: ends delegations past their last day (Asia/Shanghai, database clock), each in a transaction of its own, at
 * most `batch`. Returns how many ended; a full batch means there are more.
 */
export async function expireDue (deps: OrganizationsDeps, batch = 200): Promise<number> {
  const due = await deps.db
    .selectFrom('delegation')
    .select(['id', 'version'])
    .where('state', 'in', inForceStates)
    .where('validTo', '<', shanghaiToday)
    .orderBy('validTo')
    .limit(batch)
    .execute()
  let ended = 0
  for (const { id, version } of due) {
    try {
      if (await expire(deps, id, version)) ended += 1
    } catch (error) {
      // one that cannot be ended now must not delay the others; nobody can use it any more in any case
      deps.log.warn({ err: error, delegationId: id }, 'a delegation past its last day could not be ended; tried again')
    }
  }
  return ended
}

async function expire (deps: OrganizationsDeps, id: string, version: number): Promise<boolean> {
  return await inTransaction(deps.db, async (trx) => {
    const organization = await lockOrganizationByDelegation(trx, id)
    if (organization === null) return false
    const [row] = await transition(trx, {
      id,
      version,
      to: 'expired',
      only: sql<boolean>`d.valid_to < ${shanghaiToday}`,
      moment: 'ended_at'
    })
    if (row === undefined) return false
    await deps.audit.record(trx, {
      type: 'delegation.expired',
      personId: row.agentId,
      organizationId: organization.id,
      delegationId: id,
      details: { version, ...bothNames(organization, row.agentId) }
    })
    await takeEffect(deps, trx, { organization, changed: row, reason: 'delegation_expired' })
    await tell(trx, deps, { kind: 'delegation-expired', about: { ...row, organization } })
    return true
  })
}
