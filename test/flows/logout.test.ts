/** Ending sessions: at the provider, at the sites, by nobody else. */
import { createServer } from 'node:http'
import { createRemoteJWKSet, decodeJwt, jwtVerify, SignJWT } from 'jose'
import { sql } from 'kysely'
import * as oidc from 'openid-client'
import t from 'tap'
import {
  addClient,
  arrivedAt,
  at,
  demoParty,
  errorOf,
  freePort,
  RelyingParty,
  startKora,
  submitPassword,
  words,
  type Browser,
  type Tokens
} from '../support/driver/index.ts'
import { until } from '../support/until.ts'

/** A relying site's back channel: what arrives there, and how it answers. */
interface Channel {
  url: string
  received: string[]
  answer: number
  /** Nothing is answered before. */ gate: Promise<void>
  answered: number
  /** Kora did not wait for the answer. */ abandoned: number
  close(): void
}

async function backChannel (port: number): Promise<Channel> {
  const channel: Channel = {
    url: `http://localhost:${port}/logout`,
    received: [],
    answer: 200,
    gate: Promise.resolve(),
    answered: 0,
    abandoned: 0,
    close () {
      server.close()
    }
  }
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', () => {
      channel.received.push(new URLSearchParams(body).get('logout_token') ?? '')
      response.once('close', () => {
        if (!response.writableFinished) channel.abandoned += 1
      })
      channel.gate.then(() => {
        channel.answered += 1
        response.writeHead(channel.answer, { 'cache-control': 'no-store' }).end()
      })
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(port, 'localhost', resolve)
  })
  return channel
}

const port = await freePort()
const channel = await backChannel(port)
t.teardown(() => {
  channel.close()
})
const kora = await startKora(t, { env: { EGRESS_ALLOWED: `localhost:${port}` } })
const zhuoma = { ...(await kora.sandbox.account('zhuoma')), account: '13900139000' }
const ronghe = { ...(await kora.sandbox.account('ronghe')), account: '15100151000' }
const site = await demoParty(kora, 'demo-site')
const other = await demoParty(kora, 'demo-level3')
const loggedOut = `${kora.site}/logged-out`
await addClient(kora, {
  clientId: 'listener',
  secret: 'listener-secret-of-thirty-two-chars',
  metadata: {
    application_type: 'web',
    grant_types: ['authorization_code'],
    redirect_uris: [site.redirectUri],
    scope: 'openid',
    token_endpoint_auth_method: 'client_secret_basic',
    backchannel_logout_uri: channel.url,
    backchannel_logout_session_required: true
  },
  resources: { 'urn:kora:demo:property:jwt': { scopes: ['property:read'] } }
})
const listener = await RelyingParty.discover({
  issuer: kora.issuer,
  clientId: 'listener',
  secret: 'listener-secret-of-thirty-two-chars',
  redirectUri: site.redirectUri,
  scope: 'openid'
})

const signedIn = async (browser: Browser, party = site): Promise<boolean> =>
  party.arrived(new URL((await party.visit(browser, await party.start({ prompt: 'none' }))).url)) &&
  errorOf(party, await party.visit(browser, await party.start({ prompt: 'none' }))) === null
const active = async (tokens: Tokens, party = site): Promise<boolean> =>
  (await oidc.tokenIntrospection(party.config, tokens.access_token)).active
const endSession = (parameters: Record<string, string>): string =>
  oidc.buildEndSessionUrl(site.config, parameters).href
const atSite = (url: URL): boolean => url.origin === kora.site

t.test('with the ID token as hint: no question, everything ends at once, the site is told', async (t) => {
  const browser = kora.newBrowser()
  const tokens = await site.login(browser, zhuoma)
  const page = await browser.go(
    endSession({ id_token_hint: tokens.id_token ?? '', post_logout_redirect_uri: loggedOut, state: 'xyz' }),
    {},
    atSite
  )
  t.equal(page.url, `${loggedOut}?state=xyz`)
  t.notOk(
    browser.history.slice(-2).some((url) => url.includes('confirm')),
    'no page in between'
  )
  t.notOk(await active(tokens), 'access token')
  await t.rejects(
    oidc.refreshTokenGrant(site.config, tokens.refresh_token ?? ''),
    { error: 'invalid_grant' } as unknown as Error,
    'refresh token'
  )
  t.notOk(await signedIn(browser), 'and the session')
})

