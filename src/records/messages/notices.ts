/**
 * Notices from staff to one person, to everybody who acts for an organization, or to everybody. Owns the table notice.
 *
 * draft → sending → sent, or cancelled. The texts are stored once; each person's message refers to them. Sending is a
 * chain of outbox messages, one for each part of the receivers. A part and its position are one transaction, so an
 * interrupted notice continues where it was, nobody gets it twice, and cancelling stops it before the next part.
 */
import { createHash } from 'node:crypto'
import { sql, type Kysely, type Selectable, type Transaction } from 'kysely'
import { newIdentifier } from '../../domain/identifier.ts'
import type { Database, NoticeState, NoticeTable } from '../../database/schema.ts'
import { inTransaction } from '../../database/transaction.ts'
import type { Act } from '../../domain/administration/administration.ts'
import { DomainError } from '../../domain/errors.ts'
import type { MessagesDeps } from './deps.ts'
import { enqueue, type OutboxHandler } from '../outbox/index.ts'
import { shortText } from './kinds.ts'
import { smsTopic, type SmsOrder } from './sms.ts'

type Db = Kysely<Database> | Transaction<Database>
type Trx = Transaction<Database>

export const noticeTopic = 'notice'
export const noticeLanguages = ['zh-CN', 'bo', 'en'] as const
export type NoticeLanguage = (typeof noticeLanguages)[number]
export interface NoticeText {
  title: string
  body: string
}
/** Chinese is always there; missing languages are shown in Chinese. */
export type NoticeTexts = Partial<Record<NoticeLanguage, NoticeText>> & { 'zh-CN': NoticeText }
export const noticeAudiences = ['person', 'organization', 'everybody'] as const
export type NoticeAudience = (typeof noticeAudiences)[number]
export const noticeLimits = { title: 60, body: 2000 } as const

export interface NoticeInput {
  audience: NoticeAudience
  /** Id of the person or the organization; null for everybody. */
  targetId: string | null
  texts: Partial<Record<NoticeLanguage, NoticeText>>
  /** Also a short message; never to everybody. */
  sms: boolean
}

export interface NoticeFault {
  field: 'title' | 'body' | 'target' | 'sms'
  language: NoticeLanguage | null
  code: 'required' | 'too_long' | 'unknown' | 'everybody'
}

export interface StoredNotice {
  id: string
  audience: NoticeAudience
  targetId: string | null
  texts: NoticeTexts
  sms: boolean
  state: NoticeState
  sent: number
  createdBy: string
  reason: string
  createdAt: Date
  finishedAt: Date | null
}

const columns = [
  'id',
  'audience',
  'targetId',
  'textsEnc',
  'sms',
  'state',
  'sent',
  'createdBy',
  'reason',
  'createdAt',
  'finishedAt'
] as const

const opened = (
  { crypto }: Pick<MessagesDeps, 'crypto'>,
  { textsEnc, ...row }: Pick<Selectable<NoticeTable>, (typeof columns)[number]>
): StoredNotice => ({
  ...row,
  texts: JSON.parse(crypto.decrypt('notice', 'texts_enc', row.id, textsEnc)) as NoticeTexts
})

const clean = (text: string): string => text.replaceAll('\0', '').toWellFormed().replaceAll('\r\n', '\n').trim()

/** Both parts of a language, or neither; Chinese always. */
export function checkNoticeTexts (
  texts: NoticeInput['texts']
): { ok: true; texts: NoticeTexts } | { ok: false; faults: NoticeFault[] } {
  const faults: NoticeFault[] = []
  const cleaned: Partial<Record<NoticeLanguage, NoticeText>> = {}
  for (const language of noticeLanguages) {
    const text = { title: clean(texts[language]?.title ?? ''), body: clean(texts[language]?.body ?? '') }
    if (language !== 'zh-CN' && text.title === '' && text.body === '') continue
    for (const field of ['title', 'body'] as const) {
      if (text[field] === '') faults.push({ field, language, code: 'required' })
      else if ([...text[field]].length > noticeLimits[field]) faults.push({ field, language, code: 'too_long' })
    }
    cleaned[language] = text
  }
  const chinese = cleaned['zh-CN']
  return faults.length > 0 || chinese === undefined
    ? { ok: false, faults }
    : { ok: true, texts: { ...cleaned, 'zh-CN': chinese } }
}

