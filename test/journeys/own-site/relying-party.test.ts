/** The one relying party: what each site tells it keeps the two apart. */
import t from 'tap'
import { describeCookie } from '../../../src/journeys/own-site/cookie.ts'
import { describeSite as describeConsole } from '../../../src/journeys/console/site.ts'
import { describeSite as describeUserCenter } from '../../../src/journeys/user-center/site.ts'
import { at, startKora } from '../../support/driver/index.ts'
import { enter } from '../user-center/support.ts'

t.setTimeout(300_000)

const isCallback = (url: URL): boolean => url.pathname === '/me/callback'

t.test('the cookie of each site: its name, its path, and TLS', async (t) => {
  const deps = { db: null, crypto: null, config: { issuer: 'https://id.example' } } as never
  const describe = (issuer: string) =>
    [describeConsole(deps), describeUserCenter(deps)].map((site) => describeCookie(issuer, site.cookie))
  const flags = { httpOnly: true, sameSite: 'lax' }
  t.strictSame(describe('https://id.example'), [
    { name: '__Secure-kora_admin', options: { ...flags, secure: true, path: '/admin' } },
    { name: '__Host-kora_me', options: { ...flags, secure: true, path: '/' } }
  ])
  t.strictSame(describe('http://localhost:3000'), [
    { name: 'kora_admin', options: { ...flags, secure: false, path: '/admin' } },
    { name: 'kora_me', options: { ...flags, secure: false, path: '/' } }
  ])
})

t.test('a site leads back to its own pages only', async (t) => {
  const deps = { db: null, crypto: null, config: { issuer: 'https://id.example' } } as never
  const [console, userCenter] = [describeConsole(deps), describeUserCenter(deps)]
  for (const path of ['/admin/keys', '/admin/accounts?role=system']) t.equal(console.readReturnPath(path), path)
  for (const path of ['/me', '/me/agents/new']) t.equal(userCenter.readReturnPath(path), path)
  const foreign = ['//evil.example', 'https://evil.example/me', '/me/../admin', '/elsewhere', '/me?to=x', '', 7, null]
  for (const path of [...foreign, '/admin']) t.equal(userCenter.readReturnPath(path), '/me', String(path))
  for (const path of [...foreign, '/me']) t.equal(console.readReturnPath(path), '/admin', String(path))
})

t.test('an answer belongs to the site, the request and the browser that it was asked by', async (t) => {
  const kora = await startKora(t)
  const { db } = kora.inside.services
  const { browser } = await enter(kora, 'zhuoma')
  const states = async (): Promise<number> => (await db.selectFrom('ownSiteLogin').select('stateHash').execute()).length

  // the answer to the user center is none to the console
  const stopped = await browser.go(`${kora.issuer}/me/login`, {}, isCallback)
  const answer = new URL(stopped.url)
  t.match(answer.search, /code=/)
  const before = await states()
  const crossed = await browser.request(`${kora.issuer}/admin/callback${answer.search}`)
  t.strictSame([crossed.status, crossed.headers.get('location')], [303, '/admin'])
  t.equal(crossed.headers.getSetCookie().some((cookie) => cookie.startsWith('kora_admin')), false)
  t.equal(await states(), before, 'and the request still waits for its own')

  // mix-up (RFC 9207) and a fault ends the request with a page
  const other = new URL(answer)
  other.searchParams.set('iss', 'https://evil.example')
  t.equal((await browser.request(other.href)).status, 400)
  t.equal(await states(), before - 1)
  const replayed = await browser.request(answer.href)
  t.strictSame([replayed.status, replayed.headers.get('location')], [303, '/me'], 'used: the user center as it is')

  // refused: home, without a page of a fault
  const again = await browser.go(`${kora.issuer}/me/login`, {}, isCallback)
  const denied = new URL(again.url)
  denied.searchParams.delete('code')
  denied.searchParams.set('error', 'access_denied')
  t.equal((await browser.request(denied.href)).headers.get('location'), '/')
  t.equal(at(await browser.go(`${kora.issuer}/me`)), '/me', 'the session goes on')
})

t.test('a new login ends the session that the browser had', async (t) => {
  const kora = await startKora(t)
  const { db } = kora.inside.services
  const { browser } = await enter(kora, 'zhuoma')
  const former = browser.clone()
  await browser.go(`${kora.issuer}/me/login`)
  const live = await db.selectFrom('ownSiteSession').select('idHash').where('expiresAt', '>', new Date()).execute()
  t.equal(live.length, 1)
  t.equal((await former.request(`${kora.issuer}/me`)).status, 303)
  t.equal((await browser.request(`${kora.issuer}/me`)).status, 200)
})
