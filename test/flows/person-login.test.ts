import t from 'tap'
import { createPasswordHasher } from '../../src/adapters/password-hasher.ts'
import { at, continueAfterPhone, payloadOf, startKora, submitPassword, words } from '../support/driver/index.ts'
import { said } from '../support/texts.ts'

const outside =
  (site: string) =>
    (url: URL): boolean =>
      url.origin === site && url.pathname === '/callback'

t.test('J1: first login — password, scan, identity, face; the computer logs in by itself', async (t) => {
  const kora = await startKora(t)
  const person = await kora.sandbox.account('zhaxi')
  const browser = kora.newBrowser()

  const login = await browser.go(`${kora.site}/login`)
  t.match(at(login), /^\/i\/[\w-]+\/login$/, 'the relying site sends the person to the hosted login')
  t.match(words(login.text), /不动产登记/, 'which says who asks')

  const qr = await submitPassword(browser, login, { account: person.cert_no, password: person.password })
  t.match(at(qr), /\/qr$/, 'a first login needs the phone')
  t.equal(qr.status, 200)

  const early = await continueAfterPhone(browser, qr)
  t.match(words(early.text), said('scan-code.status.notyet'), 'without script: not yet')

  const phone = await kora.sandbox.journey({ payload: payloadOf(qr), person: 'zhaxi' })
  t.equal(phone.outcome, 'confirmed', JSON.stringify(phone.steps.map((step) => [step.step, step.status])))

  const done = await continueAfterPhone(browser, early)
  t.match(words(done.text), said('login.done.title'))
  const back = /href="([^"]*\/oidc\/auth\/[^"]*)"/.exec(done.text)?.[1]
  const home = await browser.go(new URL(back ?? '', kora.issuer).href)
  t.equal(new URL(home.url).origin, kora.site)
  t.match(words(home.text), /urn:kora:loa:3/, 'level 3: face')
  t.match(words(home.text), /扎西顿珠/)

  const again = await browser.go(`${kora.site}/login`)
  t.equal(new URL(again.url).origin, kora.site, 'single sign-on: nothing is asked')
  t.notMatch(browser.history.slice(-3).join(' '), /\/i\//)
  t.notMatch(kora.logs().join(''), /540102199003072515|13800138000|扎西/, 'no personal data in the log')
})

t.test('J2: later, password only, at a lower level; the site asks for level 3 → only what is missing', async (t) => {
  const kora = await startKora(t)
  const person = await kora.sandbox.account('zhuoma')
  const browser = kora.newBrowser()
  const login = await browser.go(`${kora.site}/login`)
  const home = await submitPassword(browser, login, {
    account: ` ${person.phone.slice(0, 3)} ${person.phone.slice(3)} `,
    password: person.password
  })
  t.equal(new URL(home.url).origin, kora.site, 'a phone number with blanks, and no second step')
  t.match(words(home.text), /urn:kora:loa:2/)

  const qr = await browser.go(`${kora.site}/login?acr_values=urn:kora:loa:3`)
  t.match(at(qr), /\/qr$/, 'step-up: the phone, without the password')
  const phone = await kora.sandbox.journey({ payload: payloadOf(qr), person: 'zhuoma' })
  t.equal(phone.outcome, 'confirmed', JSON.stringify(phone.steps))
  t.notOk(
    phone.steps.some((step) => step.step === 'identity'),
    'no identity form: it is known'
  )
  const done = await continueAfterPhone(browser, qr, outside(kora.site))
  t.match(words(done.text), said('login.done.title'))
})

t.test('J3: scan login without password, from a bound phone', async (t) => {
  const kora = await startKora(t)
  const unbound = kora.newBrowser()
  const login = await unbound.go(`${kora.site}/login`)
  const scan = await unbound.go(login.url.replace(/\/login$/, '/qr'))
  const refused = await kora.sandbox.journey({ payload: payloadOf(scan), person: 'ronghe', device: 'new' })
  t.equal(refused.outcome, 'refused', 'a phone that is bound to nobody cannot log anybody in')
  t.match(JSON.stringify(refused.steps.at(-1)?.response), /device_not_bound/)

  // bind the phone: one login with password and face
  const browser = kora.newBrowser()
  const first = await browser.go(`${kora.site}/login?acr_values=urn:kora:loa:3`)
  const person = await kora.sandbox.account('ronghe')
  const qr = await submitPassword(browser, first, { account: person.cert_no.toLowerCase(), password: person.password })
  t.equal((await kora.sandbox.journey({ payload: payloadOf(qr), person: 'ronghe' })).outcome, 'confirmed')

  const other = kora.newBrowser()
  const page = await other.go(`${kora.site}/login`)
  const code = await other.go(page.url.replace(/\/login$/, '/qr'))
  const phone = await kora.sandbox.journey({ payload: payloadOf(code), person: 'ronghe' })
  t.equal(phone.outcome, 'confirmed', JSON.stringify(phone.steps))
  const done = await continueAfterPhone(other, code)
  t.match(words(done.text), said('login.done.title'))
})

t.test('the trail says when a password is closed to strangers, once, and when its hash is renewed', async (t) => {
  const kora = await startKora(t)
  const { db } = kora.inside.services
  const listEvents = async (type: 'login.password-suspended' | 'password.rehashed') =>
    await db.selectFrom('auditEvent').select(['personId', 'reason']).where('type', '=', type).execute()
  const person = await kora.sandbox.account('zhuoma')
  const weaker = createPasswordHasher({ concurrency: 1, memoryCost: 2048, timeCost: 3 })
  await db
    .updateTable('person')
    .set({ passwordHash: await weaker.hash(person.password) })
    .where('id', '=', person.person_id)
    .execute()

  const stranger = kora.newBrowser()
  let page = await stranger.go(`${kora.site}/login`)
  const wrong = { account: person.cert_no, password: 'Wrong-lion-2026' }
  page = await submitPassword(stranger, page, wrong)
  t.same(await listEvents('login.password-suspended'), [])
  await db.updateTable('throttle').set({ count: 100 }).where('key', 'like', 'consecutive:%').execute()
  for (let n = 0; n < 3; n++) {
    await db.deleteFrom('throttle').where('key', 'like', 'pair:%').execute()
    page = await submitPassword(stranger, page, wrong)
    t.equal(page.status, 429)
  }
  t.same(await listEvents('login.password-suspended'), [{ personId: person.person_id, reason: 'suspended' }])

  await db.deleteFrom('throttle').execute()
  for (let n = 0; n < 2; n++) {
    const browser = kora.newBrowser()
    await submitPassword(browser, await browser.go(`${kora.site}/login`), {
      account: person.cert_no,
      password: person.password
    })
  }
  t.same(await listEvents('password.rehashed'), [{ personId: person.person_id, reason: null }], 'renewed once')
})
