/**
 * The console, /admin: its frame, its accounts and sign-in, the route table, changes that need a second administrator,
 * settings. It is an OIDC client of Kora like any other (site.ts, journeys/own-site). What is administered belongs to
 * other features; their pages stand in console/<area>.ts and register here.
 *
 * A page is added like this (console/keys.ts; call it from registerAdmin below):
 *
 *   export function registerKeyPages (console: Console): void {
 *     console.page({ method: 'GET', path: '/admin/keys', roles: ['system', 'security'], handler: async (c) => {
 // filters in the address, cursor of two values
 *       const list = readList(c.request, ['state'], ['time', 'text'])
 // one query, limit = page + 1
 *       const found = await listKeys(db, { ...list.filters, after: list.after, limit: list.limit })
 *       const { rows, pager } = pageOf(list, found, (key) => [key.createdAt.toISOString(), key.kid])
 *       if (list.csv) return c.csv('keys.csv', ['kid', 'state'], rows.map((key) => [key.kid, key.state]))
 *       return c.page('console/keys/keys', { rows, filters: list.filters, pager })
 *     } })
 *     // a dangerous act: a page of its own, and what it posts to
 *     const remove = { path: '/admin/keys/:kid/remove', roles: ['system'], reauth: true }
 *     console.page({ ...remove, method: 'GET', handler: (c) => c.confirm(model) })
 *     console.page({ ...remove, method: 'POST', handler: async (c) => {
 *       const confirmed = c.confirmed(kid)                              // reason, and the name typed
 *       if (!confirmed.ok) return c.confirm({ ...model, ...confirmed })
 *       await removeKey(services, kid, confirmed.act)
 *       return c.redirect('/admin/keys', 'key_removed')                 // says console.done.key_removed
 *     } })
 *   }
 *
 * The matrix of routes and roles is checked in (test/journeys/console/matrix.txt, written with UPDATE_MATRIX=1).
 * Session, role and the form's token (posts) are checked before the handler runs. Models: `interface KeysPage extends
 * AdminFramed {…}` declared into Pages of http/pages.ts; `shell` is filled in. The template lies beside the handler
 * and begins with `layout('@console/layout', { pageTitle, shell: it.shell })`; forms carry
 * `<input type="hidden" name="csrf" value="<%= it.shell.csrf %>">`; partials '@console/partials/summary',
 * '@console/partials/pager', '@partials/field'. Texts: messages.<locale>.json of the area, in handlers `c.t`. A page
 * appears in the navigation as soon as its area's first path is registered for the role. Secrets shown once:
 * `c.page('console/once', …)`.
 *
 * What needs a second administrator: `console.approvals.register('client.change', { describe,
 * apply })` where the pages are registered; then, instead of doing it, `return await c.askApproval({ kind, payload,
 * subject: clientId, act })`. `apply` runs in the transaction that approves, with the approver's act.
 */
import type { FastifyInstance } from 'fastify'
import type { ConsoleDeps } from './deps.ts'
import type { Settings } from '../../records/settings/index.ts'
import { createRelyingParty } from '../own-site/index.ts'
import { createConsole, type Console } from './console.ts'
import { registerAccounts } from './administrators/accounts.ts'
import { registerApis } from './apis/index.ts'
import { registerApprovals } from './approvals/approvals.ts'
import { registerAudit } from './audit/audit.ts'
import { registerBegin } from './sign-in/enrollment.ts'
import { registerCounter } from './in-person/in-person.ts'
import { registerKeys } from './keys/keys.ts'
import { registerNotices } from './notices/notices.ts'
import { registerOrganizations } from './organizations/organizations.ts'
import { registerClientPages } from './clients/index.ts'
import { registerOutbox } from './outbox/outbox.ts'
import { registerOverview } from './overview/overview.ts'
import { registerOwnAccount } from './account/own-account.ts'
import { registerPeopleActs } from './people/people-acts.ts'
import { registerPeople } from './people/people.ts'
import { registerRegistrations } from './registrations/registrations.ts'
import { registerSearch } from './overview/search.ts'
import { registerSettings } from './settings/settings.ts'
import { registerUnmaskSetting } from './settings/settings-unmask.ts'
import { registerSignIn } from './sign-in/sign-in.ts'
import { describeSite } from './site.ts'

export type { Console, ConsoleRequest, ConsoleRoute, TableEntry } from './console.ts'
export { returnPath } from './return-path.ts'
export { sweepConsole } from './site.ts'
export { csvCell, formatCsv } from './csv.ts'
export { buildPage, readList, type ListRequest } from './lists.ts'
export { firstLink, operatorLink } from './sign-in/first-link.ts'
export type { Pager } from './lists.ts'
export type { ConfirmModel } from './console.ts'
export type { WithConsoleLayout, ConsoleLayout } from './layout.ts'
export { createOperatorRequests, type OperatorRequests } from './operator-requests.ts'
export { createProver } from './prove.ts'

/** Last of all journeys, because the table is checked against everything under /admin. */
export async function registerAdmin (
  app: FastifyInstance,
  deps: ConsoleDeps,
  settings: Settings
): Promise<Console> {
  const console = await createConsole(app, deps, await createRelyingParty(app, deps, describeSite(deps)))
  registerSignIn(console)
  registerBegin(console)
  registerOverview(console)
  registerClientPages(console)
  registerApis(console)
  registerSearch(console)
  registerApprovals(console)
  registerAccounts(console)
  registerOwnAccount(console)
  registerSettings(console, settings)
  registerUnmaskSetting(console)
  registerPeople(console)
  registerPeopleActs(console)
  registerCounter(console)
  registerOrganizations(console)
  registerRegistrations(console)
  registerNotices(console)
  registerAudit(console)
  registerKeys(console)
  registerOutbox(console)
  return console
}