t.test('a cookie that was copied before is worth nothing after', async (t) => {
  const browser = kora.newBrowser()
  const tokens = await site.login(browser, zhuoma)
  const copy = browser.clone()
  t.ok(await signedIn(copy))
  await browser.go(endSession({ id_token_hint: tokens.id_token ?? '' }))
  t.notOk(await signedIn(copy))
})

t.test('without a hint: a page asks, and nothing ends by a GET', async (t) => {
  const browser = kora.newBrowser()
  const tokens = await site.login(browser, zhuoma)
  for (const parameters of [
    '',
    '?logout=yes',
    '?client_id=demo-site',
    `?${new URLSearchParams({ client_id: 'demo-site', post_logout_redirect_uri: loggedOut }).toString()}`
  ]) {
    const page = await browser.go(`${kora.issuer}/oidc/logout${parameters}`)
    t.equal(page.status, 200)
    t.match(words(page.text), /退出/)
    t.ok(await signedIn(browser), `GET ${parameters}`)
  }
  await browser.go(`${kora.issuer}/oidc/logout/confirm`)
  await browser.go(`${kora.issuer}/oidc/logout/confirm?logout=yes`)
  t.ok(await signedIn(browser), 'not by a GET of the confirmation either')
  const forged = await browser.go(`${kora.issuer}/oidc/logout/confirm`, {
    method: 'POST',
    body: new URLSearchParams({ logout: 'yes', xsrf: 'guess' })
  })
  t.equal(forged.status, 400)
  t.ok(await signedIn(browser), "nor by another site's form")

  const page = await browser.go(
    endSession({ client_id: 'demo-site', post_logout_redirect_uri: loggedOut, state: 's1' })
  )
  const kept = await browser.request(page.url)
  t.equal(kept.status, 200)
  const done = await browser.submit(kept, { logout: 'yes' }, { form: (form) => 'xsrf' in form.fields, stop: atSite })
  t.match(done.url, loggedOut)
  t.notOk(await signedIn(browser))
  t.notOk(await active(tokens))
})

t.test('nobody logged in: no question, and no harm', async (t) => {
  const page = await kora.newBrowser().go(`${kora.issuer}/oidc/logout`)
  t.equal(page.status, 200)
  const [form] = page.forms
  t.ok(form === undefined || new URL(form.action).origin === kora.issuer)
})

