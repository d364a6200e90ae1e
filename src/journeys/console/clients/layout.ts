/** What every page about a client starts with, and how a change of it is requested. */
import type { FastifyReply } from 'fastify'
import { sql } from 'kysely'
import type { Act, AdminRole } from '../../../domain/administration/administration.ts'
import type { ClientDifference } from '../../../domain/client/diff.ts'
import { diffContent } from '../../../domain/client/diff.ts'
import { dualControlReasons } from '../../../domain/administration/dual-control.ts'
import type { ClientContent, ClientKind, ClientRecord, ClientStatus } from '../../../domain/client/record.ts'
import {
  applyClientRequest,
  applySecretRequest,
  clientChangeKind,
  clientSecretKind,
  clientStatusKind,
  setClientStatus,
  clientChangeRequest,
  pickContent,
  findClient,
  holdClient,
  logoPath,
  mergeRequests,
  requestedContent,
  type ClientChangeRequest,
  type ClientSecretRequest,
  type ClientStatusRequest,
  type RegistryServices
} from '../../../records/clients/index.ts'
import type { ApprovalHandler } from '../../../records/approvals/index.ts'
import type { AdminTranslate } from '../../../http/locale.ts'
import { diffFact, toApprovalResult } from '../change-history.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import { tabNames } from './forms.ts'

interface Fact {
  name: string
  value: string
}

/** The frame of every page about one client. */
export interface ClientLayout {
  clientId: string
  name: string
  status: ClientStatus
  kind: ClientKind
  version: number
  logo: string | null
  current: string
  tabs: string[]
  mayChange: boolean
}

export const readers: readonly AdminRole[] = ['system', 'security', 'audit']
export const writers: readonly AdminRole[] = ['system']
export const buildPath = (clientId: string, tail = ''): string =>
  `/admin/clients/${clientId}${tail === '' ? '' : `/${tail}`}`

export async function describeOwnClient (c: ConsoleRequest, console: Console): Promise<ClientRecord> {
  return (await findClient(console.deps.db, (c.request.params as { id: string }).id)) ?? c.notFound()
}

/** Kora's own services are shown and cannot be changed. */
export const mayChange = (c: ConsoleRequest, client: ClientRecord): boolean =>
  writers.includes(c.administrator.role) && client.policy.ownService !== true

export function buildLayout (c: ConsoleRequest, client: ClientRecord, current: string): ClientLayout {
  const { clientId, status, kind, version, policy } = client
  const people = kind !== 'machine' && kind !== 'resource'
  return {
    clientId,
    status,
    kind,
    version,
    current,
    name: policy.names['zh-CN'] || clientId,
    logo: policy.logo === undefined ? null : logoPath(policy.logo),
    tabs: [
      ...tabNames.filter((name) => people || (name !== 'addresses' && name !== 'experience')),
      ...(people ? ['snippets', 'test'] : []),
      'history'
    ],
    mayChange: mayChange(c, client)
  }
}

/** A grant at an API, as who decides about it can read it; null: something else. */
function grantFact (
  { field, before, after }: ClientDifference,
  t: AdminTranslate
): { name: string; value: string } | null {
  const [, pointer, member] = /^\/policy\/resources\/([^/]+)(?:\/(scopes|machineScopes))?$/.exec(field) ?? []
  if (pointer === undefined) return null
  const words = { scopes: t('console.apis.used.people'), machineScopes: t('console.apis.used.machine') }
  const list = (value: unknown): string => (Array.isArray(value) && value.length > 0 ? value.join(' ') : '—')
  const shown = (value: unknown): string => {
    if (member !== undefined) return list(value)
    const { scopes, machineScopes } = (value ?? {}) as { scopes?: unknown; machineScopes?: unknown }
    return `${words.scopes} ${list(scopes)}, ${words.machineScopes} ${list(machineScopes)}`
  }
  const identifier = pointer.replaceAll('~1', '/').replaceAll('~0', '~')
  const whose = member === undefined ? '' : ` (${words[member as keyof typeof words]})`
  return { name: `${t('console.apis.name')} ${identifier}${whose}`, value: `${shown(before)} → ${shown(after)}` }
}

type Named = Pick<ApprovalHandler<{ clientId: string }, unknown>, 'findRow' | 'hold'>
/** The client that a request names, and no other one that got its name. */
const ofClient: Required<Named> = {
  async findRow (db, { clientId }) {
    const row = await db
      .selectFrom('client')
      .select(sql<string>`extract(epoch from created_at)::text`.as('made'))
      .where('clientId', '=', clientId)
      .executeTakeFirst()
    return row?.made ?? null
  },
  async hold (trx, { clientId }) {
    await holdClient(trx, clientId)
  }
}

