import t from 'tap'
import { sql } from 'kysely'
import { startKora, words, type Answer, type Browser } from '../../support/driver/index.ts'
import { signInAs } from './support.ts'

t.setTimeout(300_000)

/** The console's frame, with the navigation or without; nothing of the citizens' pages. */
const inFrame = (page: Answer, signedIn: boolean): boolean =>
  page.text.includes('<body class="console">') &&
  page.text.includes('<nav class="side"') === signedIn &&
  !page.text.includes('从办事网站') &&
  /<code>[0-9a-f]{4} [0-9a-f]{4} [0-9a-f]{4}<\/code>/.test(page.text)

t.test("faults below /admin: the console's frame and words, for who is signed in and for who is not", async (t) => {
  const kora = await startKora(t)
  const { db } = kora.inside.services
  const system = await signInAs(kora, 'system')
  const english = await signInAs(kora, 'audit', { language: 'en' })
  const stranger = kora.newBrowser()
  const post = async (
    browser: Browser,
    path: string,
    body: Record<string, string>,
    headers: Record<string, string> = {}
  ): Promise<Answer> =>
    await browser.request(kora.issuer + path, {
      method: 'POST',
      body: new URLSearchParams(body),
      headers: { origin: kora.issuer, ...headers }
    })

  for (const path of [
    '/admin/nothing',
    '/admin/accounts/x/y/z',
    `/admin/begin/${'x'.repeat(43)}`,
    '/admin/%252e%252e/x',
    '/admin/clients/a/b/c/d'
  ]) {
    for (const [browser, signedIn] of [
      [stranger, false],
      [system.browser, true]
    ] as const) {
      const page = await browser.go(kora.issuer + path)
      t.equal(page.status, 404, path)
      t.ok(inFrame(page, signedIn), `${path} ${String(signedIn)}`)
      t.equal(page.headers.get('cache-control'), 'no-store')
    }
  }
  const missing = await system.browser.go(`${kora.issuer}/admin/accounts/adm_nobody_here`)
  t.match([missing.status, words(missing.text)], [404, /找不到.*对象不存在，或者您不能查看.*回到管理台|找不到/])
  t.match(
    words((await english.browser.go(`${kora.issuer}/admin/accounts/adm_nobody_here`)).text),
    /Not found The address is incomplete/
  )
  t.match(
    words((await stranger.go(`${kora.issuer}/admin/begin/${'x'.repeat(43)}`)).text),
    /链接或登录已失效.*联系安全管理员/
  )

  const csrf = (await system.browser.go(`${kora.issuer}/admin`)).forms.find((form) =>
    form.action.endsWith('/sign-out')
  )?.fields['csrf'] as string
  for (const [what, page, status] of [
    ['a forged token', await post(system.browser, '/admin/settings/maintenance', { csrf: 'x'.repeat(43) }), 403],
    ['another site', await post(system.browser, '/admin/sign-out', { csrf }, { origin: 'https://evil.example' }), 403],
    ['too much', await post(system.browser, '/admin/accounts/new', { csrf, reason: 'x'.repeat(200_000) }), 413],
    ['no such post', await post(system.browser, '/admin/accounts', { csrf }), 404]
  ] as const) {
    t.equal(page.status, status, what)
    t.ok(inFrame(page, true), what)
  }
  const step = await stranger.go(`${kora.issuer}/i/nothing/administrator`)
  t.equal(step.status, 409)
  t.ok(inFrame(step, false), 'the sign-in of the console as well')
  t.match(words(step.text), /请重新登录/)

  // programs get what they always get
  const problem = await stranger.request(`${kora.issuer}/admin/nothing`, { headers: { accept: 'application/json' } })
  t.match(problem.headers.get('content-type'), 'application/problem+json')
  t.match(
    (await stranger.request(`${kora.issuer}/admin/api/v1/nothing`)).headers.get('content-type'),
    'application/problem+json'
  )
  t.notOk((await stranger.go(`${kora.issuer}/nothing`)).text.includes('class="console"'), 'elsewhere the hosted page')
  t.notOk((await stranger.go(`${kora.issuer}/administration`)).text.includes('class="console"'))

  // a fault of ours: nothing of its cause
  await sql`alter table notice rename to notice_gone`.execute(db)
  const broken = await system.browser.go(`${kora.issuer}/admin/notices`)
  await sql`alter table notice_gone rename to notice`.execute(db)
  t.equal(broken.status, 500)
  t.ok(inFrame(broken, true))
  t.match(words(broken.text), /系统出错/)
  t.notMatch(broken.text.replace(/<style>.*?<\/style>/s, ''), /relation|notice_gone|select|does not exist|\.ts\b/)
  // and the frame itself cannot be made
  await sql`alter table admin_session rename to admin_session_gone`.execute(db)
  const bare = await system.browser.go(`${kora.issuer}/admin/accounts`)
  await sql`alter table admin_session_gone rename to admin_session`.execute(db)
  t.equal(bare.status, 500)
  t.ok(inFrame(bare, false))
})

t.test('too many: the words of the console and when to try again', async (t) => {
  const kora = await startKora(t)
  const { browser } = await signInAs(kora, 'system')
  const page = await browser.go(`${kora.issuer}/admin/again`)
  const csrf = page.forms.find((form) => 'password' in form.fields)?.fields['csrf'] as string
  const ask = async (accept: string): Promise<Answer> =>
    await browser.request(`${kora.issuer}/admin/again/challenge`, {
      method: 'POST',
      body: new URLSearchParams({ csrf }),
      headers: { origin: kora.issuer, accept }
    })
  let last = await ask('text/html')
  for (let tries = 0; tries < 100 && last.status === 200; tries++) last = await ask('text/html')
  t.equal(last.status, 429)
  t.match(last.headers.get('retry-after'), /^\d+$/)
  t.ok(inFrame(last, true))
  t.match(words(last.text), /操作太频繁.*分钟/)
  t.match((await ask('application/json')).headers.get('content-type'), 'application/problem+json')
})
