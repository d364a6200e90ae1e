/**
 * Writes one demo organization as the product would have left it: rows of organization and delegation with digests and
 * approvals.
 */
import { randomBytes } from 'node:crypto'
import type { Transaction } from 'kysely'
import { newIdentifier } from '../domain/identifier.ts'
import type { Database } from '../database/schema.ts'
import { delegationDigest } from '../domain/representation/delegation.ts'
import { loadContent, insertOrganization, newOrganizationId } from '../records/organizations/index.ts'
import { shanghaiDate } from '../ports/clock.ts'
import type { SimulatorsDeps } from './deps.ts'
import type { DemoDelegation, DemoOrganization } from './demo-organizations.ts'

const day = 86_400_000

/** `people`: ids by handle. */
export async function insertDemoOrganization (
  trx: Transaction<Database>,
  deps: SimulatorsDeps,
  {
    organization,
    people,
    passwordHash
  }: { organization: DemoOrganization; people: ReadonlyMap<string, string>; passwordHash: string }
): Promise<void> {
  const { uscc, name, status, registeredRegion } = organization
  const id = newOrganizationId()
  const legalRepresentativeId = findPersonId(people, organization.legalRepresentative)
  await insertOrganization(trx, {
    crypto: deps.crypto,
    organization: {
      uscc,
      name,
      status,
      passwordHash,
      legalRepresentativeId,
      registerVersion: 1,
      ...(registeredRegion === undefined ? {} : { registeredRegion })
    },
    id
  })
  for (const delegation of organization.delegations) {
    await insertDelegation(trx, deps, {
      organization: { id, uscc, name },
      legalRepresentativeId,
      delegation,
      agentId: findPersonId(people, delegation.agent)
    })
  }
}

interface InsertDelegationInput {
  organization: { id: string; uscc: string; name: string }
  legalRepresentativeId: string
  delegation: DemoDelegation
  agentId: string
}

async function insertDelegation (
  trx: Transaction<Database>,
  deps: SimulatorsDeps,
  { organization, legalRepresentativeId, delegation, agentId }: InsertDelegationInput
): Promise<void> {
  const {
    state,
    functions,
    clientIds,
    days: [from, to],
    reason
  } = delegation
  const now = deps.clock.now()
  const begin = now + from * day
  const id = newIdentifier(16, 'dlg_')
  const shown = { functions, clientIds, validFrom: shanghaiDate(begin), validTo: shanghaiDate(now + to * day) }
  const content = await loadContent(trx, deps, { delegationId: id, version: 1, organization, agentId, ...shown })
  if (content === null) throw new Error(`the agent of ${id} is not there`)
  const approved = state !== 'submitted' && state !== 'rejected'
  const over = state === 'expired' ? now + (to + 1) * day : now - day / 2
  await trx
    .insertInto('delegation')
    .values({
      id,
      version: 1,
      organizationId: organization.id,
      agentId,
      state,
      functions: functions === null ? null : JSON.stringify(functions),
      clientIds: clientIds === null ? null : JSON.stringify(clientIds),
      validFrom: shown.validFrom,
      validTo: shown.validTo,
      digest: delegationDigest(content),
      // the agent applied, the legal representative decided
      createdBy: agentId,
      approverId: approved ? legalRepresentativeId : null,
      approvalTicketId: approved ? newIdentifier(16, 'st_') : null,
      faceCheckId: approved ? randomBytes(16).toString('hex') : null,
      reason: reason ?? null,
      createdAt: new Date(begin - 3_600_000),
      submittedAt: new Date(begin - 1_800_000),
      decidedAt: state === 'submitted' ? null : new Date(begin),
      endedAt: state === 'revoked' || state === 'expired' ? new Date(over) : null
    })
    .execute()
}

function findPersonId (people: ReadonlyMap<string, string>, handle: string): string {
  const id = people.get(handle)
  if (id === undefined) throw new Error(`no demo person is called ${handle}`)
  return id
}
