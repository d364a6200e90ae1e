/**
 * Organizations and delegations over the API: looking, stopping and taking back; giving is the legal representative's.
 */
import {
  actOnDelegation,
  listOrganizations,
  organizationDetail,
  recheck,
  release,
  suspend,
  type OrganizationLine
} from '../support/index.ts'
import { createDelegations, type DelegationView, listDelegations } from '../../records/organizations/index.ts'
import { answerOutcome } from './people.ts'
import { Problem } from './problems.ts'
import { buildList, readPage, pageParameters, route, type Call, type Route } from './routes.ts'

const wireOrganization = ({ createdAt, ...line }: OrganizationLine): object => ({ ...line, created_at: createdAt })

const wireDelegation = (view: DelegationView): object => ({
  id: view.id,
  version: view.version,
  state: view.state,
  organization_id: view.organizationId,
  uscc: view.uscc,
  organization_name: view.organizationName,
  agent_id: view.agentId,
  agent: { name: view.agent.maskedName, cert_no: view.agent.maskedCertNo, phone: view.agent.maskedPhone },
  functions: view.functions,
  client_ids: view.clientIds,
  valid_from: view.validFrom,
  valid_to: view.validTo,
  reason: view.reason,
  created_at: view.createdAt,
  submitted_at: view.submittedAt,
  decided_at: view.decidedAt,
  ended_at: view.endedAt
})

/** Version of a delegation after which the page starts. @throws Problem `malformed_query` */
function parseCursor (after: string | null): { id: string; version: number } | null {
  if (after === null) return null
  const [, id, version] = /^([\w-]{1,64}):(\d{1,6})$/.exec(after) ?? []
  if (id === undefined) {
    throw new Problem('malformed_query', {
      faults: [{ field: '/after', code: 'not_a_cursor', received: '', expected: 'next' }]
    })
  }
  return { id, version: Number(version) }
}

