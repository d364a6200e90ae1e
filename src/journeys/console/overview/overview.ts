/**
 * 总览: how the service does, in numbers of the last day. One query for each panel; a panel that fails says so and leaves
 * the others alone.
 */
import { sql } from 'kysely'
import { statement } from '../../../database/statement.ts'
import { adminRoles } from '../../../domain/administration/administration.ts'
import type { AdminTranslate } from '../../../http/locale.ts'
import { within } from '../../../http/metrics.ts'
import { countSiteSessions } from '../../../records/own-sites/index.ts'
import { countSessions } from '../../../tokens/session-repository.ts'
import type { ConsoleDeps } from '../deps.ts'
import { barChart, columnChart, type Bar } from '../charts.ts'
import type { Console } from '../console.ts'
import type { WithConsoleLayout } from '../layout.ts'

export interface Panel {
  id: string
  title: string
  /** The one number that matters, or null. */
  figure: string | null
  note: string | null
  /** SVG, made by charts.ts; null = nothing to draw. */
  chart: string | null
  /** The same in words. */
  table: { head: string[]; rows: Array<Array<string | number>> } | null
  /** It could not be read: where to look. */
  failed: boolean
  warn: boolean
}

export interface OverviewPage extends WithConsoleLayout {
  panels: Panel[]
  at: string
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/overview/overview': OverviewPage
  }
}

type Db = ConsoleDeps['db']
type Content = Omit<Panel, 'id' | 'title' | 'failed'>

const plain: Content = { figure: null, note: null, chart: null, table: null, warn: false }

const countedTypes = [
  'login.succeeded',
  'login.failed',
  'login.throttled',
  'login.refused',
  'login.cancelled',
  'scan-ticket.created',
  'scan-ticket.scanned',
  'scan-ticket.accepted',
  'identity.submitted',
  'face-check.passed',
  'scan-ticket.confirmed',
  'scan-ticket.consumed',
  'face-check.failed',
  'face-check.unavailable',
  'face-check.exhausted'
]

const countStatement = statement<[types: string[]], { type: string; reason: string; count: number }>(
  'overview events',
  `
  select type, coalesce(reason, '') as reason, count(*)::int as count from audit_event
   where type = any($1::text[]) and at > now() - interval '24 hours' group by 1, 2`
)
const hourStatement = statement<[], { hour: number; good: number; bad: number }>(
  'overview hours',
  `
  select floor(extract(epoch from now() - at) / 3600)::int as hour,
    count(*) filter (where type = 'login.succeeded')::int as good,
      count(*) filter (where type <> 'login.succeeded')::int as bad
    from audit_event where type in ('login.succeeded', 'login.failed', 'login.throttled', 'login.refused')
      and at > now() - interval '24 hours' group by 1`
)
const clientStatement = statement<[], { name: string; good: number; bad: number }>(
  'overview clients',
  `
  select coalesce(c.metadata->>'client_name', u.client_id) as name, sum(u.successes)::int as good,
    sum(u.errors)::int as bad
    from client_use u join client c on c.client_id = u.client_id where u.day >= (now() at time zone 'UTC')::date - 1
   group by 1 order by sum(u.errors) desc, 1 limit 10`
)
const keyStatement = statement<[], { kid: string; alg: string; state: string; days: number }>(
  'overview keys',
  `
  select kid, alg, state, floor(extract(epoch from now() - coalesce(activated_at, created_at)) / 86400)::int as days
    from signing_key where state <> 'removed' order by state, alg`
)
const numberStatement = statement<
  [],
  { dead: number; due: number; changes: number; review: number; unreadable: number }
>(
  'overview numbers',
  `
  select (select count(*)::int from outbox where dead_at is not null) as dead,
         (select count(*)::int from outbox where done_at is null and dead_at is null and run_at <= now()) as due,
         (select count(*)::int from pending_change where state = 'pending' and expires_at > now()) as changes,
         (select count(*)::int from registration where review = 'waiting') as review,
         (select count(*)::int from organization where register_faults <> '{}') as unreadable`
)

