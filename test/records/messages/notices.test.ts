import t from 'tap'
import {
  cancelNotice,
  checkNoticeTexts,
  countReceivers,
  draftNotice,
  findNotice,
  listNotices,
  noticeHandler,
  noticeTexts,
  noticeTopic,
  startNotice,
  type NoticeInput
} from '../../../src/records/messages/index.ts'
import { createOutboxWorker, type OutboxHandler } from '../../../src/records/outbox/index.ts'
import { active, events, newPerson, times, world, type World } from '../organizations/delegations/support.ts'
import { act, counted } from '../../journeys/support/support.ts'
import { eachDatabase } from '../../support/database.ts'

const chinese = { title: '系统维护', body: '周六 22:00 至 24:00 暂停服务。\n请提前办理。' }

async function drafted (w: World, more: Partial<NoticeInput> = {}): Promise<string> {
  const made = await draftNotice(w.services, act('维护通知'), {
    audience: 'everybody',
    targetId: null,
    texts: { 'zh-CN': chinese },
    sms: false,
    ...more
  })
  if (!made.ok) throw new Error(JSON.stringify(made.faults))
  return made.id
}

const worker = (w: World, handler: OutboxHandler = noticeHandler(w.services, 5)) =>
  createOutboxWorker({ ...w.services, handlers: { [noticeTopic]: handler } })

const receivers = async ({ services: { db } }: World): Promise<string[]> =>
  (await db.selectFrom('message').select('personId').where('kind', '=', 'notice').orderBy('personId').execute()).map(
    ({ personId }) => personId
  )

eachDatabase(
  t,
  'to everybody: nothing before it is started, each once, in parts, by two workers; the texts are kept once',
  async (t, database) => {
    const w = await world(database)
    for (let n = 0; n < 21; n++) await newPerson(w.services)
    await w.services.db.updateTable('person').set({ status: 'locked' }).where('id', '=', w.agent).execute()
    const id = await drafted(w, { texts: { 'zh-CN': chinese, en: { title: 'Maintenance', body: 'Saturday night.' } } })
    await worker(w).runDue()
    t.same(await receivers(w), [])
    t.equal(await countReceivers(w.services.db, { audience: 'everybody', targetId: null }), 22)
    t.same(
      counted(
        (await times(20, async () => await startNotice(w.services, act(), id))).map(String) as Array<'true' | 'false'>
      ),
      { true: 1, false: 19 }
    )
    await Promise.all([worker(w).runDue(), worker(w).runDue()])
    await worker(w).runDue()
    const got = await receivers(w)
    t.equal(got.length, 22)
    t.equal(new Set(got).size, 22)
    t.notOk(got.includes(w.agent))
    t.match(await findNotice(w.services, id), { state: 'sent', sent: 22, texts: { en: { title: 'Maintenance' } } })
    const [message] = await w.messages.list(w.lr)
    t.match(message, { kind: 'notice', data: { notice: id } })
    t.match((await noticeTexts(w.services, [id])).get(id)?.['zh-CN'], chinese)
    t.match(
      (await events(w, 'notice.drafted', 'notice.started', 'notice.sent')).map(({ type, actor }) => [type, actor]),
      [
        ['notice.drafted', 'admin:adm_1'],
        ['notice.started', 'admin:adm_1'],
        ['notice.sent', 'system']
      ]
    )
    t.notMatch(JSON.stringify(await w.services.db.selectFrom('notice').selectAll().execute()), '维护。')
    t.same(await w.services.db.selectFrom('outbox').select('id').where('topic', '=', 'sms').execute(), [])
  }
)

eachDatabase(
  t,
  'a delivery that is cut off goes on where it was; the same part again changes nothing',
  async (t, database) => {
    const w = await world(database)
    for (let n = 0; n < 11; n++) await newPerson(w.services)
    const id = await drafted(w)
    await startNotice(w.services, act(), id)
    const real = noticeHandler(w.services, 5)
    const meta = { messageId: 'x', attempt: 1, createdAt: new Date(), signal: AbortSignal.timeout(10_000) }
    const failing = noticeHandler(
      {
        ...w.services,
        crypto: {
          ...w.services.crypto,
          encrypt: (table, column, rowId, text) => {
            if (table === 'outbox') throw new Error('cut off')
            return w.services.crypto.encrypt(table, column, rowId, text)
          }
        }
      },
      5
    )
    await t.rejects(failing({ id, position: null }, meta), { message: 'cut off' })
    t.same(await receivers(w), [], 'a part is there as a whole or not at all')
    await real({ id, position: null }, meta)
    await times(5, async () => {
      await real({ id, position: null }, meta)
    })
    t.equal((await receivers(w)).length, 5)
    await worker(w).runDue()
    t.equal((await receivers(w)).length, 13)
    t.match(await findNotice(w.services, id), { state: 'sent', sent: 13 })
  }
)

