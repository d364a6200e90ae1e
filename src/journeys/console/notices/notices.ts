/**
 * 通知: a message to one person, to the people of an organization, or to everybody. Written, previewed as people will
 * read it, then sent.
 */
import type { AdminRole } from '../../../domain/administration/administration.ts'
import type { ApprovalKind } from '../../../domain/administration/approval-kinds.ts'
import { noticeReasons } from '../../../domain/administration/dual-control.ts'
import type { NoticeState } from '../../../database/schema.ts'
import type { FieldError } from '../../../http/pages.ts'
import {
  cancelNotice,
  countReceivers,
  draftNotice,
  findNotice,
  listNotices,
  noticeAudiences,
  noticeLanguages,
  noticeLimits,
  startNotice,
  type NoticeLanguage,
  type StoredNotice
} from '../../../records/messages/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import { buildPage, readList, type Pager } from '../lists.ts'
import { readId } from '../people/people.ts'
import type { WithConsoleLayout } from '../layout.ts'

const roles: readonly AdminRole[] = ['system', 'security']
const sendKind = 'notice.send' satisfies ApprovalKind
const states: readonly NoticeState[] = ['draft', 'sending', 'sent', 'cancelled']

export interface NoticesPage extends WithConsoleLayout {
  rows: Array<{ id: string; title: string; audience: string; state: string; sent: number; at: string }>
  pager: Pager
  filters: { state: string }
  states: readonly string[]
}

/** Posts `csrf`, `audience`, `target`, `title_<n>`, `body_<n>` for each language, `sms`, `reason`. */
export interface NoticeFormPage extends WithConsoleLayout {
  audiences: readonly string[]
  audience: string
  target: string
  texts: Array<{ language: NoticeLanguage; title: string; body: string }>
  limits: typeof noticeLimits
  sms: boolean
  reason: string
  errors: FieldError[]
}

export interface NoticePage extends WithConsoleLayout {
  n: {
    id: string
    audience: string
    targetId: string | null
    state: string
    sent: number
    sms: boolean
    reason: string
    by: string
    at: string
    finishedAt: string | null
  }
  texts: Array<{ language: NoticeLanguage; title: string; paragraphs: string[] }>
  /** The people who would get it now; null when it is no draft any more. */
  receivers: number | null
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/notices/notices': NoticesPage
    'console/notices/notice-form': NoticeFormPage
    'console/notices/notice': NoticePage
  }
}

/** Fields are numbered by language: names of fields hold no hyphen. */
const readTexts = (c: ConsoleRequest): NoticeFormPage['texts'] =>
  noticeLanguages.map((language, at) => ({ language, title: c.field(`title_${at}`), body: c.field(`body_${at}`) }))