/** Days after which the page points out an old signing key. */
const oldKeyDays = 180

export function registerOverview (console: Console): void {
  const {
    deps: { db, log, sms }
  } = console

  console.page({
    method: 'GET',
    path: '/admin',
    roles: adminRoles,
    handler: async (c) => {
      const { t } = c
      // counted once for four panels
      const events = countStatement(db, countedTypes)
      events.catch(() => {})
      const numbers = numberStatement(db)
      numbers.catch(() => {})
      const balance = sms.balance === undefined ? null : await within(1000, sms.balance(), null)
      const make: Array<[id: string, work: () => Promise<Content>]> = [
        ['logins', async () => await logins(db, t, await events)],
        ['funnel', async () => funnel(t, await events)],
        [
          'face',
          async () =>
            byReason(t, await events, ['face-check.failed', 'face-check.unavailable', 'face-check.exhausted'])
        ],
        [
          'sessions',
          async () => {
            const [sessions, administrators] = await Promise.all([
              countSessions(db),
              countSiteSessions(db, 'console')
            ])
            return {
              ...plain,
              figure: String(sessions),
              note: t('console.overview.sessions.note', { n: administrators })
            }
          }
        ],
        ['clients', async () => await clients(db, t)],
        ['keys', async () => await keys(db, t)],
        [
          'outbox',
          async () => {
            const [row] = await numbers
            return {
              ...plain,
              figure: String(row?.dead ?? 0),
              note: t('console.overview.outbox.note', { n: row?.due ?? 0 }),
              warn: (row?.dead ?? 0) > 0
            }
          }
        ],
        [
          'waiting',
          async () => {
            const [row] = await numbers
            return {
              ...plain,
              figure: String(row?.changes ?? 0),
              note: t('console.overview.waiting.note', { n: row?.review ?? 0 }),
              warn: (row?.changes ?? 0) > 0
            }
          }
        ],
        [
          'register',
          async () => {
            const [row] = await numbers
            return {
              ...plain,
              figure: String(row?.unreadable ?? 0),
              note: t('console.overview.register.note'),
              warn: (row?.unreadable ?? 0) > 0
            }
          }
        ]
      ]
      if (balance !== null) {
        make.push([
          'sms',
          async () => ({
            ...plain,
            figure: String(balance.remaining),
            note: t(balance.remaining < balance.alarmBelow ? 'console.overview.sms.low' : 'console.overview.sms.note', {
              n: balance.alarmBelow
            }),
            warn: balance.remaining < balance.alarmBelow
          })
        ])
      }
      const panels: Panel[] = []
      for (const [id, work] of make) {
        const title = t.code([`console.overview.${id}`], 'console.overview.title')
        try {
          panels.push({ id, title, failed: false, ...(await work()) })
        } catch (error) {
          log.warn({ err: error, panel: id, traceId: c.request.id }, 'a panel of the overview failed')
          panels.push({ id, title, failed: true, ...plain })
        }
      }
      const {
        rows: [now]
      } = await sql<{ now: Date }>`select now() as now`.execute(db)
      return c.page('console/overview/overview', { panels, at: (now?.now ?? new Date(0)).toISOString() })
    }
  })
}

type Counts = Array<{ type: string; reason: string; count: number }>

const sum = (counts: Counts, ...types: string[]): number =>
  counts.filter(({ type }) => types.includes(type)).reduce((total, { count }) => total + count, 0)

async function logins (db: Db, t: AdminTranslate, counts: Counts): Promise<Content> {
  const good = sum(counts, 'login.succeeded')
  const causes = counts.filter(({ type }) =>
    ['login.failed', 'login.throttled', 'login.refused', 'login.cancelled'].includes(type)
  )
  const hours = await hourStatement(db)
  const columns = Array.from({ length: 24 }, (_, at) => {
    const row = hours.find(({ hour }) => hour === 23 - at)
    return { good: row?.good ?? 0, bad: row?.bad ?? 0 }
  })
  return {
    ...plain,
    figure: String(good),
    note: t('console.overview.logins.note', { n: sum(counts, 'login.failed', 'login.throttled', 'login.refused') }),
    chart: columnChart(columns, 'p-logins'),
    table: {
      head: [t('console.overview.cause'), t('console.overview.count')],
      rows: [
        [t('console.overview.event.login.succeeded'), good],
        ...causes.map(({ type, reason, count }): [string, number] => [describeEvent(t, type, reason), count])
      ]
    }
  }
}

