/** The list of clients with its filters, and 记录: what was changed at one. */
import { clientHistory, listClients } from '../../../records/clients/index.ts'
import type { ClientKind, ClientStatus } from '../../../domain/client/record.ts'
import type { Console } from '../console.ts'
import { buildPage, readAfter, readList, type Pager } from '../lists.ts'
import type { WithConsoleLayout } from '../layout.ts'
import { diffRows, sendChangesCsv } from '../change-history.ts'
import { describeOwnClient, buildLayout, readers, writers, type ClientLayout } from './layout.ts'

export interface ClientRow {
  clientId: string
  name: string
  unit: string | null
  kind: ClientKind
  status: ClientStatus
  hosts: string[]
  lastUsed: string | null
  errors: number
}

export interface ClientListPage extends WithConsoleLayout {
  rows: ClientRow[]
  filters: Record<string, string>
  pager: Pager
  scopes: readonly string[]
  mayChange: boolean
}

export interface ClientHistoryPage extends WithConsoleLayout {
  client: ClientLayout
  rows: Array<{
    at: string
    act: string
    actor: string
    reason: string
    traceId: string | null
    diff: Array<{ field: string; before: string; after: string }>
  }>
  pager: Pager
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/clients/list': ClientListPage
    'console/clients/history': ClientHistoryPage
  }
}

const filterNames = ['text', 'status', 'kind', 'type', 'grant', 'scope', 'host', 'unit', 'unused'] as const

export function registerClientList (console: Console, scopes: readonly string[]): void {
  const { db } = console.deps
  console.page({
    method: 'GET',
    path: '/admin/clients',
    roles: readers,
    handler: async (c) => {
      const list = readList(c.request, filterNames, 1)
      const { unused, ...filters } = list.filters
      const found = await listClients(db, {
        filters: { ...filters, unusedDays: unused },
        after: list.after?.[0] ?? null,
        limit: list.limit
      })
      const { rows, pager } = buildPage(list, found, (row) => [row.clientId])
      if (list.csv) {
        return c.csv(
          'clients.csv',
          ['client_id', 'name', 'unit', 'owner', 'kind', 'status', 'hosts', 'last_used_at', 'errors', 'version'],
          rows.map((row) => [
            row.clientId,
            row.name,
            row.unit,
            row.owner,
            row.kind,
            row.status,
            row.hosts.join(' '),
            row.lastUsedAt?.toISOString() ?? null,
            row.errors,
            row.version
          ])
        )
      }
      return c.page('console/clients/list', {
        rows: rows.map(({ clientId, name, unit, kind, status, hosts, lastUsedAt, errors }) => ({
          clientId,
          name: name || clientId,
          unit,
          kind,
          status,
          hosts,
          lastUsed: lastUsedAt?.toISOString() ?? null,
          errors
        })),
        filters: list.filters,
        pager,
        scopes,
        mayChange: writers.includes(c.administrator.role)
      })
    }
  })

  console.page({
    method: 'GET',
    path: '/admin/clients/:id/history',
    roles: readers,
    handler: async (c) => {
      const client = await describeOwnClient(c, console)
      const list = readList(c.request, [], ['number'])
      const found = await clientHistory(db, { clientId: client.clientId, after: readAfter(list), limit: list.limit })
      const { rows, pager } = buildPage(list, found, (row) => [String(row.id)])
      if (list.csv) return sendChangesCsv(c, 'client-history.csv', rows)
      return c.page('console/clients/history', {
        client: buildLayout(c, client, 'history'),
        rows: rows.map(({ at, act, actor, reason, traceId, diff }) => ({
          at: at.toISOString(),
          act: c.t.code([`console.clients.act.${act}`], 'console.clients.act.changed'),
          actor,
          reason,
          traceId,
          diff: diffRows(diff)
        })),
        pager
      })
    }
  })
}
