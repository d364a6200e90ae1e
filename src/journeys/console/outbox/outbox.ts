/**
 * 未送达: dead letters of the outbox (logout tokens, messages), and sending them again when the cause is removed. Contents
 * are not shown.
 */
import { deadLetters, deadTopics, resendDead } from '../../../records/outbox/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import { buildPage, readList, type Pager } from '../lists.ts'
import type { WithConsoleLayout } from '../layout.ts'

const roles = ['system'] as const

interface Row {
  id: number
  topic: string
  createdAt: string
  deadAt: string
  attempts: number
  lastError: string
}

export interface OutboxPage extends WithConsoleLayout {
  rows: Row[]
  pager: Pager
  filters: { topic: string }
  topics: Array<{ topic: string; count: number }>
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/outbox/outbox': OutboxPage
  }
}

export function registerOutbox (console: Console): void {
  const { deps } = console
  const { db } = deps

  console.page({
    method: 'GET',
    path: '/admin/outbox',
    roles,
    handler: async (c) => {
      const list = readList(c.request, ['topic'], 1)
      const before = list.after === null ? null : Number(list.after[0])
      if (before !== null && !Number.isSafeInteger(before)) return c.notFound()
      const found = await deadLetters(db, {
        topic: list.filters.topic === '' ? null : list.filters.topic,
        before,
        limit: list.limit
      })
      const { rows, pager } = buildPage(list, found, ({ id }) => [String(id)])
      const lines = rows.map(({ id, topic, createdAt, deadAt, attempts, lastError }) => ({
        id,
        topic,
        createdAt: createdAt.toISOString(),
        deadAt: deadAt.toISOString(),
        attempts,
        lastError: lastError ?? ''
      }))
      if (list.csv) {
        return c.csv(
          'undelivered.csv',
          ['id', 'topic', 'created_at', 'given_up_at', 'attempts', 'last_error'],
          lines.map((row) => [row.id, row.topic, row.createdAt, row.deadAt, row.attempts, row.lastError])
        )
      }
      const topics = await deadTopics(db)
      return c.page('console/outbox/outbox', { rows: lines, pager, filters: list.filters, topics })
    }
  })

  /** `:what` = the number of one message, or a topic. */
  const buildModel = async (c: ConsoleRequest) => {
    const { what = '' } = c.request.params as { what?: string }
    const id = /^[1-9]\d{0,14}$/.test(what) ? Number(what) : null
    const count =
      id === null
        ? (await deadTopics(db)).find(({ topic }) => topic === what)?.count
        : (await deadLetters(db, { id, topic: null, before: null, limit: 1 })).length
    if (count === undefined || count === 0) return c.notFound()
    return {
      which: id === null ? { topic: what } : { id },
      model: {
        title: c.t('console.outbox.resend.title'),
        lead: c.t('console.outbox.resend.lead', { n: count }),
        facts: [{ name: c.t(id === null ? 'console.outbox.topic' : 'console.outbox.id'), value: what }],
        typed: null,
        action: `/admin/outbox/${what}/resend`,
        submit: c.t('console.outbox.resend'),
        backHref: '/admin/outbox'
      }
    }
  }
  console.page({
    method: 'GET',
    path: '/admin/outbox/:what/resend',
    roles,
    handler: async (c) => c.confirm((await buildModel(c)).model)
  })
  console.page({
    method: 'POST',
    path: '/admin/outbox/:what/resend',
    roles,
    handler: async (c) => {
      const { which, model } = await buildModel(c)
      const confirmed = c.confirmed()
      if (!confirmed.ok) return c.confirm({ ...model, ...confirmed })
      const count = await resendDead(deps, confirmed.act, which)
      return c.redirect('/admin/outbox', count > 0 ? 'outbox_resent' : 'people_unchanged')
    }
  })
}
