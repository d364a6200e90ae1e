import t from 'tap'
import { sql } from 'kysely'
import { screen, startKora, words, type Answer, type Browser } from '../../support/driver/index.ts'
import { said, saidInOrder } from '../../support/texts.ts'
import { signInAs } from './support.ts'

t.setTimeout(300_000)

/** The console's frame, with the navigation or without; nothing of the citizens' pages. */
const inFrame = (page: Answer, signedIn: boolean): boolean =>
  page.text.includes('<body class="console"') &&
  page.text.includes('<nav class="side"') === signedIn &&
  screen(page.text).page === 'console/fault' &&
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
  t.equal(missing.status, 404)
  t.match(words(missing.text), saidInOrder('console.fault.not_found.title', 'console.fault.not_found.body'))
  t.match(
    words((await english.browser.go(`${kora.issuer}/admin/accounts/adm_nobody_here`)).text),
    /Not found The address is incomplete/
  )
  t.match(
    words((await stranger.go(`${kora.issuer}/admin/begin/${'x'.repeat(43)}`)).text),
    saidInOrder('console.fault.expired.title', 'console.fault.expired.body')
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
  t.same(screen(step.text).errors, ['console.fault.not_started'])

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
  t.same(screen(broken.text).errors, ['console.fault.server'])
  t.notMatch(broken.text.replace(/<style>.*?<\/style>/s, ''), /relation|notice_gone|select|does not exist|\.ts\b/)
  // and the frame itself cannot be made
  await sql`alter table own_site_session rename to own_site_session_gone`.execute(db)
  const bare = await system.browser.go(`${kora.issuer}/admin/accounts`)
  await sql`alter table own_site_session_gone rename to own_site_session`.execute(db)
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
  t.same(screen(last.text).errors, ['console.fault.too_many'])
  t.match(words(last.text), said('error.retry'))
  t.match((await ask('application/json')).headers.get('content-type'), 'application/problem+json')
})
