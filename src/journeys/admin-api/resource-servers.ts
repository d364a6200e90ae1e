/**
 * Resource servers (APIs) over the API. Who may ask for their tokens is a member of each client (`policy.resources`).
 */
import { resourceServerStatuses, type ResourceServerRecord } from '../../domain/resource-server/record.ts'
import {
  changeResourceServer,
  pickContent,
  createResourceServer,
  deleteResourceServer,
  findResourceServerById,
  listGrantedClients,
  listIntrospectors,
  listResourceServerChanges,
  listResourceServers,
  resourceServerChangeKind,
  setResourceServerStatus,
  type ResourceServerChanged,
  type ResourceServerRequest
} from '../../records/resource-servers/index.ts'
import { mergePatch } from './merge-patch.ts'
import { Problem } from './problems.ts'
import {
  answerHistory,
  formatEtag,
  buildList,
  readPage,
  pageParameters,
  prefix,
  route,
  type Answer,
  type Call,
  type Route
} from './routes.ts'

type Within = Pick<Call, 'deps' | 'param'>

/** @throws Problem `not_found` */
async function knownServer ({ deps, param }: Within): Promise<ResourceServerRecord> {
  const server = await findResourceServerById(deps.db, param('resource_server_id'))
  if (server === null) throw new Problem('not_found')
  return server
}

async function wireServer ({ deps }: Pick<Call, 'deps'>, server: ResourceServerRecord): Promise<object> {
  const { id, identifier, status, version, createdAt, updatedAt } = server
  const clients = await listGrantedClients(deps.db, identifier)
  return {
    id,
    identifier,
    status,
    version,
    ...pickContent(server),
    introspectors: await listIntrospectors(deps.db, identifier),
    clients: clients.map(({ clientId, ...granted }) => ({ client_id: clientId, ...granted })),
    created_at: createdAt,
    updated_at: updatedAt
  }
}

const answerResourceServer = async (
  call: Pick<Call, 'deps'>,
  server: ResourceServerRecord,
  status = 200
): Promise<Answer> => ({
  status,
  body: await wireServer(call, server),
  headers: { etag: formatEtag(server.version) }
})

/** The content of a body, and who introspects if it says so. @throws Problem `invalid_fields` */
function readInput ({ identifier: _identifier, introspectors, reason: _reason, ...content }: Record<string, unknown>): {
  content: Record<string, unknown>
  introspectors?: string[]
} {
  if (introspectors === undefined) return { content }
  if (!Array.isArray(introspectors) || !introspectors.every((one) => typeof one === 'string')) {
    throw new Problem('invalid_fields', {
      faults: [{ field: '/introspectors', code: 'not_a_list', received: '', expected: '["client_id"]' }]
    })
  }
  return { content, introspectors: introspectors as string[] }
}

async function conflict (call: Call, current: ResourceServerRecord, more: object = {}): Promise<never> {
  throw new Problem('version_conflict', {
    headers: { etag: formatEtag(current.version) },
    more: { current: await wireServer(call, current), ...more }
  })
}

async function changed (
  call: Call,
  outcome: ResourceServerChanged,
  request: Pick<ResourceServerRequest, 'identifier' | 'introspectors'>
): Promise<Answer> {
  switch (outcome.outcome) {
    case 'changed':
    case 'unchanged':
      return await answerResourceServer(call, outcome.server)
    case 'invalid':
      throw new Problem('invalid_fields', { faults: outcome.faults })
    case 'not_found':
      throw new Problem('not_found')
    case 'conflict':
      return await conflict(call, outcome.current, { yours: outcome.yours, diff: outcome.diff })
    case 'approval_needed':
      return await call.askApproval(resourceServerChangeKind, request.identifier, {
        ...request,
        version: call.version(),
        content: outcome.content
      } satisfies ResourceServerRequest)
  }
}

async function replaced (call: Call, body: Record<string, unknown>): Promise<Answer> {
  const { identifier } = await knownServer(call)
  const { content, introspectors } = readInput(body)
  const outcome = await changeResourceServer(call.trx(), call.deps, {
    act: call.act(),
    identifier,
    version: call.version(),
    content,
    ...(introspectors === undefined ? {} : { introspectors })
  })
  return await changed(call, outcome, { identifier, ...(introspectors === undefined ? {} : { introspectors }) })
}

const tag = 'resource servers'
const changeRefusals = [
  'not_found',
  'invalid_fields',
  'version_conflict',
  'version_required',
  'change_waiting',
  'second_administrator_needed'
] as const