export function registerNotices (console: Console): void {
  const { deps } = console

  console.page({
    method: 'GET',
    path: '/admin/notices',
    roles,
    handler: async (c) => {
      const list = readList(c.request, ['state'], 1)
      const found = await listNotices(deps, {
        state: states.find((one) => one === list.filters.state),
        after: list.after?.[0],
        limit: list.limit
      })
      const { rows, pager } = buildPage(list, found, ({ id }) => [id])
      if (list.csv) {
        return c.csv(
          'notices.csv',
          ['id', 'title', 'audience', 'state', 'sent', 'created_at'],
          rows.map((row) => [
            row.id,
            row.texts['zh-CN'].title,
            row.audience,
            row.state,
            row.sent,
            row.createdAt.toISOString()
          ])
        )
      }
      return c.page('console/notices/notices', {
        rows: rows.map((row) => ({
          id: row.id,
          title: row.texts['zh-CN'].title,
          audience: row.audience,
          state: row.state,
          sent: row.sent,
          at: row.createdAt.toISOString()
        })),
        pager,
        filters: list.filters,
        states
      })
    }
  })

  const showForm = (
    c: ConsoleRequest,
    { audience, target, errors = [] }: { audience: string; target: string; errors?: FieldError[] | undefined }
  ) =>
    c.page(
      'console/notices/notice-form',
      {
        audiences: noticeAudiences,
        audience,
        target,
        texts: readTexts(c),
        limits: noticeLimits,
        sms: c.field('sms') === '1',
        reason: c.field('reason'),
        errors
      },
      { status: errors.length > 0 ? 422 : 200 }
    )

  console.page({
    method: 'GET',
    path: '/admin/notices/new',
    roles,
    handler: (c) => {
      const { to } = c.request.query as { to?: unknown }
      const target = typeof to === 'string' && /^(per|org)_[\w-]{22}$/.test(to) ? to : ''
      return showForm(c, {
        audience: target === '' ? '' : target.startsWith('org_') ? 'organization' : 'person',
        target
      })
    }
  })
  console.page({
    method: 'POST',
    path: '/admin/notices/new',
    roles,
    handler: async (c) => {
      const audience = noticeAudiences.find((one) => one === c.field('audience'))
      const confirmed = c.confirmed()
      const errors: FieldError[] = [
        ...(audience === undefined ? [{ field: 'audience_0', code: 'pick_one' }] : []),
        ...(confirmed.ok ? [] : confirmed.errors)
      ]
      const target = c.field('target').trim()
      if (audience === undefined || !confirmed.ok) {
        return showForm(c, { audience: c.field('audience'), target, errors })
      }
      const texts = Object.fromEntries(readTexts(c).map(({ language, title, body }) => [language, { title, body }]))
      const made = await draftNotice(deps, confirmed.act, {
        audience,
        targetId: target === '' ? null : target,
        texts,
        sms: c.field('sms') === '1'
      })
      if (made.ok) return c.redirect(`/admin/notices/${made.id}`, 'notice_drafted')
      return showForm(c, {
        audience,
        target,
        errors: made.faults.map(({ field, language, code }) => ({
          field: language === null ? field : `${field}_${noticeLanguages.indexOf(language)}`,
          code: `notice_${field}_${code}`,
          details: { max: noticeLimits[field as 'title'] ?? 0 }
        }))
      })
    }
  })

  const load = async (c: ConsoleRequest): Promise<StoredNotice> => (await findNotice(deps, readId(c))) ?? c.notFound()

  console.page({
    method: 'GET',
    path: '/admin/notices/:id',
    roles,
    handler: async (c) => {
      const notice = await load(c)
      return c.page('console/notices/notice', {
        n: {
          id: notice.id,
          audience: notice.audience,
          targetId: notice.targetId,
          state: notice.state,
          sent: notice.sent,
          sms: notice.sms,
          reason: notice.reason,
          by: notice.createdBy,
          at: notice.createdAt.toISOString(),
          finishedAt: notice.finishedAt?.toISOString() ?? null
        },
        texts: noticeLanguages.flatMap((language) => {
          const text = notice.texts[language]
          return text === undefined
            ? []
            : [
                {
                  language,
                  title: text.title,
                  paragraphs: text.body.split(/\n+/).filter((line) => line.trim() !== '')
                }
              ]
        }),
        receivers: notice.state === 'draft' ? await countReceivers(deps.db, notice) : null
      })
    }
  })

  console.approvals.register<{ noticeId: string }>(sendKind, {
    async describe (on, { noticeId }, t) {
      const notice = await findNotice({ ...deps, db: on }, noticeId)
      return notice === null || notice.state !== 'draft'
        ? null
        : {
            title: t('console.approvals.change.notice.send'),
            facts: [
              { name: t('console.notices.audience'), value: t(`console.notices.audience.${notice.audience}`) },
              { name: t('console.notices.receivers'), value: String(await countReceivers(on, notice)) },
              ...noticeLanguages.flatMap((language) => {
                const text = notice.texts[language]
                return text === undefined ? [] : [{ name: text.title, value: text.body }]
              })
            ],
            // a draft never changes, and the number of receivers may
            basis: ''
          }
    },
    async apply (trx, { noticeId }, { act, requestedBy }) {
      const by = { ...act, reason: `${act.reason} (${requestedBy})` }
      return (await startNotice({ ...deps, db: trx }, by, noticeId)) ? { ok: true } : { ok: false, code: 'gone' }
    }
  })

  const works = { send: startNotice, cancel: cancelNotice } as const
  const model = async (c: ConsoleRequest, act: keyof typeof works) => {
    const notice = await load(c)
    return {
      title: c.t(`console.notices.act.${act}`),
      lead: c.t(`console.notices.act.${act}.lead`),
      facts: [
        { name: c.t('console.notices.heading'), value: notice.texts['zh-CN'].title },
        { name: c.t('console.notices.audience'), value: c.t(`console.notices.audience.${notice.audience}`) },
        ...(act === 'send'
          ? [{ name: c.t('console.notices.receivers'), value: String(await countReceivers(deps.db, notice)) }]
          : [])
      ],
      // to everybody cannot be taken back: its title has to be typed
      typed: act === 'send' && notice.audience === 'everybody' ? notice.texts['zh-CN'].title : null,
      action: `/admin/notices/${notice.id}/${act}`,
      submit: c.t(`console.notices.act.${act}`),
      backHref: `/admin/notices/${notice.id}`
    }
  }
  for (const act of ['send', 'cancel'] as const) {
    console.page({
      method: 'GET',
      path: `/admin/notices/:id/${act}`,
      roles,
      reauth: true,
      handler: async (c) => c.confirm(await model(c, act))
    })
    console.page({
      method: 'POST',
      path: `/admin/notices/:id/${act}`,
      roles,
      reauth: true,
      handler: async (c) => {
        const shown = await model(c, act)
        const confirmed = c.confirmed(shown.typed)
        if (!confirmed.ok) return c.confirm({ ...shown, ...confirmed })
        const { id, audience } = await load(c)
        if (act === 'send' && noticeReasons(audience).length > 0) {
          return await c.askApproval({ kind: sendKind, payload: { noticeId: id }, subject: id, act: confirmed.act })
        }
        return c.redirect(
          shown.backHref,
          (await works[act](deps, confirmed.act, readId(c))) ? `notice_${act}` : 'people_unchanged'
        )
      }
    })
  }
}
