/**
 * Authorization and logout by POST (OpenID Connect Core 1.0 §3.1.2.1, RP-Initiated Logout 1.0 §2): the same as by GET,
 * and no more.
 */
import t from 'tap'
import { arrivedAt, at, demoParty, startKora, words, type Browser } from '../support/driver/index.ts'

const kora = await startKora(t)
const zhuoma = { ...(await kora.sandbox.account('zhuoma')), account: '13900139000' }
const site = await demoParty(kora, 'demo-site')
const loggedOut = `${kora.site}/logged-out`
const logout = `${kora.issuer}/oidc/logout`
const authorization = `${kora.issuer}/oidc/auth`
// what a browser says of a form of another site; the cookies of this driver know no SameSite, so each form brings none
const fromElsewhere = {
  origin: 'https://elsewhere.example',
  'sec-fetch-site': 'cross-site',
  'sec-fetch-mode': 'navigate',
  cookie: ''
}
const post = (fields: Record<string, string> | URLSearchParams) => ({
  method: 'POST',
  body: new URLSearchParams(fields),
  headers: fromElsewhere
})
const signedIn = async (browser: Browser): Promise<boolean> =>
  site.arrived(new URL((await site.visit(browser.clone(), await site.start())).url))

t.test('a login that begins with a form', async (t) => {
  const browser = kora.newBrowser()
  await site.login(browser, zhuoma)
  const started = await site.start()
  const answer = await browser.request(authorization, post(started.url.searchParams))
  t.equal(answer.status, 303)
  t.equal(answer.headers.get('cache-control'), 'no-store')
  t.same(answer.headers.getSetCookie(), [], 'nothing is decided yet')
  const back = await browser.go(authorization, post(started.url.searchParams), site.arrived)
  const tokens = await site.redeem(started, arrivedAt(site, back))
  t.ok(tokens.id_token, 'single sign-on works with the cookies of the request after it')

  const stranger = kora.newBrowser()
  t.equal(
    at(await stranger.go(authorization, post((await site.start()).url.searchParams))).replace(/[\w-]{21,}/, '…'),
    '/i/…/login'
  )
})

t.test('logout with the ID token as hint', async (t) => {
  const browser = kora.newBrowser()
  const tokens = await site.login(browser, zhuoma)
  const page = await browser.go(
    logout,
    post({ id_token_hint: tokens.id_token ?? '', post_logout_redirect_uri: loggedOut, state: 'a b&c' }),
    (url) => url.origin === kora.site
  )
  t.equal(new URL(page.url).searchParams.get('state'), 'a b&c')
  t.notOk(await signedIn(browser))
})

t.test('without a hint a form ends nothing: the person is asked, as with a link', async (t) => {
  const browser = kora.newBrowser()
  await site.login(browser, zhuoma)
  const asked = await browser.go(logout, post({ logout: 'yes', client_id: 'demo-site' }))
  t.equal(asked.status, 200)
  t.ok(asked.forms.some((form) => 'xsrf' in form.fields))
  t.ok(await signedIn(browser), 'still signed in')
  await browser.submit(asked, { logout: 'yes' }, { form: (form) => 'xsrf' in form.fields })
  t.notOk(await signedIn(browser))
})

t.test('bad input is told, with our own pages', async (t) => {
  const browser = kora.newBrowser()
  for (const address of [authorization, logout]) {
    const long = await browser.request(address, post({ client_id: 'demo-site', claims: 'x'.repeat(6000) }))
    t.equal(long.status, 413)
    t.match(words(long.text), /提交的内容太大/)
    t.equal(
      (await browser.request(address, post({ state: '中'.repeat(1000) }))).status,
      413,
      'what grows when it is written as an address'
    )
    const json = await browser.request(address, {
      method: 'POST',
      body: '{"client_id":"demo-site"}',
      headers: { ...fromElsewhere, 'content-type': 'application/json' }
    })
    t.equal(json.status, 415)
    t.equal((await browser.request(address, { method: 'PUT', headers: fromElsewhere })).status, 405)
    const hostile = await browser.request(address, {
      method: 'POST',
      body: 'state=%0d%0aset-cookie:x=1&//evil.example/\r\nx: y#z',
      headers: { ...fromElsewhere, 'content-type': 'application/x-www-form-urlencoded' }
    })
    t.equal(hostile.status, 303)
    t.ok(hostile.headers.get('location')?.startsWith(`${new URL(address).pathname}?`), 'never another address')
    t.notMatch(hostile.headers.get('location') ?? '', /[\r\n#]/)
    t.equal((await browser.go(authorization, post({}))).status, 400, 'nothing in it')
  }
  const twice = await browser.go(authorization, post(new URLSearchParams('client_id=demo-site&client_id=demo-site')))
  t.equal(twice.status, 400, 'a parameter twice is refused as with GET')
})
