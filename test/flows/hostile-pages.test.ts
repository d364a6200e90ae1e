/** The hosted login under attack: one browser, one attempt, one person; and every page survives nonsense. */
import { sql } from 'kysely'
import t from 'tap'
import {
  arrivedAt,
  at,
  continueAfterPhone,
  demoParty,
  payloadOf,
  send,
  startKora,
  submitPassword,
  words,
  type Answer,
  type Browser
} from '../support/driver/index.ts'

const kora = await startKora(t, { env: { LOGIN_STARTS_PER_ADDRESS: '1000000' } })
const { db } = kora.inside.services
const zhuoma = { ...(await kora.sandbox.account('zhuoma')), account: '13900139000' }
const ronghe = { ...(await kora.sandbox.account('ronghe')), account: '15100151000' }
const zhaxi = { ...(await kora.sandbox.account('zhaxi')), account: '540102199003072515' }
const site = await demoParty(kora, 'demo-site')
const begin = async (
  browser: Browser,
  extra: Record<string, string> = {}
): Promise<{ started: Awaited<ReturnType<typeof site.start>>; page: Answer }> => {
  const started = await site.start(extra)
  return { started, page: await site.visit(browser, started) }
}
const uidOf = (page: Answer): string => at(page).split('/')[2] ?? ''
const stepUrl = (page: Answer, step: string): string => `${kora.issuer}/i/${uidOf(page)}${step}`
const fieldsOf = (page: Answer): Record<string, string> =>
  (page.forms.find((form) => 'password' in form.fields)?.fields ?? {}) as Record<string, string>
const steps = ['', '/login', '/qr', '/counter', '/select', '/consent', '/other']
const posts = ['/login', '/switch', '/qr/renew', '/counter', '/select', '/consent']

t.test('a uid without its browser opens nothing', async (t) => {
  const browser = kora.newBrowser()
  const { page } = await begin(browser)
  for (const step of steps) {
    for (const [who, other] of [
      ['another browser', kora.newBrowser()],
      [
        'another browser with an attempt of its own',
        await (async () => {
          const b = kora.newBrowser()
          await begin(b)
          return b
        })()
      ]
    ] as const) {
      const answer = await other.request(stepUrl(page, step))
      t.ok([403, 409].includes(answer.status), `${who} ${step}: ${answer.status}`)
      t.equal(
        answer.forms.some((form) => 'password' in form.fields),
        false
      )
    }
    t.equal(
      (await browser.request(stepUrl(page, step).replace(uidOf(page), 'A'.repeat(43)))).status,
      409,
      `a uid of nobody ${step}`
    )
    t.equal((await browser.request(stepUrl(page, step).replace(uidOf(page), 'short'))).status, 404)
  }
  const done = await submitPassword(browser, page, zhuoma, site.arrived)
  t.equal(new URL(done.url).searchParams.has('code'), true, 'and the owner is not disturbed')
})

t.test("a form of one attempt cannot finish another one's", async (t) => {
  const [mine, theirs] = [kora.newBrowser(), kora.newBrowser()]
  const { page } = await begin(mine)
  const { page: foreign } = await begin(theirs)
  const body = (csrf: string): URLSearchParams =>
    new URLSearchParams({ account: zhuoma.account, password: zhuoma.password, agree: '1', csrf })
  const post = async (
    browser: Browser,
    to: Answer,
    csrf: string,
    headers: Record<string, string> = { origin: kora.issuer }
  ): Promise<Answer> => await browser.request(stepUrl(to, '/login'), { method: 'POST', body: body(csrf), headers })
  const own = fieldsOf(page)['csrf'] ?? ''
  const cases: Array<[string, Answer]> = [
    ['no token', await post(mine, page, '')],
    ['a token of another attempt', await post(mine, page, fieldsOf(foreign)['csrf'] ?? '')],
    [
      'a token that is one character off',
      await post(mine, page, own.slice(0, -2) + (own.endsWith('AA') ? 'BB' : 'AA'))
    ],
    ['from another site', await post(mine, page, own, { origin: 'https://evil.example' })],
    ['from nowhere', await post(mine, page, own, { origin: 'null' })],
    ['as browsers say it', await post(mine, page, own, { 'sec-fetch-site': 'cross-site' })],
    ['as a sibling', await post(mine, page, own, { 'sec-fetch-site': 'same-site' })],
    ['another browser with the right token', await post(theirs, page, own)]
  ]
  for (const [name, answer] of cases) {
    t.ok([400, 403, 409].includes(answer.status), `${name}: ${answer.status}`)
    t.equal(answer.headers.get('location'), null, name)
  }
  for (const step of posts) {
    const answer = await mine.request(stepUrl(page, step), {
      method: 'POST',
      body: new URLSearchParams({ decision: 'grant', choice: 'self', code: '123' })
    })
    t.equal(answer.status, 403, `POST ${step} without a token`)
  }
  for (const type of ['text/plain', 'application/json', 'multipart/form-data; boundary=x']) {
    const answer = await mine.request(stepUrl(page, '/login'), {
      method: 'POST',
      body: JSON.stringify({ csrf: own, account: zhuoma.account, password: zhuoma.password }),
      headers: { 'content-type': type }
    })
    t.ok(answer.status >= 400 && answer.status < 500, `${type}: ${answer.status}`)
  }
  const rows = await db.selectFrom('loginAttempt').select('personId').where('uid', '=', uidOf(page)).execute()
  t.equal(rows[0]?.personId ?? null, null, 'nobody was identified')
})

