/** The provider's endpoints under attack: what must be refused, and that nothing ever ends in a 500. */
import { randomBytes, randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose'
import { sql } from 'kysely'
import * as oidc from 'openid-client'
import t, { type Test } from 'tap'
import {
  addClient,
  arrivedAt,
  demoParty,
  errorOf,
  RelyingParty,
  send,
  startKora,
  words,
  type Answer,
  type Browser
} from '../support/driver/index.ts'

const kora = await startKora(t, { env: { LOGIN_STARTS_PER_ADDRESS: '1000000' } })
const { db } = kora.inside.services
const zhuoma = { ...(await kora.sandbox.account('zhuoma')), account: '13900139000' }
const site = await demoParty(kora, 'demo-site', { scope: 'openid profile' })
const level3 = await demoParty(kora, 'demo-level3')
const demoSecret = 'demo-site-secret-for-the-sandbox-only'
const basic = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`
const home = 'https://rp.example/cb'
await addClient(kora, {
  clientId: 'victim',
  secret: 'victim-secret-of-thirty-two-characters',
  metadata: {
    application_type: 'web',
    grant_types: ['authorization_code'],
    redirect_uris: [home, 'https://rp.example/other'],
    scope: 'openid profile',
    token_endpoint_auth_method: 'client_secret_basic'
  }
})
const victim = await RelyingParty.discover({
  issuer: kora.issuer,
  clientId: 'victim',
  secret: 'victim-secret-of-thirty-two-characters',
  redirectUri: home
})
// one session for everything that needs one
const browser: Browser = kora.newBrowser()
const session = await site.login(browser, zhuoma)

const refused = async (t: Test, promise: Promise<unknown>, error: string, name: string): Promise<void> => {
  await t.rejects(promise, { error } as unknown as Error, name)
}
const codeOf = async (
  party = site
): Promise<{ started: Awaited<ReturnType<RelyingParty['start']>>; arrival: string }> => {
  const started = await party.start()
  return { started, arrival: arrivedAt(party, await party.visit(browser, started)) }
}
interface Reply {
  status: number
  headers: Headers
  text: string
  json: Record<string, unknown>
}
const readReply = async (response: Response): Promise<Reply> => {
  const text = await response.text()
  let json: Record<string, unknown> = {}
  try {
    json = JSON.parse(text) as Record<string, unknown>
  } catch {}
  return { status: response.status, headers: response.headers, text, json }
}
const form = async (
  path: string,
  body: string | Record<string, string>,
  headers: Record<string, string> = {}
): Promise<Reply> =>
  await readReply(
    await send(`${kora.issuer}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: typeof body === 'string' ? body : new URLSearchParams(body).toString()
    })
  )
const tokenRequest = async (
  body: Record<string, string>,
  authorization = basic('demo-site', demoSecret)
): Promise<Reply> => await form('/oidc/token', body, authorization === '' ? {} : { authorization })
const authUrl = (parameters: Record<string, string>): string =>
  `${kora.issuer}/oidc/auth?${new URLSearchParams(parameters).toString()}`