/** A draft, to be previewed before it is sent. @throws DomainError `reason_required` */
export async function draftNotice (
  deps: Pick<MessagesDeps, 'db' | 'crypto' | 'audit'>,
  act: Act,
  input: NoticeInput
): Promise<{ ok: true; id: string } | { ok: false; faults: NoticeFault[] }> {
  const checked = checkNoticeTexts(input.texts)
  const faults = checked.ok ? [] : [...checked.faults]
  const { audience } = input
  const targetId = audience === 'everybody' ? null : input.targetId
  if (audience === 'everybody' && input.sms) faults.push({ field: 'sms', language: null, code: 'everybody' })
  if (audience !== 'everybody' && !(await isThere(deps.db, audience, targetId))) {
    faults.push({ field: 'target', language: null, code: 'unknown' })
  }
  if (!checked.ok || faults.length > 0) return { ok: false, faults }
  if (act.reason.trim() === '') throw new DomainError('reason_required')
  const id = newIdentifier(16, 'not_')
  await inTransaction(deps.db, async (trx) => {
    await trx
      .insertInto('notice')
      .values({
        id,
        audience,
        targetId,
        textsEnc: deps.crypto.encrypt('notice', 'texts_enc', id, JSON.stringify(checked.texts)),
        sms: input.sms,
        state: 'draft',
        createdBy: act.actor,
        reason: act.reason.trim()
      })
      .execute()
    await record(trx, deps, { type: 'notice.drafted', act, storedNotice: { id, audience, targetId } })
  })
  return { ok: true, id }
}

async function isThere (db: Db, audience: 'person' | 'organization', id: string | null): Promise<boolean> {
  const row = await db
    .selectFrom(audience)
    .select('id')
    .where('id', '=', id ?? '')
    .executeTakeFirst()
  return row !== undefined
}

interface RecordInput {
  type: 'notice.drafted' | 'notice.started' | 'notice.cancelled'
  act: Act
  storedNotice: Pick<StoredNotice, 'id' | 'audience' | 'targetId'>
}

async function record (
  trx: Trx,
  deps: Pick<MessagesDeps, 'audit'>,
  { type, act, storedNotice: { id, audience, targetId } }: RecordInput
): Promise<void> {
  await deps.audit.record(trx, {
    type,
    actor: act.actor,
    personId: audience === 'person' ? targetId : null,
    organizationId: audience === 'organization' ? targetId : null,
    address: act.address,
    traceId: act.traceId,
    reason: act.reason,
    details: { notice: id, audience }
  })
}

export async function findNotice (deps: Pick<MessagesDeps, 'db' | 'crypto'>, id: string): Promise<StoredNotice | null> {
  const row = await deps.db.selectFrom('notice').select(columns).where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : opened(deps, row)
}

/** At most `limit`, newest first; `after` = id of the last one of the page before. */
export async function listNotices (
  deps: Pick<MessagesDeps, 'db' | 'crypto'>,
  { state, after, limit = 50 }: { state?: NoticeState | undefined; after?: string | undefined; limit?: number } = {}
): Promise<StoredNotice[]> {
  let query = deps.db.selectFrom('notice').select(columns)
  if (state !== undefined) query = query.where('state', '=', state)
  if (after !== undefined) {
    query = query.where(sql<boolean>`(created_at, id) < (select created_at, id from notice l
    where l.id = ${after})`)
  }
  return (await query.orderBy('createdAt', 'desc').orderBy('id', 'desc').limit(limit).execute()).map((row) =>
    opened(deps, row)
  )
}

/** The texts of several notices, for the inbox. */
export async function noticeTexts (
  deps: Pick<MessagesDeps, 'db' | 'crypto'>,
  ids: string[]
): Promise<Map<string, NoticeTexts>> {
  if (ids.length === 0) return new Map()
  const rows = await deps.db
    .selectFrom('notice')
    .select(columns)
    .where('id', 'in', [...new Set(ids)])
    .execute()
  return new Map(rows.map((row) => [row.id, opened(deps, row).texts]))
}

const receivers = (db: Db, { audience, targetId }: Pick<StoredNotice, 'audience' | 'targetId'>) => {
  const people = db
    .selectFrom('person as p')
    .where('p.status', '=', 'active')
    .where('p.identityState', '=', 'established')
  switch (audience) {
    case 'everybody':
      return people
    case 'person':
      return people.where('p.id', '=', targetId ?? '')
    case 'organization':
      return people.where(sql<boolean>`(p.id in (select d.agent_id from delegation d
        where d.organization_id = ${targetId} and d.state = 'active')
      or p.id = (select o.legal_representative_id from organization o where o.id = ${targetId}))`)
  }
}

/** How many would get it now. */
export async function countReceivers (db: Db, notice: Pick<StoredNotice, 'audience' | 'targetId'>): Promise<number> {
  const { n } = await receivers(db, notice)
    .select(sql<number>`count(*)`.as('n'))
    .executeTakeFirstOrThrow()
  return Number(n)
}

interface Part {
  id: string
  position: string | null
}