eachDatabase(
  t,
  'cancelled on its way: nobody more gets it; cancelled before: nobody; after it was sent: too late',
  async (t, database) => {
    const w = await world(database)
    for (let n = 0; n < 11; n++) await newPerson(w.services)
    const id = await drafted(w)
    await startNotice(w.services, act(), id)
    await noticeHandler(w.services, 5)(
      { id, position: null },
      { messageId: 'x', attempt: 1, createdAt: new Date(), signal: AbortSignal.timeout(10_000) }
    )
    t.equal(await cancelNotice(w.services, act('写错了'), id), true)
    t.equal(await cancelNotice(w.services, act(), id), false)
    await worker(w).runDue()
    t.equal((await receivers(w)).length, 5)
    t.match(await findNotice(w.services, id), { state: 'cancelled', sent: 5 })
    t.equal(await startNotice(w.services, act(), id), false)
    const other = await drafted(w)
    t.equal(await cancelNotice(w.services, act(), other), true)
    t.equal(await startNotice(w.services, act(), other), false)
    t.same(
      (await listNotices(w.services)).map((one) => one.id),
      [other, id]
    )
    t.same(await listNotices(w.services, { state: 'sent' }), [])
    const third = await drafted(w, { audience: 'person', targetId: w.lr })
    await startNotice(w.services, act(), third)
    await worker(w).runDue()
    t.equal(await cancelNotice(w.services, act(), third), false)
  }
)

eachDatabase(
  t,
  'to one person with a short message; to everybody who acts for an organization now',
  async (t, database) => {
    const w = await world(database)
    await active(w)
    await newPerson(w.services)
    const one = await drafted(w, { audience: 'person', targetId: w.agent, sms: true })
    t.equal(await countReceivers(w.services.db, { audience: 'organization', targetId: w.organizationId }), 2)
    await startNotice(w.services, act(), one)
    await worker(w).runDue()
    t.same(await receivers(w), [w.agent])
    const [message] = await w.messages.list(w.agent)
    t.ok(
      await w.services.db
        .selectFrom('outbox')
        .select('id')
        .where('dedupeKey', '=', `sms:${message?.id ?? ''}`)
        .executeTakeFirst()
    )
    const all = await drafted(w, { audience: 'organization', targetId: w.organizationId })
    await startNotice(w.services, act(), all)
    await worker(w).runDue()
    t.same(await receivers(w), [w.agent, w.agent, w.lr].sort())
  }
)

eachDatabase(
  t,
  'what is refused: no Chinese, half a language, too long, nobody, short messages to everybody, no reason',
  async (t, database) => {
    const w = await world(database)
    const attempt = async (more: Partial<NoticeInput>) =>
      await draftNotice(w.services, act(), {
        audience: 'everybody',
        targetId: null,
        texts: { 'zh-CN': chinese },
        sms: false,
        ...more
      })
    t.match(await attempt({ texts: { en: { title: 'x', body: 'y' } } }), {
      ok: false,
      faults: [
        { field: 'title', language: 'zh-CN', code: 'required' },
        { field: 'body', language: 'zh-CN', code: 'required' }
      ]
    })
    t.match(await attempt({ texts: { 'zh-CN': chinese, bo: { title: 'བོད།', body: ' ' } } }), {
      ok: false,
      faults: [{ field: 'body', language: 'bo', code: 'required' }]
    })
    t.match(await attempt({ texts: { 'zh-CN': { title: '长'.repeat(61), body: '长'.repeat(2001) } } }), {
      ok: false,
      faults: [
        { field: 'title', code: 'too_long' },
        { field: 'body', code: 'too_long' }
      ]
    })
    t.match(await attempt({ audience: 'person', targetId: 'per_nobody' }), {
      ok: false,
      faults: [{ field: 'target', code: 'unknown' }]
    })
    t.match(await attempt({ audience: 'organization', targetId: null }), {
      ok: false,
      faults: [{ field: 'target', code: 'unknown' }]
    })
    t.match(await attempt({ sms: true }), { ok: false, faults: [{ field: 'sms', code: 'everybody' }] })
    await t.rejects(
      draftNotice(w.services, act(' '), {
        audience: 'everybody',
        targetId: null,
        texts: { 'zh-CN': chinese },
        sms: false
      }),
      { code: 'reason_required' }
    )
    t.same(await listNotices(w.services), [])
    t.match(checkNoticeTexts({ 'zh-CN': { title: ' 标题\0 ', body: '一\r\n二' }, en: { title: ' ', body: '' } }), {
      ok: true,
      texts: { 'zh-CN': { title: '标题', body: '一\n二' } }
    })
  }
)
