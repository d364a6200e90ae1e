import { sql } from 'kysely'
import { inTransaction } from '../../../database/transaction.ts'
import { approvalSubject, findPresence, type DelegationLimits } from '../../../domain/representation/delegation.ts'
import type { Proof } from '../../../domain/login/next-step.ts'
import type { OrganizationsDeps } from '../deps.ts'
import { endContext } from '../end-context.ts'
import { lockOrganizationByDelegation, shanghaiToday, type LockedOrganization, type Trx } from '../repository.ts'
import { submittedContent } from './content.ts'
import { tell } from './tell.ts'
import { cleanReason } from '../../../domain/reason.ts'
import { byLegalRepresentative, recordRefused, transition } from './transition.ts'
import type { Actor } from './types.ts'

export type Approver = Actor & { ticketId: string }
export type ApprovalRefusal =
  'stale' | 'not_legal_representative' | 'self_approval' | 'face_required' | 'too_many_agents' | 'ticket_used'

/** A version of a delegation as it was shown, and the approver. */
export interface Approval {
  id: string
  version: number
  digest: string
  approver: Approver
  /** Consumes the ticket that the approver confirmed, and returns its proofs; null: it proves nothing (any more). */
  takeProofs: (trx: Trx) => Promise<Proof[] | null>
}

interface Deciding extends Approval {
  limits: DelegationLimits
}

/**
 * submitted → active. One statement has all conditions of an approval: this version, this digest, the present legal
 * representative, an approver who is not the agent, and the ticket that showed exactly this to the approver's phone
 * with the approver's face check (or an in-person code). The former version in force is superseded in the same
 * transaction. The ticket is consumed with the decision; if nothing is decided, it stays unused.
 */
export async function approve (
  deps: OrganizationsDeps,
  input: Deciding
): Promise<{ ok: true } | { ok: false; code: ApprovalRefusal }> {
  return await inTransaction(deps.db, async (trx) => {
    const refused = await inTransaction<Refused | null>(trx, async (part, rollback) => {
      const proofs = await input.takeProofs(part)
      if (proofs === null) throw rollback({ code: 'ticket_used', event: null })
      const presence = findPresence(proofs, input.approver.personId, input.approver.ticketId)
      if (presence !== null && (await decide(part, deps, { ...input, ...presence }))) return null
      throw rollback(await whyNot(part, deps, { ...input, present: presence !== null }))
    })
    if (refused === null) return { ok: true }
    if (refused.event !== null) await recordRefused(trx, deps, 'approve', refused.event)
    return { ok: false, code: refused.code }
  })
}

const agentsBeside = sql<number>`(select count(*) from delegation x where x.organization_id = n.organization_id
  and x.agent_id <> n.agent_id and x.state in ('active', 'suspended'))`

interface ApprovableInput {
  delegationLimits: DelegationLimits
  version: number
  digest: string
  approver: Approver
  subject: string
}

const approvable = ({
  delegationLimits: { maximumAgents },
  version,
  digest,
  approver: { personId, ticketId },
  subject
}: ApprovableInput) => sql<boolean>`
  n.version = ${version} and n.state = 'submitted' and n.digest = ${digest} and n.valid_to >= ${shanghaiToday}
  and ${agentsBeside} < ${maximumAgents}
  and exists (select 1 from organization o, person lr, person agent
               where o.id = n.organization_id and o.legal_representative_id = ${personId}
                 and o.status in ('active', 'pending')
                 and lr.id = ${personId} and lr.status = 'active' and agent.id = n.agent_id
                 and lr.id <> agent.id and lr.cert_no_index is distinct from agent.cert_no_index)
  and exists (select 1 from scan_ticket t
               where t.id = ${ticketId} and t.purpose = 'approve-delegation' and t.subject_ref = ${subject}
                 and t.person_id = ${personId}
                 and t.state = 'consumed' and t.proof is not null and t.consumed_at > now() - interval '10 minutes')`

