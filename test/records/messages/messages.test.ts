import t from 'tap'
import { sql } from 'kysely'
import {
  messageKinds,
  notify,
  smsHandler,
  smsTopic,
  selectTopic,
  type Notice,
  type SmsOrder
} from '../../../src/records/messages/index.ts'
import { createOutboxWorker, enqueue, OutboxPermanentError } from '../../../src/records/outbox/index.ts'
import { insertPerson } from '../../../src/records/persons/index.ts'
import type { SmsSandbox } from '../../../src/simulators/sms/index.ts'
import { eachDatabase } from '../../support/database.ts'
import { newPerson, times, world, type World } from '../organizations/delegations/support.ts'

const send = async ({ services }: World, notice: Notice): Promise<string> =>
  await services.db.transaction().execute(async (trx) => await notify(trx, services, notice))
const data = { organization: '西藏示例科技有限公司', agent: '****西', version: 1, reason: null }
const outbox = async ({ services: { db } }: World) =>
  await db
    .selectFrom('outbox')
    .select(['attempts', 'doneAt', 'deadAt', 'payloadEnc', 'lastError'])
    .orderBy('id')
    .execute()

eachDatabase(t, 'inbox: newest first, in pages, of one person only; encrypted', async (t, database) => {
  const w = await world(database)
  const ids: string[] = []
  for (let n = 0; n < 5; n++) {
    ids.push(
      await send(w, {
        personId: w.lr,
        kind: n === 2 ? 'security-new-device' : 'delegation-submitted',
        data: { ...data, version: n }
      })
    )
  }
  // the embedded database counts milliseconds, and several messages fit into one
  for (const [n, id] of ids.entries()) {
    await sql`update message set created_at = now() - make_interval(secs => ${ids.length - n})
      where id = ${id}`.execute(w.services.db)
  }
  await send(w, { personId: w.agent, kind: 'delegation-approved', data })
  t.notMatch(JSON.stringify(await w.services.db.selectFrom('message').selectAll().execute()), /西藏/)

  const { messages } = w
  const first = await messages.list(w.lr, { limit: 3 })
  t.same(
    first.map(({ id }) => id),
    ids.slice(2).reverse()
  )
  t.same(
    (await messages.list(w.lr, { limit: 3, before: first.at(-1)?.id ?? '' })).map(({ id }) => id),
    ids.slice(0, 2).reverse()
  )
  t.match(first[0], { kind: 'delegation-submitted', data: { ...data, version: 4 }, readAt: null })
  const security = messageKinds.filter((kind) => selectTopic(kind) === 'security')
  t.same(
    (await messages.list(w.lr, { kinds: security })).map(({ id }) => id),
    [ids[2]]
  )
  t.same(await messages.list(w.lr, { kinds: [] }), [])
  t.same(
    await messages.list(w.lr, { before: (await messages.list(w.agent))[0]?.id ?? '' }),
    [],
    "somebody else's message is no place in this list"
  )

  t.equal(await messages.unread(w.lr), 5)
  t.same((await times(10, async () => await messages.markRead(w.lr, ids[0] ?? ''))).filter(Boolean).length, 1)
  t.equal(await messages.markRead(w.agent, ids[1] ?? ''), false)
  t.equal(await messages.find(w.agent, ids[1] ?? ''), null)
  t.match(await messages.find(w.lr, ids[0] ?? ''), { readAt: Date })
  t.equal(await messages.unread(w.lr), 4)
  t.equal(await messages.markAllRead(w.lr), 4)
  t.equal(await messages.unread(w.lr), 0)
  t.equal(await messages.unread(w.agent), 1)
})

eachDatabase(t, 'no commit, no message', async (t, database) => {
  const w = await world(database)
  await t.rejects(
    w.services.db.transaction().execute(async (trx) => {
      await notify(trx, w.services, { personId: w.lr, kind: 'delegation-approved', data, sms: true })
      throw new Error('rolled back')
    })
  )
  t.equal(await w.messages.unread(w.lr), 0)
  t.same(await outbox(w), [])
})

eachDatabase(
  t,
  'short messages: sent once, to the number of that moment; tried again, or given up',
  async (t, database) => {
    const w = await world(database)
    const sms = w.services.sms as SmsSandbox
    const worker = createOutboxWorker({ ...w.services, handlers: { [smsTopic]: smsHandler(w.services) } })
    const id = await send(w, { personId: w.lr, kind: 'delegation-approved', data, sms: true })
    await send(w, { personId: w.lr, kind: 'delegation-approved', data })
    t.equal((await outbox(w)).length, 1, 'only when asked for')
    await worker.runDue()
    t.match(sms.messages(), [
      {
        phone: '+8613800138001',
        template: 'notice',
        messageId: `sms:${id}`,
        parameters: { kind: 'delegation-approved', organization: data.organization, notice: '代理授权已通过' }
      }
    ])

    await send(w, { personId: await newPerson(w.services), kind: 'delegation-approved', data, sms: true })
    await worker.runDue()
    t.match((await outbox(w)).at(-1), { doneAt: Date }, 'without a phone there is the inbox')
    t.equal(sms.messages().length, 1)

    const { id: typed } = await insertPerson(w.services.db, w.services.crypto, {
      person: {
        status: 'active',
        name: '旺堆',
        certType: 'resident_id',
        certNo: '540102199001011233',
        phone: '+8613800138077'
      }
    })
    await send(w, { personId: typed, kind: 'delegation-approved', data, sms: true })
    await worker.runDue()
    t.equal(sms.messages().length, 1, 'S11: a phone that somebody else typed may be anybody’s')

    sms.script(['refused', 'unavailable'])
    await send(w, { personId: w.lr, kind: 'delegation-approved', data, sms: true })
    await worker.runDue()
    t.match((await outbox(w)).at(-1), { deadAt: Date, attempts: 1 }, 'refused: never again')
    await send(w, { personId: w.lr, kind: 'delegation-approved', data, sms: true })
    await worker.runDue()
    t.match((await outbox(w)).at(-1), { doneAt: null, deadAt: null, attempts: 1 }, 'out of reach: later')
    await w.services.db
      .updateTable('outbox')
      .set({ runAt: new Date(0) })
      .where('doneAt', 'is', null)
      .where('deadAt', 'is', null)
      .execute()
    await worker.runDue()
    t.equal(sms.messages().length, 2)
    t.notMatch(JSON.stringify(await outbox(w)), /1380013/)
  }
)

eachDatabase(t, 'a code to a number, not after its end', async (t, database) => {
  const w = await world(database)
  const sms = w.services.sms as SmsSandbox
  const order = async (notAfter: string): Promise<void> => {
    await w.services.db.transaction().execute(async (trx) => {
      await enqueue(trx, w.services, {
        topic: smsTopic,
        payload: {
          to: { phone: '+8613800138009' },
          template: 'verification-code',
          parameters: { code: '123456', minutes: '5', purpose: '注册' },
          notAfter
        } satisfies SmsOrder
      })
    })
  }
  await order(new Date(Date.now() - 1000).toISOString())
  await order(new Date(Date.now() + 60_000).toISOString())
  await createOutboxWorker({ ...w.services, handlers: { [smsTopic]: smsHandler(w.services) } }).runDue()
  t.equal(sms.messages('+8613800138009').length, 1)
  sms.script(['refused'])
  await t.rejects(
    smsHandler(w.services)(
      { to: { phone: '+8613800138009' }, template: 'notice', parameters: {} },
      { messageId: 'm', attempt: 1, createdAt: new Date(), signal: AbortSignal.timeout(1000) }
    ),
    OutboxPermanentError
  )
})
