/**
 * What staff may do to a delegation: suspend or revoke it. Only the legal representative may give one: staff who try
 * are refused, and the attempt is audited.
 */
import { sql } from 'kysely'
import { inTransaction } from '../../../database/transaction.ts'
import type { OrganizationsDeps } from '../deps.ts'
import type { AuditActor } from '../../audit/index.ts'
import { lockOrganizationByDelegation, type LockedOrganization, type Trx } from '../repository.ts'
import { takeEffect, withdrawWaiting } from './end.ts'
import { tell } from './tell.ts'
import { cleanReason } from '../../../domain/reason.ts'
import { transition } from './transition.ts'

export interface StaffAct {
  actor: AuditActor
  reason: string
  address: string | null
  traceId: string | null
}

/**
 * active → suspended or revoked; suspended → revoked; what waits → withdrawn, when it is revoked. Everything of that
 * context ends in the same transaction; both people are notified.
 */
export async function endByStaff (
  deps: OrganizationsDeps,
  { id, to, staffAct }: { id: string; to: 'suspended' | 'revoked'; staffAct: StaffAct }
): Promise<boolean> {
  const { actor, reason, address, traceId } = staffAct
  return await inTransaction(deps.db, async (trx) => {
    const organization = await lockOrganizationByDelegation(trx, id)
    if (organization === null) return false
    const [row] = await transition(trx, {
      id,
      to,
      only: sql`true`,
      reason: `by_staff: ${cleanReason(reason)}`,
      moment: 'ended_at'
    })
    if (row === undefined) {
      if (to === 'suspended') return false
      return await withdrawByStaff(deps, trx, { organization, id, staffAct })
    }
    if (to === 'revoked') {
      await withdrawWaiting(deps, trx, { organization, id, by: { actor, personId: null, traceId } })
    }
    await deps.audit.record(trx, {
      type: to === 'revoked' ? 'delegation.revoked' : 'delegation.suspended',
      actor,
      personId: row.agentId,
      organizationId: organization.id,
      delegationId: id,
      address,
      traceId,
      reason,
      details: { version: row.version }
    })
    await takeEffect(deps, trx, {
      organization,
      changed: row,
      reason: `delegation_${to}`,
      traceId: traceId ?? undefined
    })
    if (to === 'revoked') {
      await trx
        .updateTable('organization')
        .set({ passwordMustChange: true })
        .where('id', '=', organization.id)
        .where('passwordHash', 'is not', null)
        .execute()
    }
    await tell(trx, deps, {
      kind: to === 'revoked' ? 'delegation-revoked' : 'delegation-suspended',
      about: { ...row, organization },
      reason: `by_staff: ${cleanReason(reason)}`
    })
    return true
  })
}

/** Staff tried to approve in place of the legal representative: only an event is written. */
export async function refuseApprovalByStaff (
  deps: Pick<OrganizationsDeps, 'db' | 'audit'>,
  id: string,
  { actor, reason, address, traceId }: StaffAct
): Promise<void> {
  await inTransaction(deps.db, async (trx) => {
    const row = await trx
      .selectFrom('delegation')
      .select(['organizationId', 'agentId'])
      .where('id', '=', id)
      .limit(1)
      .executeTakeFirst()
    await deps.audit.record(trx, {
      type: 'delegation.refused',
      actor,
      personId: row?.agentId ?? null,
      organizationId: row?.organizationId ?? null,
      delegationId: row === undefined ? null : id,
      address,
      traceId,
      reason: 'not_legal_representative',
      details: { act: 'approve', words: reason }
    })
  })
}

/** Nothing is in force: what waits for the legal representative ends, so that nobody approves it any more. */
async function withdrawByStaff (
  deps: OrganizationsDeps,
  trx: Trx,
  {
    organization,
    id,
    staffAct: { actor, reason, address, traceId }
  }: { organization: LockedOrganization; id: string; staffAct: StaffAct }
): Promise<boolean> {
  const withdrawn = await withdrawWaiting(deps, trx, {
    organization,
    id,
    by: { actor, personId: null, address, traceId },
    reason
  })
  for (const row of withdrawn) {
    await tell(trx, deps, {
      kind: 'delegation-withdrawn',
      about: { ...row, organization },
      reason: `by_staff: ${cleanReason(reason)}`
    })
  }
  return withdrawn.length > 0
}
