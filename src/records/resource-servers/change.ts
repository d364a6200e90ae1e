/** Making, changing and ending resource servers: row, history and audit event in the caller's transaction. */
import type { Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import { inTransaction } from '../../database/transaction.ts'
import type { Act } from '../../domain/administration/administration.ts'
import type { ApprovalKind } from '../../domain/administration/approval-kinds.ts'
import { diffContent, type ClientDifference } from '../../domain/client/diff.ts'
import { step, type ClientFault } from '../../domain/client/faults.ts'
import { requireReason } from '../../domain/reason.ts'
import { weakenedProtections, type ResourceServerReason } from '../../domain/resource-server/dual-control.ts'
import type {
  ResourceServerAct,
  ResourceServerContent,
  ResourceServerRecord,
  ResourceServerStatus
} from '../../domain/resource-server/record.ts'
import { resourceIdentifierFault, validateResourceServer } from '../../domain/resource-server/validation.ts'
import { withdrawRequestsAbout } from '../approvals/index.ts'
import { changeClient, findClient } from '../clients/index.ts'
import type { ResourceServersDeps } from './deps.ts'
import {
  pickContent,
  findResourceServer,
  holdResourceServer,
  insertResourceServer,
  listGrantedClients,
  listIntrospectors,
  updateResourceServer
} from './repository.ts'

type Trx = Transaction<Database>
type Deps = Pick<ResourceServersDeps, 'audit' | 'config' | 'crypto'>

export const resourceServerChangeKind = 'resource-server.change' satisfies ApprovalKind

/** A change that waits for an approval: the whole content, from one version. */
export interface ResourceServerRequest {
  identifier: string
  version: number
  content: ResourceServerContent
  introspectors?: string[]
}

const auditTypes = {
  created: 'resource-server.created',
  changed: 'resource-server.updated',
  status: 'resource-server.updated',
  deleted: 'resource-server.deleted'
} as const

/** @throws DomainError `reason_required` */
async function noteAct (
  trx: Trx,
  { audit }: Pick<Deps, 'audit'>,
  noted: { act: Act; what: ResourceServerAct; identifier: string; version: number; diff: ClientDifference[] }
): Promise<void> {
  const { act, what, identifier, version, diff } = noted
  const reason = requireReason(act.reason)
  await trx
    .insertInto('resourceServerChange')
    .values({
      identifier,
      version,
      act: what,
      actor: act.actor,
      reason,
      diff: JSON.stringify(diff),
      traceId: act.traceId
    })
    .execute()
  await audit.record(trx, {
    type: auditTypes[what],
    actor: act.actor,
    address: act.address,
    traceId: act.traceId,
    reason,
    details: { act: what, resource: identifier, version, fields: diff.map(({ field }) => field).slice(0, 50) }
  })
}

export type ResourceServerInvalid = { outcome: 'invalid'; faults: ClientFault[] }

export type ResourceServerCreated =
  { outcome: 'created'; server: ResourceServerRecord } | { outcome: 'taken' } | ResourceServerInvalid

/** `introspectors`: clients that may introspect its tokens by its name; absent: as it is. */
export interface NewResourceServer {
  act: Act
  identifier: unknown
  content: unknown
  introspectors?: readonly string[]
}

/** @throws DomainError `reason_required` */
export async function createResourceServer (
  trx: Trx,
  deps: Deps,
  input: NewResourceServer
): Promise<ResourceServerCreated> {
  const { act, introspectors } = input
  const checked = validateResourceServer(input.content)
  const fault = resourceIdentifierFault(input.identifier, deps.config.issuer)
  if (!checked.ok || fault !== null) {
    return {
      outcome: 'invalid',
      faults: [...(fault === null ? [] : [fault]), ...(checked.ok ? [] : checked.faults)]
    }
  }
  const identifier = String(input.identifier)
  const { content } = checked
  return await inTransaction<ResourceServerCreated>(trx, async (trx, rollback) => {
    await holdIntrospectors(trx, { identifier, introspectors })
    if (!(await insertResourceServer(trx, { identifier, content }))) return { outcome: 'taken' }
    const faults = await setIntrospectors(trx, deps, { act, identifier, introspectors })
    if (faults.length > 0) throw rollback({ outcome: 'invalid', faults })
    await noteAct(trx, deps, { act, what: 'created', identifier, version: 1, diff: diffContent({}, content) })
    const server = await findResourceServer(trx, identifier)
    if (server === null) throw new Error('a resource server vanished while it was made')
    return { outcome: 'created', server }
  })
}

export type ResourceServerChanged =
  | { outcome: 'changed'; server: ResourceServerRecord; diff: ClientDifference[] }
  | { outcome: 'unchanged'; server: ResourceServerRecord }
  | { outcome: 'conflict'; current: ResourceServerRecord; yours: ResourceServerContent; diff: ClientDifference[] }
  | { outcome: 'not_found' }
  | { outcome: 'approval_needed'; reasons: ResourceServerReason[]; content: ResourceServerContent }
  | ResourceServerInvalid

/** `version`: the one that the change is based on; null: the present one (a declared state). */
export interface ResourceServerReplacement extends Omit<NewResourceServer, 'identifier'> {
  identifier: string
  version: number | null
  /** Another administrator has approved it, or the act is an operator's who names the other person. */
  approved?: boolean
}

/**
 * Replaces the whole content. A scope that some client is granted cannot be left out: it would come back to that client
 * when it is added again.
 * @throws DomainError `reason_required`
 */
export async function changeResourceServer (
  trx: Trx,
  deps: Deps,
  input: ResourceServerReplacement
): Promise<ResourceServerChanged> {
  const { act, identifier, version, introspectors, approved = false } = input
  await holdIntrospectors(trx, { identifier, introspectors })
  const current = await holdResourceServer(trx, identifier)
  if (current === null) return { outcome: 'not_found' }
  const checked = validateResourceServer(input.content)
  if (!checked.ok) return { outcome: 'invalid', faults: checked.faults }
  const { content } = checked
  const clients = await listGrantedClients(trx, identifier)
  const faults = Object.keys(current.scopes).flatMap((scope): ClientFault[] => {
    const users = clients.filter((one) => [...one.scopes, ...one.machineScopes].includes(scope))
    return Object.hasOwn(content.scopes, scope) || users.length === 0
      ? []
      : [
          {
            field: '/scopes' + step(scope),
            code: 'in_use',
            received: users.map(({ clientId }) => clientId).join(' ').slice(0, 200),
            expected: ''
          }
        ]
  })
  if (faults.length > 0) return { outcome: 'invalid', faults }
  const diff = diffContent(pickContent(current), content)
  if (version !== null && current.version !== version) return { outcome: 'conflict', current, yours: content, diff }
  const before = introspectors === undefined ? null : await listIntrospectors(trx, identifier)
  const moved = before !== null && before.join() !== [...(introspectors ?? [])].sort().join()
  if (diff.length === 0 && !moved) return { outcome: 'unchanged', server: current }
  const reasons = weakenedProtections(current, content, clients.length > 0)
  if (reasons.length > 0 && !approved) return { outcome: 'approval_needed', reasons, content }
  return await inTransaction<ResourceServerChanged>(trx, async (trx, rollback) => {
    const server = await updateResourceServer(trx, current, { content })
    if (server === null) throw new Error('a resource server that is held was changed')
    const refused = await setIntrospectors(trx, deps, { act, identifier, introspectors })
    if (refused.length > 0) throw rollback({ outcome: 'invalid', faults: refused })
    const after = [...(introspectors ?? [])].sort()
    const shown = moved ? [...diff, { field: '/introspectors', before, after }] : diff
    await noteAct(trx, deps, { act, what: 'changed', identifier, version: server.version, diff: shown })
    return { outcome: 'changed', server, diff: shown }
  })
}

/** Clients are locked before the resource server, as by a change of a client that is granted something of it. */
async function holdIntrospectors (
  trx: Trx,
  { identifier, introspectors }: { identifier: string; introspectors: readonly string[] | undefined }
): Promise<void> {
  if (introspectors === undefined) return
  const clientIds = [...(await listIntrospectors(trx, identifier)), ...introspectors.filter((id) => !id.includes('\0'))]
  if (clientIds.length === 0) return
  await trx
    .selectFrom('client')
    .select('clientId')
    .where('clientId', 'in', clientIds)
    .orderBy('clientId')
    .forNoKeyUpdate()
    .execute()
}

/**
 * Who may introspect is a member of each client; here it is changed from the side of the API.
 * @returns faults of clients that cannot: the caller rolls back
 */
async function setIntrospectors (
  trx: Trx,
  deps: Deps,
  { act, identifier, introspectors }: { act: Act; identifier: string; introspectors: readonly string[] | undefined }
): Promise<ClientFault[]> {
  if (introspectors === undefined) return []
  const before = await listIntrospectors(trx, identifier)
  const faults: ClientFault[] = []
  for (const clientId of [...new Set([...before, ...introspectors])].sort()) {
    const wanted = introspectors.includes(clientId)
    if (wanted === before.includes(clientId)) continue
    const refuse = (code: string): void => {
      faults.push({ field: '/introspectors', code, received: clientId.slice(0, 64), expected: '' })
    }
    const client = clientId.includes('\0') ? null : await findClient(trx, clientId)
    if (client === null) {
      refuse('unknown_client')
      continue
    }
    const { kind, metadata, policy } = client
    const others = policy.introspects.filter((one) => one !== identifier)
    const introspects = wanted ? [...others, identifier] : others
    const changed = await changeClient(trx, deps, {
      act,
      clientId,
      version: client.version,
      content: { kind, metadata, policy: { ...policy, introspects } }
    })
    if (changed.outcome !== 'changed' && changed.outcome !== 'unchanged') refuse('client_refused')
  }
  return faults
}

/** Makes the change that was approved. */
export const applyResourceServerRequest = async (
  trx: Trx,
  deps: Deps,
  { act, request }: { act: Act; request: ResourceServerRequest }
): Promise<ResourceServerChanged> =>
  await changeResourceServer(trx, deps, { act, ...request, approved: true })

export type ResourceServerMoved =
  | { outcome: 'changed' | 'unchanged'; server: ResourceServerRecord }
  | { outcome: 'conflict'; current: ResourceServerRecord }
  | { outcome: 'not_found' }

/**
 * Disabled: no token is issued for it any more, and none is active.
 * @throws DomainError `reason_required`
 */
export async function setResourceServerStatus (
  trx: Trx,
  deps: Deps,
  input: { act: Act; identifier: string; version: number | null; status: ResourceServerStatus }
): Promise<ResourceServerMoved> {
  const { act, identifier, version, status } = input
  const current = await holdResourceServer(trx, identifier)
  if (current === null) return { outcome: 'not_found' }
  if (current.status === status) return { outcome: 'unchanged', server: current }
  if (version !== null && current.version !== version) return { outcome: 'conflict', current }
  const server = await updateResourceServer(trx, current, { status })
  if (server === null) throw new Error('a resource server that is held was changed')
  const diff = [{ field: '/status', before: current.status, after: status }]
  await noteAct(trx, deps, { act, what: 'status', identifier, version: server.version, diff })
  return { outcome: 'changed', server }
}

/**
 * Deletes one that nobody uses; its history stays.
 * @throws DomainError `reason_required`
 */
export async function deleteResourceServer (
  trx: Trx,
  deps: Deps,
  { act, identifier, version = null }: { act: Act; identifier: string; version?: number | null }
): Promise<
  | { outcome: 'deleted' | 'not_found' }
  | { outcome: 'in_use'; clients: string[] }
  | { outcome: 'conflict'; current: ResourceServerRecord }
> {
  const current = await holdResourceServer(trx, identifier)
  if (current === null) return { outcome: 'not_found' }
  if (version !== null && current.version !== version) return { outcome: 'conflict', current }
  const granted = await listGrantedClients(trx, identifier)
  const clients = [...granted.map(({ clientId }) => clientId), ...(await listIntrospectors(trx, identifier))]
  if (clients.length > 0) return { outcome: 'in_use', clients: [...new Set(clients)].sort() }
  await trx.deleteFrom('resourceServer').where('identifier', '=', identifier).execute()
  await withdrawRequestsAbout(trx, deps, { subject: identifier, kinds: [resourceServerChangeKind], act })
  await noteAct(trx, deps, { act, what: 'deleted', identifier, version: current.version, diff: [] })
  return { outcome: 'deleted' }
}
