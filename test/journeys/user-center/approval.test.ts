import { sql } from 'kysely'
import t from 'tap'
import { at, payloadOf, phoneAgent, startKora, submitPassword, words } from '../../support/driver/index.ts'
import { choose, enter, enterLegal, link, scan, toCode } from './support.ts'
import { said, saidInOrder, text } from '../../support/texts.ts'

t.test(
  'J7: the legal representative reads, scans, sees the same on the phone, shows the face: the delegation is in force',
  async (t) => {
    const kora = await startKora(t)
    const { browser, home } = await enterLegal(kora, 'simiao')
    t.equal(at(home), '/me')
    t.match(words(home.text), /您正在代表 拉萨市示例寺管理委员会 （法定代表人）/)

    const list = await browser.go(`${kora.issuer}/me/agents`)
    t.match(words(list.text), said('user-center.agents.waiting', { n: 1 }))
    const content = await browser.go(link(list, text('user-center.approve')))
    t.match(words(content.text), /拉萨市示例寺管理委员会（71540102MC1234566M）/)
    t.match(words(content.text), /\*增 5\*{16}9/)
    const qr = await toCode(browser, content)
    t.match(at(qr), /\/qr$/)
    t.match(words(qr.text), said('scan-code.enter'), 'number matching, also in a known browser')

    const { phone, page } = await scan(kora, browser, qr, 'awang')
    t.equal(phone.outcome, 'confirmed', JSON.stringify(phone.steps.at(-1)))
    const shown = phone.steps.find(({ step }) => step === 'scan')?.response as {
      context: { subject: Record<string, unknown> }
      requires: string[]
    }
    const mark = /<code>([\w -]+)<\/code>/.exec(content.text)?.[1]
    t.match(shown.context.subject, {
      organization: '拉萨市示例寺管理委员会（71540102MC1234566M）',
      agent: /^\*增 5\*{16}9$/,
      digest: mark
    })
    t.ok(shown.requires.includes('face'), 'a face check, though the phone is bound or not')
    t.match(words(page.text), said('user-center.result.approved'))
    t.match(at(page), /\/result$/)
    t.match(
      words((await browser.go(`${kora.issuer}/me/agents`)).text),
      saidInOrder(said('user-center.agents.waiting', { n: 0 }), said('user-center.agents.active', { n: 1 }))
    )

    const agent = await enter(kora, 'renzeng')
    t.match(words(agent.home.text), /消息（\d 条未读）/, 'the agent is told')
    t.match(
      words((await agent.browser.go(`${kora.issuer}/me/mine`)).text),
      saidInOrder(/拉萨市示例寺管理委员会/, 'user-center.state.active')
    )
  }
)

t.test("the phone's own browser shows exactly what is approved, in the order in which it is read", async (t) => {
  const kora = await startKora(t)
  const { browser } = await enterLegal(kora, 'simiao')
  const content = await browser.go(link(await browser.go(`${kora.issuer}/me/agents`), '通过'))
  const qr = await toCode(browser, content)
  // no minute, day or year of the page is like it
  await kora.inside.services.db.updateTable('scanTicket').set({ checkNumber: '97' }).execute()
  const phone = kora.newBrowser({ userAgent: phoneAgent })
  const landing = await phone.go(payloadOf(qr))
  const confirm = await phone.submit(landing)
  t.match(words(confirm.text), /用户中心 请求审核代理人/)
  const facts = (text: string): string => words(/<dl class="facts strong">[\s\S]*?<\/dl>/.exec(text)?.[0] ?? '')
  t.match(
    facts(confirm.text),
    /单位 拉萨市.* 代理人 \*增 .* 授权事项 不动产登记申请 授权网站 不动产登记（演示） 开始日期 \d{4}-\d\d-\d\d 结束日期 \d{4}-\d\d-\d\d 内容校验码/
  )
  t.equal(facts(confirm.text), facts(content.text), 'word for word what the computer shows')
  t.match(confirm.text, /name="check_number"/, 'the number is typed')
  t.notMatch(words(confirm.text), / 97 /, 'and not shown')

  const declined = await phone.submit(confirm, { decision: 'reject' })
  t.equal(declined.status, 200)
  const page = await browser.submit(qr, {}, { form: (form) => form.action.endsWith('/check') })
  t.match(words(page.text), said('scan-code.status.declined'))
  t.match(
    words((await browser.go(`${kora.issuer}/me/agents`)).text),
    said('user-center.agents.waiting', { n: 1 }),
    'not approved, and not rejected either'
  )
})

