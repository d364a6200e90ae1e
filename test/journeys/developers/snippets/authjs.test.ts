import t from 'tap'
import { randomBytes } from 'node:crypto'
import { logIn, nameOfPerson, site, stillSignedIn, withSnippet } from './support.ts'

await withSnippet(t, 'Auth.js on Express: login, session, logout everywhere', { files: {} }, async (t) => {
  const { kora, origin, run } = await site(t, 'authjs-express', { redirectPath: '/auth/callback/kora' })
  const program = await run(process.execPath, ['server.mjs'], { AUTH_SECRET: randomBytes(33).toString('base64') })
  const browser = kora.newBrowser()
  const choice = await browser.go(`${origin}/`)
  t.match(choice.url, `${origin}/auth/signin`)
  // Auth.js begins with a form of its own page
  const login = await browser.submit(choice, {}, { form: (form) => form.action.endsWith('/signin/kora') })
  t.match(login.url, /\/i\/[\w-]+\/login/, program.output())
  await logIn(browser, kora, login.url)
  const home = await browser.go(`${origin}/`)
  t.match(JSON.parse(home.text), { name: nameOfPerson, acting: 'self' }, program.output())
  t.match(JSON.parse(home.text).sub, /^[\w-]{20,}$/, 'the subject of Kora')

  const out = await browser.go(`${origin}/logout`)
  t.equal(out.url, `${origin}/logged-out`, 'with the ID token as a hint, no question')
  t.notOk(await stillSignedIn(browser, kora))
  t.match((await browser.go(`${origin}/`)).url, '/auth/signin', 'and here')
})
