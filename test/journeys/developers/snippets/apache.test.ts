import t from 'tap'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { freePort, words } from '../../../support/driver/index.ts'
import {
  logIn,
  logInForOrganization,
  nameOfPerson,
  organization,
  site,
  stillSignedIn,
  withSnippet
} from './support.ts'

const modules = '/usr/lib/apache2/modules'
const needs = {
  files: { '/usr/sbin/apache2': 'apache2', [`${modules}/mod_auth_openidc.so`]: 'libapache2-mod-auth-openidc' }
}
// the module answers scripts with 401, and takes Sec-Fetch-Mode of a program for one: requests without such headers
const plain = { route: (url: URL): URL => new URL(url) }
const text = (headers: IncomingHttpHeaders, name: string): string =>
  Buffer.from(String(headers[name] ?? ''), 'base64url').toString()

await withSnippet(
  t,
  'Apache with mod_auth_openidc: login, claims for the application, refresh, logout',
  needs,
  async (t) => {
    const { kora, origin, port, redirectUri, folder, run } = await site(t, 'apache')
    // the application behind Apache: shows what it is told
    const upstream = await freePort()
    const application = createServer((request, response) => {
      response.end(JSON.stringify(request.headers))
    }).listen(upstream, '127.0.0.1')
    t.teardown(() => {
      application.close()
    })

    mkdirSync(join(folder, 'htdocs'))
    chmodSync(folder, 0o711) // Apache serves as another user
    const loaded = [
      'mpm_event',
      'authn_core',
      'authz_core',
      'authz_user',
      'proxy',
      'proxy_http',
      'headers',
      'auth_openidc'
    ]
    writeFileSync(
      join(folder, 'httpd.conf'),
      `
ServerRoot ${folder}
ServerName localhost
PidFile ${folder}/pid
DefaultRuntimeDir ${folder}
Listen ${port}
${loaded.map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`).join('\n')}
User www-data
Group www-data
ErrorLog ${folder}/error.log
DocumentRoot ${folder}/htdocs
Include ${folder}/kora.conf
`
    )
    const program = await run('/usr/sbin/apache2', ['-X', '-f', join(folder, 'httpd.conf')], {
      OIDC_CRYPTO_PASSPHRASE: randomBytes(16).toString('hex'),
      APP_UPSTREAM: `http://127.0.0.1:${upstream}`
    })
    const log = (): string => program.output() + readFileSync(join(folder, 'error.log'), 'utf8').slice(-3000)
    const browser = kora.newBrowser(plain)
    const home = await logIn(browser, kora, `${origin}/`)
    t.equal(home.status, 200, `${words(home.text)} ${log()}`)
    const headers = JSON.parse(home.text) as IncomingHttpHeaders
    t.match(text(headers, 'oidc_claim_sub'), /^[\w-]{20,}$/)
    t.equal(text(headers, 'oidc_claim_name'), nameOfPerson)
    t.same(JSON.parse(text(headers, 'oidc_claim_representation')), { role: 'self' })

    const forged = await browser.request(`${origin}/`, { headers: { OIDC_CLAIM_sub: 'forged' } })
    t.not(
      text(JSON.parse(forged.text) as IncomingHttpHeaders, 'oidc_claim_sub'),
      'forged',
      'what a browser sends under these names is thrown away'
    )
    t.equal((await browser.request(`${origin}/organization`)).status, 401, 'acts for nobody but herself')

    const official = kora.newBrowser(plain)
    const office = await logInForOrganization(official, kora, `${origin}/organization`)
    t.equal(office.status, 200, log())
    t.match(JSON.parse(text(JSON.parse(office.text) as IncomingHttpHeaders, 'oidc_claim_representation')), {
      role: 'legal_representative',
      organization
    })

    // the module's own hook: it goes back with error_code when the refresh token was not good
    const renewed = await browser.go(
      `${redirectUri}?refresh=${encodeURIComponent(`${origin}/`)}&access_token=${text(headers, 'oidc_access_token')}`
    )
    t.equal(renewed.url, `${origin}/`, log())
    t.not(
      text(JSON.parse(renewed.text) as IncomingHttpHeaders, 'oidc_access_token'),
      text(headers, 'oidc_access_token'),
      'another access token'
    )

    const out = await browser.go(`${redirectUri}?logout=${encodeURIComponent(`${origin}/logged-out`)}`)
    t.equal(out.url, `${origin}/logged-out`)
    t.notOk(await stillSignedIn(browser, kora))
    t.equal(new URL((await browser.go(`${origin}/`)).url).origin, kora.issuer)

    const begun = kora.newBrowser(plain)
    await begun.go(`${origin}/`)
    const mixed = await begun.request(`${redirectUri}?code=abc&state=forged&iss=${kora.issuer}`)
    t.ok(
      mixed.status === 400 || new URL(mixed.headers.get('location') ?? '').origin === kora.issuer,
      `refused or begun anew: ${mixed.status}`
    )
    t.not((await begun.request(`${origin}/`)).status, 200)
  }
)