const good = {
  client_id: 'victim',
  redirect_uri: home,
  response_type: 'code',
  scope: 'openid',
  state: 's',
  code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  code_challenge_method: 'S256'
}
/** Nobody is sent anywhere but to the provider itself or to the two registered addresses. */
const staysHome = (t: Test, answer: Pick<Answer, 'headers'>, name: string): void => {
  const location = answer.headers.get('location')
  if (location === null) {
    t.pass(name)
    return
  }
  const to = new URL(location, kora.issuer)
  t.ok(to.origin === kora.issuer || /^[?#]/.test(to.href.replace(home, '')), `${name}: ${location}`)
}

t.test('T002: code and PKCE are bound to client, address and verifier', async (t) => {
  for (const clientId of ['demo-site', 'demo-public']) {
    const started = await site.start()
    started.url.searchParams.set('client_id', clientId)
    const without = new URL(started.url)
    without.searchParams.delete('code_challenge')
    without.searchParams.delete('code_challenge_method')
    t.equal(
      errorOf(site, await browser.go(without.href, {}, site.arrived)),
      'invalid_request',
      `(a) ${clientId}: no challenge`
    )
    const plain = new URL(started.url)
    plain.searchParams.set('code_challenge_method', 'plain')
    t.equal(errorOf(site, await browser.go(plain.href, {}, site.arrived)), 'invalid_request', `(b) ${clientId}: plain`)
    const implied = new URL(started.url)
    implied.searchParams.delete('code_challenge_method')
    t.equal(
      errorOf(site, await browser.go(implied.href, {}, site.arrived)),
      'invalid_request',
      `(b) ${clientId}: no method means plain`
    )
  }
  const redeem = async (change: Record<string, string | null>): Promise<Reply> => {
    const { started, arrival } = await codeOf()
    const body: Record<string, string> = {
      grant_type: 'authorization_code',
      code: new URL(arrival).searchParams.get('code') ?? '',
      redirect_uri: site.redirectUri,
      code_verifier: started.verifier
    }
    for (const [name, value] of Object.entries(change)) {
      if (value === null) delete body[name]
      else body[name] = value.replace('{verifier}', started.verifier)
    }
    return await tokenRequest(body)
  }
  const { started: pkce } = await codeOf()
  const off = pkce.verifier.slice(0, -1) + (pkce.verifier.endsWith('a') ? 'b' : 'a')
  t.match(await redeem({ code_verifier: null }), { status: 400, json: { error: 'invalid_grant' } }, '(c) no verifier')
  for (const [name, verifier] of [
    ['another', off],
    ['one more character', '{verifier}x'],
    ['42 characters', 'v'.repeat(42)],
    ['129 characters', 'v'.repeat(129)],
    ['the challenge itself', 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'],
    ['empty', '']
  ] as const) {
    const answer = await redeem({ code_verifier: verifier })
    t.equal(answer.status, 400, `(e) ${name}`)
    t.match(answer.json['error'], /^invalid_(grant|request)$/)
  }
  t.match(
    await redeem({ redirect_uri: home }),
    { status: 400, json: { error: 'invalid_grant' } },
    '(g) another address'
  )
  t.equal((await redeem({ redirect_uri: null })).status, 400, '(g) no address')
  t.match(
    await redeem({ code: randomBytes(32).toString('base64url') }),
    { status: 400, json: { error: 'invalid_grant' } },
    'a guessed code'
  )

  const stolen = await codeOf()
  await refused(
    t,
    oidc.authorizationCodeGrant(level3.config, new URL(stolen.arrival), {
      pkceCodeVerifier: stolen.started.verifier,
      expectedNonce: stolen.started.nonce,
      expectedState: stolen.started.state
    }),
    'invalid_grant',
    '(f) redeemed by another client'
  )
  await refused(
    t,
    site.redeem(stolen.started, stolen.arrival),
    'invalid_grant',
    '(f) then it is dead for its owner too'
  )

  const late = await codeOf()
  await sql`update oidc_artifact set expires_at = now() - interval '1 second'
    where model = 'AuthorizationCode'`.execute(db)
  await refused(t, site.redeem(late.started, late.arrival), 'invalid_grant', '(h) too late')

  const [mine, theirs] = [await codeOf(), await codeOf()]
  const swapped = new URL(theirs.arrival)
  swapped.searchParams.set('state', mine.started.state)
  await refused(t, site.redeem(mine.started, swapped.href), 'invalid_grant', '(i) the code of another flow')
})

t.test('T003: redirect_uri matches exactly, or nobody is redirected', async (t) => {
  const mutations = [
    'https://RP.example/cb',
    'HTTPS://rp.example/cb',
    'https://rp.example/CB',
    `${home}/`,
    'https://rp.example//cb',
    'https://rp.example/./cb',
    'https://rp.example/x/../cb',
    'https://rp.example/cb/..;/x',
    'https://rp.example/%63b',
    'https://rp.example/cb%2f',
    'https://rp.example/%2e%2e/cb',
    `${home}?`,
    `${home}?x=1`,
    `${home}#`,
    `${home}#f`,
    `${home};a=b`,
    'https://rp.example@evil.example/cb',
    'https://evil.example@rp.example/cb',
    'https://rp.example:x@evil.example/cb',
    'https://rp.example@@evil.example/cb',
    'https://rp.example.evil.example/cb',
    'https://rpXexample/cb',
    'https://rp.example\\evil.example/cb',
    'https:\\\\rp.example\\cb',
    'https:/rp.example/cb',
    'https:rp.example/cb',
    '//rp.example/cb',
    '/cb',
    'cb',
    `${home}\t`,
    `${home}\r\nx: y`,
    `${home}\0`,
    ` ${home}`,
    `${home} `,
    'https://rp.ex\u0430mple/cb',
    'https://xn--rp-example/cb',
    'https://rp.example:443/cb',
    'https://rp.example:8443/cb',
    'http://rp.example/cb',
    'https://127.0.0.1/cb',
    'https://rp.example./cb',
    'javascript:alert(1)//rp.example/cb',
    'data:text/html,https://rp.example/cb',
    'file:///cb',
    'rp.example:/cb',
    'https://evil.example/https://rp.example/cb',
    'https://evil.example/?https://rp.example/cb',
    `${home},https://evil.example/`,
    `${home} https://evil.example/`,
    'https://evil.example/',
    'null',
    '',
    '*',
    'https://*.example/cb',
    'urn:ietf:wg:oauth:2.0:oob',
    `https://rp.example/cb${'/a'.repeat(2000)}`
  ]
  t.ok(mutations.length >= 40)
  for (const uri of mutations) {
    const name = JSON.stringify(uri).slice(0, 70)
    for (const extra of [{}, { response_type: 'token' }, { prompt: 'none' }] as Array<Record<string, string>>) {
      const answer = await browser.request(authUrl({ ...good, ...extra, redirect_uri: uri }))
      t.equal(answer.headers.get('location'), null, `${name}: no redirect`)
      t.equal(answer.status, 400, name)
      if (uri === 'https://rp.example.evil.example/cb') {
        t.ok(words(answer.text).includes(uri), 'the page shows what was received')
      }
      t.notOk(/href="[^"]*evil\.example/.test(answer.text), 'and makes no link of it')
    }
  }
  for (const query of [
    `redirect_uri=${encodeURIComponent(home)}&redirect_uri=https%3A%2F%2Fevil.example`,
    `redirect_uri=https%3A%2F%2Fevil.example&redirect_uri=${encodeURIComponent(home)}`,
    `redirect_uri[]=${encodeURIComponent(home)}`,
    `redirect_uri[0]=https://evil.example&redirect_uri=${encodeURIComponent(home)}&response_type=token`,
    ''
  ]) {
    const { redirect_uri: _uri, ...rest } = good
    const answer = await browser.request(`${kora.issuer}/oidc/auth?${new URLSearchParams(rest).toString()}&${query}`)
    staysHome(t, answer, query)
    if (!query.includes('[0]')) t.equal(answer.status, 400, query)
  }
  const error = await browser.request(authUrl({ ...good, client_id: 'no-such-client' }))
  t.equal(error.status, 400)
  t.equal(error.headers.get('location'), null, 'nobody known: nowhere to send')

  const loopback = async (uri: string): Promise<Answer> =>
    await browser.request(authUrl({ ...good, client_id: 'demo-public', redirect_uri: uri }))
  t.not(
    (await loopback('http://127.0.0.1:51234/callback')).status,
    400,
    'native clients: any port on loopback (RFC 8252 §7.3)'
  )
  for (const uri of [
    'http://127.0.0.1:51234/other',
    'http://127.0.0.2:51234/callback',
    'http://127.0.0.1.evil.example/callback',
    'https://127.0.0.1:51234/callback',
    'http://127.0.0.1:51234/callback?x',
    'http://[::1]:51234/callback'
  ]) {
    t.equal((await loopback(uri)).status, 400, uri)
  }
})

t.test('T004: nothing is offered that is not in the profile', async (t) => {
  for (const type of [
    'token',
    'id_token',
    'id_token token',
    'code id_token',
    'code token',
    'code id_token token',
    'none',
    '',
    'CODE'
  ]) {
    const answer = await browser.request(authUrl({ ...good, response_type: type, nonce: 'n' }))
    staysHome(t, answer, `response_type ${type}`)
    const location = new URL(answer.headers.get('location') ?? 'about:blank')
    t.match(
      location.searchParams.get('error') ??
        new URLSearchParams(location.hash.slice(1)).get('error') ??
        String(answer.status),
      /unsupported_response_type|invalid_request|400/,
      `response_type "${type}"`
    )
    t.notMatch(location.hash, /access_token|id_token=/)
  }
  for (const mode of ['fragment', 'web_message', 'jwt', 'query.jwt', 'form_post.jwt', 'fragment.jwt', 'Query']) {
    const answer = await browser.request(authUrl({ ...good, response_mode: mode }))
    const location = answer.headers.get('location') ?? ''
    t.notMatch(location, /[?#&]code=/, `response_mode "${mode}"`)
    staysHome(t, answer, mode)
  }
  for (const grant of [
    'password',
    'implicit',
    'urn:ietf:params:oauth:grant-type:token-exchange',
    'urn:openid:params:grant-type:ciba',
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
    '',
    'x',
    '__proto__',
    'constructor'
  ]) {
    const answer = await tokenRequest({
      grant_type: grant,
      username: zhuoma.account,
      password: zhuoma.password,
      subject_token: session.access_token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token'
    })
    t.equal(answer.status, 400, `grant_type ${grant}`)
    t.match(answer.json['error'], /unsupported_grant_type|invalid_request/)
  }
  for (const name of ['request', 'request_uri', 'registration']) {
    const answer = await browser.request(
      authUrl({ ...good, [name]: name === 'request' ? 'eyJhbGciOiJub25lIn0.e30.' : 'https://evil.example/r' })
    )
    t.notMatch(answer.headers.get('location') ?? '', /code=/, name)
    staysHome(t, answer, name)
  }
  for (const [method, path] of [
    ['GET', '/oidc/token'],
    ['GET', '/oidc/introspect'],
    ['GET', '/oidc/revoke'],
    ['GET', '/oidc/par'],
    ['PUT', '/oidc/token'],
    ['DELETE', '/oidc/auth'],
    ['POST', '/oidc/jwks'],
    ['POST', '/.well-known/openid-configuration'],
    ['GET', '/oidc/register'],
    ['POST', '/oidc/reg'],
    ['POST', '/oidc/device/auth'],
    ['GET', '/oidc/device'],
    ['POST', '/oidc/device'],
    ['GET', '/oidc/device/unknown/extra'],
    ['GET', '/oidc/device-authorization'],
    ['POST', '/oidc/backchannel'],
    ['GET', '/oidc/nothing'],
    ['GET', '/oidc/'],
    ['TRACE', '/oidc/auth'],
    ['GET', '/oidc/auth/unknown/extra']
  ] as const) {
    const answer = await readReply(await send(`${kora.issuer}${path}`, { method }))
    t.ok(answer.status >= 400 && answer.status < 500, `${method} ${path}: ${answer.status}`)
  }
  for (const path of ['/oidc/auth', '/oidc/logout']) {
    const preflight = await send(`${kora.issuer}${path}`, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'GET' }
    })
    t.equal(preflight.headers.get('access-control-allow-origin'), null, `no CORS on ${path}`)
  }
})

t.test('T006: client authentication', async (t) => {
  const body = { grant_type: 'refresh_token', refresh_token: session.refresh_token ?? '' }
  const attempts: Array<[string, string, Record<string, string>]> = [
    ['wrong secret', basic('demo-site', 'wrong'), {}],
    ['empty secret', basic('demo-site', ''), {}],
    ['no client', basic('nobody', demoSecret), {}],
    ["another client's", basic('demo-level3', demoSecret), {}],
    ['two methods', basic('demo-site', demoSecret), { client_id: 'demo-site', client_secret: demoSecret }],
    ['no authentication', '', { client_id: 'demo-site' }],
    ['percent', `Basic ${Buffer.from('demo-site:%zz').toString('base64')}`, {}],
    ['no colon', `Basic ${Buffer.from('demo-site').toString('base64')}`, {}],
    ['garbage', 'Basic ////', {}],
    ['other scheme', `Bearer ${demoSecret}`, {}],
    ['NUL', basic('demo-site\0', demoSecret), {}]
  ]
  for (const [name, authorization, more] of attempts) {
    const answer = await tokenRequest({ ...body, ...more }, authorization)
    t.ok([400, 401].includes(answer.status), `${name}: ${answer.status}`)
    t.match(answer.json['error'], /^invalid_(client|request)$/, name)
    t.notMatch(answer.text, /secret[^"]*wrong|not found/, 'no reason is told')
  }
  t.same(
    (await tokenRequest(body, basic('demo-site', 'wrong'))).json,
    (await tokenRequest(body, basic('nobody', 'wrong'))).json,
    'the same answer whether the client exists'
  )
  const failures = await db
    .selectFrom('auditEvent')
    .select(['clientId', 'details'])
    .where('type', '=', 'client.authentication-failed')
    .where('clientId', 'in', ['demo-site', 'demo-level3'])
    .execute()
  t.match(
    failures.filter(({ clientId }) => clientId === 'demo-site'),
    [{ details: { failures: 1 } }],
    'the first is recorded at once, the others as a number after a minute'
  )
  await db
    .updateTable('clientSecret')
    .set({ expiresAt: new Date(Date.now() - 1000) })
    .where('clientId', '=', 'victim')
    .execute()
  const bySub = await tokenRequest({ grant_type: 'client_credentials', client_id: session.claims()?.sub ?? '' }, '')
  t.match(bySub.json['error'], 'invalid_client', "a person's sub is no client")

  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const evil = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }
  await addClient(kora, {
    clientId: 'keyed',
    metadata: {
      application_type: 'web',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [jwk] }
    },
    resources: { 'urn:kora:demo:property': { machineScopes: ['property:read'] } }
  })
  const now = Math.floor(Date.now() / 1000)
  const claims: JWTPayload = { iss: 'keyed', sub: 'keyed', aud: kora.issuer, iat: now, exp: now + 60 }
  const sign = async (
    payload: JWTPayload,
    header: Record<string, unknown> = {},
    key: Parameters<SignJWT['sign']>[0] = privateKey
  ): Promise<string> =>
    await new SignJWT({ jti: randomUUID(), ...payload })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1', ...header })
      .sign(key)
  const ask = async (assertion: string, more: Record<string, string> = {}): Promise<Reply> =>
    await tokenRequest(
      {
        grant_type: 'client_credentials',
        resource: 'urn:kora:demo:property',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
        ...more
      },
      ''
    )
  t.equal((await ask(await sign(claims))).status, 200, 'a good one')
  const hmacKey = new TextEncoder().encode(JSON.stringify(jwk))
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const bad: Array<[string, string]> = [
    ['alg none', `${part({ alg: 'none' })}.${part({ ...claims, jti: 'n' })}.`],
    ['HMAC with the public key', await sign(claims, { alg: 'HS256' }, hmacKey)],
    ['unknown key', await sign(claims, {}, evil.privateKey)],
    ['embedded jwk', await sign(claims, { jwk: await exportJWK(evil.publicKey), kid: 'evil' }, evil.privateKey)],
    ['jku', await sign(claims, { jku: 'https://evil.example/jwks', kid: 'evil' }, evil.privateKey)],
    ['kid path', await sign(claims, { kid: '../../etc/passwd' }, evil.privateKey)],
    ['kid SQL', await sign(claims, { kid: "' or 1=1 --" }, evil.privateKey)],
    ['wrong audience', await sign({ ...claims, aud: 'https://evil.example' })],
    ['no audience', await sign({ iss: 'keyed', sub: 'keyed', iat: now, exp: now + 60 })],
    ['expired', await sign({ ...claims, iat: now - 600, exp: now - 300 })],
    ['no expiry', await sign({ iss: 'keyed', sub: 'keyed', aud: kora.issuer })],
    ['another issuer', await sign({ ...claims, iss: 'demo-site' })],
    ['another subject', await sign({ ...claims, sub: 'demo-site' })],
    ['no jti', await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'k1' }).sign(privateKey)],
    ['garbage', 'a.b.c'],
    ['not a JWT', 'x'],
    ['empty', ''],
    ['huge', 'x'.repeat(20_000)]
  ]
  for (const [name, assertion] of bad) {
    const answer = await ask(assertion)
    t.ok([400, 401].includes(answer.status), `${name}: ${answer.status}`)
    t.match(answer.json['error'], /^invalid_(client|request)$/, name)
  }
  const once = await sign(claims)
  t.same(
    (await Promise.all([ask(once), ask(once), ask(once)])).map((answer) => answer.status).sort(),
    [200, 401, 401],
    'one assertion, one use'
  )
})

