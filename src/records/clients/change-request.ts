/** A change of a client that waits for an approval: a patch with its basis. */
import type { Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import type { Act } from '../../domain/administration/administration.ts'
import type { ApprovalKind } from '../../domain/administration/approval-kinds.ts'
import type { ClientDifference } from '../../domain/client/diff.ts'
import { applyPatch, isSameMember, mergePatches, createPatch, type ClientPatch } from '../../domain/client/patch.ts'
import type { ClientContent, ClientRecord, ClientStatus } from '../../domain/client/record.ts'
import { supersedeRequests } from '../approvals/index.ts'
import type { ClientsDeps } from './deps.ts'

export const clientChangeKind = 'client.change' satisfies ApprovalKind
export const clientStatusKind = 'client.status' satisfies ApprovalKind

export interface ClientStatusRequest {
  clientId: string
  status: ClientStatus
}

export type ClientChangeRequest =
  | { clientId: string; patch: ClientPatch; content?: never }
  /** The former format of requests: the whole content, from one version. */
  | { clientId: string; version: number; content: ClientContent; patch?: never }

export const pickContent = ({ kind, metadata, policy }: ClientContent): ClientContent => ({ kind, metadata, policy })

export const clientChangeRequest = (from: ClientRecord, to: ClientContent): ClientChangeRequest => ({
  clientId: from.clientId,
  // the picture changes by an upload only
  patch: createPatch(pickContent(from), pickContent(to)).filter(({ field }) => field !== '/policy/logo')
})

/** The client after the change; null: the members that it was requested from have changed. */
export const requestedContent = (client: ClientRecord, request: ClientChangeRequest): ClientContent | null =>
  request.patch === undefined ? request.content : applyPatch(pickContent(client), request.patch)

export const mergeRequests = (waiting: ClientChangeRequest, next: ClientChangeRequest): ClientChangeRequest =>
  waiting.patch === undefined || next.patch === undefined
    ? next
    : { clientId: next.clientId, patch: mergePatches(waiting.patch, next.patch) }

/** Ends the requests about members that were just changed. */
export async function supersedeClientRequests (
  trx: Transaction<Database>,
  deps: Pick<ClientsDeps, 'audit' | 'crypto'>,
  { act, clientId, diff }: { act: Act; clientId: string; diff: readonly ClientDifference[] }
): Promise<void> {
  await supersedeRequests(trx, deps, {
    kind: clientChangeKind,
    subject: clientId,
    act,
    touches: (payload) => {
      const { patch } = payload as ClientChangeRequest
      return patch === undefined || patch.some(({ field }) => diff.some((one) => isSameMember(one.field, field)))
    }
  })
}