export const organizationRoutes: Route[] = [
  route({
    method: 'POST',
    path: '/organizations/search',
    operationId: 'findOrganizations',
    tag: 'organizations',
    summary: 'Organizations by code or part of the name, newest first',
    scope: 'kora.organizations:read',
    body: 'OrganizationQuery',
    answers: { 200: 'OrganizationList' },
    refusals: ['invalid_fields'],
    handle: async ({ deps, body }) => {
      const { limit, after } = readPage({
        limit: String(body.limit ?? 50),
        ...(body.after === undefined ? {} : { after: body.after })
      })
      const rows = await listOrganizations(deps, {
        text: body.text,
        status: body.status as OrganizationLine['status'] | undefined,
        after: after ?? undefined,
        limit: limit + 1
      })
      return { status: 200, body: buildList({ rows, limit, keyOf: ({ id }) => id, wire: wireOrganization }) }
    }
  }),
  route({
    method: 'GET',
    path: '/organizations/:organization_id',
    operationId: 'getOrganization',
    tag: 'organizations',
    summary: 'One organization',
    scope: 'kora.organizations:read',
    body: null,
    answers: { 200: 'OrganizationDetail' },
    refusals: ['not_found'],
    handle: async ({ deps, param }) => {
      const found = await organizationDetail(deps, param('organization_id'))
      if (found === null) throw new Problem('not_found')
      const { id, uscc, name, status, held, region, createdAt, register, legalRepresentative } = found
      return {
        status: 200,
        body: {
          id,
          uscc,
          name,
          status,
          held,
          region,
          created_at: createdAt,
          register_checked_at: register.checkedAt,
          legal_representative:
            legalRepresentative === null
              ? null
              : {
                  id: legalRepresentative.id,
                  name: legalRepresentative.name,
                  cert_no: legalRepresentative.certNo,
                  since: legalRepresentative.since
                }
        }
      }
    }
  }),
  route({
    method: 'POST',
    path: '/organizations/:organization_id/suspend',
    operationId: 'suspendOrganization',
    tag: 'organizations',
    summary: 'Suspend an organization: every representation of it ends at once',
    scope: 'kora.organizations:write',
    body: 'Reason',
    answers: { 200: 'Done' },
    refusals: ['not_found'],
    writes: true,
    handle: async (call) => answerOutcome(await suspend(call.deps, call.act(), call.param('organization_id')))
  }),
  route({
    method: 'POST',
    path: '/organizations/:organization_id/release',
    operationId: 'releaseOrganization',
    tag: 'organizations',
    summary: 'Take the suspension by staff back; what the register says is asked first and stays in force',
    scope: 'kora.organizations:write',
    body: 'Reason',
    answers: { 200: 'Done' },
    refusals: ['not_found', 'register_unavailable'],
    writes: true,
    asksOutside: true,
    handle: async (call) => {
      const outcome = await release(call.deps, call.act(), call.param('organization_id'))
      if (outcome === 'register_unavailable') throw new Problem(outcome)
      return answerOutcome(outcome)
    }
  }),
  route({
    method: 'POST',
    path: '/organizations/:organization_id/recheck',
    operationId: 'recheckOrganization',
    tag: 'organizations',
    summary: 'Ask the company register now; what is newer there is applied, never another legal representative',
    scope: 'kora.organizations:write',
    body: 'Reason',
    answers: { 200: 'OrganizationChecked' },
    refusals: ['not_found', 'register_unavailable'],
    writes: true,
    asksOutside: true,
    handle: async (call) => {
      const answer = await recheck(call.deps, call.act(), call.param('organization_id'))
      if (answer.outcome !== 'checked') throw new Problem(answer.outcome === 'unknown' ? 'not_found' : answer.outcome)
      const { found, changed, name, status, legalRepresentative } = answer.result
      return { status: 200, body: { found, changed, name, status, legal_representative: legalRepresentative } }
    }
  }),
  route({
    method: 'GET',
    path: '/delegations',
    operationId: 'listDelegations',
    tag: 'delegations',
    summary: 'Delegations of an organization or of an agent, newest first',
    scope: 'kora.delegations:read',
    query: [
      ...pageParameters,
      { name: 'organization_id', description: 'Of this organization.', pattern: '^[A-Za-z0-9_-]{1,64}$' },
      { name: 'agent_id', description: 'Of this person.', pattern: '^[A-Za-z0-9_-]{1,64}$' },
      {
        name: 'state',
        description: 'State.',
        values: [
          'draft',
          'agent_verified',
          'submitted',
          'active',
          'rejected',
          'withdrawn',
          'suspended',
          'revoked',
          'expired',
          'superseded'
        ]
      }
    ],
    body: null,
    answers: { 200: 'DelegationList' },
    handle: async ({ deps, query }) => {
      const { organization_id: organizationId, agent_id: agentId, state } = query
      if ((organizationId === undefined) === (agentId === undefined)) {
        throw new Problem('malformed_query', {
          faults: [
            { field: '/organization_id', code: 'either_or', received: '', expected: 'organization_id | agent_id' }
          ]
        })
      }
      const { limit, after } = readPage(query)
      const rows = await listDelegations(deps, {
        organizationId,
        agentId,
        state,
        after: parseCursor(after),
        limit: limit + 1
      })
      return { status: 200, body: buildList({ rows, limit, keyOf: ({ id, version }) => `${id}:${version}`, wire: wireDelegation }) }
    }
  }),
  route({
    method: 'GET',
    path: '/delegations/:delegation_id',
    operationId: 'getDelegation',
    tag: 'delegations',
    summary: 'The version in force, else the latest',
    scope: 'kora.delegations:read',
    body: null,
    answers: { 200: 'Delegation' },
    refusals: ['not_found'],
    handle: async ({ deps, param }) => {
      const found = await createDelegations(deps).find(param('delegation_id'))
      if (found === null) throw new Problem('not_found')
      return { status: 200, body: wireDelegation(found) }
    }
  }),
  ...(['suspend', 'revoke'] as const).map((what) =>
    route({
      method: 'POST',
      path: `/delegations/:delegation_id/${what}`,
      operationId: `${what}Delegation`,
      tag: 'delegations',
      summary:
        what === 'revoke'
          ? 'Take a delegation back for good; both people are told'
          : 'Stop a delegation; both people are told',
      scope: 'kora.delegations:write',
      body: 'Reason',
      answers: { 200: 'Done' },
      refusals: ['not_found'],
      writes: true,
      handle: async (call: Call<unknown>) => {
        const outcome = await actOnDelegation(call.deps, { act: call.act(), id: call.param('delegation_id'), what })
        if (outcome === 'refused') throw new Problem('wrong_state')
        return answerOutcome(outcome)
      }
    })
  )
]
