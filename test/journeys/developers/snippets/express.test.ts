import t from 'tap'
import {
  logIn,
  logInForOrganization,
  nameOfPerson,
  organization,
  site,
  stillSignedIn,
  withSnippet
} from './support.ts'

await withSnippet(t, 'Express with openid-client: login, refresh, logout', { files: {} }, async (t) => {
  const { kora, origin, run } = await site(t, 'express')
  const program = await run(process.execPath, ['server.mjs'])
  const browser = kora.newBrowser()
  const home = await logIn(browser, kora, `${origin}/`)
  const who = JSON.parse(home.text) as Record<string, unknown>
  t.match(who, { name: nameOfPerson, acting: 'self', functions: [] }, program.output())
  t.same(
    JSON.parse((await browser.go(`${origin}/renew`)).text),
    who,
    'the refresh token works, userinfo says the same'
  )

  const silent = await browser.clone().go(`${origin}/login`)
  t.equal(silent.url, `${origin}/`, 'single sign-on asks nothing')
  const out = await browser.go(`${origin}/logout`, { method: 'POST' })
  t.equal(out.url, `${origin}/logged-out`, 'Kora sends people back to the registered address, without a question')
  t.notOk(await stillSignedIn(browser, kora))

  const acting = await logInForOrganization(kora.newBrowser(), kora, `${origin}/`)
  t.match(JSON.parse(acting.text), { acting: `legal_representative of ${organization.name} ${organization.uscc}` })

  const forged = await kora.newBrowser().go(`${origin}/callback?code=abc&state=forged&iss=${kora.issuer}`)
  t.match(forged.url, /\/i\/[\w-]+\/login/, 'an answer that nobody asked for begins a login')
  const begun = kora.newBrowser()
  await begun.go(`${origin}/login`)
  const mixed = await begun.go(`${origin}/callback?code=abc&state=forged&iss=${kora.issuer}`)
  t.equal(mixed.status, 400)
  t.match(mixed.text, /^login failed/)
})

await withSnippet(t, 'Express as a public client: PKCE alone', { files: {} }, async (t) => {
  const { kora, origin, run } = await site(t, 'express', { secret: null, host: '127.0.0.1' })
  await run(process.execPath, ['server.mjs'])
  const browser = kora.newBrowser()
  t.match(JSON.parse((await logIn(browser, kora, `${origin}/`)).text), { name: nameOfPerson })
  t.match(JSON.parse((await browser.go(`${origin}/renew`)).text), { name: nameOfPerson })
  t.match(JSON.parse((await browser.go(`${origin}/renew`)).text), { name: nameOfPerson }, 'the rotated token was kept')
})

await withSnippet(t, 'the back end of a mini-program: a ticket, once', { files: {} }, async (t) => {
  const { kora, origin, run } = await site(t, 'wechat')
  const program = await run(process.execPath, ['server.mjs'])
  const page = await logIn(kora.newBrowser(), kora, `${origin}/mp/login`)
  const ticket = /ticket=([\w-]{36})/.exec(page.text)?.[1] ?? ''
  t.notMatch(page.text, /eyJ/, 'no token in the page')
  const post = async (path: string, body: object): Promise<{ status: number; body: Record<string, string> }> => {
    const answer = await fetch(`${origin}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body)
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, string> }
  }
  const session = await post('/mp/session', { ticket })
  t.match(session.body, { name: nameOfPerson, representation: { role: 'self' } }, program.output())
  t.equal((await post('/mp/session', { ticket })).status, 401, 'once')
  t.match(
    (await post('/mp/logout', { token: session.body['token'] })).body['webView'],
    new RegExp(`^${kora.issuer}/oidc/logout\\?.*id_token_hint=`)
  )
})
