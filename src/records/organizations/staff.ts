/** Staff suspend and release an organization. Kora follows its entry in the register meanwhile. */
import { sql } from 'kysely'
import { inTransaction } from '../../database/transaction.ts'
import type { OrganizationsDeps } from './deps.ts'
import type { AuditActor } from '../audit/index.ts'
import { endDelegations } from './delegations/end.ts'
import { notify } from '../messages/index.ts'
import { endContext } from './end-context.ts'
import { lockOrganization } from './repository.ts'
import { revokeTrustedBrowsers } from './trusted-browsers.ts'

export interface StaffAct {
  actor: AuditActor
  reason: string
  address: string | null
  traceId: string | null
}

/** active → suspended, with everything that follows when the register says so. False: it is not active. */
export async function suspendOrganization (
  deps: OrganizationsDeps,
  act: StaffAct,
  organizationId: string
): Promise<boolean> {
  return await inTransaction(deps.db, async (trx) => {
    const organization = await lockOrganization(trx, organizationId)
    if (organization === null) return false
    const row = await trx
      .updateTable('organization')
      .set({ status: 'suspended', staffHold: true, updatedAt: sql<Date>`now()` })
      .where('id', '=', organizationId)
      .where('status', '=', 'active')
      .returning('legalRepresentativeId')
      .executeTakeFirst()
    if (row === undefined) return false
    await deps.audit.record(trx, {
      type: 'organization.suspended',
      ...act,
      organizationId,
      personId: row.legalRepresentativeId
    })
    await endContext(trx, deps, {
      contextId: `lr:${organizationId}`,
      about: {
        reason: 'organization_suspended',
        ...(act.traceId === null ? {} : { traceId: act.traceId })
      }
    })
    await endDelegations(trx, deps, {
      organization,
      ending: {
        to: 'suspended',
        withdrawSubmitted: false,
        reason: 'organization_suspended',
        message: 'organization-suspended'
      }
    })
    await revokeTrustedBrowsers(trx, { organizationId })
    if (row.legalRepresentativeId !== null) {
      await notify(trx, deps, {
        personId: row.legalRepresentativeId,
        kind: 'organization-suspended',
        data: { organization: organization.name, uscc: organization.uscc },
        sms: true
      })
    }
    return true
  })
}

/**
 * Ends the suspension by staff. `active`: the register allows it, so the organization is active again; otherwise it
 * stays suspended because of the register. Delegations do not return by themselves: each needs a new approval. False:
 * there is no suspension.
 */
export async function releaseOrganization (
  deps: OrganizationsDeps,
  { act, organizationId, active }: { act: StaffAct; organizationId: string; active: boolean }
): Promise<boolean> {
  return await inTransaction(deps.db, async (trx) => {
    const row = await trx
      .updateTable('organization')
      .set({
        staffHold: false,
        updatedAt: sql<Date>`now()`,
        status: active
          ? sql<'active'>`case when status = 'suspended' then 'active' else status end`
          : sql<'active'>`status`
      })
      .where('id', '=', organizationId)
      .where('staffHold', '=', true)
      .returning(['legalRepresentativeId', 'status', 'name', 'uscc'])
      .executeTakeFirst()
    if (row === undefined) return false
    await deps.audit.record(trx, {
      type: 'organization.resumed',
      ...act,
      organizationId,
      personId: row.legalRepresentativeId,
      details: { to: row.status }
    })
    if (row.status === 'active' && row.legalRepresentativeId !== null) {
      await notify(trx, deps, {
        personId: row.legalRepresentativeId,
        kind: 'organization-resumed',
        data: { organization: row.name, uscc: row.uscc },
        sms: true
      })
    }
    return true
  })
}

/** The register was asked by staff, now. */
export async function noteChecked (
  deps: Pick<OrganizationsDeps, 'db' | 'audit'>,
  {
    act,
    organizationId,
    details
  }: { act: StaffAct; organizationId: string; details: Record<string, string | number | boolean | null | string[]> }
): Promise<void> {
  await inTransaction(deps.db, async (trx) => {
    await trx
      .updateTable('organization')
      .set({ registerCheckedAt: sql<Date>`now()` })
      .where('id', '=', organizationId)
      .execute()
    await deps.audit.record(trx, { type: 'organization.checked', ...act, organizationId, details })
  })
}