async function decide (
  outer: Trx,
  deps: OrganizationsDeps,
  { limits, id, version, digest, approver, faceCheckId }: Deciding & { faceCheckId: string | null }
): Promise<boolean> {
  return await inTransaction<boolean>(outer, async (trx, rollback) => {
    const organization = await lockOrganizationByDelegation(trx, id)
    if (organization === null) return false
    // what would be approved is what was shown, even if a name was corrected since
    if ((await submittedContent(trx, deps, { id, version }))?.digest !== digest) return false
    const conditions = approvable({
      delegationLimits: limits,
      version,
      digest,
      approver,
      subject: approvalSubject(id, version, digest)
    })
    // first, because only one version may be in force; under the same conditions, because nothing may be replaced by a
    // version that is not approved
    const old = await sql<{ id: string; version: number }>`
      update delegation d set state = 'superseded', ended_at = now() from delegation n
       where n.id = ${id} and ${conditions} and d.organization_id = n.organization_id and d.agent_id = n.agent_id
         and d.state in ('active', 'suspended')
      returning d.id, d.version`.execute(trx)
    const { rows } = await sql<{ agentId: string; validTo: string }>`
      update delegation n set state = 'active', approver_id = ${approver.personId},
        approval_ticket_id = ${approver.ticketId},
             face_check_id = ${faceCheckId}, decided_at = now()
       where n.id = ${id} and ${conditions}
      returning n.agent_id, n.valid_to`.execute(trx)
    const row = rows[0]
    if (row === undefined) throw rollback(false)
    const about = { organizationId: organization.id, address: approver.address, traceId: approver.traceId }
    for (const former of old.rows) {
      await deps.audit.record(trx, {
        type: 'delegation.superseded',
        ...about,
        personId: row.agentId,
        delegationId: former.id,
        details: { version: former.version }
      })
      await endContext(trx, deps, {
        contextId: former.id,
        about: { reason: 'delegation_superseded', traceId: approver.traceId }
      })
    }
    await deps.audit.record(trx, {
      type: 'delegation.approved',
      ...about,
      personId: approver.personId,
      delegationId: id,
      role: 'legal_representative',
      details: { version, agent: row.agentId, ticketId: approver.ticketId, faceCheckId, digest }
    })
    await admit(deps, trx, { organization, approver })
    await tell(trx, deps, { kind: 'delegation-approved', about: { id, version, ...row, organization } })
    return true
  })
}

/** An organization that its agent registered becomes active when its legal representative has signed in. */
async function admit (
  deps: OrganizationsDeps,
  trx: Trx,
  { organization, approver: { personId, address, traceId } }: { organization: LockedOrganization; approver: Approver }
): Promise<void> {
  const row = await trx
    .updateTable('organization')
    .set({ status: 'active', updatedAt: sql<Date>`now()` })
    .where('id', '=', organization.id)
    .where('status', '=', 'pending')
    .returning('id')
    .executeTakeFirst()
  if (row !== undefined) {
    await deps.audit.record(trx, {
      type: 'organization.approved',
      personId,
      organizationId: organization.id,
      role: 'legal_representative',
      address,
      traceId
    })
  }
}

interface Refused {
  code: ApprovalRefusal
  /** To be kept, unless it is an accident. */
  event: Parameters<typeof recordRefused>[3] | null
}