/** The words for a code of the audit trail, if there are any. */
const describeEvent = (t: AdminTranslate, type: string, reason: string): string => {
  const event = t.code([`console.overview.event.${type}`], 'console.overview.event.other')
  if (reason === '') return event
  const words = t.code([`console.overview.reason.${reason.toLowerCase()}`], 'console.overview.reason.other')
  return `${event} · ${words === t('console.overview.reason.other') ? reason : words}`
}

function funnel (t: AdminTranslate, counts: Counts): Content {
  const steps: Array<[string, string[]]> = [
    ['shown', ['scan-ticket.created']],
    ['scanned', ['scan-ticket.scanned']],
    ['accepted', ['scan-ticket.accepted']],
    ['face', ['face-check.passed']],
    ['confirmed', ['scan-ticket.confirmed']],
    ['used', ['scan-ticket.consumed']]
  ]
  const bars: Bar[] = steps.map(([name, types]) => ({
    label: t.code([`console.overview.funnel.${name}`], 'console.overview.event.other'),
    value: sum(counts, ...types)
  }))
  return chartAndTable(t, bars, 'p-funnel')
}

function byReason (t: AdminTranslate, counts: Counts, types: string[]): Content {
  const bars: Bar[] = counts
    .filter(({ type }) => types.includes(type))
    .sort((a, b) => b.count - a.count)
    .slice(0, 8)
    .map(({ type, reason, count }) => ({ label: describeEvent(t, type, reason), value: count, tone: 'bad' }))
  return bars.length === 0
    ? { ...plain, figure: '0', note: t('console.overview.none') }
    : chartAndTable(t, bars, 'p-face')
}

const chartAndTable = (t: AdminTranslate, bars: Bar[], labelledBy: string): Content => ({
  ...plain,
  chart: barChart(bars, labelledBy),
  table: {
    head: [t('console.overview.what'), t('console.overview.count')],
    rows: bars.map(({ label, value }) => [label, value])
  }
})

async function clients (db: Db, t: AdminTranslate): Promise<Content> {
  const rows = await clientStatement(db)
  if (rows.length === 0) return { ...plain, figure: '0', note: t('console.overview.none') }
  const rate = (good: number, bad: number): number =>
    good + bad === 0 ? 0 : Math.round((bad / (good + bad)) * 1000) / 10
  return {
    ...plain,
    chart: barChart(
      rows.slice(0, 6).map(({ name, bad }) => ({ label: name, value: bad, tone: 'bad' })),
      'p-clients'
    ),
    table: {
      head: [
        t('console.overview.client'),
        t('console.overview.good'),
        t('console.overview.bad'),
        t('console.overview.rate')
      ],
      rows: rows.map(({ name, good, bad }) => [name, good, bad, `${rate(good, bad)} %`])
    }
  }
}

async function keys (db: Db, t: AdminTranslate): Promise<Content> {
  const rows = await keyStatement(db)
  const oldest = Math.max(0, ...rows.filter(({ state }) => state === 'active').map(({ days }) => days))
  return {
    ...plain,
    figure: t('console.overview.days', { n: oldest }),
    note: t(oldest > oldKeyDays ? 'console.overview.keys.old' : 'console.overview.keys.note', { n: oldKeyDays }),
    warn: oldest > oldKeyDays,
    table: {
      head: ['kid', 'alg', t('console.overview.keys.state'), t('console.overview.keys.age')],
      rows: rows.map(({ kid, alg, state, days }) => [
        kid.slice(0, 12),
        alg,
        state,
        t('console.overview.days', { n: days })
      ])
    }
  }
}
