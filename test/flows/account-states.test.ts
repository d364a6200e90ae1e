/** S10, S12, S35, P6: what an account's state and its counters mean at every door. */
import { sql } from 'kysely'
import t from 'tap'
import {
  continueAfterPhone,
  demoParty,
  payloadOf,
  startKora,
  submitPassword,
  type Answer,
  type Kora
} from '../support/driver/index.ts'
import { createThrottle, personIdentifier } from '../../src/records/throttle/index.ts'
import { lockPerson, unlockPerson } from '../../src/journeys/support/index.ts'

/** One sign-in with password and face binds the phone of this person. */
async function bindPhone (kora: Kora, handle: string): Promise<void> {
  const browser = kora.newBrowser()
  const person = await kora.sandbox.account(handle)
  const first = await browser.go(`${kora.site}/login?acr_values=urn:kora:loa:3`)
  const code = await submitPassword(browser, first, { account: person.cert_no, password: person.password })
  const { outcome } = await kora.sandbox.journey({ payload: payloadOf(code), person: handle })
  if (outcome !== 'confirmed') throw new Error(outcome)
}

const hasError = (page: Answer, text: RegExp): boolean => text.test(page.text)

async function setLock (kora: Kora, personId: string, lock: boolean): Promise<void> {
  const act = {
    actor: 'operator:test' as const,
    reason: 'test',
    address: null,
    traceId: null
  }
  const outcome = await (lock ? lockPerson : unlockPerson)(kora.inside.services, act, personId)
  if (outcome !== 'done') throw new Error(String(outcome))
}

t.test('P6 after the right password the page says the state of the account, to nobody before', async (t) => {
  const kora = await startKora(t)
  for (const [handle, key] of [['suoding', 'locked'], ['tingyong', 'disabled']] as const) {
    const person = await kora.sandbox.account(handle)
    for (const account of [person.cert_no, person.phone]) {
      const browser = kora.newBrowser()
      const page = await browser.go(`${kora.site}/login`)
      const wrong = await submitPassword(browser, page, { account, password: 'Not-the-right-1' })
      t.equal(wrong.status, 422)
      const right = await submitPassword(browser, page, { account, password: person.password })
      t.equal(right.status, 403, `${handle}: ${key}`)
      t.notOk(hasError(wrong, /锁定|停用/), 'nothing before')
      t.ok(hasError(right, key === 'locked' ? /账号已锁定/ : /账号已停用/))
      t.match(right.text, new RegExp(`value="${account}"`), 'what was typed is kept')
      t.equal(browser.cookie('kora_session'), undefined)
    }
  }
})

t.test('S12 tries are counted for the person, whichever number is typed', async (t) => {
  const kora = await startKora(t)
  const person = await kora.sandbox.account('zhuoma')
  const browser = kora.newBrowser()
  const page = await browser.go(`${kora.site}/login`)
  const statuses: number[] = []
  for (let i = 0; i < 6; i++) {
    const account = i % 2 === 0 ? person.cert_no : person.phone
    statuses.push((await submitPassword(browser, page, { account, password: 'Guessed-2026' })).status)
  }
  t.same(statuses, [422, 422, 422, 422, 422, 429])
})

t.test('S35 the owner\'s own proof opens a password that strangers have closed', async (t) => {
  const kora = await startKora(t)
  const site = await demoParty(kora, 'demo-site', { scope: 'openid profile' })
  const person = await kora.sandbox.account('ronghe')
  const credentials = { account: person.cert_no, password: person.password }
  await bindPhone(kora, 'ronghe')
  const throttle = createThrottle(kora.inside.services)
  // each from a network of its own
  for (let n = 0; n < 125; n++) {
    const identifier = personIdentifier(person.person_id)
    const turn = await throttle.begin({ identifier, source: `198.51.${n}.0/24`, knownBrowser: false })
    if (turn.allowed) await turn.settle(false)
  }
  const closed = kora.newBrowser()
  t.equal((await submitPassword(closed, await site.visit(closed, await site.start()), credentials)).status, 429)

  const scanning = kora.newBrowser()
  const login = await site.visit(scanning, await site.start())
  const uid = /\/i\/([\w-]+)/.exec(login.url)?.[1] ?? ''
  const code = await scanning.go(`${kora.issuer}/i/${uid}/qr`)
  t.equal((await kora.sandbox.journey({ payload: payloadOf(code), person: 'ronghe' })).outcome, 'confirmed')
  const done = await continueAfterPhone(scanning, code, site.arrived)
  const href = /href="([^"]*\/oidc\/auth\/[^"]+)"/.exec(done.text)?.[1] ?? ''
  const home = await scanning.go(new URL(href, kora.issuer).href, {}, site.arrived)
  t.ok(site.arrived(new URL(home.url)))

  const open = kora.newBrowser()
  const arrived = await submitPassword(open, await site.visit(open, await site.start()), credentials, site.arrived)
  t.ok(site.arrived(new URL(arrived.url)), 'the password works again, from anywhere')
})

t.test('S10 locking ends what is under way, for good, on the computer and on the phone', async (t) => {
  const kora = await startKora(t)
  const { db } = kora.inside.services
  const site = await demoParty(kora, 'demo-site', { scope: 'openid profile' })
  const person = await kora.sandbox.account('zhuoma')
  const devices = async (): Promise<number> =>
    (await sql`select 1 from device where person_id = ${person.person_id}`.execute(db)).rows.length

  await bindPhone(kora, 'zhuoma')
  // waiting for a scan, with the password given
  const browser = kora.newBrowser()
  const login = await site.visit(browser, await site.start({ acr_values: 'urn:kora:loa:3' }))
  const code = await submitPassword(browser, login, { account: person.cert_no, password: person.password })
  const payload = payloadOf(code)
  // a phone that is bound already
  const other = kora.newBrowser()
  const free = await site.visit(other, await site.start())
  const freeUid = /\/i\/([\w-]+)/.exec(free.url)?.[1] ?? ''
  const bound = await other.go(`${kora.issuer}/i/${freeUid}/qr`)
  const before = await devices()

  await setLock(kora, person.person_id, true)
  const strange = await kora.sandbox.journey({ payload, person: 'zhuoma', device: 'new' }).catch(() => null)
  t.not(strange?.outcome, 'confirmed', 'a new phone with the right face')
  const own = await kora.sandbox.journey({ payload: payloadOf(bound), person: 'zhuoma' }).catch(() => null)
  t.not(own?.outcome, 'confirmed', 'the bound phone')
  t.equal(await devices(), before, 'no device is bound')

  await setLock(kora, person.person_id, false)
  const later = await kora.sandbox.journey({ payload, person: 'zhuoma' }).catch(() => null)
  t.not(later?.outcome, 'confirmed', 'the code from before does not come back')
  const resumed = await browser.go(code.url, {}, site.arrived)
  t.notOk(site.arrived(new URL(resumed.url)))
  t.match(new URL(resumed.url).pathname, /\/login$/, 'the login begins from its start')
  t.equal(browser.cookie('kora_session'), undefined)
})
