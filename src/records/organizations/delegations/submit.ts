import { sql } from 'kysely'
import { inTransaction } from '../../../database/transaction.ts'
import { delegationDigest } from '../../../domain/representation/delegation.ts'
import type { OrganizationsDeps } from '../deps.ts'
import { lockOrganizationByDelegation, shanghaiToday, type Trx } from '../repository.ts'
import { storedContent } from './content.ts'
import { tell } from './tell.ts'
import { byLegalRepresentative, transition } from './transition.ts'
import type { Actor } from './types.ts'

/** draft → agent_verified: the agent has scanned and passed the face check. */
export async function agentVerified (
  trx: Trx,
  deps: Pick<OrganizationsDeps, 'audit'>,
  { id, version }: { id: string; version: number }
): Promise<boolean> {
  const organization = await lockOrganizationByDelegation(trx, id)
  const [row] = await transition(trx, { id, version, to: 'agent_verified', only: sql`true`, moment: null })
  if (organization === null || row === undefined) return false
  await deps.audit.record(trx, {
    type: 'delegation.agent-verified',
    personId: row.agentId,
    organizationId: organization.id,
    delegationId: id,
    role: 'agent',
    details: { version }
  })
  return true
}

/**
 * → submitted, by the verified agent or the legal representative. The digest of its present content is stored: from
 * here on the version never changes.
 */
export async function submit (
  deps: OrganizationsDeps,
  { id, version, actor }: { id: string; version: number; actor: Actor }
): Promise<boolean> {
  return await inTransaction(deps.db, async (trx) => {
    const organization = await lockOrganizationByDelegation(trx, id)
    const stored = await storedContent(trx, deps, { id, version })
    if (organization === null || stored === null) return false
    const [row] = await transition(trx, {
      id,
      version,
      to: 'submitted',
      only: sql<boolean>`(${byLegalRepresentative(actor.personId)} or (d.agent_id = ${actor.personId}
        and d.state = 'agent_verified'))
        and o.status in ('active', 'pending') and d.valid_to >= ${shanghaiToday}`,
      moment: 'submitted_at'
    })
    if (row === undefined) return false
    await trx
      .updateTable('delegation')
      .set({ digest: delegationDigest(stored.content) })
      .where('id', '=', id)
      .where('version', '=', version)
      .execute()
    const byAgent = row.agentId === actor.personId
    await deps.audit.record(trx, {
      type: 'delegation.submitted',
      personId: actor.personId,
      organizationId: organization.id,
      delegationId: id,
      role: byAgent ? 'agent' : 'legal_representative',
      address: actor.address,
      traceId: actor.traceId,
      details: { version, agent: row.agentId }
    })
    await tell(
      trx,
      deps,
      { kind: 'delegation-submitted', about: { ...row, organization }, to: byAgent ? 'legal_representative' : 'agent' }
    )
    return true
  })
}