t.test('hints that are forged, foreign or somebody else’s end nothing', async (t) => {
  const browser = kora.newBrowser()
  const tokens = await site.login(browser, zhuoma)
  const stranger = await site.login(kora.newBrowser(), ronghe)
  const [head, , signature] = (tokens.id_token ?? '').split('.')
  const claims = decodeJwt(tokens.id_token ?? '')
  const self = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode('demo-site-secret-for-the-sandbox-only'))
  const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${(tokens.id_token ?? '').split('.')[1]}.`
  const changed = `${head}.${Buffer.from(JSON.stringify({ ...claims, aud: 'demo-level3' })).toString('base64url')}.${signature}`
  for (const [name, hint] of [
    ['HMAC', self],
    ['none', none],
    ['changed', changed],
    ['garbage', 'a.b.c'],
    ['empty parts', '..'],
    ['huge', 'x'.repeat(8000)]
  ] as const) {
    const page = await browser.go(endSession({ id_token_hint: hint, post_logout_redirect_uri: loggedOut }), {}, atSite)
    t.equal(page.status, 400, name)
    t.ok(page.url.startsWith(kora.issuer), `${name}: stays here`)
  }
  const asked = await browser.go(
    endSession({ id_token_hint: stranger.id_token ?? '', post_logout_redirect_uri: loggedOut }),
    {},
    atSite
  )
  t.equal(asked.status, 200, "another person's ID token: the page asks")
  t.match(asked.url, kora.issuer)
  const mismatch = await browser.go(
    endSession({
      id_token_hint: tokens.id_token ?? '',
      client_id: 'demo-level3',
      post_logout_redirect_uri: loggedOut
    }),
    {},
    atSite
  )
  t.equal(mismatch.status, 400)
  t.ok(await signedIn(browser))
  t.ok(await active(tokens))
})

t.test('post_logout_redirect_uri: exactly the registered one, or no redirect at all', async (t) => {
  const browser = kora.newBrowser()
  const tokens = await site.login(browser, zhuoma)
  const mutations = [
    `${loggedOut}/`,
    `${loggedOut}?x=1`,
    `${loggedOut}#f`,
    loggedOut.replace('logged-out', 'Logged-Out'),
    loggedOut.replace('/logged-out', '//logged-out'),
    loggedOut.replace('http://', 'http://evil@'),
    loggedOut.replace('localhost', 'localhost.evil.example'),
    'https://evil.example/',
    '//evil.example/',
    'javascript:alert(1)',
    'data:text/html,x',
    `${loggedOut}%0d%0aLocation:%20https://evil.example`,
    `${kora.site}/callback`,
    '',
    ' ',
    `${loggedOut} `,
    '\\\\evil.example'
  ]
  for (const uri of mutations) {
    const page = await browser.request(
      `${kora.issuer}/oidc/logout?${new URLSearchParams({ id_token_hint: tokens.id_token ?? '', post_logout_redirect_uri: uri }).toString()}`
    )
    if (page.headers.get('location') !== null) {
      t.equal(new URL(page.headers.get('location') ?? '', kora.issuer).origin, kora.issuer, uri)
      continue
    }
    t.equal(page.status, 400, JSON.stringify(uri))
  }
  const twice = await browser.request(
    `${kora.issuer}/oidc/logout?id_token_hint=${tokens.id_token}&post_logout_redirect_uri=${encodeURIComponent(loggedOut)}&post_logout_redirect_uri=https%3A%2F%2Fevil.example`
  )
  t.equal(twice.status, 400, 'given twice')
})

t.test('every site of the session gets a logout token, by the outbox', async (t) => {
  const browser = kora.newBrowser()
  await site.login(browser, zhuoma)
  const tokens = await listener.again(browser)
  channel.received.length = 0
  const sid = tokens.claims()?.['sid'] as string
  const mine = await site.again(browser)
  await browser.go(endSession({ id_token_hint: mine.id_token ?? '' }))
  t.ok(await until(() => channel.received.length > 0), 'delivered')
  const { payload, protectedHeader } = await jwtVerify(
    channel.received[0] ?? '',
    createRemoteJWKSet(new URL(`${kora.issuer}/oidc/jwks`)),
    { issuer: kora.issuer, audience: 'listener', typ: 'logout+jwt' }
  )
  t.match(payload, {
    sid,
    sub: tokens.claims()?.sub ?? '',
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    jti: String
  })
  t.notOk('nonce' in payload)
  t.ok((payload.exp ?? Infinity) - (payload.iat ?? 0) <= 120)
  t.equal(protectedHeader.alg, 'ES256')
})

t.test('also when nothing but a JWT access token was issued, or all its tokens are gone', async (t) => {
  const browser = kora.newBrowser()
  const mine = await site.login(browser, zhuoma)
  const started = await listener.start({ scope: 'openid property:read', resource: 'urn:kora:demo:property:jwt' })
  const tokens = await listener.redeem(
    started,
    arrivedAt(listener, await listener.visit(browser, started)),
    {},
    { resource: 'urn:kora:demo:property:jwt' }
  )
  t.match(tokens.access_token, /\..+\./)
  await sql`delete from oidc_artifact where client_id = 'listener'
    and model in ('AuthorizationCode', 'AccessToken', 'RefreshToken')`.execute(kora.inside.services.db)
  channel.received.length = 0
  await browser.go(endSession({ id_token_hint: mine.id_token ?? '' }))
  t.ok(await until(() => channel.received.length > 0))
  t.equal(decodeJwt(channel.received[0] ?? '')['sid'], tokens.claims()?.['sid'])
})

