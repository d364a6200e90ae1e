import { sql } from 'kysely'
import { newIdentifier } from '../../../domain/identifier.ts'
import { inTransaction } from '../../../database/transaction.ts'
import { clientPolicy } from '../../../domain/client/policy.ts'
import {
  checkDelegationValidity,
  delegationDigest,
  inForceStates,
  waitingStates,
  type DelegationLimits
} from '../../../domain/representation/delegation.ts'
import { DomainError } from '../../../domain/errors.ts'
import type { OrganizationsDeps } from '../deps.ts'
import { lockOrganization, shanghaiToday, type LockedOrganization, type Trx } from '../repository.ts'
import { loadContent } from './content.ts'
import { tell } from './tell.ts'
import type { Actor, DraftInput, DraftRefusal } from './types.ts'

const newDelegationId = (): string => newIdentifier(16, 'dlg_')

const refuse = (code: Exclude<DraftRefusal, { code: 'validity' }>['code']): DraftRefusal => ({ ok: false, code })

interface ProposeInput {
  limits: DelegationLimits
  input: DraftInput
  by: 'legal_representative' | 'agent'
  actor: Actor
}

/**
 * A new delegation, or the next version of the one in force. One by the legal representative is submitted at once; one
 * by an agent is a draft until the agent is verified. @throws DomainError `organization_not_active`,
 * `not_legal_representative`, `not_agent`, `unknown_person`
 */
export async function propose (
  deps: OrganizationsDeps,
  { limits, input, by, actor }: ProposeInput
): Promise<{ ok: true; id: string; version: number } | DraftRefusal> {
  const fields = { ...input, functions: unique(input.functions), clientIds: unique(input.clientIds) }
  return await inTransaction(deps.db, async (trx) => {
    const organization = await lockOrganization(trx, fields.organizationId)
    if (organization === null || (organization.status !== 'active' && organization.status !== 'pending')) {
      throw new DomainError('organization_not_active')
    }
    if (by === 'legal_representative' && organization.legalRepresentativeId !== actor.personId) {
      throw new DomainError('not_legal_representative')
    }
    if (by === 'agent' && fields.agentId !== actor.personId) throw new DomainError('not_agent')
    const refusal = await findRefusal(trx, { limits, organization, input: fields, by })
    if (refusal !== null) return refusal
    await dropDrafts(trx, deps, { organization, agentId: fields.agentId, actor })
    const { id, version } = await next(trx, fields)
    return await insert(trx, deps, { organization, draft: { ...fields, id, version }, by, actor })
  })
}

const unique = (list: string[] | null): string[] | null => (list === null ? null : [...new Set(list)].sort())

interface FindRefusalInput {
  limits: DelegationLimits
  organization: LockedOrganization
  input: DraftInput
  by: 'legal_representative' | 'agent'
}

async function findRefusal (
  trx: Trx,
  { limits, organization, input, by }: FindRefusalInput
): Promise<DraftRefusal | null> {
  const persons = await trx
    .selectFrom('person')
    .select(['id', 'certNoIndex', shanghaiToday.as('today')])
    .where('id', 'in', [input.agentId, organization.legalRepresentativeId ?? ''])
    .execute()
  const agent = persons.find(({ id }) => id === input.agentId)
  if (agent === undefined) throw new DomainError('unknown_person')
  // the same human being may have two accounts
  if (
    persons.some(
      ({ id, certNoIndex }) =>
        id === organization.legalRepresentativeId &&
        (id === agent.id || (certNoIndex !== null && certNoIndex === agent.certNoIndex))
    )
  ) {
    return refuse('self_delegation')
  }

  const own = await trx
    .selectFrom('delegation')
    .select(['state', 'validFrom'])
    .where('organizationId', '=', organization.id)
    .where('agentId', '=', input.agentId)
    .where('state', 'in', [...inForceStates, 'submitted'])
    .execute()
  if (own.some(({ state }) => state === 'submitted')) return refuse('already_waiting')
  const earliest = own[0] === undefined || own[0].validFrom > agent.today ? agent.today : own[0].validFrom
  const fault = checkDelegationValidity({
    validFrom: input.validFrom,
    validTo: input.validTo,
    today: agent.today,
    limits,
    earliest
  })
  if (fault !== null) return { ok: false, code: 'validity', fault }

  // applications of strangers take no place from agents whom the legal representative chooses
  const waiting =
    by === 'agent'
      ? sql<boolean>`state = 'submitted'`
      : sql<boolean>`state = 'submitted' and created_by = ${organization.legalRepresentativeId}`
  const others = await trx
    .selectFrom('delegation')
    .select(sql<number>`count(distinct agent_id)`.as('agents'))
    .where('organizationId', '=', organization.id)
    .where('agentId', '<>', input.agentId)
    .where((or) => or.or([or('state', 'in', inForceStates), waiting]))
    .executeTakeFirstOrThrow()
  if (Number(others.agents) >= limits.maximumAgents) return refuse('too_many_agents')
  return await catalogueRefusal(trx, input)
}

