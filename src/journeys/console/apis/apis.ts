/**
 * 接口: APIs as resource servers (RFC 8707): the list, one with its form and who uses it, its history, and what is done
 * to it. Which client may ask for its tokens is said at the client. Everything is done by records/resource-servers.
 */
import type { FastifyReply } from 'fastify'
import { inTransaction, write } from '../../../database/transaction.ts'
import type { Act } from '../../../domain/administration/administration.ts'
import { diffOf } from '../../../domain/client/diff.ts'
import type { ClientFault } from '../../../domain/client/faults.ts'
import { weakenedProtections } from '../../../domain/resource-server/dual-control.ts'
import {
  resourceServerStatuses,
  type ResourceServerRecord,
  type ResourceServerStatus
} from '../../../domain/resource-server/record.ts'
import {
  applyResourceServerRequest,
  changeResourceServer,
  contentOf,
  createResourceServer,
  deleteResourceServer,
  findResourceServer,
  findResourceServerById,
  holdResourceServer,
  listGrantedClients,
  listIntrospectors,
  listResourceServerChanges,
  listResourceServers,
  resourceServerChangeKind,
  setResourceServerStatus,
  type GrantedClient,
  type ResourceServerRequest
} from '../../../records/resource-servers/index.ts'
import { diffRows, faultWords, shownValue, type Control } from '../clients/index.ts'
import type { Console, ConsoleRequest, ConfirmModel } from '../console.ts'
import type { AdminFramed } from '../layout.ts'
import { pageOf, readList, type Pager } from '../lists.ts'
import { controlsOf, typedFrom, type Typed } from './form.ts'

export interface ApisPage extends AdminFramed {
  rows: Array<{
    id: string
    identifier: string
    name: string
    status: ResourceServerStatus
    scopes: string[]
    tokenFormat: string
    seconds: number
    minimumLevel: number | null
    clients: number
  }>
  filters: Record<string, string>
  pager: Pager
  mayChange: boolean
}

interface ApiFrame {
  id: string
  identifier: string
  name: string
  status: ResourceServerStatus
  version: number
}

export interface ApiPage extends AdminFramed {
  /** Null: a new one. */
  api: ApiFrame | null
  controls: Control[]
  faults: string[]
  reason: string
  action: string
  mayChange: boolean
  clients: GrantedClient[]
  /** Clients that may introspect the tokens of every API. */
  introspectAll: string[]
  acts: Array<{ href: string; label: string }>
}

export interface ApiHistoryPage extends AdminFramed {
  api: ApiFrame
  rows: Array<{
    at: string
    act: string
    actor: string
    reason: string
    diff: Array<{ field: string; before: string; after: string }>
  }>
  pager: Pager
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/apis/apis': ApisPage
    'console/apis/api': ApiPage
    'console/apis/history': ApiHistoryPage
  }
}

const readers = ['system', 'security', 'audit'] as const
const writers = ['system'] as const
const list = '/admin/apis'
const pathOf = (id: string, tail = ''): string => `${list}/${id}${tail === '' ? '' : `/${tail}`}`
const frameOf = ({ id, identifier, names, status, version }: ResourceServerRecord): ApiFrame => ({
  id,
  identifier,
  name: names['zh-CN'],
  status,
  version
})

interface Shown {
  typed: Typed
  faults?: readonly ClientFault[]
  problems?: string[]
  reason?: string
  status?: number
}

