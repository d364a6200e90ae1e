/** Making and changing clients: row, history, audit event and cache epoch in the caller's transaction. */
import { randomBytes } from 'node:crypto'
import type { Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import type { Act } from '../../domain/administration/administration.ts'
import { findGrantFaults } from '../../domain/client/api-grants.ts'
import { diffContent, type ClientDifference } from '../../domain/client/diff.ts'
import { dualControlReasons, statusReasons, type DualControlReason } from '../../domain/administration/dual-control.ts'
import { validateClient, type ClientFault } from '../../domain/client/metadata.ts'
import type { ClientContent, ClientRecord, ClientStatus } from '../../domain/client/record.ts'
import { createSecret } from '../../tokens/client-secrets.ts'
import { revokeClient } from '../../tokens/revocation.ts'
import {
  clientChangeKind,
  clientStatusKind,
  pickContent,
  supersedeClientRequests,
  requestedContent,
  type ClientChangeRequest
} from './change-request.ts'
import type { ClientsDeps } from './deps.ts'
import { withdrawRequestsAbout, withdrawRequestsBy } from '../approvals/index.ts'
import { noteAct } from './history.ts'
import { findClient, findOfferedScopes, holdClient, insertClient, updateClient, type Db } from './repository.ts'
import { clientRules } from './rules.ts'
import { clientSecretKind, endEverySecret, usesSecret } from './secrets.ts'

export type RegistryServices = Pick<ClientsDeps, 'db' | 'audit' | 'config' | 'crypto'>
type Within = Pick<ClientsDeps, 'audit' | 'config' | 'crypto'>
type Trx = Transaction<Database>

/** Shown once; stored as a hash. */
export interface NewSecret {
  id: string
  secret: string
  hint: string
}

export type Refused =
  | { outcome: 'invalid'; faults: ClientFault[] }
  /** Another administrator must approve it first. */
  | { outcome: 'approval_needed'; reasons: DualControlReason[] }

/** `approved`: another administrator approved it, or an operator acts at the machine itself. */
export interface ActOptions {
  approved?: boolean
}

export type Created =
  { outcome: 'created'; client: ClientRecord; secret: NewSecret | null } | { outcome: 'taken' } | Refused

/** Grants at APIs that there are not; `hold`: these APIs stay until the transaction ends. */
export async function checkGrants (
  db: Db,
  { policy: { resources } }: ClientContent,
  { hold = false } = {}
): Promise<ClientFault[]> {
  return findGrantFaults(resources, await findOfferedScopes(db, Object.keys(resources), { hold }))
}

const idPattern = /^[a-z0-9](?:[a-z0-9._-]{1,62})[a-z0-9]$/
export const newClientId = (): string => `site-${randomBytes(6).toString('hex')}`

/** The fault of an identifier that somebody chose, or null. */
export const clientIdFault = (clientId: string): ClientFault | null =>
  idPattern.test(clientId)
    ? null
    : { field: '/client_id', code: 'not_an_id', received: clientId.slice(0, 100), expected: 'a–z 0–9 . _ -, 3–64' }

/** `content`: `{kind, metadata, policy}`; everything that is left out gets secure defaults. */
export interface NewClient extends ActOptions {
  act: Act
  content: unknown
  clientId?: string
  status?: 'draft' | 'test' | 'live'
}

/**
 * Registers a client; a kind that authenticates with a secret gets one.
 * @throws DomainError `reason_required`
 */
export async function createClient (trx: Trx, deps: Within, input: NewClient): Promise<Created> {
  const { act, clientId = newClientId(), status = 'test', approved = false } = input
  const checked = validateClient(input.content, clientRules(deps.config))
  const idFault = clientIdFault(clientId)
  if (!checked.ok || idFault !== null) {
    return {
      outcome: 'invalid',
      faults: [...(idFault === null ? [] : [idFault]), ...(checked.ok ? [] : checked.faults)]
    }
  }
  const grantFaults = await checkGrants(trx, checked.content, { hold: true })
  if (grantFaults.length > 0) return { outcome: 'invalid', faults: grantFaults }
  const reasons = [...dualControlReasons(null, checked.content), ...statusReasons(status)]
  if (reasons.length > 0 && !approved) return { outcome: 'approval_needed', reasons }
  if (!(await insertClient(trx, { clientId, status, clientContent: checked.content }))) return { outcome: 'taken' }
  const made = usesSecret(checked.content.metadata) ? await createSecret(trx, clientId) : null
  await noteAct(trx, deps, {
    by: act,
    act: 'created',
    about: { clientId, version: 1, diff: diffContent({}, checked.content) }
  })
  const client = await findClient(trx, clientId)
  if (client === null) throw new Error('client vanished while it was made')
  return {
    outcome: 'created',
    client,
    secret: made?.outcome === 'created' ? { id: made.id, secret: made.secret, hint: made.hint } : null
  }
}

export type Changed =
  | { outcome: 'changed'; client: ClientRecord; diff: ClientDifference[] }
  | { outcome: 'unchanged'; client: ClientRecord }
  /** Somebody else changed it meanwhile: theirs and what was asked for (HTTP 412). */
  | { outcome: 'conflict'; current: ClientRecord; yours: ClientContent; diff: ClientDifference[] }
  | { outcome: 'not_found' }
  /** Kora's own services are made by Kora. */
  | { outcome: 'own_service' }
  | Refused

/** `version`: the one that the change is based on; null: the current one, for a declared state (apply.ts). */
export interface ClientReplacement extends ActOptions {
  act: Act
  clientId: string
  version: number | null
  content: unknown
}

/**
 * Replaces the whole content of a client.
 * @throws DomainError `reason_required`
 */
export async function changeClient (trx: Trx, deps: Within, input: ClientReplacement): Promise<Changed> {
  const { act, clientId, version, content, approved = false } = input
  const current = await holdClient(trx, clientId)
  if (current === null) return { outcome: 'not_found' }
  if (current.policy.ownService === true) return { outcome: 'own_service' }
  // the picture is no part of what is declared: it changes by an upload only (logo.ts)
  const checked = validateClient(withLogo(content, current.policy.logo), clientRules(deps.config))
  if (!checked.ok) return { outcome: 'invalid', faults: checked.faults }
  const diff = diffContent(pickContent(current), checked.content)
  if (version !== null && current.version !== version) {
    return { outcome: 'conflict', current, yours: checked.content, diff }
  }
  if (diff.length === 0) return { outcome: 'unchanged', client: current }
  const grantFaults = await checkGrants(trx, checked.content, { hold: true })
  if (grantFaults.length > 0) return { outcome: 'invalid', faults: grantFaults }
  const reasons = dualControlReasons(current, checked.content)
  if (reasons.length > 0 && !approved) return { outcome: 'approval_needed', reasons }
  const client = await updateClient(trx, { clientId, version: current.version, change: checked.content })
  if (client === null) throw new Error('a client that is held was changed')
  // a secret must not stay valid for a client that now authenticates in another way
  if (usesSecret(current.metadata) && !usesSecret(client.metadata)) await endEverySecret(trx, clientId)
  await supersedeClientRequests(trx, deps, { act, clientId, diff })
  await noteAct(trx, deps, { by: act, act: 'changed', about: { clientId, version: client.version, diff } })
  return { outcome: 'changed', client, diff }
}

function withLogo (input: unknown, logo: string | undefined): unknown {
  const policy = (input as { policy?: unknown } | null)?.policy
  if (typeof policy !== 'object' || policy === null || Array.isArray(policy)) return input
  const { logo: _given, ...rest } = policy as Record<string, unknown>
  return { ...(input as object), policy: logo === undefined ? rest : { ...rest, logo } }
}

/** Makes the change that was approved. */
export async function applyClientRequest (
  trx: Trx,
  deps: Within,
  { act, request }: { act: Act; request: ClientChangeRequest }
): Promise<Changed> {
  const { clientId } = request
  const current = await holdClient(trx, clientId)
  if (current === null) return { outcome: 'not_found' }
  const content = requestedContent(current, request)
  if (content === null) return { outcome: 'conflict', current, yours: pickContent(current), diff: request.patch ?? [] }
  const version = request.patch === undefined ? request.version : current.version
  return await changeClient(trx, deps, { act, clientId, version, content, approved: true })
}

/** From which status to which; drafts are deleted, everything else is only disabled. */
export const statusSteps: Readonly<Record<ClientStatus, readonly ClientStatus[]>> = {
  draft: ['test', 'live'],
  test: ['live', 'disabled'],
  live: ['disabled'],
  disabled: ['live']
}

export type StatusChanged =
  | Exclude<Changed, { outcome: 'conflict' }>
  | { outcome: 'conflict'; current: ClientRecord }
  | { outcome: 'forbidden'; from: ClientStatus }

/**
 * Changes the status of a client. A client that becomes usable is checked again as a whole; a disabled one loses every
 * code, token and session at once.
 * @throws DomainError `reason_required`
 */
export async function setClientStatus (
  trx: Trx,
  deps: Within,
  {
    act,
    clientId,
    version,
    status,
    approved = false
  }: ActOptions & {
    act: Act
    clientId: string
    version: number | null
    status: ClientStatus
  }
): Promise<StatusChanged> {
  const current = await holdClient(trx, clientId)
  if (current === null) return { outcome: 'not_found' }
  if (current.policy.ownService === true) return { outcome: 'own_service' }
  if (current.status === status) return { outcome: 'unchanged', client: current }
  if (version !== null && current.version !== version) return { outcome: 'conflict', current }
  if (!statusSteps[current.status].includes(status)) return { outcome: 'forbidden', from: current.status }
  if (status !== 'disabled') {
    const checked = validateClient(pickContent(current), clientRules(deps.config))
    if (!checked.ok) return { outcome: 'invalid', faults: checked.faults }
  }
  const reasons = statusReasons(status)
  if (reasons.length > 0 && !approved) return { outcome: 'approval_needed', reasons }
  const client = await updateClient(trx, { clientId, version: current.version, change: { status } })
  if (client === null) throw new Error('a client that is held was changed')
  // a process that had not noticed the disabling may have issued something in that second: it is dead for good, too
  if (status === 'disabled' || current.status === 'disabled') await revokeClient(trx, clientId)
  if (status === 'disabled') {
    await withdrawRequestsBy(trx, deps, { actor: `client:${clientId}`, act })
  }
  const diff = [{ field: '/status', before: current.status, after: status }]
  const type = status === 'disabled' ? ('client.disabled' as const) : ('client.enabled' as const)
  await noteAct(trx, deps, { by: act, act: 'status', about: { clientId, version: client.version, diff, type } })
  return { outcome: 'changed', client, diff }
}

/** Drafts were never used, so they may be deleted; the history stays. */
export async function deleteDraft (
  trx: Trx,
  deps: Within,
  { act, clientId }: { act: Act; clientId: string }
): Promise<'deleted' | 'not_found' | 'not_a_draft'> {
  const current = await holdClient(trx, clientId)
  if (current === null) return 'not_found'
  if (current.status !== 'draft') return 'not_a_draft'
  await trx.deleteFrom('client').where('clientId', '=', clientId).execute()
  await withdrawRequestsAbout(trx, deps, {
    subject: clientId,
    kinds: [clientChangeKind, clientStatusKind, clientSecretKind],
    act
  })
  await noteAct(trx, deps, { by: act, act: 'deleted', about: { clientId, version: current.version } })
  return 'deleted'
}