t.test('a site that fails delays nobody and is tried again', async (t) => {
  const { db } = kora.inside.services
  channel.answer = 500
  // a page that waited for the site would come when Kora has given that up, every time; a busy machine is that slow
  // once
  let [delayed, tries] = [true, 0]
  while (delayed && tries++ < 5) {
    const browser = kora.newBrowser()
    const mine = await site.login(browser, zhuoma)
    await listener.again(browser)
    await sql`delete from outbox where topic = 'backchannel-logout'`.execute(db)
    Object.assign(channel, { answered: 0, abandoned: 0 })
    channel.received.length = 0
    let open = (): void => {}
    channel.gate = new Promise((resolve) => {
      open = resolve
    })
    await browser.go(endSession({ id_token_hint: mine.id_token ?? '' }))
    delayed = channel.abandoned > 0
    t.equal(channel.answered, 0)
    t.ok(await until(() => channel.received.length > 0), 'the first attempt')
    open()
  }
  t.notOk(delayed, 'the page comes before the site has answered')
  t.ok(
    await until(
      async () =>
        channel.received.length > 1 ||
        (
          await sql<{
            n: number
          }>`select count(*)::int as n from outbox where topic = 'backchannel-logout' and done_at is null
            and last_error is not null`.execute(db)
        ).rows[0]?.n === 1
    ),
    'which fails'
  )
  channel.answer = 200
  // the wait before the next attempt, over now
  await sql`update outbox set run_at = now() where done_at is null and dead_at is null`.execute(db)
  t.ok(await until(() => channel.received.length > 1), 'and the next')
  t.equal(decodeJwt(channel.received[1] ?? '')['sid'], decodeJwt(channel.received[0] ?? '')['sid'])
})

t.test('a site that cannot be reached for good: the trail says so', async (t) => {
  const { db } = kora.inside.services
  const browser = kora.newBrowser()
  const mine = await site.login(browser, zhuoma)
  await listener.again(browser)
  channel.answer = 500
  await browser.go(endSession({ id_token_hint: mine.id_token ?? '' }))
  // its last attempt is due now
  const failed = async () =>
    await db
      .selectFrom('auditEvent')
      .select(['personId', 'details'])
      .where('type', '=', 'logout.delivery-failed')
      .where('clientId', '=', 'listener')
      .execute()
  t.ok(
    await until(async () => {
      await sql`update outbox set attempts = 7, run_at = now() where topic = 'backchannel-logout' and done_at is null
        and dead_at is null and last_error is not null`.execute(db)
      return (await failed()).length > 0
    })
  )
  t.match(await failed(), [{ personId: /^per_/, details: { attempts: 8 } }])
  channel.answer = 200
})

t.test('logging in as somebody else ends the first session, there and at its sites', async (t) => {
  const browser = kora.newBrowser()
  const first = await listener.login(browser, zhuoma)
  channel.received.length = 0
  const started = await site.start({ prompt: 'login' })
  const page = await site.visit(browser, started)
  const fresh = await browser.go(page.url.replace(/\/login$/, '/other'))
  await site.redeem(started, arrivedAt(site, await submitPassword(browser, fresh, ronghe, site.arrived)))
  t.ok(await until(() => channel.received.length > 0))
  t.equal(decodeJwt(channel.received[0] ?? '')['sid'], first.claims()?.['sid'])
  t.notOk(await active(first, listener))
})

t.test('the demo site notices', async (t) => {
  const browser = kora.newBrowser()
  const login = await browser.go(`${kora.site}/login`)
  const home = await submitPassword(browser, login, zhuoma)
  t.match(words(home.text), /urn:kora:loa:2/)
  const mine = await other.start({ acr_values: 'urn:kora:loa:1', prompt: 'none' })
  t.equal(errorOf(other, await other.visit(browser, mine)), 'interaction_required')
  const page = await browser.go(`${kora.issuer}/oidc/logout`)
  await browser.submit(page, { logout: 'yes' }, { form: (form) => 'xsrf' in form.fields })
  t.ok(
    await until(async () => /已将您退出/.test((await browser.clone().go(`${kora.site}/`)).text)),
    'its own session is gone, by the back channel'
  )
  t.match(at(await browser.go(`${kora.site}/login`)), /\/login$/)
})