t.test('T007: the answer belongs to this request and says who gave it', async (t) => {
  const { started, arrival } = await codeOf()
  const otherIssuer = new URL(arrival)
  otherIssuer.searchParams.set('iss', 'https://evil.example')
  await t.rejects(site.redeem(started, otherIssuer.href), 'a mix-up is noticed by the library')
  const answer = await site.redeem(started, arrival)
  t.match(answer.claims(), { aud: 'demo-site', nonce: started.nonce, at_hash: String })
  t.ok(answer.claims()?.['azp'] === undefined || answer.claims()?.['azp'] === 'demo-site')
  const denied = await browser.go(
    authUrl({ ...good, prompt: 'none', scope: 'openid', max_age: '0' }),
    {},
    victim.arrived
  )
  t.equal(new URL(denied.url).searchParams.get('iss'), kora.issuer, 'errors too')
})

t.test('T069, T071: headers on every answer of the provider, redirects and CORS', async (t) => {
  const started = await site.start()
  const urls: Array<[string, string]> = [
    ['GET', started.url.href],
    ['GET', authUrl({ ...good, redirect_uri: 'https://evil.example' })],
    ['GET', authUrl({})],
    ['GET', `${kora.issuer}/oidc/auth/unknown`],
    ['GET', `${kora.issuer}/oidc/logout`],
    ['GET', `${kora.issuer}/oidc/logout/success`],
    ['GET', `${kora.issuer}/oidc/userinfo`],
    ['GET', `${kora.issuer}/oidc/jwks`],
    ['POST', `${kora.issuer}/oidc/token`],
    ['POST', `${kora.issuer}/oidc/introspect`],
    ['POST', `${kora.issuer}/oidc/par`],
    ['GET', `${kora.issuer}/oidc/none`],
    ['GET', `${kora.issuer}/none`],
    ['GET', `${kora.issuer}/`],
    ['GET', `${kora.issuer}/i/${'x'.repeat(43)}`],
    ['GET', `${kora.issuer}/help`]
  ]
  for (const [method, url] of urls) {
    const name = `${method} ${url.slice(kora.issuer.length, kora.issuer.length + 40)}`
    const answer = await send(url, {
      method,
      headers: {
        accept: 'text/html',
        cookie: `kora_session=${browser.cookie('kora_session')}`,
        origin: 'https://evil.example'
      }
    })
    t.equal(answer.headers.get('x-content-type-options'), 'nosniff', name)
    t.match(answer.headers.get('content-security-policy'), /frame-ancestors 'none'/, `${name}: no framing`)
    t.notMatch(answer.headers.get('content-security-policy'), /unsafe-inline|unsafe-eval/)
    t.ok(answer.headers.get('referrer-policy'), `${name}: referrer policy`)
    const cached = answer.headers.get('cache-control') ?? ''
    t.ok(cached.includes('no-store') || url.endsWith('/jwks'), `${name}: ${cached}`)
    t.equal(answer.headers.get('server'), null)
    t.equal(answer.headers.get('x-powered-by'), null)
    t.equal(answer.headers.get('access-control-allow-credentials'), null, `${name}: CORS never with credentials`)
    const allowed = answer.headers.get('access-control-allow-origin')
    t.ok(allowed === null || url.endsWith('/jwks'), `${name}: CORS ${allowed}`)
    t.not(answer.status, 307)
    t.not(answer.status, 302)
  }
  for (const name of ['returnTo', 'next', 'redirect', 'url', 'service', 'target', 'continue', 'lang', 'size']) {
    for (const value of [
      '//evil.example',
      '/\\evil.example',
      'https:evil.example',
      '%0d%0aLocation: https://evil.example'
    ]) {
      for (const path of ['/', '/help', '/oidc/logout', '/oidc/logout/success', '/oidc/auth']) {
        const answer = await fetch(`${kora.issuer}${path}?${name}=${encodeURIComponent(value)}`, {
          redirect: 'manual',
          headers: { referer: 'https://evil.example/' }
        })
        staysHome(t, answer, `${path}?${name}=${value}`)
        t.notOk(/(href|action|src)="(https?:)?[/\\]*evil\.example/.test(await answer.text()), 'nor is anything linked')
      }
    }
  }
})

t.test('T073: one name only, whatever Host and forwarded headers say', async (t) => {
  const { host } = new URL(kora.issuer)
  for (const bad of [
    'evil.example',
    `evil.example:${new URL(kora.issuer).port}`,
    `${host}.evil.example`,
    `${host}@evil.example`,
    `127.0.0.1:${new URL(kora.issuer).port}`,
    'localhost',
    `${host}, evil.example`,
    `${host} `.trim() + '.',
    ' '
  ]) {
    for (const path of [
      '/',
      '/oidc/auth',
      '/.well-known/openid-configuration',
      '/oidc/token',
      '/help',
      '/app/v1/scan',
      '/assets/x'
    ]) {
      const answer = await readReply(await send(`${kora.issuer}${path}`, { headers: { host: bad } }))
      t.equal(answer.status, 421, `${JSON.stringify(bad)} ${path}`)
      t.notMatch(answer.text, /evil/)
      t.equal(answer.headers.get('location'), null)
    }
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      t.not(
        (await send(`${kora.issuer}${path}`, { headers: { host: bad } })).status,
        421,
        `probes come by address: ${path}`
      )
    }
  }
  t.equal(
    (await send(`${kora.issuer}/help`, { headers: { host: host.toUpperCase() } })).status,
    200,
    'case does not matter'
  )
  const spoofed = {
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'https',
    'x-forwarded-port': '1',
    'x-forwarded-prefix': '/evil',
    'x-original-url': '/evil',
    'x-rewrite-url': '/evil',
    forwarded: 'host=evil.example;proto=https',
    'x-forwarded-server': 'evil.example',
    'x-host': 'evil.example'
  }
  for (const url of [
    (await site.start()).url.href,
    `${kora.issuer}/.well-known/openid-configuration`,
    `${kora.issuer}/oidc/logout`,
    `${kora.issuer}/`,
    authUrl({})
  ]) {
    const answer = await readReply(await send(url, { headers: { ...spoofed, accept: 'text/html' } }))
    t.notOk(
      `${answer.text} ${answer.headers.get('location')} ${answer.headers.getSetCookie().join()}`.includes('evil'),
      url.slice(kora.issuer.length, kora.issuer.length + 30)
    )
    t.ok(answer.status < 500)
  }
})

