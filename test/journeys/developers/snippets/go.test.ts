import t from 'tap'
import { mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  logIn,
  logInForOrganization,
  nameOfPerson,
  organization,
  site,
  stillSignedIn,
  withSnippet
} from './support.ts'

const source = '/usr/share/gocode/src'
const needs = {
  files: {
    '/usr/bin/go': 'golang-go',
    [`${source}/github.com/coreos/go-oidc`]: 'golang-github-coreos-go-oidc-dev',
    [`${source}/golang.org/x/oauth2`]: 'golang-golang-x-oauth2-dev'
  }
}

await withSnippet(t, 'go-oidc: login, userinfo, logout', needs, async (t) => {
  const { kora, origin, folder, run } = await site(t, 'go')
  // Debian has version 2 of the library, whose interface is the same under another path
  const v3 = join(folder, 'path/src/github.com/coreos/go-oidc/v3/oidc')
  mkdirSync(dirname(v3), { recursive: true })
  symlinkSync(`${source}/github.com/coreos/go-oidc`, v3)
  const program = await run('/usr/bin/go', ['run', 'main.go'], {
    GO111MODULE: 'off',
    GOFLAGS: '',
    GOPATH: `${join(folder, 'path')}:/usr/share/gocode`,
    GOCACHE: join(folder, 'cache')
  })
  const browser = kora.newBrowser()
  const home = await logIn(browser, kora, `${origin}/`)
  t.match(
    JSON.parse(home.text),
    { name: nameOfPerson, acting: 'self', representation: { role: 'self' } },
    program.output()
  )
  const out = await browser.go(`${origin}/logout`, { method: 'POST' })
  t.equal(out.url, `${origin}/logged-out`)
  t.notOk(await stillSignedIn(browser, kora))

  const acting = await logInForOrganization(kora.newBrowser(), kora, `${origin}/`)
  t.match(JSON.parse(acting.text), { acting: 'legal_representative', representation: { organization } })

  const begun = kora.newBrowser()
  await begun.go(`${origin}/login`)
  t.equal((await begun.go(`${origin}/callback?code=abc&state=forged&iss=${kora.issuer}`)).status, 400)
})