const enqueuePart = async (trx: Trx, deps: Pick<MessagesDeps, 'crypto'>, { id, position }: Part): Promise<void> => {
  await enqueue(trx, deps, {
    topic: noticeTopic,
    dedupeKey: `${noticeTopic}:${id}:${position ?? ''}`,
    payload: { id, position } satisfies Part
  })
}

/** draft → sending, once. */
export async function startNotice (
  deps: Pick<MessagesDeps, 'db' | 'crypto' | 'audit'>,
  act: Act,
  id: string
): Promise<boolean> {
  return await inTransaction(deps.db, async (trx) => {
    const row = await trx
      .updateTable('notice')
      .set({ state: 'sending', startedAt: sql<Date>`now()` })
      .where('id', '=', id)
      .where('state', '=', 'draft')
      .returning(['id', 'audience', 'targetId'])
      .executeTakeFirst()
    if (row === undefined) return false
    await record(trx, deps, { type: 'notice.started', act, storedNotice: row })
    await enqueuePart(trx, deps, { id, position: null })
    return true
  })
}

/** Cancels a notice that is not sent yet, or being sent: nobody else gets it. Delivered messages stay. */
export async function cancelNotice (deps: Pick<MessagesDeps, 'db' | 'audit'>, act: Act, id: string): Promise<boolean> {
  return await inTransaction(deps.db, async (trx) => {
    const row = await trx
      .updateTable('notice')
      .set({ state: 'cancelled', finishedAt: sql<Date>`now()` })
      .where('id', '=', id)
      .where('state', 'in', ['draft', 'sending'])
      .returning(['id', 'audience', 'targetId'])
      .executeTakeFirst()
    if (row === undefined) return false
    await record(trx, deps, { type: 'notice.cancelled', act, storedNotice: row })
    return true
  })
}

/** The id of the message to a person, the same at every delivery. */
const deriveMessageId = (noticeId: string, personId: string): string =>
  `msg_${createHash('sha256').update(`${noticeId} ${personId}`).digest('base64url').slice(0, 22)}`

/** Receivers of one transaction. */
const noticePart = 500

/** @param part receivers of one transaction */
export function noticeHandler (deps: Pick<MessagesDeps, 'db' | 'crypto' | 'audit'>, part = noticePart): OutboxHandler {
  return async (payload) => {
    const { id, position } = payload as unknown as Part
    await inTransaction(deps.db, async (trx) => {
      const notice = await trx
        .selectFrom('notice')
        .select(['id', 'audience', 'targetId', 'sms', 'position'])
        .where('id', '=', id)
        .where('state', '=', 'sending')
        .forUpdate()
        .executeTakeFirst()
      // cancelled, or this part was sent by a delivery before
      if (notice === undefined || notice.position !== position) return
      const people = await receivers(trx, notice)
        .select('p.id')
        .where('p.id', '>', position ?? '')
        .orderBy('p.id')
        .limit(part)
        .execute()
      const last = people.at(-1)?.id ?? position
      const sent = await deliver(
        trx,
        deps,
        { ...notice, personIds: people.map((person) => person.id) }
      )
      const over = people.length < part
      await trx
        .updateTable('notice')
        .set({
          position: last,
          sent: sql<number>`sent + ${sent}`,
          ...(over ? { state: 'sent' as const, finishedAt: sql<Date>`now()` } : {})
        })
        .where('id', '=', id)
        .execute()
      if (!over) await enqueuePart(trx, deps, { id, position: last })
      else {
        await deps.audit.record(trx, { type: 'notice.sent', details: { notice: id, audience: notice.audience } })
      }
    })
  }
}

async function deliver (
  trx: Trx,
  deps: Pick<MessagesDeps, 'crypto'>,
  { id, sms, personIds }: { id: string; sms: boolean; personIds: string[] }
): Promise<number> {
  if (personIds.length === 0) return 0
  const written = await trx
    .insertInto('message')
    .values(
      personIds.map((personId) => {
        const messageId = deriveMessageId(id, personId)
        return {
          id: messageId,
          personId,
          kind: 'notice',
          bodyEnc: deps.crypto.encrypt('message', 'body_enc', messageId, JSON.stringify({ notice: id }))
        }
      })
    )
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returning(['id', 'personId'])
    .execute()
  if (sms) {
    for (const { id: messageId, personId } of written) {
      await enqueue(trx, deps, {
        topic: smsTopic,
        dedupeKey: `${smsTopic}:${messageId}`,
        payload: {
          to: { personId },
          template: 'notice',
          parameters: { kind: 'notice', notice: shortText('notice') }
        } satisfies SmsOrder
      })
    }
  }
  return written.length
}