/** What is given to the client: whoever decides about its status or its secret decides about all of it. */
const describeClient = ({ clientId, status, metadata, policy }: ClientRecord, t: AdminTranslate): Fact[] => [
  { name: t('console.clients.client_id'), value: clientId },
  { name: t('console.clients.name'), value: policy.names['zh-CN'] },
  { name: t('console.clients.status'), value: t(`console.clients.status.${status}`) },
  ...(metadata.redirect_uris ?? []).map((value) => ({ name: 'redirect_uri', value })),
  { name: 'scope', value: metadata.scope ?? '—' },
  ...Object.entries(policy.resources).map(([identifier, { scopes, machineScopes }]) => ({
    name: `${t('console.apis.name')} ${identifier}`,
    value: [...(scopes ?? []), ...(machineScopes ?? [])].join(' ')
  })),
  ...(policy.trusted
    ? [{ name: t('console.clients.dual_control'), value: t('console.clients.dual_control.consent_skipped') }]
    : []),
  ...(policy.introspects.length > 0
    ? [{ name: t('console.clients.field.introspects'), value: policy.introspects.join(' ') }]
    : [])
]

/** Changes of clients that another administrator must approve. */
export function registerClientChanges ({
  deps,
  approvals
}: {
  deps: Pick<RegistryServices, 'audit' | 'config' | 'crypto'>
  approvals: Console['approvals']
}): void {
  approvals.register<ClientStatusRequest>(clientStatusKind, {
    ...ofClient,
    async describe (db, { clientId, status }, t) {
      const client = await findClient(db, clientId)
      return client === null || status === 'draft'
        ? null
        : {
            title: t('console.approvals.change.client.status'),
            facts: [
              { name: t('console.clients.status.to'), value: t(`console.clients.status.to.${status}`) },
              ...describeClient(client, t)
            ],
            basis: String(client.version)
          }
    },
    async apply (trx, request, { act, requestedBy }) {
      const moved = await setClientStatus(trx, deps, {
        ...request,
        act: { ...act, reason: `${act.reason} (${requestedBy})` },
        version: null,
        approved: true
      })
      return toApprovalResult(moved.outcome)
    }
  })
  approvals.register<ClientSecretRequest>(clientSecretKind, {
    ...ofClient,
    async describe (db, { clientId, hint, grace }, t) {
      const client = await findClient(db, clientId)
      return client === null
        ? null
        : {
            title: t('console.approvals.change.client.secret'),
            facts: [
              { name: t('console.clients.secret'), value: `…${hint}` },
              {
                name: t('console.clients.secret.grace'),
                value: t('console.clients.secret.days', { n: Math.round(grace / 8640) / 10 })
              },
              ...describeClient(client, t)
            ],
            basis: String(client.version)
          }
    },
    async apply (trx, request, { act, requestedBy }) {
      const { outcome } = await applySecretRequest(trx, deps, {
        act: { ...act, reason: `${act.reason} (${requestedBy})` },
        request
      })
      return outcome === 'created'
        ? { ok: true }
        : { ok: false, code: outcome === 'too_many' ? 'client_two_secrets' : 'client_refused' }
    }
  })
  approvals.register<ClientChangeRequest>(clientChangeKind, {
    ...ofClient,
    merge: mergeRequests,
    async describe (db, request, t) {
      const client = await findClient(db, request.clientId)
      if (client === null) return null
      const content = requestedContent(client, request)
      // exactly what was asked, independent of later changes
      const facts = (request.patch ?? diffContent(pickContent(client), request.content)).map(
        (change) => grantFact(change, t) ?? diffFact(change)
      )
      const reasons = content === null ? [] : dualControlReasons(client, content)
      return {
        title: t('console.approvals.change.client.change'),
        facts: [
          { name: t('console.clients.client_id'), value: client.clientId },
          { name: t('console.clients.name'), value: client.policy.names['zh-CN'] },
          ...reasons.map((reason) => ({
            name: t('console.clients.dual_control'),
            value: t(`console.clients.dual_control.${reason}`)
          })),
          ...facts
        ],
        basis: request.patch === undefined ? String(client.version) : `${content !== null} ${reasons.join(' ')}`
      }
    },
    async apply (trx, request, { act, requestedBy }) {
      const changed = await applyClientRequest(trx, deps, {
        act: { ...act, reason: `${act.reason} (${requestedBy})` },
        request
      })
      return toApprovalResult(changed.outcome)
    }
  })
}

/** Requests approval of this change by another administrator, and leads to the request. */
export const askApproval = async (
  c: ConsoleRequest,
  { client, content, act }: { client: ClientRecord; content: ClientContent; act: Act }
): Promise<FastifyReply> =>
  await c.askApproval({
    kind: clientChangeKind,
    payload: clientChangeRequest(client, content),
    subject: client.clientId,
    act
  })
