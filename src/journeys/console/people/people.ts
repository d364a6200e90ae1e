/**
 * 用户: finding people, the list, one person, the history. Everything is masked; what is typed for finding comes by a
 * form.
 */
import type { PersonStatus } from '../../../database/schema.ts'
import type { AdminRole } from '../../../domain/administration/administration.ts'
import { maskUscc } from '../../../domain/identity/masking.ts'
import type { FieldError } from '../../../http/pages.ts'
import {
  findPeople,
  listPeople,
  findUnmaskGrants,
  personDetail,
  personHistory,
  type HistoryLine,
  type PersonDetail,
  type PersonLine
} from '../../support/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import { buildPage, readAfter, readList, type Pager } from '../lists.ts'
import type { WithConsoleLayout } from '../layout.ts'

export const supportRoles: readonly AdminRole[] = ['security']
const personStatuses: readonly PersonStatus[] = ['active', 'locked', 'unactivated', 'disabled']

export interface PersonRow extends Omit<PersonLine, 'createdAt'> {
  createdAt: string
}

/** The search posts `csrf`, `text`, `last_four`. */
export interface PeoplePage extends WithConsoleLayout {
  rows: PersonRow[]
  /** Null: found by a search. */
  pager: Pager | null
  filters: { status: string }
  statuses: readonly PersonStatus[]
  errors: FieldError[]
}

type Iso<T> = {
  [K in keyof T]: T[K] extends Date
    ? string
    : T[K] extends Date | null
      ? string | null
      : T[K] extends Array<infer E>
        ? Array<Iso<E>>
        : T[K]
}

export interface PersonPage extends WithConsoleLayout {
  p: Iso<Omit<PersonDetail, 'delegations' | 'represents' | 'namesakes'>>
  represents: Array<{ id: string; name: string; uscc: string; status: string }>
  delegations: Array<{ id: string; organizationId: string; organization: string; state: string; validTo: string }>
  namesakes: PersonRow[]
  /** What another administrator has let this one see. */
  granted: boolean
}

export interface HistoryPage extends WithConsoleLayout {
  id: string
  rows: Array<Omit<HistoryLine, 'at'> & { at: string }>
  pager: Pager
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/people/people': PeoplePage
    'console/people/person': PersonPage
    'console/people/history': HistoryPage
  }
}

const toRow = (line: PersonLine): PersonRow => ({ ...line, createdAt: line.createdAt.toISOString() })

/** Dates as pages take them. */
const iso = <T>(value: T): Iso<T> => JSON.parse(JSON.stringify(value)) as Iso<T>

export const readId = (c: ConsoleRequest, name = 'id'): string =>
  (c.request.params as Record<string, string | undefined>)[name] ?? ''

/** The administrator who reads, for services that record it. */
export const describeViewer = (c: ConsoleRequest): Omit<ReturnType<ConsoleRequest['act']>, 'reason'> => {
  const { reason: _none, ...looker } = c.act('-')
  return looker
}

export function registerPeople (console: Console): void {
  const { deps } = console

  console.page({
    method: 'GET',
    path: '/admin/people',
    roles: supportRoles,
    handler: async (c) => {
      const list = readList(c.request, ['status'], 1)
      const status = personStatuses.find((one) => one === list.filters.status)
      const found = await listPeople(deps, { status, after: list.after?.[0], limit: list.limit })
      const { rows, pager } = buildPage(list, found, ({ id }) => [id])
      if (list.csv) {
        return c.csv(
          'people.csv',
          ['id', 'name', 'cert_type', 'cert_no', 'phone', 'level', 'status', 'created_at'],
          rows.map((row) => [
            row.id,
            row.name,
            row.certType,
            row.certNo,
            row.phone,
            row.level,
            row.status,
            row.createdAt.toISOString()
          ])
        )
      }
      return c.page('console/people/people', {
        rows: rows.map(toRow),
        pager,
        filters: list.filters,
        statuses: personStatuses,
        errors: []
      })
    }
  })

  console.page({
    method: 'GET',
    path: '/admin/people/search',
    roles: supportRoles,
    handler: (c) => c.redirect('/admin/people')
  })
  console.page({
    method: 'POST',
    path: '/admin/people/search',
    roles: supportRoles,
    handler: async (c) => {
      const found = await findPeople(deps, describeViewer(c), { text: c.field('text'), lastFour: c.field('last_four') })
      if (found.ok && found.people.length === 1) return c.redirect(`/admin/people/${found.people[0]?.id ?? ''}`)
      // what was typed is not sent back: the page may be printed or left open
      return c.page(
        'console/people/people',
        {
          rows: found.ok ? found.people.map(toRow) : [],
          pager: null,
          filters: { status: '' },
          statuses: personStatuses,
          errors: found.ok
            ? []
            : [
                {
                  field: found.code === 'last_four' ? 'last_four' : 'text',
                  code: found.code === 'last_four' ? 'needed' : found.code
                }
              ]
        },
        found.ok ? {} : { status: 422 }
      )
    }
  })

  console.page({
    method: 'GET',
    path: '/admin/people/:id',
    roles: supportRoles,
    handler: async (c) => {
      const detail = await personDetail(deps, describeViewer(c), readId(c))
      if (detail === null) return c.notFound()
      const { delegations, represents, namesakes, ...person } = detail
      return c.page('console/people/person', {
        p: iso(person),
        represents: represents.map((one) => ({ ...one, uscc: maskUscc(one.uscc) })),
        delegations: delegations.map(({ id, organizationId, organizationName, state, validTo }) => ({
          id,
          organizationId,
          organization: organizationName,
          state,
          validTo
        })),
        namesakes: namesakes.map(toRow),
        granted: (await findUnmaskGrants(deps.db, `admin:${c.administrator.id}`, { personId: detail.id })).length > 0
      })
    }
  })

  console.page({
    method: 'GET',
    path: '/admin/people/:id/history',
    roles: supportRoles,
    handler: async (c) => {
      const list = readList(c.request, [], ['number'])
      const found = await personHistory(deps, readId(c), {
        before: readAfter(list) ?? undefined,
        limit: list.limit
      })
      const { rows, pager } = buildPage(list, found, ({ id }) => [String(id)])
      if (list.csv) {
        return c.csv(
          'history.csv',
          ['at', 'type', 'outcome', 'client', 'address', 'actor', 'reason'],
          rows.map((row) => [
            row.at.toISOString(),
            row.type,
            row.outcome,
            row.clientId,
            row.address,
            row.actor,
            row.reason
          ])
        )
      }
      return c.page('console/people/history', {
        id: readId(c),
        rows: rows.map((row) => ({ ...row, at: row.at.toISOString() })),
        pager
      })
    }
  })
}
