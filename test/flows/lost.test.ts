/** Addresses that lead nowhere, and logins that are gone: each has a page and a way on. */
import { sql } from 'kysely'
import t from 'tap'
import { demoParty, startKora, submitPassword, words } from '../support/driver/index.ts'

const kora = await startKora(t)
const { db } = kora.inside.services

t.test('addresses below the provider that are none, and methods that an endpoint does not take', async (t) => {
  const ask = async (
    path: string,
    init: RequestInit = {}
  ): Promise<{ status: number; type: string; allow: string | null; text: string }> => {
    const response = await fetch(kora.issuer + path, { ...init, redirect: 'manual' })
    return {
      status: response.status,
      type: response.headers.get('content-type') ?? '',
      allow: response.headers.get('allow'),
      text: await response.text()
    }
  }
  const html = { headers: { accept: 'text/html' } }
  for (const path of ['/oidc/nothing', '/oidc/', '/oidc/auth/unknown/extra', '/.well-known/openid-configuration/x']) {
    const page = await ask(path, html)
    t.match(page, { status: 404, type: 'text/html; charset=utf-8', allow: null }, path)
    t.match(words(page.text), /找不到这个页面.*问题编号/, path)
  }
  const problem = await ask('/oidc/nothing', { headers: { accept: 'application/json', 'accept-language': 'en' } })
  t.match(problem, { status: 404, type: 'application/problem+json' })
  t.match(JSON.parse(problem.text), { status: 404, code: 'not_found', trace_id: /^[0-9a-f]{12}$/ })
  t.match(await ask('/oidc/token', html), { status: 405, allow: 'POST', type: 'text/html; charset=utf-8' })
  t.match(await ask('/oidc/jwks', { method: 'POST', headers: { accept: 'application/json' } }), {
    status: 405,
    allow: 'GET, HEAD',
    type: 'application/problem+json'
  })
  t.match(await ask('/oidc/jwks'), { status: 200 }, 'endpoints are untouched')
})

t.test('the way back into a login that is used or expired', async (t) => {
  const site = await demoParty(kora, 'demo-site', { scope: 'openid profile' })
  const person = await kora.sandbox.account('zhuoma')
  const credentials = { account: person.cert_no, password: person.password }
  const uidOf = (url: string): string => /\/i\/([\w-]+)/.exec(url)?.[1] ?? ''

  const browser = kora.newBrowser()
  const login = await site.visit(browser, await site.start())
  const used = `${kora.issuer}/oidc/auth/${uidOf(login.url)}`
  t.ok(site.arrived(new URL((await submitPassword(browser, login, credentials, site.arrived)).url)))
  const repeated = await browser.go(used, {}, site.arrived)
  t.ok(new URL(repeated.url).searchParams.has('code'), 'within a minute: the same request again')
  await sql`update login_attempt set finished_at = finished_at - interval '61 seconds'`.execute(db)
  const again = await browser.go(used, {}, site.arrived)
  t.match(again, { status: 400 })
  t.match(words(again.text), /请从办事网站重新进入/)
  t.match(again.text, new RegExp(`<a class="btn main" href="${kora.site}`), 'back to the site')

  const other = kora.newBrowser()
  const stranger = await other.go(used, {}, site.arrived)
  t.equal(stranger.status, 400)
  t.notMatch(stranger.text, new RegExp(`href="${kora.site}`), 'another browser learns nothing of where it belonged')

  const open = await site.visit(other, await site.start())
  await sql`delete from oidc_artifact where model = 'Interaction'`.execute(db)
  const restarted = await other.go(`${kora.issuer}/oidc/auth/${uidOf(open.url)}`, {}, site.arrived)
  t.match(restarted.url, /\/i\/[\w-]+\/login$/, 'expired before it was finished: the same request again')
  t.not(uidOf(restarted.url), uidOf(open.url))
})