t.test('without cookies: a page that says so, no loop', async (t) => {
  const browser = kora.newBrowser()
  const { page } = await begin(browser)
  browser.dropCookies(() => true)
  const answer = await browser.go(page.url)
  t.equal(answer.status, 403)
  browser.dropCookies(() => true)
  const posted = await browser.request(stepUrl(page, '/login'), {
    method: 'POST',
    body: new URLSearchParams({ account: 'x' })
  })
  t.ok([400, 403].includes(posted.status))
})

t.test('an interaction that expired starts again by itself, for its own browser', async (t) => {
  const browser = kora.newBrowser()
  const { started, page } = await begin(browser, { acr_values: 'urn:kora:loa:2', login_hint: zhuoma.cert_no })
  await sql`delete from oidc_artifact where model = 'Interaction'`.execute(db)
  const again = await browser.go(page.url, {}, site.arrived)
  t.match(at(again), /\/login$/)
  t.not(uidOf(again), uidOf(page))
  t.notOk(browser.history.some((url) => url.includes(zhuoma.cert_no) && !url.includes('login_hint=')))
  const arrival = arrivedAt(site, await submitPassword(browser, again, zhuoma, site.arrived))
  t.equal(
    (await site.redeem(started, arrival)).claims()?.acr,
    'urn:kora:loa:2',
    'with the same state, nonce and challenge'
  )
  const other = kora.newBrowser()
  t.equal((await other.go(page.url)).status, 403, 'nobody else restarts it')
})

t.test('posting into an expired interaction loses nothing but the form', async (t) => {
  const browser = kora.newBrowser()
  const { started, page } = await begin(browser)
  await sql`delete from oidc_artifact where model = 'Interaction'`.execute(db)
  const again = await submitPassword(browser, page, zhuoma, site.arrived)
  t.match(at(again), /\/login$/)
  t.ok(
    (await site.redeem(started, arrivedAt(site, await submitPassword(browser, again, zhuoma, site.arrived))))
      .access_token
  )
})

