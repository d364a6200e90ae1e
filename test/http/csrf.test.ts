import t from 'tap'
import { makeCsrf, originAllowed } from '../../src/http/csrf.ts'
import { browserCookieName, browserHash, newBrowserSecret } from '../../src/http/browser.ts'
import { testApp } from './support.ts'

t.test('tokens hold for one browser and one scope, differ each time, and survive no change', async (t) => {
  const csrf = makeCsrf(Buffer.alloc(32, 1))
  const token = csrf.token('browser', 'scope')
  t.not(token, csrf.token('browser', 'scope'))
  t.ok(csrf.matches(token, 'browser', 'scope'))
  t.notOk(csrf.matches(token, 'browser', 'scop'))
  t.notOk(csrf.matches(token, 'browse', 'rscope'), 'the border between the two is fixed')
  t.notOk(csrf.matches(token, 'other', 'scope'))
  t.notOk(makeCsrf(Buffer.alloc(32, 2)).matches(token, 'browser', 'scope'))
  for (let at = 0; at < token.length - 1; at++) {
    const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
    if (csrf.matches(changed, 'browser', 'scope')) t.fail(`accepted with character ${at} changed`)
  }
  for (const garbage of [undefined, null, '', 'x', ['a'], {}, 'é'.repeat(43), 'A'.repeat(43), `${token}A`]) {
    if (csrf.matches(garbage, 'browser', 'scope')) t.fail(`accepted ${JSON.stringify(garbage)}`)
  }
})

t.test('where a post may come from', async (t) => {
  const issuer = 'https://sso.example.gov.cn'
  t.ok(originAllowed({ 'sec-fetch-site': 'same-origin' }, issuer))
  t.notOk(originAllowed({ 'sec-fetch-site': 'cross-site', origin: issuer }, issuer))
  t.notOk(originAllowed({ 'sec-fetch-site': 'same-site' }, issuer), 'a sister host is another site to us')
  t.ok(originAllowed({ origin: issuer }, issuer))
  t.notOk(originAllowed({ origin: 'null' }, issuer))
  t.notOk(originAllowed({ origin: 'https://sso.example.gov.cn.evil.example' }, issuer))
  t.ok(originAllowed({}, issuer), 'old browsers: the token decides')
})

t.test('browser cookie', async (t) => {
  t.equal(browserCookieName('https://a.example'), '__Host-kora_browser')
  t.equal(browserCookieName('http://localhost:3000'), 'kora_browser')
  const secret = newBrowserSecret()
  t.equal(Buffer.from(secret, 'base64url').length, 32)
  t.match(browserHash(secret), /^[\w-]{43}$/)
  for (const bad of [undefined, '', 'short', `${secret}x`, 'é'.repeat(43)]) t.equal(browserHash(bad), null)
})

t.test(
  'over HTTP: set once, only where asked for; posts without it, from elsewhere or with another scope end well',
  async (t) => {
    const app = await testApp(t, { issuer: 'https://sso.example.gov.cn' })
    const plain = await app.inject({ url: '/fixture/home' })
    t.equal(plain.cookies.length, 0, 'no cookie for reading a page')
    const first = await app.inject({ url: '/form' })
    const [cookie] = first.cookies
    t.match(cookie, { name: '__Host-kora_browser', path: '/', httpOnly: true, secure: true, sameSite: 'Lax' })
    t.ok((cookie?.maxAge ?? 0) > 390 * 86400)
    const cookies = { '__Host-kora_browser': cookie?.value ?? '' }
    const { token, browser } = first.json<{ token: string; browser: { hash: string; fresh: boolean } }>()
    t.equal(browser.fresh, true)
    const again = await app.inject({ url: '/form', cookies })
    t.same(again.json<{ browser: object }>().browser, { hash: browser.hash, fresh: false })
    t.equal(again.cookies.length, 0)

    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html' }
    const post = async (
      payload: string,
      more: { cookies?: Record<string, string>; headers?: Record<string, string> }
    ) =>
      await app.inject({
        method: 'POST',
        url: '/form?x=secret',
        payload,
        cookies: more.cookies ?? {},
        headers: { ...headers, ...more.headers }
      })
    t.equal((await post(`csrf=${token}`, { cookies })).statusCode, 200)
    const noCookie = await post(`csrf=${token}`, {})
    t.equal(noCookie.statusCode, 400)
    t.match(noCookie.body, 'Cookie')
    const foreign = await post(`csrf=${token}`, { cookies, headers: { 'sec-fetch-site': 'cross-site' } })
    t.equal(foreign.statusCode, 403)
    t.match(foreign.body, 'href="/form"', 'a way on, without the query')
    t.equal((await post('csrf=wrong', { cookies })).statusCode, 403)
    t.equal((await post(`csrf=${token}&csrf=${token}`, { cookies })).statusCode, 403, 'twice')
    t.equal((await post('', { cookies })).statusCode, 403)
  }
)
