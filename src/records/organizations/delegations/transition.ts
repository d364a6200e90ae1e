import { sql, type RawBuilder } from 'kysely'
import { delegationStates, mayBecome, type DelegationState } from '../../../domain/representation/delegation.ts'
import type { OrganizationsDeps } from '../deps.ts'
import type { LockedOrganization, Trx } from '../repository.ts'
import type { Actor } from './types.ts'

export interface Changed {
  id: string
  version: number
  agentId: string
  validTo: string
}

export interface Transition {
  id: string
  /** Without it: the version that is in one of `from`. */
  version?: number
  from?: readonly DelegationState[]
  to: DelegationState
  /** SQL over d (delegation) and o (its organization): who may do it, and what must be true. */
  only: RawBuilder<boolean>
  reason?: string | null
  /** Which moment this is in the row. */
  moment: 'submitted_at' | 'decided_at' | 'ended_at' | null
}

/**
 * One transition of domain/representation/delegation as one conditional statement; no row = refused. The caller holds
 * the lock on the organization (`lockOrganizationOf`), so what the condition reads of it cannot change before the
 * commit.
 */
export async function transition (
  trx: Trx,
  { id, version, from = delegationStates, to, only, reason, moment }: Transition
): Promise<Changed[]> {
  const possible = from.filter((state) => mayBecome(state, to))
  if (possible.length === 0) return []
  const states = sql.join(possible.map((state) => sql.lit(state)))
  const { rows } = await sql<Changed>`
    update delegation d set state =
      ${to}${
        reason === undefined
          ? sql``
          : sql`, reason =
        ${reason}`
      }${moment === null ? sql`` : sql`, ${sql.ref(moment)} = now()`}
      from organization o
     where o.id = d.organization_id and d.id = ${id} and (${version ?? null}::int is null
       or d.version = ${version ?? null}::int)
       and d.state in (${states}) and ${only}
    returning d.id, d.version, d.agent_id, d.valid_to`.execute(trx)
  return rows
}

export const byLegalRepresentative = (personId: string): RawBuilder<boolean> =>
  sql<boolean>`o.legal_representative_id = ${personId}`
export const byAgent = (personId: string): RawBuilder<boolean> => sql<boolean>`d.agent_id = ${personId}`

type Refusal = 'not_legal_representative' | 'not_agent' | 'self_approval' | 'stale' | 'face_required'

/** A person tried what is not theirs: audited, and the caller refuses. */
export async function recordRefused (
  trx: Trx,
  deps: Pick<OrganizationsDeps, 'audit'>,
  act: string,
  refused: { actor: Actor; organization: LockedOrganization; id: string; version?: number; code: Refusal }
): Promise<void> {
  const { actor, organization, id, version, code } = refused
  await deps.audit.record(trx, {
    type: 'delegation.refused',
    personId: actor.personId,
    organizationId: organization.id,
    delegationId: id,
    address: actor.address,
    traceId: actor.traceId,
    reason: code,
    details: { act, version: version ?? null }
  })
}