t.test('finished, and the back button: no second answer, a page with the way back', async (t) => {
  const browser = kora.newBrowser()
  const { page } = await begin(browser)
  await submitPassword(browser, page, zhuoma, site.arrived)
  for (const step of steps) {
    const answer = await browser.request(stepUrl(page, step))
    t.equal(answer.status, 409, `GET ${step}`)
  }
  const resent = await browser.request(stepUrl(page, '/login'), {
    method: 'POST',
    body: new URLSearchParams({ ...fieldsOf(page), account: ronghe.account, password: ronghe.password, agree: '1' }),
    headers: { origin: kora.issuer }
  })
  t.equal(resent.status, 409)
  t.match(resent.text, /href="\/oidc\/auth\?/, 'a link that makes the same request again')
  await sql`update login_attempt set finished_at = finished_at - interval '61 seconds'`.execute(db)
  const later = await browser.request(stepUrl(page, '/login'))
  t.equal(later.status, 409)
  t.match(later.text, new RegExp(`href="${kora.site}`), 'later: where to begin')
  const resumed = await browser.go(`${kora.issuer}/oidc/auth/${uidOf(page)}`, {}, site.arrived)
  t.equal(resumed.status, 400, 'the way back to the site is used once')
  t.match(words(resumed.text), /重新|登录/)
})

t.test('two tabs with two persons: what comes back is one of them, never both', async (t) => {
  const tab1 = kora.newBrowser()
  const one = await begin(tab1)
  const two = await begin(tab1)
  const [first, second] = await Promise.all([
    submitPassword(tab1, one.page, zhuoma, site.arrived),
    submitPassword(tab1, two.page, ronghe, site.arrived)
  ])
  const subs: string[] = []
  for (const [{ started }, page, sub] of [
    [one, first, zhuoma],
    [two, second, ronghe]
  ] as const) {
    if (!site.arrived(new URL(page.url))) {
      t.ok(page.status < 500, `${page.status} ${page.url}`)
      continue
    }
    const tokens = await site.redeem(started, page.url).catch(() => null)
    if (tokens === null) continue
    const {
      rows: [row]
    } = await sql<{ id: string }>`select id from person where sub = ${tokens.claims()?.sub ?? ''}`.execute(db)
    t.equal(row?.id, sub.person_id, 'each attempt answers for the person who gave the password there')
    subs.push(tokens.claims()?.sub ?? '')
  }
  t.ok(subs.length >= 1, 'somebody is logged in')
  const now = await site.again(tab1, { prompt: 'none' })
  t.ok(subs.includes(now.claims()?.sub ?? ''))
})

t.test('one attempt, two passwords: the later person replaces the earlier with all their proofs', async (t) => {
  const browser = kora.newBrowser()
  const { started, page } = await begin(browser, { acr_values: 'urn:kora:loa:3' })
  const qr = await submitPassword(browser, page, zhaxi)
  t.match(at(qr), /\/qr$/)
  const phone = await kora.sandbox.journey({ payload: payloadOf(qr), person: 'zhaxi' })
  t.equal(phone.outcome, 'confirmed', JSON.stringify(phone.steps.at(-1)))
  const login = await browser.go(stepUrl(page, '/login'))
  const switched = await submitPassword(browser, login, zhuoma, site.arrived)
  t.match(at(switched), /\/qr$/, 'the face of one is not the face of the other')
  const stale = await continueAfterPhone(browser, qr, site.arrived)
  t.notOk(
    site.arrived(new URL(stale.url)) && new URL(stale.url).searchParams.has('code'),
    "the first person's ticket finishes nothing"
  )
  const later = await browser.go(stepUrl(page, ''))
  t.match(at(later), /\/qr$/)
  t.equal(
    (await kora.sandbox.journey({ payload: payloadOf(later), person: 'zhaxi' })).outcome,
    'refused',
    'who scans must be who gave the password'
  )
  const fresh = await browser.go(stepUrl(page, '/qr'))
  t.ok(fresh.status < 500)
  t.ok(started.state)
})

t.test('T064: cookies', async (t) => {
  const browser = kora.newBrowser()
  const { started, page } = await begin(browser)
  const attacker = 'A'.repeat(43)
  const fixed = await browser.request(page.url, {
    headers: {
      cookie: `kora_session=${attacker}; kora_browser=${browser.cookie('kora_browser')}; kora_interaction=${browser.cookie('kora_interaction')}`
    }
  })
  t.equal(fixed.status, 200)
  await site.redeem(started, arrivedAt(site, await submitPassword(browser, page, zhuoma, site.arrived)))
  const before = browser.cookie('kora_session') ?? ''
  t.match(before, /^[\w-]{43}$/)
  t.not(before, attacker, 'an identifier that somebody planted is not taken')
  const copy = browser.clone()
  const again = await begin(browser, { prompt: 'login' })
  await site.redeem(again.started, arrivedAt(site, await submitPassword(browser, again.page, zhuoma, site.arrived)))
  t.not(browser.cookie('kora_session'), before, 'renewed at re-authentication')
  t.match(
    new URL((await site.visit(copy, await site.start({ prompt: 'none' }))).url).searchParams.get('error'),
    'login_required',
    'and the old one is dead'
  )

  const response = await send((await site.start()).url)
  for (const line of response.headers.getSetCookie()) {
    t.match(line, /httponly/i, line.split('=', 1).join())
    t.match(line, /samesite=lax/i)
    t.notMatch(line, /domain=/i)
    t.ok(line.length < 4096)
  }
  const secure = await startKora(t, { env: { ISSUER: 'https://sso.example.gov.cn', SANDBOX_FOR_STRANGERS: 'anybody-may-be-anybody' } })
  const target = `http://localhost:${secure.port}`
  const https = await send(
    `${target}/oidc/auth?${new URLSearchParams({ client_id: 'demo-site', redirect_uri: `${secure.site}/callback`, response_type: 'code', scope: 'openid', code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' }).toString()}`,
    { headers: { host: 'sso.example.gov.cn' } }
  )
  t.equal(https.status, 303)
  t.match(https.headers.get('location'), /^https:\/\/sso\.example\.gov\.cn\/i\/|^\/i\//)
  const set = https.headers.getSetCookie()
  for (const line of set) t.match(line, /^__(Host|Secure)-.*;\s*secure/i, 'on https: prefixed and secure')
  const login = await send(
    `${target}${new URL(https.headers.get('location') ?? '', 'https://sso.example.gov.cn').pathname}/login`,
    { headers: { host: 'sso.example.gov.cn', cookie: set.map((line) => line.split(';')[0]).join('; ') } }
  )
  t.equal(login.status, 200)
  t.match(set.join(), /__Host-kora_browser=[^;]+; .*secure/i, 'before the first page')
  t.equal(login.headers.get('strict-transport-security'), 'max-age=31536000')
})

t.test('every page of the login answers nonsense with 4xx', async (t) => {
  const browser = kora.newBrowser()
  const { page } = await begin(browser)
  const csrf = fieldsOf(page)['csrf'] ?? ''
  const complaints: string[] = []
  const values = [
    '',
    '\0',
    '%',
    "' or 1=1 --",
    '<script>',
    '{}',
    '-1',
    'x'.repeat(5000),
    '\u{1F600}',
    '\u202e',
    '__proto__',
    '１２３',
    '540102199003072515\0',
    '+86 139 0013 9000 \t'
  ]
  for (const step of [...posts, '/qr/st_x/check']) {
    for (const name of ['account', 'password', 'agree', 'scope', 'choice', 'decision', 'code']) {
      for (const value of values) {
        const answer = await browser.request(stepUrl(page, step), {
          method: 'POST',
          body: new URLSearchParams({ csrf, account: 'x', password: 'y', agree: '1', [name]: value }),
          headers: { origin: kora.issuer }
        })
        if (answer.status >= 500) complaints.push(`${answer.status} ${step} ${name}=${value.slice(0, 30)}`)
      }
    }
    const twice = new URLSearchParams({ csrf, account: 'x', password: 'y' })
    for (const name of ['csrf', 'account', 'password', 'scope', 'choice', 'code']) {
      twice.append(name, 'a')
      twice.append(name, 'b')
    }
    const answer = await browser.request(stepUrl(page, step), {
      method: 'POST',
      body: twice,
      headers: { origin: kora.issuer }
    })
    if (answer.status >= 500 || answer.status < 400) complaints.push(`${answer.status} ${step} twice`)
  }
  for (const path of [
    '/qr/%00/state',
    '/qr/x/state',
    '/qr/%00/events',
    '/qr/%00/finish',
    '/qr/st_x/finish',
    `/qr/${'x'.repeat(150)}/state`,
    '/qr/..%2f/state',
    '/nothing',
    '/login?lang=%00',
    '/login?lang[]=x&lang=y',
    '/login?size=%zz',
    '/login%00',
    '/login/%zz'
  ]) {
    const answer = await browser.request(stepUrl(page, path))
    if (answer.status >= 500) complaints.push(`${answer.status} ${path}`)
  }
  for (const path of [
    '/q/%00',
    '/q/x',
    `/q/${'x'.repeat(28)}`,
    '/v/%00',
    '/v/st_x/face',
    '/v/%00/confirm',
    '/v/st_%00/identity',
    '/assets/%00',
    '/app/%00',
    '/help/%00',
    '/sandbox/%00',
    '/%00'
  ]) {
    const answer = await browser.request(`${kora.issuer}${path}`)
    if (answer.status >= 500) complaints.push(`${answer.status} ${path}`)
  }
  t.same(complaints, [])
  t.same(
    kora
      .logs()
      .filter((line) => /"level":(50|60)|"level":"(error|fatal)"/.test(line))
      .map((line) => line.slice(0, 400)),
    [],
    'nothing failed inside'
  )
  t.notMatch(
    kora.logs().join(''),
    /13900139000|540102199003072515|15100151000|Snow-lion/,
    'and nothing personal is in the log'
  )
})
