/** 消息: the list, one message with the one thing to do about it, and marking as read. */
import type { FastifyInstance } from 'fastify'
import type { Locale } from '../../http/locale.ts'
import { PageError } from '../../http/page-error.ts'
import {
  messageKinds,
  messageTopics,
  noticeTexts,
  selectTopic,
  type Message,
  type MessageData,
  type MessageKind,
  type NoticeTexts
} from '../../records/messages/index.ts'
import type { FormTarget } from '../../http/pages.ts'
import { reasonWords } from './delegation-rows.ts'
import { loadMe, loadPosted, buildLayout, type Centre, type Me, type WithUserCenterLayout } from './me.ts'

export interface MessageLine {
  id: string
  kind: MessageKind
  /** Of a notice, as it was written. */ title: { text: string; lang: string } | null
  organization: string | null
  at: string
  unread: boolean
}

/** 全部标为已读 posts `csrf` to `action`. */
export interface InboxPage extends WithUserCenterLayout, FormTarget {
  /** The filter, as links; 'all' first. */
  topics: Array<{ topic: string; href: string; current: boolean }>
  messages: MessageLine[]
  olderHref: string | null
}

export interface InboxMessagePage extends WithUserCenterLayout {
  kind: MessageKind
  at: string
  lines: Array<{ name: string; value: string }>
  notice: { lang: string; title: string; paragraphs: string[] } | null
  /** The one thing to do about it. */
  act: { href: string; key: 'agents' | 'mine' | 'approve' } | null
}

declare module '../../http/pages.ts' {
  interface Pages {
    'user-center/inbox': InboxPage
    'user-center/inbox-message': InboxMessagePage
  }
}

const pageSize = 20
const isId = (id: unknown): id is string => typeof id === 'string' && /^msg_[\w-]{22}$/.test(id)
const shown = ['organization', 'uscc', 'agent', 'validTo', 'number', 'site', 'reason'] as const

const describeMessage = (data: MessageData, name: string): string | null => {
  const value = data[name]
  return value === undefined || value === null || value === '' ? null : String(value)
}

const selectNotice = ({ data }: Pick<Message, 'data'>): string =>
  typeof data['notice'] === 'string' ? data['notice'] : ''

/** In the person's language, else in Chinese, which is there always. */
function noticeIn (
  texts: NoticeTexts | undefined,
  locale: Locale
): { lang: Locale; title: string; body: string } | null {
  if (texts === undefined) return null
  const own = texts[locale]
  return own === undefined ? { lang: 'zh-CN', ...texts['zh-CN'] } : { lang: locale, ...own }
}

export function registerInbox (app: FastifyInstance, centre: Centre): void {
  const { messages, deps } = centre

  app.get('/me/messages', async (request, reply) => {
    const me = await loadMe(centre, request, reply)
    const { before, topic: asked } = request.query as { before?: unknown; topic?: unknown }
    const topic = messageTopics.find((one) => one === asked) ?? null
    const found = await messages.list(me.person.id, {
      limit: pageSize + 1,
      ...(isId(before) ? { before } : {}),
      ...(topic === null ? {} : { kinds: messageKinds.filter((kind) => selectTopic(kind) === topic) })
    })
    const page = found.slice(0, pageSize)
    const texts = await noticeTexts(deps, page.filter(({ kind }) => kind === 'notice').map(selectNotice))
    const href = (topic: string | null, before?: string): string => {
      const query = new URLSearchParams({
        ...(topic === null ? {} : { topic }),
        ...(before === undefined ? {} : { before })
      })
      return query.size === 0 ? '/me/messages' : `/me/messages?${query.toString()}`
    }
    return reply.page('user-center/inbox', {
      shell: await buildLayout(centre, request, { me, current: 'messages' }),
      action: '/me/messages/read',
      csrf: request.csrfToken(centre.csrfScope(me.idHash)),
      topics: [null, ...messageTopics].map((one) => ({
        topic: one ?? 'all',
        href: href(one),
        current: one === topic
      })),
      messages: page.map((message) => {
        const { id, kind, data, createdAt, readAt } = message
        const notice = noticeIn(texts.get(selectNotice(message)), request.locale)
        return {
          id,
          kind,
          title: notice === null ? null : { text: notice.title, lang: notice.lang },
          organization: describeMessage(data, 'organization'),
          at: createdAt.toISOString(),
          unread: readAt === null
        }
      }),
      olderHref: found.length > pageSize ? href(topic, page.at(-1)?.id ?? '') : null
    })
  })

  app.get('/me/messages/read', async (_request, reply) => await reply.redirect('/me/messages', 303))
  app.post('/me/messages/read', async (request, reply) => {
    const me = await loadPosted(centre, request, reply)
    await messages.markAllRead(me.person.id)
    return await reply.redirect('/me/messages', 303)
  })

  app.get('/me/messages/:id', async (request, reply) => {
    const me = await loadMe(centre, request, reply)
    const { id } = request.params as { id?: unknown }
    const message = isId(id) ? await messages.find(me.person.id, id) : null
    if (message === null) throw new PageError(404, 'not_found', { restartHref: '/me/messages' })
    // seen is read: nothing else follows from it
    await messages.markRead(me.person.id, message.id)
    const notice =
      message.kind === 'notice'
        ? noticeIn((await noticeTexts(deps, [selectNotice(message)])).get(selectNotice(message)), request.locale)
        : null
    return reply.page('user-center/inbox-message', {
      notice:
        notice === null
          ? null
          : {
              lang: notice.lang,
              title: notice.title,
              paragraphs: notice.body.split(/\n+/).filter((line) => line.trim() !== '')
            },
      shell: await buildLayout(centre, request, { me, current: 'messages' }),
      kind: message.kind,
      at: message.createdAt.toISOString(),
      lines: shown.flatMap((name) => {
        const value =
          name === 'reason'
            ? reasonWords(request.t, describeMessage(message.data, name))
            : describeMessage(message.data, name)
        return value === null ? [] : [{ name, value }]
      }),
      act: chooseAct(me, message)
    })
  })
}

/** Where it leads: the legal representative to the agents, the agent to their own list. */
function chooseAct ({ representation }: Me, { kind, data }: Message): InboxMessagePage['act'] {
  if (!isAboutDelegation(kind)) return null
  const uscc = representation.role === 'legal_representative' ? representation.organization.uscc : null
  if (uscc === null || uscc !== data['uscc']) return { href: '/me/mine', key: 'mine' }
  const { delegationId, version } = data
  return kind === 'delegation-submitted' && typeof delegationId === 'string' && typeof version === 'number'
    ? { href: `/me/agents/${delegationId}/${version}/approve`, key: 'approve' }
    : { href: '/me/agents', key: 'agents' }
}

const isAboutDelegation = (kind: MessageKind): boolean => kind.startsWith('delegation-')