/** Only to explain a refusal. */
async function whyNot (
  trx: Trx,
  deps: OrganizationsDeps,
  { limits, id, version, digest, approver, present }: Deciding & { present: boolean }
): Promise<Refused> {
  const organization = await lockOrganizationByDelegation(trx, id)
  if (organization === null) return { code: 'stale', event: null }
  const row = await trx
    .selectFrom('delegation as n')
    .innerJoin('person as a', 'a.id', 'n.agentId')
    .leftJoin('person as p', (join) => join.on('p.id', '=', approver.personId))
    .select([
      'n.state',
      'n.digest',
      'a.id as agentId',
      'a.certNoIndex as agentIndex',
      'p.certNoIndex as approverIndex',
      agentsBeside.as('agents')
    ])
    .where('n.id', '=', id)
    .where('n.version', '=', version)
    .executeTakeFirst()
  const code =
    row === undefined
      ? 'stale'
      : row.agentId === approver.personId || (row.agentIndex !== null && row.agentIndex === row.approverIndex)
        ? 'self_approval'
        : organization.legalRepresentativeId !== approver.personId
          ? 'not_legal_representative'
          : row.state !== 'submitted' ||
              row.digest !== digest ||
              (await submittedContent(trx, deps, { id, version })) === null
            ? 'stale'
            : Number(row.agents) >= limits.maximumAgents
              ? 'too_many_agents'
              : present
                ? await ticketOrStale(trx, approver, approvalSubject(id, version, digest))
                : 'face_required'
  // decided meanwhile: a second click, not a forbidden act
  const lateOnly = code === 'stale' && row !== undefined && row.state !== 'submitted' && row.digest === digest
  if (lateOnly || code === 'too_many_agents') return { code, event: null }
  return { code, event: { actor: approver, organization, id, version, code } }
}

async function ticketOrStale (
  trx: Trx,
  { ticketId, personId }: Approver,
  subject: string
): Promise<'stale' | 'face_required'> {
  const ticket = await trx
    .selectFrom('scanTicket')
    .select('id')
    .where('id', '=', ticketId)
    .where('purpose', '=', 'approve-delegation')
    .where('subjectRef', '=', subject)
    .where('personId', '=', personId)
    .where('state', '=', 'consumed')
    .where('proof', 'is not', null)
    .executeTakeFirst()
  return ticket === undefined ? 'face_required' : 'stale'
}

interface RejectInput {
  id: string
  version: number
  reason: string
  actor: Actor
}

/** submitted → rejected, by the present legal representative. */
export async function reject (deps: OrganizationsDeps, { id, version, reason, actor }: RejectInput): Promise<boolean> {
  return await inTransaction(deps.db, async (trx) => {
    const organization = await lockOrganizationByDelegation(trx, id)
    if (organization === null) return false
    const [row] = await transition(trx, {
      id,
      version,
      to: 'rejected',
      only: byLegalRepresentative(actor.personId),
      reason: cleanReason(reason),
      moment: 'decided_at'
    })
    if (row === undefined) {
      if (organization.legalRepresentativeId !== actor.personId) {
        await recordRefused(trx, deps, 'reject', {
          actor,
          organization,
          id,
          version,
          code: 'not_legal_representative'
        })
      }
      return false
    }
    await deps.audit.record(trx, {
      type: 'delegation.rejected',
      personId: actor.personId,
      organizationId: organization.id,
      delegationId: id,
      role: 'legal_representative',
      address: actor.address,
      traceId: actor.traceId,
      details: { version, agent: row.agentId }
    })
    await tell(trx, deps, { kind: 'delegation-rejected', about: { ...row, organization }, reason: cleanReason(reason) })
    return true
  })
}

/**
 * Withdraws an undecided version, by its agent or by the legal representative who made it. The version in force stays.
 */
export async function withdraw (
  deps: OrganizationsDeps,
  { id, version, actor }: { id: string; version: number; actor: Actor }
): Promise<boolean> {
  return await inTransaction(deps.db, async (trx) => {
    const organization = await lockOrganizationByDelegation(trx, id)
    if (organization === null) return false
    const [row] = await transition(trx, {
      id,
      version,
      to: 'withdrawn',
      only: sql<boolean>`(d.agent_id = ${actor.personId} or (d.created_by = ${actor.personId}
        and ${byLegalRepresentative(actor.personId)}))`,
      moment: 'ended_at'
    })
    if (row === undefined) return false
    const role = row.agentId === actor.personId ? 'agent' : 'legal_representative'
    await deps.audit.record(trx, {
      type: 'delegation.withdrawn',
      personId: actor.personId,
      organizationId: organization.id,
      delegationId: id,
      role,
      address: actor.address,
      traceId: actor.traceId,
      details: { version, agent: row.agentId }
    })
    await tell(trx, deps, { kind: 'delegation-withdrawn', about: { ...row, organization } })
    return true
  })
}