export const resourceServerRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/resource-servers',
    operationId: 'listResourceServers',
    tag,
    summary: 'APIs by identifier',
    scope: 'kora.clients:read',
    query: [
      ...pageParameters,
      { name: 'text', description: 'Part of the identifier, a name or a scope.' },
      { name: 'status', description: 'Status.', values: resourceServerStatuses }
    ],
    body: null,
    answers: { 200: 'ResourceServerList' },
    handle: async ({ deps, query }) => {
      const { limit, after } = readPage(query)
      const { text = '', status = '' } = query
      const rows = await listResourceServers(deps.db, { text, status, after, limit: limit + 1 })
      return {
        status: 200,
        body: buildList({
          rows,
          limit,
          keyOf: ({ identifier }) => identifier,
          wire: ({ createdAt: _createdAt, updatedAt, ...line }) => ({ ...line, updated_at: updatedAt })
        })
      }
    }
  }),
  route({
    method: 'POST',
    path: '/resource-servers',
    operationId: 'createResourceServer',
    tag,
    summary: 'Register an API; no client may ask for its tokens before it is granted them',
    scope: 'kora.clients:write',
    body: 'NewResourceServer',
    checkedByRegistry: true,
    answers: { 201: 'ResourceServer' },
    refusals: ['invalid_fields', 'taken'],
    writes: true,
    handle: async (call) => {
      const body = call.body as Record<string, unknown>
      const outcome = await createResourceServer(call.trx(), call.deps, {
        act: call.act(),
        identifier: body['identifier'],
        ...readInput(body)
      })
      if (outcome.outcome === 'invalid') throw new Problem('invalid_fields', { faults: outcome.faults })
      if (outcome.outcome === 'taken') {
        const received = String(body['identifier']).slice(0, 200)
        throw new Problem('taken', { faults: [{ field: '/identifier', code: 'taken', received, expected: '' }] })
      }
      const answer = await answerResourceServer(call, outcome.server, 201)
      return { ...answer, headers: { ...answer.headers, location: `${prefix}/resource-servers/${outcome.server.id}` } }
    }
  }),
  route({
    method: 'GET',
    path: '/resource-servers/:resource_server_id',
    operationId: 'getResourceServer',
    tag,
    summary: 'An API, who may ask for its tokens and who introspects them',
    scope: 'kora.clients:read',
    body: null,
    answers: { 200: 'ResourceServer' },
    refusals: ['not_found'],
    handle: async (call) => await answerResourceServer(call, await knownServer(call))
  }),
  route({
    method: 'PUT',
    path: '/resource-servers/:resource_server_id',
    operationId: 'replaceResourceServer',
    tag,
    summary: 'Replace the content; granted scopes stay, and less protection needs a second administrator',
    scope: 'kora.clients:write',
    body: 'ResourceServerInput',
    checkedByRegistry: true,
    answers: { 200: 'ResourceServer', 202: 'ApprovalRequested' },
    refusals: [...changeRefusals],
    writes: true,
    versioned: true,
    handle: async (call) => await replaced(call as Call, call.body as Record<string, unknown>)
  }),
  route({
    method: 'PATCH',
    path: '/resource-servers/:resource_server_id',
    operationId: 'patchResourceServer',
    tag,
    summary: 'Change members (JSON Merge Patch)',
    scope: 'kora.clients:write',
    body: 'ResourceServerPatch',
    checkedByRegistry: true,
    answers: { 200: 'ResourceServer', 202: 'ApprovalRequested' },
    refusals: [...changeRefusals],
    writes: true,
    versioned: true,
    handle: async (call) => {
      const { reason: _reason, ...patch } = call.body as Record<string, unknown>
      const merged = mergePatch(pickContent(await knownServer(call)), patch)
      return await replaced(call as Call, merged as Record<string, unknown>)
    }
  }),
  route({
    method: 'POST',
    path: '/resource-servers/:resource_server_id/status',
    operationId: 'setResourceServerStatus',
    tag,
    summary: 'Disable an API, which ends its opaque tokens at once, or enable it again',
    scope: 'kora.clients:write',
    body: 'ResourceServerStatusChange',
    answers: { 200: 'ResourceServer' },
    refusals: ['not_found', 'invalid_fields', 'version_conflict', 'version_required'],
    writes: true,
    versioned: true,
    handle: async (call) => {
      const { identifier } = await knownServer(call)
      const outcome = await setResourceServerStatus(call.trx(), call.deps, {
        act: call.act(),
        identifier,
        version: call.version(),
        status: call.body.status
      })
      if (outcome.outcome === 'not_found') throw new Problem('not_found')
      if (outcome.outcome === 'conflict') return await conflict(call as Call, outcome.current)
      return await answerResourceServer(call, outcome.server)
    }
  }),
  route({
    method: 'DELETE',
    path: '/resource-servers/:resource_server_id',
    operationId: 'deleteResourceServer',
    tag,
    summary: 'Delete an API that no client uses',
    scope: 'kora.clients:write',
    body: null,
    answers: { 204: null },
    refusals: ['not_found', 'wrong_state', 'version_conflict', 'version_required'],
    writes: true,
    versioned: true,
    handle: async (call) => {
      const { identifier } = await knownServer(call)
      const version = call.version()
      const outcome = await deleteResourceServer(call.trx(), call.deps, { act: call.act(), identifier, version })
      switch (outcome.outcome) {
        case 'deleted':
          return { status: 204 }
        case 'not_found':
          throw new Problem('not_found')
        case 'conflict':
          return await conflict(call as Call, outcome.current)
        case 'in_use':
          throw new Problem('wrong_state', {
            faults: [{ field: '', code: 'in_use', received: outcome.clients.join(' ').slice(0, 200), expected: '' }]
          })
      }
    }
  }),
  route({
    method: 'GET',
    path: '/resource-servers/:resource_server_id/history',
    operationId: 'listResourceServerChanges',
    tag,
    summary: 'What was changed, newest first',
    scope: 'kora.clients:read',
    query: pageParameters,
    body: null,
    answers: { 200: 'ResourceServerHistory' },
    refusals: ['not_found'],
    handle: async (call) => {
      const { identifier } = await knownServer(call)
      return await answerHistory(
        call.query,
        async (after, limit) => await listResourceServerChanges(call.deps.db, identifier, { after, limit })
      )
    }
  })
]
