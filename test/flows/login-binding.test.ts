/** S1, R4, R10, C7: a login belongs to the browser that began it, and an answer that is lost costs nothing. */
import t from 'tap'
import { demoParty, startKora, submitPassword, type Answer, type Browser } from '../support/driver/index.ts'

const kora = await startKora(t)
const site = await demoParty(kora, 'demo-site', { scope: 'openid profile' })
const person = await kora.sandbox.account('zhuoma')
const other = await kora.sandbox.account('dawa')
const credentials = { account: person.cert_no, password: person.password }
const readUid = (url: string): string => /\/i\/([\w-]+)/.exec(url)?.[1] ?? ''
const isCode = (answer: Answer): boolean => new URL(answer.url).searchParams.has('code')

/** A browser that was here before. */
async function knownBrowser (): Promise<Browser> {
  const browser = kora.newBrowser()
  await browser.go(`${kora.issuer}/device`)
  return browser
}

t.test('S1 a foreign cookie neither ends, nor finishes, nor learns anything', async (t) => {
  for (const attacker of [kora.newBrowser(), await knownBrowser()]) {
    const victim = kora.newBrowser()
    const login = await site.visit(victim, await site.start())
    const uid = readUid(login.url)
    const resume = `${kora.issuer}/oidc/auth/${uid}`

    // before the victim signs in
    attacker.keepCookie(kora.issuer, 'kora_resume', uid)
    attacker.keepCookie(kora.issuer, 'kora_interaction', uid)
    const early = await attacker.go(resume, {}, site.arrived)
    t.notOk(site.arrived(new URL(early.url)))
    t.notMatch(early.text, /state=|nonce=|redirect_uri=/)
    for (const path of ['', '/login', '/scan', '/consent', '/identity', '/representation']) {
      const page = await attacker.request(`${kora.issuer}/i/${uid}${path}`)
      t.not(page.status, 200, `/i/<uid>${path}`)
      t.notMatch(page.headers.get('location') ?? '', /\/oidc\//, `/i/<uid>${path} leads nowhere`)
      t.notMatch(page.text, new RegExp(kora.site), `/i/<uid>${path} names no site`)
    }

    // between the victim's password and the return to the provider
    const stop = (url: URL): boolean => url.pathname.startsWith('/oidc/auth/')
    const signedIn = await submitPassword(victim, login, credentials, stop)
    t.equal(new URL(signedIn.url).pathname, `/oidc/auth/${uid}`)
    const stolen = await attacker.go(resume, {}, site.arrived)
    t.notOk(isCode(stolen), 'no code')
    t.equal(attacker.cookie('kora_session'), undefined, 'no session')

    const arrived = await victim.go(signedIn.url, {}, site.arrived)
    t.ok(isCode(arrived), 'the login goes on as if nothing had happened')
    t.ok(victim.cookie('kora_session'))
  }
})

t.test('S1 a browser that is given the cookies of a login begun elsewhere does not finish it', async (t) => {
  const attacker = kora.newBrowser()
  const login = await site.visit(attacker, await site.start())
  const uid = readUid(login.url)
  for (const victim of [kora.newBrowser(), await knownBrowser()]) {
    victim.keepCookie(kora.issuer, 'kora_resume', uid, `/oidc/auth/${uid}`)
    victim.keepCookie(kora.issuer, 'kora_interaction', uid, `/i/${uid}`)
    const page = await victim.go(`${kora.issuer}/i/${uid}/login`)
    t.not(page.status, 200)
    t.same(page.forms.filter(({ method, action }) => method === 'post' && action.includes(uid)), [])
    const posted = await victim.go(`${kora.issuer}/i/${uid}/login`, {
      method: 'POST',
      body: new URLSearchParams({ account: other.cert_no, password: other.password, agree: '1' }),
      headers: { origin: kora.issuer }
    })
    t.not(posted.status, 200)
  }
  const again = await attacker.go(login.url)
  t.equal(again.status, 200, 'the one that began it still has its page')
  t.ok(isCode(await submitPassword(attacker, again, credentials, site.arrived)))
})

t.test('R4 the first answer may be lost', async (t) => {
  const started = await site.start()
  const browser = kora.newBrowser()
  // the redirect arrives with its cookies, the page after it does not, five times
  const redirect = await browser.request(started.url.href)
  t.equal(redirect.status, 303)
  t.ok(browser.cookie('kora_browser'), 'the cookie is there before the first page')
  const entrance = new URL(redirect.headers.get('location') ?? '', redirect.url).href
  const lost = browser.clone()
  for (let i = 0; i < 5; i++) await lost.clone().go(entrance)
  const page = await browser.go(entrance)
  t.equal(page.status, 200)
  t.ok(isCode(await submitPassword(browser, page, credentials, site.arrived)))

  // the redirect itself is lost: the browser repeats its request, and the cookies of the second answer count
  const second = kora.newBrowser()
  await second.clone().request((await site.start()).url.href)
  t.equal((await site.visit(second, await site.start())).status, 200)

  // a browser that keeps no cookie hears so, and can try again
  const off = kora.newBrowser()
  const gone = await off.request((await site.start()).url.href)
  off.dropCookies(() => true)
  const refused = await off.go(new URL(gone.headers.get('location') ?? '', gone.url).href)
  t.equal(refused.status, 403)
})

t.test('R4 five first requests at once: each tab has its page, the last cookie wins', async (t) => {
  const browser = kora.newBrowser()
  const starts = await Promise.all(Array.from({ length: 5 }, async () => await site.start()))
  const redirects = await Promise.all(starts.map(async ({ url }) => await browser.request(url.href)))
  const pages = await Promise.all(redirects.map(async (redirect) =>
    await browser.go(new URL(redirect.headers.get('location') ?? '', redirect.url).href)))
  const open = pages.filter(({ status }) => status === 200)
  t.ok(open.length >= 1, 'at least the tab whose cookie was kept')
  const [first] = open
  if (first === undefined) return
  t.ok(isCode(await submitPassword(browser, first, credentials, site.arrived)))
})

t.test('R10 silent sign-on leaves the session as it is, also when an answer is lost', async (t) => {
  const app = await demoParty(kora, 'demo-public', { scope: 'openid profile' })
  const browser = kora.newBrowser()
  await submitPassword(browser, await site.visit(browser, await site.start()), credentials, site.arrived)
  const session = browser.cookie('kora_session')
  t.ok(isCode(await app.visit(browser, await app.start())), 'the public client signs on silently')
  t.equal(browser.cookie('kora_session'), session, 'the identifier stays')
  for (let i = 0; i < 4; i++) await app.visit(browser.clone(), await app.start())
  t.ok(isCode(await site.visit(browser, await site.start())), 'still signed in')
  // five tabs at once
  const tabs = await Promise.all(Array.from({ length: 5 }, async () => {
    const tab = browser.clone()
    return await app.visit(tab, await app.start())
  }))
  t.same(tabs.map(isCode), [true, true, true, true, true])

  // a real login gives a new one
  const relogin = await site.visit(browser, await site.start({ prompt: 'login' }))
  await submitPassword(browser, relogin, credentials, site.arrived)
  t.not(browser.cookie('kora_session'), session, 'session fixation: a login changes it')
})

t.test('C7 the second of two posts leads where the first did', async (t) => {
  const browser = kora.newBrowser()
  const login = await site.visit(browser, await site.start())
  const stop = (url: URL): boolean => url.pathname.startsWith('/oidc/auth/')
  const first = await submitPassword(browser, login, credentials, stop)
  const second = await submitPassword(browser, login, credentials, stop)
  t.equal(second.url, first.url)
  t.ok(isCode(await browser.go(first.url, {}, site.arrived)))
  // after the return: not silently, because another account may have been typed
  const third = await submitPassword(browser, login, { account: other.cert_no, password: other.password }, site.arrived)
  t.equal(third.status, 409)
  const restart = /href="(\/oidc\/auth\?[^"]+)"/.exec(third.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
  t.ok(isCode(await browser.go(kora.issuer + restart, {}, site.arrived)), 'a link makes the same request again')
})
