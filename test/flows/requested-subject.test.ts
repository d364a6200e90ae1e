/** S31: a request that names a person is answered with this person's tokens or not at all; and JSON has an end. */
import { sql } from 'kysely'
import t from 'tap'
import {
  arrivedAt,
  at,
  demoParty,
  errorOf,
  startKora,
  submitPassword,
  type Browser,
  type Tokens
} from '../support/driver/index.ts'
import { tokenOf } from '../journeys/admin-api/support.ts'

const kora = await startKora(t, { env: { DYNAMIC_REGISTRATION: 'on' } })
const { db } = kora.inside.services
const zhuoma = await kora.sandbox.account('zhuoma')
const ronghe = await kora.sandbox.account('ronghe')
const credentials = (person: typeof zhuoma) => ({ ...person, account: person.cert_no })
const site = await demoParty(kora, 'demo-site', { scope: 'openid profile' })

const signIn = async (person: typeof zhuoma): Promise<{ browser: Browser; tokens: Tokens }> => {
  const browser = kora.newBrowser()
  return { browser, tokens: await site.login(browser, credentials(person)) }
}
const countLogins = async (): Promise<number> =>
  Number((await sql<{ n: string }>`select count(*) as n from audit_event where type = 'login.succeeded'`.execute(db))
    .rows[0]?.n)
const hers = (await signIn(zhuoma)).tokens
const sub = hers.claims()?.sub ?? ''

const requests: Array<[string, Record<string, string>]> = [
  ['id_token_hint', { id_token_hint: hers.id_token ?? '' }],
  ['claims, id_token, value', { claims: JSON.stringify({ id_token: { sub: { value: sub } } }) }],
  ['claims, id_token, values', { claims: JSON.stringify({ id_token: { sub: { values: ['x', sub] } } }) }],
  ['claims, userinfo, value', { claims: JSON.stringify({ userinfo: { sub: { value: sub } } }) }]
]

for (const [name, extra] of requests) {
  t.test(`S31: ${name}, somebody else is signed in`, async (t) => {
    const { browser } = await signIn(ronghe)
    t.equal(
      errorOf(site, await site.visit(browser, await site.start({ prompt: 'none', ...extra }))),
      'login_required',
      'prompt=none'
    )
    const started = await site.start(extra)
    const page = await site.visit(browser, started)
    t.match(at(page), /\/login$/, 'the login page, not the session of somebody else')
    const before = await countLogins()
    const wrong = await submitPassword(browser, page, credentials(ronghe), site.arrived)
    t.equal(errorOf(site, wrong), 'login_required', 'once: another person gets no tokens')
    t.equal(await countLogins(), before + 1)

    const again = await site.start(extra)
    const right = await submitPassword(
      browser, await site.visit(browser, again), credentials(zhuoma), site.arrived)
    t.equal((await site.redeem(again, arrivedAt(site, right))).claims()?.sub, sub, 'the person who is asked for')
    t.equal((await site.again(browser, { prompt: 'none', ...extra })).claims()?.sub, sub, 'and is signed in now')
  })

  t.test(`S31: ${name}, and an identity is to be chosen`, async (t) => {
    const { browser } = await signIn(ronghe)
    const page = await site.visit(browser, await site.start({ ...extra, prompt: 'select_account' }))
    t.match(at(page), /\/login$/)
    t.equal(
      errorOf(site, await submitPassword(browser, page, credentials(ronghe), site.arrived)),
      'login_required'
    )
  })
}

t.test('S31: a sub of the wrong type is refused; one without a value names nobody', async (t) => {
  const { browser, tokens } = await signIn(ronghe)
  for (const target of ['id_token', 'userinfo']) {
    for (const sub of ['text', 5, [], true]) {
      const started = await site.start({ prompt: 'none', claims: JSON.stringify({ [target]: { sub } }) })
      t.equal(errorOf(site, await site.visit(browser, started)), 'invalid_request', JSON.stringify({ [target]: sub }))
    }
    for (const sub of [null, {}, { essential: true }]) {
      const claims = JSON.stringify({ [target]: { sub } })
      t.equal((await site.again(browser, { prompt: 'none', claims })).claims()?.sub, tokens.claims()?.sub, claims)
    }
    const claims = JSON.stringify({ [target]: { sub: { value: 5, values: 'x' } } })
    t.equal(
      errorOf(site, await site.visit(browser, await site.start({ prompt: 'none', claims }))),
      'login_required'
    )
  }
})

const nest = (depth: number, inner = '1'): string => `${'{"a":'.repeat(depth)}${inner}${'}'.repeat(depth)}`
const nestList = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

t.test('S31: JSON of others has an end', async (t) => {
  const token = await tokenOf(kora)
  const bodies = [nest(10_000), `{"policy":${nest(33)}}`, `{"metadata":${nest(15_000)}}`, `{"x":${nestList(40_000)}}`]
  for (const body of bodies) {
    for (const [method, path, type] of [
      ['PATCH', '/clients/demo-site', 'application/merge-patch+json'],
      ['PUT', '/clients/demo-site', 'application/json'],
      ['POST', '/clients', 'application/json'],
      ['PATCH', '/resource-servers/x', 'application/merge-patch+json']
    ] as const) {
      const response = await fetch(`${kora.issuer}/admin/api/v1${path}`, {
        method,
        body,
        headers: {
          authorization: `Bearer ${token}`, 'content-type': type, 'kora-reason': 'test', 'if-match': '"1"'
        }
      })
      t.equal(response.status, 400, `${method} ${path}`)
    }
    const app = await fetch(`${kora.issuer}/app/v1/devices`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' }
    })
    t.ok(app.status >= 400 && app.status < 500, 'app')
    const registered = await fetch(`${kora.issuer}/connect/register`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', authorization: 'Bearer x' }
    })
    t.ok(registered.status >= 400 && registered.status < 500, 'registration')
  }
})

t.test('S31: so have parameters', async (t) => {
  for (const [name, value] of [
    ['claims', `{"id_token":${nest(9000)}}`],
    ['claims', `{"id_token":{"verified_claims":${nest(9000)}}}`],
    ['claims', `{"id_token":${nest(40)}}`],
    ['authorization_details', `[${nest(9000)}]`],
    ['authorization_details', nestList(20_000)]
  ] as const) {
    const { url } = await site.start()
    url.searchParams.set(name, value)
    const { client_secret: secret = '' } = site.config.clientMetadata()
    const response = await fetch(`${kora.issuer}/oidc/par`, {
      method: 'POST',
      body: url.searchParams,
      headers: { authorization: `Basic ${Buffer.from(`demo-site:${String(secret)}`).toString('base64')}` }
    })
    t.equal(response.status, 400, `${name} ${value.slice(0, 40)}`)
    t.match((await response.json()), { error: /^invalid_(request|authorization_details)$/ })
  }
})
