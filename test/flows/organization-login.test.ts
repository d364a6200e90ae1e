import t from 'tap'
import { at, continueAfterPhone, payloadOf, startKora, words, type Answer, type Browser } from '../support/driver/index.ts'

const demoPassword = 'Snow-lion-2026'
const company = '91540102MA6T1A2BXK'

async function organizationTab (browser: Browser, login: Answer): Promise<Answer> {
  return await browser.go(login.url.replace(/\/(login|organization)$/, '/organization'))
}

async function enter (browser: Browser, page: Answer, account: string, role: 'legal_representative' | 'agent', password = demoPassword): Promise<Answer> {
  return await browser.submit(page, { account, password, role, agree: '1' }, { form: (form) => 'password' in form.fields })
}

async function goOn (browser: Browser, kora: { issuer: string }, done: Answer): Promise<Answer> {
  const back = /href="([^"]*\/oidc\/auth\/[^"]*)"/.exec(done.text)?.[1]
  return await browser.go(new URL(back ?? '', kora.issuer).href)
}

t.test('J5, J9, J11: an organization is represented by people', async (t) => {
  const kora = await startKora(t)

  await t.test('J5: legal representative: code and password, then exactly that person by scan and face', async (t) => {
    const browser = kora.newBrowser()
    const tab = await organizationTab(browser, await browser.go(`${kora.site}/login`))
    t.match(words(tab.text), /统一社会信用代码/)
    const faults = await enter(browser, tab, '9154O102MA6T1A2BXK', 'legal_representative')
    t.equal(faults.status, 422)
    t.match(words(faults.text), /没有字母 I、O、S、V、Z/, 'told apart, nothing said of an account')
    const wrong = await enter(browser, faults, company, 'legal_representative', 'wrong-password-1')
    const unknown = await enter(browser, wrong, '91540000741928375U', 'legal_representative', 'wrong-password-1')
    t.match(words(wrong.text), /账号或密码不正确/)
    t.match(words(unknown.text), /账号或密码不正确/, 'the same answer for a code without account')
    const qr = await enter(browser, unknown, ` ${company.toLowerCase()} `, 'legal_representative')
    t.match(at(qr), /\/qr$/)
    t.equal(browser.cookie('kora_session'), undefined, 'the password of an organization is no session')

    const phone = await kora.sandbox.journey({ payload: payloadOf(qr), person: 'zhuoma' })
    t.equal(phone.outcome, 'confirmed', JSON.stringify(phone.steps.map((step) => [step.step, step.status])))
    const home = await goOn(browser, kora, await continueAfterPhone(browser, qr))
    t.equal(new URL(home.url).origin, kora.site)
    t.match(words(home.text), /法定代表人/)
    t.match(words(home.text), /西藏示例科技有限公司/)

    await t.test('again in this browser: the trusted browser stands for her', async (t) => {
      browser.dropCookies((name) => name.includes('session') || name.startsWith('rp_') || name.includes('demo'))
      const login = await browser.go(`${kora.site}/login?prompt=login`)
      const other = await browser.go(login.url.replace(/\/login$/, '/other'))
      const again = await enter(browser, await organizationTab(browser, other), company, 'legal_representative')
      t.equal(new URL(again.url).origin, kora.site, 'no scan')
      t.match(words(again.text), /urn:kora:loa:2/, 'at a lower level')
    })
  })

  await t.test('another person scanning is told so on both screens', async (t) => {
    const browser = kora.newBrowser()
    // bind ronghe's phone first
    const own = await browser.go(`${kora.site}/login?acr_values=urn:kora:loa:3`)
    const ronghe = await kora.sandbox.account('ronghe')
    const ownQr = await browser.submit(own, { account: ronghe.cert_no, password: ronghe.password, agree: '1' }, { form: (form) => 'password' in form.fields })
    t.equal((await kora.sandbox.journey({ payload: payloadOf(ownQr), person: 'ronghe' })).outcome, 'confirmed')
    const second = kora.newBrowser()
    const qr = await enter(second, await organizationTab(second, await second.go(`${kora.site}/login`)), company, 'legal_representative')
    const phone = await kora.sandbox.journey({ payload: payloadOf(qr), person: 'ronghe' })
    t.equal(phone.outcome, 'refused')
    t.match(JSON.stringify(phone.steps.at(-1)?.response), /wrong_person/)
  })

  await t.test('J9: an agent: several are active, so the person says who', async (t) => {
    const browser = kora.newBrowser()
    const ask = await enter(browser, await organizationTab(browser, await browser.go(`${kora.site}/login`)), company, 'agent')
    t.match(at(ask), /\/agent$/)
    const stranger = await kora.sandbox.account('zhaxi')
    const refused = await browser.submit(ask, { account: stranger.phone }, { form: (form) => 'account' in form.fields })
    t.match(words(refused.text), /没有找到匹配的代理授权/)
    const dawa = await kora.sandbox.account('dawa')
    const qr = await browser.submit(refused, { account: dawa.phone }, { form: (form) => 'account' in form.fields })
    t.match(at(qr), /\/qr$/)
    t.equal((await kora.sandbox.journey({ payload: payloadOf(qr), person: 'dawa' })).outcome, 'confirmed')
    const home = await goOn(browser, kora, await continueAfterPhone(browser, qr))
    t.match(words(home.text), /代理人/)
    t.match(words(home.text), /西藏示例科技有限公司/)
    t.match(home.text, /property\.query/, 'the function that concerns this site')
  })

  await t.test('J11: one person, several hats: chooses, and switches without the password', async (t) => {
    const browser = kora.newBrowser()
    const zhuoma = await kora.sandbox.account('zhuoma')
    const home = await browser.submit(await browser.go(`${kora.site}/login`), { account: zhuoma.phone, password: zhuoma.password, agree: '1' }, { form: (form) => 'password' in form.fields })
    t.match(words(home.text), /本人/, 'the personal tab means herself')
    const select = await browser.go(`${kora.site}/login?prompt=select_account`)
    t.match(at(select), /\/select$/)
    t.match(words(select.text), /西藏示例科技有限公司/)
    const button = select.forms.flatMap((form) => form.buttons).find(({ value }) => value.startsWith('lr:'))
    t.ok(button, 'her company is a choice')
    const acting = await browser.submit(select, { choice: button?.value ?? '' }, { form: (form) => form.buttons.some(({ name }) => name === 'choice') })
    t.equal(new URL(acting.url).origin, kora.site)
    t.match(words(acting.text), /法定代表人/)
    const silent = await browser.go(`${kora.site}/login?prompt=none`)
    t.match(words(silent.text), /法定代表人/, 'remembered at this site')
  })
})
