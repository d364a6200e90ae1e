import t from 'tap'
import { locales } from '../../../src/http/locale.ts'
import { startKora, words, type Answer } from '../../support/driver/index.ts'
import { openDesk } from './support.ts'

const kora = await startKora(t)
const desk = openDesk(kora)
const browser = kora.newBrowser()
const open = async (path: string): Promise<Answer> => await browser.go(`${kora.issuer}${path}`)
const to =
  (path: string) =>
    (form: { action: string }): boolean =>
      new URL(form.action).pathname === path

t.test('every page in every language: one heading, no holes, no inline style or script, the red banner', async (t) => {
  const { journey } = await kora.sandbox
    .call<{ journey: string }>('POST', '/phone/scan', {
      payload: (await desk.show('zhaxi')).payloadUrl,
      person: 'zhaxi'
    })
    .then(({ body }) => body)
  await desk.show('yangjin')
  for (const path of ['/sandbox', '/sandbox/phone', `/sandbox/phone/${journey}`, '/sandbox/api']) {
    for (const locale of locales) {
      const { status, text } = await open(`${path}?lang=${locale}`)
      const label = `${path.slice(0, 16)} ${locale}`
      t.equal(status, 200, label)
      t.equal(text.match(/<h1/g)?.length, 1, `${label}: one h1`)
      t.notMatch(
        words(text.replace(/<pre[\s\S]*?<\/pre>/g, '')),
        /undefined|\bnull\b|\[object|NaN|\{name\}|\{n\}/,
        label
      )
      t.notMatch(text, / style="| on\w+="|<script(?![^>]* src=)/, `${label}: CSP`)
      t.match(text, /<p class="sandbox">/, `${label}: banner`)
      const ids = [...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
      t.equal(new Set(ids).size, ids.length, `${label}: ids`)
      for (const [, target] of text.matchAll(/(?:href="#|aria-(?:describedby|labelledby)=")([\w-]+)"/g)) {
        if (!ids.includes(target)) t.fail(`${label}: #${target}`)
      }
      if (locale === 'bo') t.match(text, /class="card wide sb" lang="zh-CN"/, 'Chinese is marked as such')
    }
  }
  await open('/sandbox?lang=zh-CN')
})

t.test('home: accounts with the password, messages, choosers', async (t) => {
  await kora.inside.services.sms.send({
    phone: '+8613800138000',
    template: 'verification-code',
    parameters: { code: '246810' },
    messageId: 'm1'
  })
  let page = await open('/sandbox')
  for (const text of ['Snow-lion-2026', '540102199003072515', '13800138000', '尚未激活，没有密码', '246810']) {
    t.match(words(page.text), text)
  }

  page = await browser.submit(page, { person: '', outcome: 'liveness' }, { form: to('/sandbox/face') })
  t.same((await kora.sandbox.call('GET', '/face')).body, {
    next: ['liveness'],
    persons: [],
    outcomes: ['pass', 'mismatch', 'liveness', 'quality', 'no-photo', 'cancel', 'timeout', 'down', 'garbage', 'forged']
  })
  t.match(words(page.text), '接下来依次为 没有识别为本人实时拍摄')
  page = await browser.submit(page, { person: '', outcome: '' }, { form: to('/sandbox/face') })
  t.match(words(page.text), '没有预定的结果')

  page = await browser.submit(
    page,
    { name: '扎西 <b>', status: 'no_record', down: '1' },
    { form: to('/sandbox/population') }
  )
  t.match((await kora.sandbox.call<{ population: object[] }>('GET', '/population')).body.population[0], {
    name: '扎西 <b>',
    status: 'no_record',
    available: false
  })
  t.match(page.text, '扎西 &lt;b&gt;')
  page = await browser.submit(
    page,
    { name: '扎西顿珠', status: 'match', down: [] },
    { form: to('/sandbox/population') }
  )
  t.match((await kora.sandbox.call<{ population: object[] }>('GET', '/population')).body.population[0], {
    name: '扎西顿珠',
    status: 'match',
    available: true
  })

  t.match(words(page.text), /德吉 \(deji\) : 有效 , \d{4}-\d\d-\d\d 至/, 'delegations')
  page = await browser.submit(page, { status: 'active', person: 'awang' }, { form: to('/sandbox/companies') })
  t.match((await kora.sandbox.call<{ companies: object[] }>('GET', '/companies')).body.companies[0], {
    name: '西藏示例科技有限公司',
    legal_representative: { handle: 'awang' },
    available: true
  })
  page = await browser.submit(
    page,
    { name: '改名 <i>', status: 'dissolved', person: '', down: '1' },
    { form: to('/sandbox/companies') }
  )
  t.match((await kora.sandbox.call<{ companies: object[] }>('GET', '/companies')).body.companies[0], {
    name: '改名 <i>',
    status: 'dissolved',
    legal_representative: { handle: 'awang' },
    available: false
  })
  t.match(page.text, '改名 &lt;i&gt;')

  t.match(
    words((await browser.submit(page, { person: 'laoren' }, { form: to('/sandbox/counter-codes') })).text),
    /核验码（只显示这一次） 洛桑 : \d{8} 有效至 \d\d:\d\d/
  )
  t.match(
    words((await browser.submit(page, { person: 'tingyong' }, { form: to('/sandbox/counter-codes') })).text),
    '已停用，不能开出核验码'
  )
})

t.test('the phone: everything by one button', async (t) => {
  const ticket = await desk.show('zhaxi')
  const page = await open(`/sandbox/phone?payload=${encodeURIComponent(ticket.payloadUrl)}&person=zhaxi`)
  t.match(page.text, `>${ticket.payloadUrl}</textarea>`, 'the code of the link is filled in')
  const done = await browser.submit(page, { payload: ticket.payloadUrl, action: 'run' })
  t.match(words(done.text), '手机上已确认')
  t.match(new URL(done.url).pathname, /^\/sandbox\/phone\/[\w-]{22}$/)
  t.match(words(done.text), /confirm: POST \/app\/v1\/scans\/confirm – 200/)
  t.match(words(done.text), `curl -X POST '${kora.issuer}/app/v1/scans/confirm'`)
  t.match(words(done.text), `curl -X POST '${kora.issuer}/sandbox/api/phone/journeys'`)
  t.equal(await ticket.state(), 'confirmed')
})

t.test('the phone: step by step, with mistakes', async (t) => {
  const ticket = await desk.show('laoren')
  let page = await browser.submit(await open('/sandbox/phone'), {
    payload: ticket.payloadUrl,
    person: 'laoren',
    action: 'scan'
  })
  t.match(words(page.text), /测试网站 请求确认 网站 rp.test 发起地点 本机 浏览器 Linux · Firefox/)
  const step = async (name: string, fields: Record<string, string | string[]> = {}): Promise<void> => {
    page = await browser.submit(page, fields, { form: (form) => form.fields['step'] === name })
  }
  await step('accept', { check_number: ticket.checkNumber === '10' ? '11' : '10' })
  t.match(words(page.text), '这一步被拒绝： accept: number_mismatch (422)')
  await step('accept')
  await step('identity', { name: '错了' })
  t.match(words(page.text), 'identity: identity_mismatch (422)')
  t.equal(
    page.forms.find((form) => form.fields['step'] === 'identity')?.fields['cert_no'],
    '540102195105204015',
    'prefilled from the card'
  )
  await step('identity', { consent: [] })
  t.match(words(page.text), 'consent_required')
  await step('identity')
  await step('face', { face: 'mismatch' })
  t.match(words(page.text), 'NOT_SAME_PERSON')
  await step('face')
  await step('confirm')
  t.match(words(page.text), '手机上已确认')
  t.equal(await ticket.state(), 'confirmed')
})

t.test('codes that wait are offered; nothing to scan is said', async (t) => {
  const ticket = await desk.show('yangjin')
  const page = await open('/sandbox/phone')
  t.match(page.text, encodeURIComponent(ticket.payloadUrl), 'a link for each')
  const missing = await browser.submit(page, { payload: '', action: 'run' })
  t.equal(missing.status, 422)
  t.match(missing.text, /<title>错误：/)
  t.match(missing.text, /<a href="#payload">/)
})

t.test('refused: foreign forms, unknown runs, nonsense', async (t) => {
  const page = await open('/sandbox')
  t.equal((await browser.submit(page, { csrf: 'x' }, { form: to('/sandbox/face') })).status, 403)
  t.equal((await browser.submit(page, { outcome: 'perhaps' }, { form: to('/sandbox/face') })).status, 400)
  t.equal((await browser.submit(page, { status: 'perhaps' }, { form: to('/sandbox/population') })).status, 400)
  t.equal((await open('/sandbox/phone/AAAAAAAAAAAAAAAAAAAAAA')).status, 404)
  t.equal(
    (await browser.submit(await open('/sandbox/phone'), { payload: 'x', face: 'perhaps', action: 'run' })).status,
    400
  )
  t.equal(
    (await browser.submit(await open('/sandbox/phone'), { payload: 'x', person: 'nobody', action: 'run' })).status,
    404
  )
  t.equal(
    (
      await kora
        .newBrowser()
        .request(`${kora.issuer}/sandbox/phone`, { method: 'POST', body: new URLSearchParams({ payload: 'x' }) })
    ).status,
    400,
    'no cookie'
  )
})