t.test('duplicated, oversized and malformed input is answered with 4xx by every endpoint', async (t) => {
  const values = [
    '',
    '\0',
    '%',
    '%zz',
    '%ff%fe',
    "'",
    '"><script>',
    '[]',
    '{}',
    '{"a":',
    'null',
    'undefined',
    '-1',
    '1e309',
    'x'.repeat(10_000),
    '\u{1F600}',
    '‮',
    '__proto__',
    '../..',
    'a'.repeat(300) + '\r\n'
  ]
  const names: Record<string, string[]> = {
    '/oidc/auth': [
      'client_id',
      'redirect_uri',
      'response_type',
      'response_mode',
      'scope',
      'state',
      'nonce',
      'prompt',
      'max_age',
      'acr_values',
      'claims',
      'ui_locales',
      'login_hint',
      'id_token_hint',
      'code_challenge',
      'code_challenge_method',
      'resource',
      'dpop_jkt',
      'request_uri',
      'display'
    ],
    '/oidc/token': [
      'grant_type',
      'code',
      'redirect_uri',
      'code_verifier',
      'refresh_token',
      'scope',
      'resource',
      'client_assertion',
      'client_assertion_type',
      'client_id'
    ],
    '/oidc/introspect': ['token', 'token_type_hint'],
    '/oidc/revoke': ['token', 'token_type_hint'],
    '/oidc/par': ['client_id', 'redirect_uri', 'scope', 'claims', 'request', 'request_uri', 'max_age', 'resource'],
    '/oidc/logout': ['id_token_hint', 'post_logout_redirect_uri', 'state', 'client_id', 'logout_hint', 'ui_locales']
  }
  const authorization = basic('demo-site', demoSecret)
  const complaints: string[] = []
  const check = (what: string, status: number, headers: Headers): void => {
    if (status >= 500) complaints.push(`${status} ${what}`)
    const location = headers.get('location')
    if (
      location !== null &&
      ![kora.issuer, 'https://rp.example', new URL(site.redirectUri).origin].includes(
        new URL(location, kora.issuer).origin
      )
    ) {
      complaints.push(`to ${location} ${what}`)
    }
  }
  const base: Record<string, Record<string, string>> = {
    '/oidc/auth': good,
    '/oidc/token': {
      grant_type: 'authorization_code',
      code: 'x',
      redirect_uri: site.redirectUri,
      code_verifier: 'v'.repeat(43)
    },
    '/oidc/introspect': { token: 'x' },
    '/oidc/revoke': { token: 'x' },
    '/oidc/par': { ...good, client_id: 'demo-site', redirect_uri: site.redirectUri },
    '/oidc/logout': {}
  }
  for (const [path, list] of Object.entries(names)) {
    const get = path === '/oidc/auth' || path === '/oidc/logout'
    const ask = async (query: string): Promise<void> => {
      const response = get
        ? await send(`${kora.issuer}${path}`, { path: `${path}?${query}` })
        : await send(`${kora.issuer}${path}`, {
          method: 'POST',
          headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
          body: query
        })
      check(`${path}?${query.slice(0, 200)}`, response.status, response.headers)
      await response.arrayBuffer()
    }
    for (const name of list) {
      for (const value of values) await ask(new URLSearchParams({ ...base[path], [name]: value }).toString())
      const twice = new URLSearchParams(base[path])
      twice.append(name, 'a')
      twice.append(name, 'b')
      await ask(twice.toString())
      await ask(`${new URLSearchParams(base[path]).toString()}&${name}=%zz&${name}[a]=b`)
    }
  }
  for (const type of [
    'application/json',
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded; charset=utf-16',
    'x',
    ''
  ]) {
    for (const path of [
      '/oidc/token',
      '/oidc/par',
      '/oidc/introspect',
      '/oidc/revoke',
      '/oidc/logout',
      '/oidc/logout/confirm',
      '/oidc/auth',
      '/oidc/userinfo'
    ]) {
      const response = await send(`${kora.issuer}${path}`, {
        method: 'POST',
        headers: { authorization, 'content-type': type },
        body: '{"grant_type":"client_credentials"'
      })
      check(`${path} ${type}`, response.status, response.headers)
    }
  }
  const big = await form('/oidc/token', `grant_type=${'x'.repeat(200_000)}`, { authorization })
  t.ok(big.status >= 400 && big.status < 500, `a body of 200 kB: ${big.status}`)
  const many = await form('/oidc/token', Array.from({ length: 5000 }, (_, i) => `p${i}=1`).join('&'), {
    authorization
  })
  t.ok(many.status >= 400 && many.status < 500, `five thousand parameters: ${many.status}`)
  for (const cookie of [
    'kora_session=%zz',
    `kora_session=${'x'.repeat(7000)}`,
    'kora_session=a; kora_session=b',
    'kora_session',
    '=;=',
    'kora_browser=%00',
    'kora_interaction=../..',
    `kora_session=${Buffer.from([0xff, 0xfe]).toString('latin1')}`
  ]) {
    for (const path of [
      `/oidc/auth?${new URLSearchParams(good).toString()}`,
      '/oidc/logout',
      `/i/${'x'.repeat(43)}`,
      '/',
      '/oidc/auth/abc'
    ]) {
      const response = await send(`${kora.issuer}${path}`, { headers: { cookie } })
      check(`${path} cookie ${cookie.slice(0, 30)}`, response.status, response.headers)
    }
  }
  for (const path of [
    '/oidc/auth%2f',
    '/oidc/%61uth',
    '//oidc/auth',
    '/oidc//auth',
    '/OIDC/auth',
    '/oidc/auth/',
    '/oidc/auth;x',
    '/oidc/auth/%zz',
    '/oidc/%',
    '/.well-known/openid-configuration/',
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration%00',
    `/${'a/'.repeat(500)}`,
    '/i/%zz',
    '/q/%zz',
    '/assets/..%2f..%2fpackage.json',
    '/help/../../etc/passwd',
    '*',
    'http://evil.example/oidc/auth'
  ]) {
    const response = await send(kora.issuer, { path }).catch(() => null)
    if (response !== null) check(path, response.status, response.headers)
  }
  t.same(complaints, [])
  t.same(
    kora
      .logs()
      .filter((line) => /"level":(50|60)|"level":"(error|fatal)"/.test(line))
      .map((line) => line.slice(0, 300)),
    [],
    'nor does anything fail inside'
  )
})
