import t from 'tap'
import { demoPeople } from '../../../src/simulators/demo-people.ts'
import {
  at,
  payloadOf,
  phoneAgent,
  startKora,
  submitPassword,
  words,
  type Answer
} from '../../support/driver/index.ts'
import { enterLegal } from '../user-center/support.ts'
import { said, saidInOrder } from '../../support/texts.ts'

t.test('J4: everything on one phone, in its browser: password, identity, face, and back to the site', async (t) => {
  const kora = await startKora(t)
  const account = await kora.sandbox.account('zhaxi')
  const card = demoPeople.find(({ certNo }) => certNo === account.cert_no)
  const browser = kora.newBrowser({ userAgent: phoneAgent })
  const by = (action: RegExp) => ({ form: (form: { action: string }): boolean => action.test(form.action) })
  const title = (page: Answer): string => words(/<h1[^>]*>([\s\S]*?)<\/h1>/.exec(page.text)?.[1] ?? '')

  const qr = await submitPassword(browser, await browser.go(`${kora.site}/login`), {
    account: account.cert_no,
    password: account.password
  })
  t.match(at(qr), /^\/i\/[\w-]+\/qr$/)
  const landing = await browser.go(payloadOf(qr))
  const confirm = await browser.submit(landing, {}, by(/\/q\//))
  t.match(title(confirm), saidInOrder(/不动产登记/, 'phone-pages.confirm.login'))
  const number = /class="match-n">(\d\d)</.exec(qr.text)?.[1] ?? ''
  const identity = await browser.submit(confirm, { decision: 'accept', check_number: number }, by(/\/confirm$/))
  t.equal(title(identity), '身份信息')
  const [year = '', month = '', day = ''] = (card?.validFrom ?? '').split('-')
  const check = await browser.submit(
    identity,
    {
      name: account.name,
      cert_no: account.cert_no,
      year,
      month,
      day,
      term: String(card?.term),
      consent: '1',
      decision: 'submit'
    },
    by(/\/identity$/)
  )
  t.equal(title(check), '请核对有效期')
  const face = await browser.submit(check, { decision: 'submit' }, by(/\/identity$/))
  t.equal(title(face), '人脸核验')
  const provider = await browser.submit(face, { consent: '1', decision: 'start' }, by(/\/face$/))
  t.not(new URL(provider.url).origin, kora.issuer, "the camera is the provider's")
  const result = await browser.submit(provider, { outcome: 'pass' })
  t.match([at(result), title(result)], [/^\/v\/[\w-]+\/result$/, '认证成功'])
  const onward = /href="(\/i\/[\w-]+\/qr)"/.exec(result.text)?.[1]
  t.equal(onward, at(qr), 'the very login that this browser has begun')
  const done = await browser.go(kora.issuer + (onward ?? ''))
  t.match(words(done.text), said('login.done.title'))
  const home = await browser.go(
    new URL(/href="([^"]*\/oidc\/auth\/[^"]*)"/.exec(done.text)?.[1] ?? '', kora.issuer).href
  )
  t.equal(new URL(home.url).origin, kora.site)
  t.match(words(home.text), /urn:kora:loa:3/)
})

t.test("the organization's password, changed on one phone: back to where it was typed", async (t) => {
  const kora = await startKora(t)
  const { browser } = await enterLegal(kora, 'cunjiti')
  const by = (action: RegExp) => ({ form: (form: { action: string }): boolean => action.test(form.action) })
  const form = await browser.go(`${kora.issuer}/me/organization-password`)
  const qr = await browser.submit(
    form,
    { new_password: 'Butter-lamp-88', again: 'Butter-lamp-88' },
    { form: (one) => 'new_password' in one.fields }
  )
  t.equal(at(qr), '/me/organization-password/qr')
  const confirm = await browser.submit(await browser.go(payloadOf(qr)), {}, by(/\/q\//))
  const number = /class="match-n">(\d\d)</.exec(qr.text)?.[1] ?? ''
  const face = await browser.submit(confirm, { decision: 'accept', check_number: number }, by(/\/confirm$/))
  const provider = await browser.submit(face, { consent: '1', decision: 'start' }, by(/\/face$/))
  const result = await browser.submit(provider, { outcome: 'pass' })
  t.equal(/href="(\/me\/[^"]*)"/.exec(result.text)?.[1], '/me/organization-password/qr')
  const done = await browser.go(`${kora.issuer}/me/organization-password/qr`)
  t.equal(at(done), '/me/organization-password/changed')
})
