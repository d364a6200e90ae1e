/**
 * Clients over the API, with the services of the registry. Clients that have rights in this API are not changed here.
 */
import { createReport, readers, type ClientFault } from '../../domain/client/faults.ts'
import { validateClient } from '../../domain/client/metadata.ts'
import { clientKinds, clientStatuses, type ClientContent, type ClientRecord } from '../../domain/client/record.ts'
import { dualControlReasons, withoutPowers } from '../../domain/administration/dual-control.ts'
import {
  changeClient,
  checkGrants,
  clientChangeKind,
  clientChangeRequest,
  clientStatusKind,
  clientIdFault,
  clientRules,
  createClient,
  deleteDraft,
  findClient,
  listClients,
  setClientStatus,
  type Changed,
  type ClientStatusRequest,
  type StatusChanged
} from '../../records/clients/index.ts'
import { mergePatch } from './merge-patch.ts'
import { Problem, wireFaults } from './problems.ts'
import {
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

export const wireClient = ({
  clientId,
  status,
  version,
  kind,
  metadata,
  policy,
  createdAt,
  updatedAt
}: ClientRecord): Record<string, unknown> => ({
  client_id: clientId,
  status,
  version,
  kind,
  metadata,
  policy,
  created_at: createdAt,
  updated_at: updatedAt
})

const clientPath = (clientId: string): string => `${prefix}/clients/${clientId}`
export const answerClient = (client: ClientRecord, status = 200): Answer => ({
  status,
  body: wireClient(client),
  headers: { etag: formatEtag(client.version) }
})

/** @throws Problem `not_found` */
export async function knownClient ({ deps, param }: Pick<Call, 'deps' | 'param'>): Promise<ClientRecord> {
  const client = await findClient(deps.db, param('client_id'))
  if (client === null) throw new Problem('not_found')
  return client
}

/**
 * A client that this API may change. @throws Problem `not_found`, `console_only` (it has rights here: it could give
 * itself more)
 */
export async function changeable (call: Pick<Call, 'deps' | 'param'>): Promise<ClientRecord> {
  const client = await knownClient(call)
  if ((client.policy.adminScopes ?? []).length > 0) throw new Problem('console_only')
  return client
}

/** @throws Problem `console_only` */
function withoutAdminScopes (body: { policy?: unknown }): void {
  const { policy } = body
  if (
    typeof policy === 'object' &&
    policy !== null &&
    'adminScopes' in policy &&
    JSON.stringify(policy.adminScopes ?? []) !== '[]'
  ) {
    throw new Problem('console_only')
  }
}

/** The part of a body that the registry validates; unknown members are faults too. */
const contentIn = ({
  reason: _reason,
  client_id: _id,
  status: _status,
  ...content
}: Record<string, unknown>): Record<string, unknown> => content

/** Answers for what a change came to. */
async function changed (
  call: Call,
  outcome: Changed | StatusChanged,
  ask: (clientId: string) => Promise<Answer>
): Promise<Answer> {
  switch (outcome.outcome) {
    case 'changed':
    case 'unchanged':
      return answerClient(outcome.client)
    case 'invalid':
      throw new Problem('invalid_fields', { faults: outcome.faults })
    case 'not_found':
      throw new Problem('not_found')
    case 'own_service':
      throw new Problem('own_service')
    case 'forbidden':
      throw new Problem('wrong_state')
    case 'conflict':
      throw new Problem('version_conflict', {
        headers: { etag: formatEtag(outcome.current.version) },
        more: {
          current: wireClient(outcome.current),
          ...('yours' in outcome ? { yours: outcome.yours, diff: outcome.diff } : {})
        }
      })
    case 'approval_needed':
      return await ask(call.param('client_id'))
  }
}

async function replaced (call: Call, input: Record<string, unknown>): Promise<Answer> {
  withoutAdminScopes(input)
  await changeable(call)
  const { deps } = call
  const outcome = await changeClient(call.trx(), deps, {
    act: call.act(),
    clientId: call.param('client_id'),
    version: call.version(),
    content: input
  })
  return await changed(call, outcome, async (clientId) => {
    const checked = validateClient(input, clientRules(deps.config))
    if (!checked.ok) throw new Problem('invalid_fields', { faults: checked.faults })
    return await call.askApproval(
      clientChangeKind,
      clientId,
      clientChangeRequest(await knownClient(call), checked.content)
    )
  })
}

const firstStatuses = ['draft', 'test', 'live'] as const

/** Identifier and status of a new client; absent ones are chosen. */
function createdAs ({ client_id: clientId, status }: Record<string, unknown>): {
  options: { clientId?: string; status?: (typeof firstStatuses)[number] }
  faults: ClientFault[]
} {
  const { faults, report } = createReport()
  const read = readers(report)
  const first = read.one('/status', status, firstStatuses)
  if (clientId !== undefined && typeof clientId !== 'string') report('/client_id', 'not_text', clientId, 'text')
  const own = typeof clientId === 'string' ? clientIdFault(clientId) : null
  if (own !== null) faults.push(own)
  return {
    options: {
      ...(typeof clientId === 'string' ? { clientId } : {}),
      ...(first === undefined ? {} : { status: first })
    },
    faults
  }
}

async function created (call: Call<Record<string, unknown>>): Promise<Answer> {
  const { deps, body } = call
  withoutAdminScopes(body)
  const act = call.act()
  const input = contentIn(body)
  const { options, faults } = createdAs(body)
  if (faults.length > 0) {
    const checked = validateClient(input, clientRules(deps.config))
    throw new Problem('invalid_fields', { faults: [...faults, ...(checked.ok ? [] : checked.faults)] })
  }
  let outcome = await createClient(call.trx(), deps, { act, content: input, ...options })
  let wanted: ClientContent | null = null
  if (outcome.outcome === 'approval_needed') {
    // created at once without the powers that need approval, and not live; the rest is requested
    const checked = validateClient(input, clientRules(deps.config))
    if (!checked.ok) throw new Problem('invalid_fields', { faults: checked.faults })
    wanted = checked.content
    const status = options.status === 'live' ? 'test' : options.status
    outcome = await createClient(call.trx(), deps, {
      act,
      content: withoutPowers(wanted),
      ...options,
      ...(status === undefined ? {} : { status })
    })
  }
  switch (outcome.outcome) {
    case 'invalid':
      throw new Problem('invalid_fields', { faults: outcome.faults })
    case 'taken':
      throw new Problem('taken', {
        faults: [{ field: '/client_id', code: 'taken', received: options.clientId ?? '', expected: '' }]
      })
    case 'approval_needed':
      throw new Problem('second_administrator_needed')
  }
  const { client, secret } = outcome
  const { clientId } = client
  const asked: Answer[] = []
  if (wanted !== null && dualControlReasons(null, wanted).length > 0) {
    asked.push(await call.askApproval(clientChangeKind, clientId, clientChangeRequest(client, wanted)))
  }
  if (options.status === 'live') {
    const request = { clientId, status: 'live' } satisfies ClientStatusRequest
    asked.push(await call.askApproval(clientStatusKind, clientId, request))
  }
  const changes = asked.flatMap(({ headers }) => headers?.['location'] ?? [])
  return {
    status: 201,
    body: { client: wireClient(client), secret, change: changes[0] ?? null, changes },
    headers: { location: clientPath(client.clientId), etag: formatEtag(client.version) }
  }
}

const filters = ['text', 'status', 'kind', 'type', 'grant', 'scope', 'host', 'unit', 'unused_days'] as const

export const clientRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/clients',
    operationId: 'listClients',
    tag: 'clients',
    summary: 'Clients by identifier, with last use and recent errors',
    scope: 'kora.clients:read',
    query: [
      ...pageParameters,
      { name: 'text', description: 'Part of the identifier or of a name.' },
      { name: 'status', description: 'Status.', values: clientStatuses },
      { name: 'kind', description: 'Kind.', values: clientKinds },
      { name: 'type', description: 'Whether it can keep a secret.', values: ['public', 'confidential'] },
      { name: 'grant', description: 'Grant type.' },
      { name: 'scope', description: 'A scope that it may ask for.' },
      { name: 'host', description: 'Host of a redirect URI.' },
      { name: 'unit', description: "Part of the unit's or owner's name." },
      { name: 'unused_days', description: 'Not used for so many days.', pattern: '^[0-9]{1,4}$' }
    ],
    body: null,
    answers: { 200: 'ClientList' },
    handle: async ({ deps, query }) => {
      const { limit, after } = readPage(query)
      const { unused_days: unusedDays, ...wanted } = Object.fromEntries(
        filters.flatMap((name) => (query[name] === undefined ? [] : [[name, query[name]]]))
      )
      const rows = await listClients(
        deps.db,
        { filters: { ...wanted, ...(unusedDays === undefined ? {} : { unusedDays }) }, after, limit: limit + 1 }
      )
      return {
        status: 200,
        body: buildList(
          {
            rows,
            limit,
            keyOf: ({ clientId }) => clientId,
            wire: ({ clientId, updatedAt, lastUsedAt, ...line }) => ({
              client_id: clientId,
              ...line,
              updated_at: updatedAt,
              last_used_at: lastUsedAt
            })
          }
        )
      }
    }
  }),
  route({
    method: 'POST',
    path: '/clients',
    operationId: 'createClient',
    tag: 'clients',
    summary: 'Register a client; its secret, when it has one, is in the answer and nowhere else',
    scope: 'kora.clients:write',
    body: 'NewClient',
    checkedByRegistry: true,
    answers: { 201: 'ClientCreated' },
    refusals: ['invalid_fields', 'taken', 'console_only', 'second_administrator_needed'],
    writes: true,
    handle: async (call) => await created(call as Call<Record<string, unknown>>)
  }),
  route({
    method: 'POST',
    path: '/clients/validate',
    operationId: 'validateClient',
    tag: 'clients',
    summary: 'Dry run: every fault of a client, and what it would become',
    scope: 'kora.clients:read',
    body: 'ClientInput',
    checkedByRegistry: true,
    answers: { 200: 'ValidationResult' },
    handle: async ({ request, deps, body }) => {
      const checked = validateClient(contentIn(body as Record<string, unknown>), clientRules(deps.config))
      const faults = checked.ok ? await checkGrants(deps.db, checked.content) : checked.faults
      return {
        status: 200,
        body:
          checked.ok && faults.length === 0
            ? {
                valid: true,
                faults: [],
                second_administrator: dualControlReasons(null, checked.content),
                content: checked.content
              }
            : { valid: false, faults: wireFaults(request, faults), second_administrator: [], content: null }
      }
    }
  }),
  route({
    method: 'GET',
    path: '/clients/:client_id',
    operationId: 'getClient',
    tag: 'clients',
    summary: 'A client as a whole',
    scope: 'kora.clients:read',
    body: null,
    answers: { 200: 'Client' },
    refusals: ['not_found'],
    handle: async (call) => answerClient(await knownClient(call))
  }),
  route({
    method: 'PUT',
    path: '/clients/:client_id',
    operationId: 'replaceClient',
    tag: 'clients',
    summary: 'Replace the content of a client',
    scope: 'kora.clients:write',
    body: 'ClientInput',
    checkedByRegistry: true,
    answers: { 200: 'Client', 202: 'ApprovalRequested' },
    refusals: [
      'not_found',
      'invalid_fields',
      'version_conflict',
      'version_required',
      'own_service',
      'console_only',
      'change_waiting',
      'second_administrator_needed'
    ],
    writes: true,
    versioned: true,
    handle: async (call) => await replaced(call as Call, contentIn(call.body as Record<string, unknown>))
  }),
  route({
    method: 'PATCH',
    path: '/clients/:client_id',
    operationId: 'patchClient',
    tag: 'clients',
    summary: 'Change members of a client (JSON Merge Patch)',
    scope: 'kora.clients:write',
    body: 'ClientPatch',
    checkedByRegistry: true,
    answers: { 200: 'Client', 202: 'ApprovalRequested' },
    refusals: [
      'not_found',
      'invalid_fields',
      'version_conflict',
      'version_required',
      'own_service',
      'console_only',
      'change_waiting',
      'second_administrator_needed'
    ],
    writes: true,
    versioned: true,
    handle: async (call) => {
      const patch = contentIn(call.body as Record<string, unknown>)
      withoutAdminScopes(patch)
      const { kind, metadata, policy } = await changeable(call)
      return await replaced(call as Call, mergePatch({ kind, metadata, policy }, patch) as Record<string, unknown>)
    }
  }),
  route({
    method: 'DELETE',
    path: '/clients/:client_id',
    operationId: 'deleteClient',
    tag: 'clients',
    summary: 'Delete a draft',
    scope: 'kora.clients:write',
    body: null,
    answers: { 204: null },
    refusals: ['not_found', 'not_a_draft', 'version_conflict', 'version_required', 'console_only'],
    writes: true,
    versioned: true,
    handle: async (call) => {
      const client = await changeable(call)
      if (client.version !== call.version()) {
        throw new Problem('version_conflict', {
          headers: { etag: formatEtag(client.version) },
          more: { current: wireClient(client) }
        })
      }
      const outcome = await deleteDraft(call.trx(), call.deps, { act: call.act(), clientId: client.clientId })
      if (outcome !== 'deleted') throw new Problem(outcome)
      return { status: 204 }
    }
  }),
  route({
    method: 'POST',
    path: '/clients/:client_id/status',
    operationId: 'setClientStatus',
    tag: 'clients',
    summary: 'Move a client on: draft → test → live, disabled and back; disabling ends every token at once',
    scope: 'kora.clients:write',
    body: 'StatusChange',
    answers: { 200: 'Client', 202: 'ApprovalRequested' },
    refusals: [
      'change_waiting',
      'second_administrator_needed',
      'not_found',
      'wrong_state',
      'invalid_fields',
      'version_conflict',
      'version_required',
      'own_service',
      'console_only'
    ],
    writes: true,
    versioned: true,
    handle: async (call) => {
      await changeable(call)
      const outcome = await setClientStatus(call.trx(), call.deps, {
        act: call.act(),
        clientId: call.param('client_id'),
        version: call.version(),
        status: call.body.status
      })
      const request = { clientId: call.param('client_id'), status: call.body.status } satisfies ClientStatusRequest
      return await changed(
        call as Call,
        outcome,
        async (clientId) => await call.askApproval(clientStatusKind, clientId, request)
      )
    }
  })
]