export function registerApis (console: Console): void {
  const { deps } = console
  const { db } = deps
  const mayChange = (c: ConsoleRequest): boolean => writers.some((role) => role === c.administrator.role)
  const apiOf = async (c: ConsoleRequest): Promise<ResourceServerRecord> =>
    (await findResourceServerById(db, (c.request.params as { id: string }).id)) ?? c.notFound()
  const typedOf = async (api: ResourceServerRecord): Promise<Typed> => ({
    identifier: null,
    content: { ...contentOf(api) },
    introspectors: await listIntrospectors(db, api.identifier)
  })

  /** A new one, or one that is there, with what was typed and what is wrong with it. */
  async function formPage (
    c: ConsoleRequest,
    api: ResourceServerRecord | null,
    { typed, faults = [], problems = [], reason = '', status }: Shown
  ): Promise<FastifyReply> {
    const controls = controlsOf(typed, c.t, faults)
    const wrong = [
      ...problems,
      ...controls.flatMap((control) => control.faults.map((words) => `${control.label}: ${words}`)),
      ...faults.filter(({ field }) => field === '').map((fault) => faultWords(c.t, fault))
    ]
    const other = api?.status === 'active' ? 'disabled' : 'active'
    return c.page(
      'console/apis/api',
      {
        api: api === null ? null : frameOf(api),
        controls,
        faults: wrong,
        reason,
        action: api === null ? `${list}/new` : pathOf(api.id),
        mayChange: mayChange(c),
        clients: api === null ? [] : await listGrantedClients(db, api.identifier),
        introspectAll: api === null ? [] : await listIntrospectors(db, '*'),
        acts:
          api === null || !mayChange(c)
            ? []
            : [
                { href: pathOf(api.id, `status/${other}`), label: c.t(`console.apis.to.${other}`) },
                { href: pathOf(api.id, 'delete'), label: c.t('console.apis.delete') }
              ]
      },
      { status: status ?? (wrong.length > 0 ? 422 : 200) }
    )
  }

  /** What `confirmed` says is wrong, in words. */
  const problemsOf = (c: ConsoleRequest, errors: ReadonlyArray<{ code: string }>): string[] =>
    errors.map(({ code }) => c.t.code([`fault.reason.${code}`, `fault.${code}`], 'fault.invalid'))

  console.approvals.register<ResourceServerRequest>(resourceServerChangeKind, {
    async rowOf (on, { identifier }) {
      const api = await findResourceServer(on, identifier)
      return api === null ? null : api.createdAt.toISOString()
    },
    async hold (trx, { identifier }) {
      await holdResourceServer(trx, identifier)
    },
    async describe (on, { identifier, version, content }, t) {
      const api = await findResourceServer(on, identifier)
      if (api === null) return null
      const granted = await listGrantedClients(on, identifier)
      const reasons = weakenedProtections(api, content, granted.length > 0)
      return {
        title: t('console.approvals.change.resource-server.change'),
        facts: [
          { name: t('console.apis.field.identifier'), value: identifier },
          { name: t('console.apis.name'), value: api.names['zh-CN'] },
          { name: t('console.apis.clients'), value: granted.map(({ clientId }) => clientId).join('\n') || '—' },
          ...reasons.map((reason) => ({ name: t('console.clients.dual_control'), value: t(`console.apis.dual_control.${reason}`) })),
          ...diffOf(contentOf(api), content).map(({ field, before, after }) => ({
            name: field,
            value: `${shownValue(before)} → ${shownValue(after)}`
          }))
        ],
        basis: `${version} ${api.version}`
      }
    },
    async apply (trx, request, act, requestedBy) {
      const changed = await applyResourceServerRequest(trx, deps, {
        act: { ...act, reason: `${act.reason} (${requestedBy})` },
        request
      })
      return changed.outcome === 'changed' || changed.outcome === 'unchanged'
        ? { ok: true }
        : { ok: false, code: changed.outcome === 'conflict' ? 'client_changed' : 'client_refused' }
    }
  })

  console.page({
    method: 'GET',
    path: list,
    roles: readers,
    handler: async (c) => {
      const asked = readList(c.request, ['text', 'status'], 1)
      const found = await listResourceServers(db, {
        ...asked.filters,
        after: asked.after?.[0] ?? null,
        limit: asked.limit
      })
      const { rows, pager } = pageOf(asked, found, ({ identifier }) => [identifier])
      if (asked.csv) {
        return c.csv(
          'apis.csv',
          ['identifier', 'name', 'status', 'scopes', 'token_format', 'ttl_seconds', 'minimum_level', 'clients'],
          rows.map((api) => [
            api.identifier,
            api.names['zh-CN'],
            api.status,
            Object.keys(api.scopes).join(' '),
            api.tokenFormat,
            api.ttlSeconds,
            api.minimumLevel,
            api.clients
          ])
        )
      }
      return c.page('console/apis/apis', {
        rows: rows.map((api) => ({
          id: api.id,
          identifier: api.identifier,
          name: api.names['zh-CN'],
          status: api.status,
          scopes: Object.keys(api.scopes),
          tokenFormat: api.tokenFormat,
          seconds: api.ttlSeconds,
          minimumLevel: api.minimumLevel,
          clients: api.clients
        })),
        filters: asked.filters,
        pager,
        mayChange: mayChange(c)
      })
    }
  })

  console.page({
    method: 'GET',
    path: `${list}/new`,
    roles: writers,
    handler: async (c) => await formPage(c, null, { typed: { identifier: '', content: {}, introspectors: [] } })
  })
  console.page({
    method: 'POST',
    path: `${list}/new`,
    roles: writers,
    handler: async (c) => {
      const typed = typedFrom(c.field, true)
      const confirmed = c.confirmed()
      if (!confirmed.ok) {
        const { reason, errors } = confirmed
        return await formPage(c, null, { typed, reason, problems: problemsOf(c, errors) })
      }
      const { act } = confirmed
      const made = await write(deps, createResourceServer, { act, ...typed })
      if (made.outcome === 'created') return c.redirect(pathOf(made.server.id), 'api_created')
      const faults =
        made.outcome === 'invalid'
          ? made.faults
          : [{ field: '/identifier', code: 'taken', received: typed.identifier ?? '', expected: '' }]
      return await formPage(c, null, { typed, faults, reason: act.reason })
    }
  })

  console.page({
    method: 'GET',
    path: `${list}/:id`,
    roles: readers,
    handler: async (c) => {
      const api = await apiOf(c)
      return await formPage(c, api, { typed: await typedOf(api) })
    }
  })
  console.page({
    method: 'POST',
    path: `${list}/:id`,
    roles: writers,
    handler: async (c) => {
      const api = await apiOf(c)
      const typed = typedFrom(c.field, false)
      const confirmed = c.confirmed()
      if (!confirmed.ok) {
        const { reason, errors } = confirmed
        return await formPage(c, api, { typed, reason, problems: problemsOf(c, errors) })
      }
      return await save(c, { api, typed, act: confirmed.act })
    }
  })

  async function save (
    c: ConsoleRequest,
    { api, typed, act }: { api: ResourceServerRecord; typed: Typed; act: Act }
  ): Promise<FastifyReply> {
    const version = Number(c.field('version'))
    const { identifier } = api
    const { content, introspectors } = typed
    const changed = await write(deps, changeResourceServer, {
      act,
      identifier,
      version: Number.isSafeInteger(version) ? version : 0,
      content,
      introspectors
    })
    switch (changed.outcome) {
      case 'changed':
        return c.redirect(pathOf(api.id), 'api_changed')
      case 'unchanged':
        return c.redirect(pathOf(api.id), 'client_unchanged')
      case 'invalid':
        return await formPage(c, api, { typed, faults: changed.faults, reason: act.reason })
      case 'conflict': {
        const [last] = await listResourceServerChanges(db, identifier, { after: null, limit: 1 })
        return await formPage(c, changed.current, {
          typed,
          reason: act.reason,
          problems: [
            c.t('console.apis.conflict', { who: last?.actor ?? '' }),
            ...changed.diff.map(({ field, before, after }) => `${field}: ${shownValue(before)} → ${shownValue(after)}`)
          ],
          status: 412
        })
      }
      case 'approval_needed': {
        const asked = await inTransaction(db, async (trx) =>
          await console.approvals.request<ResourceServerRequest>(trx, {
            kind: resourceServerChangeKind,
            payload: { identifier, version: api.version, content: changed.content, introspectors },
            subject: identifier,
            act
          }))
        return c.redirect(`/admin/approvals/${asked.id}`, asked.ok ? 'change_requested' : 'change_waiting')
      }
      default:
        return c.notFound()
    }
  }

  console.page({
    method: 'GET',
    path: `${list}/:id/history`,
    roles: readers,
    handler: async (c) => {
      const api = await apiOf(c)
      const asked = readList(c.request, [], 1)
      const after = Number(asked.after?.[0])
      const found = await listResourceServerChanges(db, api.identifier, {
        after: Number.isSafeInteger(after) ? after : null,
        limit: asked.limit
      })
      const { rows, pager } = pageOf(asked, found, ({ id }) => [String(id)])
      if (asked.csv) {
        return c.csv(
          'api-history.csv',
          ['at', 'act', 'actor', 'reason', 'version', 'fields', 'trace_id'],
          rows.map((row) => [
            row.at.toISOString(),
            row.act,
            row.actor,
            row.reason,
            row.version,
            row.diff.map(({ field }) => field).join(' '),
            row.traceId
          ])
        )
      }
      return c.page('console/apis/history', {
        api: frameOf(api),
        rows: rows.map(({ at, act, actor, reason, diff }) => ({
          at: at.toISOString(),
          act: c.t(`console.apis.act.${act}`),
          actor,
          reason,
          diff: diffRows(diff)
        })),
        pager
      })
    }
  })

  const factsOf = async (c: ConsoleRequest, api: ResourceServerRecord): Promise<ConfirmModel['facts']> => [
    { name: c.t('console.apis.name'), value: api.names['zh-CN'] },
    { name: c.t('console.apis.field.identifier'), value: api.identifier },
    {
      name: c.t('console.apis.clients'),
      value: (await listGrantedClients(db, api.identifier)).map(({ clientId }) => clientId).join('\n') || '—'
    }
  ]

  const statusModel = async (c: ConsoleRequest, api: ResourceServerRecord) => {
    const status = resourceServerStatuses.find((one) => one === (c.request.params as { status?: string }).status)
    if (status === undefined) return c.notFound()
    return {
      status,
      title: c.t(`console.apis.to.${status}`),
      lead: c.t(`console.apis.to.${status}.lead`),
      facts: await factsOf(c, api),
      typed: null,
      action: pathOf(api.id, `status/${status}`),
      submit: c.t(`console.apis.to.${status}`),
      backHref: pathOf(api.id)
    }
  }
  console.page({
    method: 'GET',
    path: `${list}/:id/status/:status`,
    roles: writers,
    reauth: true,
    handler: async (c) => {
      const { status: _status, ...model } = await statusModel(c, await apiOf(c))
      return c.confirm(model)
    }
  })
  console.page({
    method: 'POST',
    path: `${list}/:id/status/:status`,
    roles: writers,
    reauth: true,
    handler: async (c) => {
      const api = await apiOf(c)
      const { status, ...model } = await statusModel(c, api)
      const confirmed = c.confirmed()
      if (!confirmed.ok) return c.confirm({ ...model, ...confirmed })
      await write(deps, setResourceServerStatus, {
        act: confirmed.act,
        identifier: api.identifier,
        version: null,
        status
      })
      return c.redirect(pathOf(api.id), 'api_changed')
    }
  })

  const deleteModel = async (c: ConsoleRequest, api: ResourceServerRecord) => ({
    title: c.t('console.apis.delete'),
    lead: c.t('console.apis.delete.lead'),
    facts: await factsOf(c, api),
    typed: null,
    action: pathOf(api.id, 'delete'),
    submit: c.t('console.apis.delete'),
    backHref: pathOf(api.id)
  })
  console.page({
    method: 'GET',
    path: `${list}/:id/delete`,
    roles: writers,
    reauth: true,
    handler: async (c) => c.confirm(await deleteModel(c, await apiOf(c)))
  })
  console.page({
    method: 'POST',
    path: `${list}/:id/delete`,
    roles: writers,
    reauth: true,
    handler: async (c) => {
      const api = await apiOf(c)
      const confirmed = c.confirmed()
      if (!confirmed.ok) return c.confirm({ ...(await deleteModel(c, api)), ...confirmed })
      const { act } = confirmed
      const deleted = await write(deps, deleteResourceServer, { act, identifier: api.identifier })
      return deleted.outcome === 'in_use'
        ? c.redirect(pathOf(api.id), 'api_in_use')
        : c.redirect(list, 'api_deleted')
    }
  })
}
