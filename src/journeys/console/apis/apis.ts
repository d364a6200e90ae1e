/**
 * 接口: APIs as resource servers (RFC 8707): the list, and one with its form and who uses it. Which client may ask for
 * its tokens is said at the client. Everything is done by records/resource-servers.
 */
import type { FastifyReply } from 'fastify'
import { write } from '../../../database/transaction.ts'
import type { Act } from '../../../domain/administration/administration.ts'
import type { ClientFault } from '../../../domain/client/faults.ts'
import type { ResourceServerRecord, ResourceServerStatus } from '../../../domain/resource-server/record.ts'
import {
  changeResourceServer,
  pickContent,
  createResourceServer,
  listGrantedClients,
  listIntrospectors,
  listResourceServerChanges,
  listResourceServers,
  resourceServerChangeKind,
  type GrantedClient,
  type ResourceServerRequest
} from '../../../records/resource-servers/index.ts'
import { diffFact } from '../change-history.ts'
import { faultWords, type Control } from '../controls.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import type { WithConsoleLayout } from '../layout.ts'
import { buildPage, readList, type Pager } from '../lists.ts'
import { buildControls, typedFrom, type Typed } from './form.ts'
import { loadApi, buildFrame, listPath, buildPath, readers, writers, type ApiFrame } from './layout.ts'

export interface ApisPage extends WithConsoleLayout {
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

export interface ApiPage extends WithConsoleLayout {
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

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/apis/apis': ApisPage
    'console/apis/api': ApiPage
  }
}

interface Shown {
  typed: Typed
  faults?: readonly ClientFault[]
  problems?: string[]
  reason?: string
  status?: number
}

export function registerApiPages (console: Console): void {
  const { deps } = console
  const { db } = deps
  const mayChange = (c: ConsoleRequest): boolean => writers.some((role) => role === c.administrator.role)
  const readTyped = async (api: ResourceServerRecord): Promise<Typed> => ({
    identifier: null,
    content: { ...pickContent(api) },
    introspectors: await listIntrospectors(db, api.identifier)
  })

  /** A new one, or one that is there, with what was typed and what is wrong with it. */
  async function formPage (
    c: ConsoleRequest,
    api: ResourceServerRecord | null,
    { typed, faults = [], problems = [], reason = '', status }: Shown
  ): Promise<FastifyReply> {
    const controls = buildControls(typed, c.t, faults)
    const wrong = [
      ...problems,
      ...controls.flatMap((control) => control.faults.map((words) => `${control.label}: ${words}`)),
      ...faults.filter(({ field }) => field === '').map((fault) => faultWords(c.t, fault))
    ]
    const other = api?.status === 'active' ? 'disabled' : 'active'
    return c.page(
      'console/apis/api',
      {
        api: api === null ? null : buildFrame(api),
        controls,
        faults: wrong,
        reason,
        action: api === null ? `${listPath}/new` : buildPath(api.id),
        mayChange: mayChange(c),
        clients: api === null ? [] : await listGrantedClients(db, api.identifier),
        introspectAll: api === null ? [] : await listIntrospectors(db, '*'),
        acts:
          api === null || !mayChange(c)
            ? []
            : [
                { href: buildPath(api.id, `status/${other}`), label: c.t(`console.apis.to.${other}`) },
                { href: buildPath(api.id, 'delete'), label: c.t('console.apis.delete') }
              ]
      },
      { status: status ?? (wrong.length > 0 ? 422 : 200) }
    )
  }

  console.page({
    method: 'GET',
    path: listPath,
    roles: readers,
    handler: async (c) => {
      const asked = readList(c.request, ['text', 'status'], 1)
      const found = await listResourceServers(db, {
        ...asked.filters,
        after: asked.after?.[0] ?? null,
        limit: asked.limit
      })
      const { rows, pager } = buildPage(asked, found, ({ identifier }) => [identifier])
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
    path: `${listPath}/new`,
    roles: writers,
    handler: async (c) => await formPage(c, null, { typed: { identifier: '', content: {}, introspectors: [] } })
  })
  console.page({
    method: 'POST',
    path: `${listPath}/new`,
    roles: writers,
    handler: async (c) => {
      const typed = typedFrom(c.field, true)
      const confirmed = c.confirmed()
      if (!confirmed.ok) {
        const { reason, errors } = confirmed
        return await formPage(c, null, { typed, reason, problems: c.problems(errors) })
      }
      const { act } = confirmed
      const made = await write(deps, createResourceServer, { act, ...typed })
      if (made.outcome === 'created') return c.redirect(buildPath(made.server.id), 'api_created')
      const faults =
        made.outcome === 'invalid'
          ? made.faults
          : [{ field: '/identifier', code: 'taken', received: typed.identifier ?? '', expected: '' }]
      return await formPage(c, null, { typed, faults, reason: act.reason })
    }
  })

  console.page({
    method: 'GET',
    path: `${listPath}/:id`,
    roles: readers,
    handler: async (c) => {
      const api = await loadApi(c, console)
      return await formPage(c, api, { typed: await readTyped(api) })
    }
  })
  console.page({
    method: 'POST',
    path: `${listPath}/:id`,
    roles: writers,
    handler: async (c) => {
      const api = await loadApi(c, console)
      const typed = typedFrom(c.field, false)
      const confirmed = c.confirmed()
      if (!confirmed.ok) {
        const { reason, errors } = confirmed
        return await formPage(c, api, { typed, reason, problems: c.problems(errors) })
      }
      return await save(c, { api, typed, act: confirmed.act })
    }
  })

  async function save (
    c: ConsoleRequest,
    { api, typed, act }: { api: ResourceServerRecord; typed: Typed; act: Act }
  ): Promise<FastifyReply> {
    const { identifier } = api
    const { content, introspectors } = typed
    const changed = await write(deps, changeResourceServer, {
      act,
      identifier,
      version: c.version(),
      content,
      introspectors
    })
    switch (changed.outcome) {
      case 'changed':
        return c.redirect(buildPath(api.id), 'api_changed')
      case 'unchanged':
        return c.redirect(buildPath(api.id), 'client_unchanged')
      case 'invalid':
        return await formPage(c, api, { typed, faults: changed.faults, reason: act.reason })
      case 'conflict': {
        const [last] = await listResourceServerChanges(db, identifier, { after: null, limit: 1 })
        return await formPage(c, changed.current, {
          typed,
          reason: act.reason,
          problems: [
            c.t('console.apis.conflict', { who: last?.actor ?? '' }),
            ...changed.diff.map(diffFact).map(({ name, value }) => `${name}: ${value}`)
          ],
          status: 412
        })
      }
      case 'approval_needed': {
        const payload: ResourceServerRequest = {
          identifier,
          version: api.version,
          content: changed.content,
          introspectors
        }
        return await c.askApproval({ kind: resourceServerChangeKind, payload, subject: identifier, act })
      }
      default:
        return c.notFound()
    }
  }
}
