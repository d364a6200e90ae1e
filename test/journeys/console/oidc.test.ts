import { createHash, randomBytes } from 'node:crypto'
import t from 'tap'
import { Secret, TOTP } from 'otpauth'
import { firstLink } from '../../../src/journeys/console/index.ts'
import { at, startKora, words, type Answer, type Browser, type Kora } from '../../support/driver/index.ts'
import { enter } from '../user-center/support.ts'

const password = 'Kora-高原-2026-x9'
const form = (each: { action: string; fields: Record<string, unknown> }): boolean => 'password' in each.fields

/** An administrator with password and code, signed out again. */
async function administrator (
  kora: Kora,
  browser: Browser
): Promise<{ signIn: (page: Answer, stop?: (url: URL) => boolean) => Promise<Answer> }> {
  const page = await browser.go((await firstLink(kora.inside.services)) ?? '')
  const secret = (/<code>([A-Z2-7 ]{39})<\/code>/.exec(page.text)?.[1] ?? '').replaceAll(' ', '')
  const code = (): string => new TOTP({ secret: Secret.fromBase32(secret) }).generate()
  const home = await browser.submit(
    page,
    { login_name: 'ops', display_name: '运维 一号', new_password: password, again: password, code: code() },
    { form: (each) => each.action.includes('/begin/') }
  )
  await browser.submit(home, {}, { form: (each) => each.action.endsWith('/sign-out') })
  return {
    async signIn (page, stop = () => false) {
      await kora.inside.services.db.updateTable('adminAccount').set({ totpLastStep: 0 }).execute()
      return await browser.submit(page, { login_name: 'ops', password, code: code() }, { form, stop })
    }
  }
}

function authorization (kora: Kora, more: Record<string, string> = {}): string {
  const challenge = createHash('sha256').update(randomBytes(32)).digest('base64url')
  return `${kora.issuer}/oidc/auth?${new URLSearchParams({ client_id: 'kora-console', response_type: 'code', redirect_uri: `${kora.issuer}/admin/callback`, scope: 'openid', state: 's', nonce: 'n', code_challenge: challenge, code_challenge_method: 'S256', ...more }).toString()}`
}
const isCallback = (url: URL): boolean => url.pathname === '/admin/callback'

t.test(
  'the console is a client: code and PKCE, login always asked, and nothing of it is left at the provider',
  async (t) => {
    const kora = await startKora(t)
    const { db } = kora.inside.services
    const browser = kora.newBrowser()
    const { signIn } = await administrator(kora, browser)
    const page = await browser.go(`${kora.issuer}/admin/accounts?role=system`)
    t.match(at(page), /^\/i\/[\w-]+\/administrator$/)
    t.match(
      browser.history.find((address) => address.includes('/oidc/auth?')),
      /client_id=kora-console.*prompt=login.*code_challenge=[\w-]{43}&code_challenge_method=S256/
    )
    const back = await signIn(page)
    t.equal(back.url, `${kora.issuer}/admin/accounts?role=system`)
    t.same(
      await db.selectFrom('oidcArtifact').select('model').where('accountId', 'like', 'adm_%').execute(),
      [],
      'no session, code or token of an administrator stays'
    )
    t.equal(
      (await browser.request(authorization(kora, { prompt: 'none' }))).headers
        .get('location')
        ?.includes('error=login_required'),
      true,
      'no single sign-on'
    )
    const callback = browser.history.find((address) => address.includes('/admin/callback')) ?? ''
    t.equal(at(await browser.go(callback)), '/admin', 'an old callback leads on')
    t.match(at(await kora.newBrowser().go(callback)), /administrator$/, 'and gives another browser nothing')
  }
)

t.test("T077: a citizen's login is nothing at the console, an administrator's is nothing elsewhere", async (t) => {
  const kora = await startKora(t)
  const { db } = kora.inside.services
  const { browser } = await enter(kora, 'zhuoma')
  t.match(
    (await browser.request(authorization(kora, { prompt: 'none' }))).headers.get('location'),
    /error=login_required/
  )
  const page = await browser.go(authorization(kora))
  t.match(at(page), /administrator$/, 'without prompt=login too')
  for (const step of ['', '/login', '/qr', '/agent', '/select', '/consent', '/counter', '/other']) {
    t.match(at(await browser.go(page.url.replace('/administrator', step))), /\/administrator$/, `no way by ${step}`)
  }
  const account = await kora.sandbox.account('zhuoma')
  const tried = await browser.submit(
    page,
    { login_name: account.cert_no, password: account.password ?? '', code: '000000' },
    { form }
  )
  t.equal(tried.status, 422)
  const bearer = await kora.newBrowser().request(`${kora.issuer}/admin`, {
    headers: {
      authorization: 'Bearer abc',
      cookie: `kora_admin=${browser.cookie('kora_me') ?? ''}; kora_browser=${browser.cookie('kora_browser') ?? ''}`
    }
  })
  t.equal(bearer.status, 303)

  const site = await kora.newBrowser().go(`${kora.site}/login`)
  t.match(at(site), /^\/i\//)
  const stranger = kora.newBrowser()
  const hosted = await stranger.go(`${kora.site}/login`)
  t.equal(
    (await stranger.go(hosted.url.replace(/\/login$/, '/administrator'))).status,
    404,
    'no administrator at another client'
  )

  // half way: the provider knows who it was, the console has not come for the code yet
  const { signIn } = await administrator(kora, stranger)
  const half = await signIn(await stranger.go(`${kora.issuer}/admin`), isCallback)
  t.match(half.url, /\/admin\/callback\?code=/)
  t.equal(
    (
      await db
        .selectFrom('oidcArtifact')
        .select('id')
        .where('model', '=', 'Session')
        .where('accountId', 'like', 'adm_%')
        .execute()
    ).length,
    1
  )
  const elsewhere = await stranger.go(`${kora.site}/login`)
  t.match(at(elsewhere), /^\/i\/.*\/login$/, 'a relying site gets nobody')
  t.match(at(await stranger.go(`${kora.issuer}/me`)), /^\/i\/.*\/login$/)
  await db.updateTable('adminAccount').set({ status: 'disabled' }).execute()
  t.equal((await stranger.go(half.url)).status, 400, 'disabled in between: no session')
  t.match(at(await stranger.go(`${kora.issuer}/admin`)), /administrator$/)
})

t.test(
  'one account in a browser: who was logged in as a citizen is logged out, and told nothing of the administrator',
  async (t) => {
    const kora = await startKora(t)
    const { browser } = await enter(kora, 'zhuoma')
    const { signIn } = await administrator(kora, browser)
    const home = await signIn(await browser.go(`${kora.issuer}/admin`))
    t.equal(at(home), '/admin')
    t.match(at(await browser.go(`${kora.issuer}/me`)), /^\/i\/.*\/login$/)
    t.equal(at(await browser.go(`${kora.issuer}/admin`)), '/admin', 'the console goes on')
    t.match(words(home.text), /运维 一号/)
  }
)