t.test('what does not count: another person, another purpose, another moment', async (t) => {
  const kora = await startKora(t)
  const { db } = kora.inside.services
  const { browser } = await enterLegal(kora, 'simiao')
  const list = await browser.go(`${kora.issuer}/me/agents`)
  const content = await browser.go(link(list, text('user-center.approve')))
  const state = async (): Promise<string> =>
    (
      await db
        .selectFrom('delegation')
        .select('state')
        .where('id', '=', content.url.split('/')[5] ?? '')
        .executeTakeFirstOrThrow()
    ).state

  await t.test('somebody else scans: both screens say so', async (t) => {
    const bind = kora.newBrowser()
    const other = await kora.sandbox.account('gesang')
    const login = await bind.go(`${kora.site}/login?acr_values=urn:kora:loa:3`)
    const step = await submitPassword(bind, login, { account: other.cert_no, password: other.password })
    t.equal(
      (await kora.sandbox.journey({ payload: payloadOf(step), person: 'gesang' })).outcome,
      'confirmed',
      'the phone is bound to that person'
    )
    const qr = await toCode(browser, content)
    const { phone, page } = await scan(kora, browser, qr, 'gesang')
    t.match(phone, { outcome: 'refused' })
    t.match(JSON.stringify(phone.steps.at(-1)), /wrong_person/)
    t.match(words(page.text), said('scan-code.status.wrong_person.approve-delegation'))
    const events = await db
      .selectFrom('auditEvent')
      .select('type')
      .where('type', '=', 'scan-ticket.wrong-person')
      .orderBy('id')
      .execute()
    t.equal(events.length, 1)
  })

  await t.test('a wrong number, a face of somebody else', async (t) => {
    let qr = await toCode(browser, content)
    t.match(qr.text, /data-payload/, 'a fresh code')
    t.not(
      (await kora.sandbox.journey({ payload: payloadOf(qr), person: 'awang', check_number: '00' })).outcome,
      'confirmed'
    )
    qr = await browser.submit(qr, {}, { form: (form) => form.action.endsWith('/renew') })
    t.not(
      (await kora.sandbox.journey({ payload: payloadOf(qr), person: 'awang', face: 'mismatch' })).outcome,
      'confirmed'
    )
    t.equal(await state(), 'submitted')
  })

  await t.test('the digest of something else: read again', async (t) => {
    const answer = await browser.submit(
      content,
      { digest: 'x'.repeat(43) },
      { form: (form) => 'digest' in form.fields }
    )
    t.equal(answer.status, 409)
    t.match(words(answer.text), said('user-center.approve.changed'))
  })

  await t.test('the ticket of a login approves nothing (T098)', async (t) => {
    const qr = await toCode(browser, content)
    const tab = browser.clone()
    const select = await tab.go(`${kora.site}/login?acr_values=urn:kora:loa:3`)
    const stepUp = await choose(tab, select, 'self')
    const id = /data-id="([^"]+)"/.exec(stepUp.text)?.[1] ?? ''
    t.equal(
      (await kora.sandbox.journey({ payload: payloadOf(stepUp), person: 'awang' })).outcome,
      'confirmed',
      'scan and face of the right person, for a login'
    )
    const answer = await browser.go(`${qr.url}/${id}/finish`)
    t.notMatch(words(answer.text), said('user-center.result.approved'))
    const row = await db
      .selectFrom('scanTicket')
      .select(['purpose', 'state'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    t.match(row, { purpose: 'step-up', state: 'confirmed' }, 'not used up by it either')
    t.equal(await state(), 'submitted')
  })

  await t.test('withdrawn while the phone was busy: told so, nothing in force', async (t) => {
    const qr = await toCode(browser, content)
    t.equal((await kora.sandbox.journey({ payload: payloadOf(qr), person: 'awang' })).outcome, 'confirmed')
    const agent = await enter(kora, 'renzeng')
    const withdraw = await agent.browser.go(link(await agent.browser.go(`${kora.issuer}/me/mine`), '撤回'))
    await agent.browser.submit(withdraw, {}, { form: (form) => form.action.endsWith('/withdraw') })
    const page = await browser.submit(qr, {}, { form: (form) => form.action.endsWith('/check') })
    t.equal(page.status, 409)
    t.match(words(page.text), said('user-center.result.stale'))
    t.equal(await state(), 'withdrawn')
  })
})

