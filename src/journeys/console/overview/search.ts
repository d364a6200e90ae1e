/**
 * The search box: an id of ours or a trace id leads to its page. Posted, because people also type what must not be in
 * addresses.
 */
import { adminRoles } from '../../../domain/administration/administration.ts'
import type { Console } from '../console.ts'
import type { WithConsoleLayout } from '../layout.ts'

export interface NotFoundPage extends WithConsoleLayout {}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/overview/nothing-found': NotFoundPage
  }
}

/** The first match wins; pages that the role may not open are left out. */
const places: ReadonlyArray<[pattern: RegExp, route: RegExp, path: (id: string) => string]> = [
  [/^[0-9a-f]{12}$/, /^\/admin\/audit$/, (id) => `/admin/audit?trace=${id}`],
  [/^adm_[\w-]{8,64}$/, /^\/admin\/accounts\/:\w+$/, (id) => `/admin/accounts/${id}`],
  [/^chg_[\w-]{8,64}$/, /^\/admin\/approvals\/:\w+$/, (id) => `/admin/approvals/${id}`],
  [/^per_[\w-]{8,64}$/, /^\/admin\/people\/:\w+$/, (id) => `/admin/people/${id}`],
  [/^org_[\w-]{8,64}$/, /^\/admin\/organizations\/:\w+$/, (id) => `/admin/organizations/${id}`],
  [/^api_[0-9a-f]{20}$/, /^\/admin\/apis\/:\w+$/, (id) => `/admin/apis/${id}`],
  [/^(?:https?:\/\/|urn:)\S{1,190}$/, /^\/admin\/apis$/, (id) => `/admin/apis?text=${encodeURIComponent(id)}`],
  [/^[A-Za-z][\w.-]{2,63}$/, /^\/admin\/clients\/:\w+$/, (id) => `/admin/clients/${id}`]
]

export function registerSearch (console: Console): void {
  console.page({
    method: 'GET',
    path: '/admin/search',
    roles: adminRoles,
    handler: (c) => c.page('console/overview/nothing-found', {})
  })
  console.page({
    method: 'POST',
    path: '/admin/search',
    roles: adminRoles,
    handler: (c) => {
      const typed = c.field('q').trim()
      // as it is shown on error pages: in groups of four
      const text = /^[0-9a-f\s]{12,}$/i.test(typed) ? typed.replace(/\s/g, '').toLowerCase() : typed
      const place = places.find(
        ([pattern, route]) =>
          pattern.test(text) &&
          console.table.some(
            (entry) => route.test(entry.path) && entry.method === 'GET' && entry.roles.includes(c.administrator.role)
          )
      )
      return place === undefined ? c.page('console/overview/nothing-found', {}) : c.redirect(place[2](text))
    }
  })
}