/**
 * Sites that exist and accept agents; functions that one of them publishes. An empty list allows nothing, so it is no
 * delegation.
 */
async function catalogueRefusal (trx: Trx, { clientIds, functions }: DraftInput): Promise<DraftRefusal | null> {
  if (clientIds === null && functions === null) return null
  let query = trx.selectFrom('client').select(['clientId', 'policy']).where('status', 'in', ['test', 'live'])
  if (clientIds !== null) query = query.where('clientId', 'in', ['', ...clientIds])
  const sites = (await query.execute())
    .map(({ clientId, policy }) => ({ clientId, policy: clientPolicy(policy) }))
    .filter(({ policy }) => policy.subjectKinds.includes('organization') && policy.roles.includes('agent'))
  if (
    clientIds !== null &&
    (clientIds.length === 0 || clientIds.some((clientId) => !sites.some((site) => site.clientId === clientId)))
  ) {
    return refuse('unknown_client')
  }
  const published = new Set(sites.flatMap(({ policy }) => policy.functions.map(({ code }) => code)))
  if (functions !== null && (functions.length === 0 || functions.some((code) => !published.has(code)))) {
    return refuse('unknown_function')
  }
  return null
}

/** A draft that was never submitted gives way. */
async function dropDrafts (
  trx: Trx,
  deps: OrganizationsDeps,
  { organization, agentId, actor }: { organization: LockedOrganization; agentId: string; actor: Actor }
): Promise<void> {
  const dropped = await trx
    .updateTable('delegation')
    .set({ state: 'withdrawn', reason: 'replaced', endedAt: sql<Date>`now()` })
    .where('organizationId', '=', organization.id)
    .where('agentId', '=', agentId)
    .where(
      'state',
      'in',
      waitingStates.filter((state) => state !== 'submitted')
    )
    .returning(['id', 'version'])
    .execute()
  for (const { id, version } of dropped) {
    await deps.audit.record(trx, {
      type: 'delegation.withdrawn',
      personId: actor.personId,
      organizationId: organization.id,
      delegationId: id,
      address: actor.address,
      traceId: actor.traceId,
      reason: 'replaced',
      details: { version, agent: agentId }
    })
  }
}

async function next (trx: Trx, { organizationId, agentId }: DraftInput): Promise<{ id: string; version: number }> {
  const inForce = await trx
    .selectFrom('delegation')
    .select('id')
    .where('organizationId', '=', organizationId)
    .where('agentId', '=', agentId)
    .where('state', 'in', inForceStates)
    .executeTakeFirst()
  if (inForce === undefined) return { id: newDelegationId(), version: 1 }
  const { latest } = await trx
    .selectFrom('delegation')
    .select((query) => query.fn.max('version').as('latest'))
    .where('id', '=', inForce.id)
    .executeTakeFirstOrThrow()
  return { id: inForce.id, version: latest + 1 }
}

interface InsertInput {
  organization: LockedOrganization
  draft: DraftInput & { id: string; version: number }
  by: 'legal_representative' | 'agent'
  actor: Actor
}

async function insert (
  trx: Trx,
  deps: OrganizationsDeps,
  { organization, draft, by, actor }: InsertInput
): Promise<{ ok: true; id: string; version: number }> {
  const { id, version, agentId, functions, clientIds, validFrom, validTo } = draft
  const content = await loadContent(trx, deps, {
    delegationId: id,
    version,
    organization,
    agentId,
    functions,
    clientIds,
    validFrom,
    validTo
  })
  if (content === null) throw new DomainError('unknown_person')
  const submitted = by === 'legal_representative'
  await trx
    .insertInto('delegation')
    .values({
      id,
      version,
      organizationId: organization.id,
      agentId,
      state: submitted ? 'submitted' : 'draft',
      functions: functions === null ? null : JSON.stringify(functions),
      clientIds: clientIds === null ? null : JSON.stringify(clientIds),
      validFrom,
      validTo,
      digest: submitted ? delegationDigest(content) : null,
      createdBy: actor.personId,
      submittedAt: submitted ? sql<Date>`now()` : null
    })
    .execute()
  const about = {
    personId: actor.personId,
    organizationId: organization.id,
    delegationId: id,
    role: by,
    address: actor.address,
    traceId: actor.traceId,
    details: { version, agent: agentId }
  }
  await deps.audit.record(trx, { type: version === 1 ? 'delegation.created' : 'delegation.changed', ...about })
  if (submitted) {
    await deps.audit.record(trx, { type: 'delegation.submitted', ...about })
    // the agent is notified; the legal representative is here
    await tell(trx, deps, {
      kind: 'delegation-submitted',
      about: { id, version, agentId, validTo, organization },
      to: 'agent'
    })
  }
  return { ok: true, id, version }
}