t.test('status of the code answers to this browser only; two windows approve once', async (t) => {
  const kora = await startKora(t)
  const { browser } = await enterLegal(kora, 'simiao')
  const content = await browser.go(link(await browser.go(`${kora.issuer}/me/agents`), '通过'))
  const qr = await toCode(browser, content)
  const id = /data-id="([^"]+)"/.exec(qr.text)?.[1] ?? ''
  const reloaded = await browser.go(qr.url)
  t.match(reloaded.text, `data-id="${id}"`, 'loading the page again keeps the code')
  const status = await browser.request(`${qr.url}/${id}/state`)
  t.match(JSON.parse(status.text), { state: 'waiting', svg: /<svg/ })
  t.equal((await kora.newBrowser().request(`${qr.url}/${id}/state`)).status, 404)
  const fresh = await browser.go(qr.url)
  t.equal((await kora.sandbox.journey({ payload: payloadOf(fresh), person: 'awang' })).outcome, 'confirmed')
  t.match(JSON.parse((await browser.request(`${qr.url}/${id}/state`)).text), {
    state: 'confirmed',
    next: /\/finish$/,
    text: '核验成功，正在继续…'
  })
  const windows = await Promise.all(
    Array.from({ length: 6 }, async () => await browser.clone().go(`${qr.url}/${id}/finish`))
  )
  t.same(
    [...new Set(windows.map((page) => page.status))].filter((status) => status !== 200 && status !== 409),
    []
  )
  t.ok(windows.some((page) => said('user-center.result.approved').test(page.text)))
  const events = await kora.inside.services.db
    .selectFrom('auditEvent')
    .select('type')
    .where('type', '=', 'delegation.approved')
    .orderBy('id')
    .execute()
  t.equal(events.length, 1)
})

t.test('a decision that fails leaves the ticket: it approves when it can, once', async (t) => {
  const kora = await startKora(t)
  const { db } = kora.inside.services
  const { browser } = await enterLegal(kora, 'simiao')
  const content = await browser.go(link(await browser.go(`${kora.issuer}/me/agents`), '通过'))
  const qr = await toCode(browser, content)
  const id = /data-id="([^"]+)"/.exec(qr.text)?.[1] ?? ''
  t.equal((await kora.sandbox.journey({ payload: payloadOf(qr), person: 'awang' })).outcome, 'confirmed')
  const ticketState = async (): Promise<string> =>
    (await db.selectFrom('scanTicket').select('state').where('id', '=', id).executeTakeFirstOrThrow()).state

  await sql`create function refuse_approval() returns trigger language plpgsql as
    $$ begin raise exception 'the disk is full'; end $$`.execute(db)
  await sql`create trigger refuse_approval before update on delegation for each row
    when (new.state = 'active') execute function refuse_approval()`.execute(db)
  t.equal((await browser.go(`${qr.url}/${id}/finish`)).status, 500)
  t.equal(await ticketState(), 'confirmed')

  await sql`drop trigger refuse_approval on delegation`.execute(db)
  await Promise.all(Array.from({ length: 4 }, async () => await browser.clone().go(`${qr.url}/${id}/finish`)))
  t.equal(await ticketState(), 'consumed')
  const decided = await db
    .selectFrom('auditEvent')
    .select('type')
    .where('type', 'in', ['delegation.approved', 'scan-ticket.consumed'])
    .orderBy('type')
    .execute()
  t.same(
    decided.map(({ type }) => type).filter((type) => type === 'delegation.approved'),
    ['delegation.approved']
  )
})
