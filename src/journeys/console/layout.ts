/** The layout: navigation (only what the role may open), the present page, and the last act. */
import type { FastifyRequest } from 'fastify'
import type { AdminTranslate } from '../../http/locale.ts'
import type { AdminRole } from '../../domain/administration/administration.ts'
import type { Console } from './console.ts'
import type { Administrator } from '../../records/administrators/index.ts'

export type Area =
  | 'overview'
  | 'clients'
  | 'apis'
  | 'people'
  | 'organizations'
  | 'approvals'
  | 'audit'
  | 'keys'
  | 'outbox'
  | 'settings'
  | 'accounts'
  | 'notices'
  | 'registrations'
  | 'counter'
  | 'developers'

/** What every page of the console has around it. */
export interface ConsoleLayout {
  name: string
  role: AdminRole
  nav: Array<{ area: Area; href: string; current: boolean; count: number }>
  environment: 'sandbox' | 'development' | 'test' | 'production'
  /** Of this session; good for every form of the console. */
  csrf: string
  /** Said once, after an act. */
  notice: { key: string; text: string } | null
}

export interface WithConsoleLayout {
  shell: ConsoleLayout
}

/** Pages before there is a session. */
export interface Unframed {
  shell: null
}

/** In the order of the navigation. An area without a page (yet) is not shown. */
const areas: ReadonlyArray<[Area, string]> = [
  ['overview', '/admin'],
  ['clients', '/admin/clients'],
  ['apis', '/admin/apis'],
  ['counter', '/admin/counter'],
  ['people', '/admin/people'],
  ['organizations', '/admin/organizations'],
  ['registrations', '/admin/registrations'],
  ['notices', '/admin/notices'],
  ['approvals', '/admin/approvals'],
  ['audit', '/admin/audit'],
  ['keys', '/admin/keys'],
  ['outbox', '/admin/outbox'],
  ['settings', '/admin/settings'],
  ['accounts', '/admin/accounts']
]

const readNotice = (t: AdminTranslate, done: string): NonNullable<ConsoleLayout['notice']> => {
  const keys = [`console.done.${done}`]
  return { key: t.chooseKey(keys, 'console.done.saved'), text: t.code(keys, 'console.done.saved') }
}

export function buildLayout (
  console: Console,
  request: FastifyRequest,
  { administrator, t, csrf }: { administrator: Administrator; t: AdminTranslate; csrf: string }
): ConsoleLayout {
  const { config } = console.deps
  const path = request.url.split('?', 1)[0] ?? ''
  const may = (href: string): boolean =>
    console.table.some(
      (entry) => entry.method === 'GET' && entry.path === href && entry.roles.includes(administrator.role)
    )
  const { done } = request.query as { done?: unknown }
  return {
    name: administrator.displayName,
    role: administrator.role,
    nav: [
      ...areas
        .filter(([, href]) => may(href))
        .map(([area, href]) => ({
          area,
          href,
          current: href === '/admin' ? path === href : path === href || path.startsWith(`${href}/`),
          count: area === 'approvals' ? administrator.waiting : 0
        })),
      ...(request.server.hasRoute({ method: 'GET', url: '/developers' })
        ? [{ area: 'developers' as const, href: '/developers', current: false, count: 0 }]
        : [])
    ],
    environment: config.sandbox ? 'sandbox' : config.environment,
    csrf,
    notice: typeof done === 'string' && /^[a-z_]{1,60}$/.test(done) ? readNotice(t, done) : null
  }
}
