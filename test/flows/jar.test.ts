/** Signed request objects (RFC 9101), by an unmodified client: what is inside counts, and nobody else can write one. */
import { createHmac } from 'node:crypto'
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose'
import { sql } from 'kysely'
import * as oidc from 'openid-client'
import t, { type Test } from 'tap'
import { requestObjectLimits } from '../../src/oidc/request-objects.ts'
import {
  addClient,
  arrivedAt,
  RelyingParty,
  startKora,
  submitPassword,
  words,
  type Answer,
  type Started
} from '../support/driver/index.ts'

const kora = await startKora(t)
const { db } = kora.inside.services
const account = await kora.sandbox.account('zhuoma')
const zhuoma = { ...account, account: account.cert_no }
const redirectUri = `${kora.site}/callback`
const now = (): number => Math.floor(Date.now() / 1000)

const ownKey = await generateKeyPair('ES256', { extractable: true })
const otherKey = await generateKeyPair('ES256', { extractable: true })
const rsaKey = await generateKeyPair('RS256', { extractable: true })
const key = ownKey.privateKey as oidc.CryptoKey
const jwks = {
  keys: [
    { ...(await exportJWK(ownKey.publicKey)), kid: 'own', alg: 'ES256', use: 'sig' },
    { ...(await exportJWK(rsaKey.publicKey)), kid: 'rsa', use: 'sig' }
  ]
}
const web = {
  application_type: 'web',
  grant_types: ['authorization_code'],
  redirect_uris: [redirectUri],
  scope: 'openid profile phone',
  token_endpoint_auth_method: 'private_key_jwt',
  token_endpoint_auth_signing_alg: 'ES256',
  jwks
}

const party = async (
  clientId: string,
  metadata: Record<string, unknown> = {},
  policy: Record<string, unknown> = {},
  home = redirectUri
): Promise<RelyingParty> => {
  await addClient(kora, { clientId, metadata: { ...web, redirect_uris: [home], ...metadata }, policy })
  return await RelyingParty.discover({
    issuer: kora.issuer,
    clientId,
    redirectUri: home,
    auth: oidc.PrivateKeyJwt({ key, kid: 'own' })
  })
}
const free = await party('jar-free')
const strict = await party('jar-strict', { require_signed_request_object: true, request_object_signing_alg: 'ES256' })
const strange = await party('jar-other', {
  jwks: { keys: [{ ...(await exportJWK(otherKey.publicKey)), kid: 'own', alg: 'ES256' }] }
})
const high = await party(
  'jar-high',
  { require_signed_request_object: true, require_pushed_authorization_requests: true, dpop_bound_access_tokens: true },
  { profile: 'high' },
  'https://high.example.gov.cn/callback'
)

/** The request of `started`, signed by the client's library. */
const signed = async (site: RelyingParty, started: Started, extra: Record<string, string> = {}): Promise<URL> =>
  await oidc.buildAuthorizationUrlWithJAR(
    site.config,
    { ...Object.fromEntries(started.url.searchParams), ...extra },
    { key, kid: 'own' }
  )
const login = async (site: RelyingParty, url: URL, browser = kora.newBrowser()): Promise<Answer> =>
  await submitPassword(browser, await browser.go(url.href, {}, site.arrived), zhuoma, site.arrived)
const fails = async (t: Test, promise: Promise<unknown>, error: string, name: string): Promise<void> => {
  await t.rejects(promise, { error } as unknown as Error, name)
}

/** A request object by hand: of the client, good for a minute, unless changed. */
async function written (
  site: RelyingParty,
  started: Started,
  change: Record<string, unknown> = {},
  header: object = {},
  by = ownKey.privateKey
): Promise<string> {
  return await new SignJWT(await payload(site, started, change))
    .setProtectedHeader({ alg: 'ES256', kid: 'own', typ: 'oauth-authz-req+jwt', ...header })
    .sign(by)
}
async function payload (
  site: RelyingParty,
  started: Started,
  change: Record<string, unknown> = {}
): Promise<JWTPayload> {
  const { client_id: clientId } = site.config.clientMetadata()
  return {
    ...Object.fromEntries(started.url.searchParams),
    iss: clientId,
    aud: kora.issuer,
    client_id: clientId,
    iat: now(),
    nbf: now(),
    exp: now() + 60,
    ...change
  }
}
const address = (clientId: string, request: string, outside: Record<string, string> = {}): URL =>
  new URL(`${kora.issuer}/oidc/auth?${new URLSearchParams({ client_id: clientId, ...outside, request }).toString()}`)

t.test('a whole login; parameters, claims and hints are inside', async (t) => {
  for (const site of [free, strict]) {
    const started = await site.start({
      scope: 'openid profile phone',
      claims: JSON.stringify({ id_token: { acr: { essential: true, values: ['urn:kora:loa:2'] } } }),
      login_hint: 'somebody',
      max_age: '600'
    })
    const tokens = await site.redeem(
      { ...started, maxAge: 600 },
      arrivedAt(site, await login(site, await signed(site, started)))
    )
    t.match(tokens.claims(), {
      nonce: started.nonce,
      acr: 'urn:kora:loa:2',
      aud: site.config.clientMetadata().client_id
    })
    t.match(await oidc.fetchUserInfo(site.config, tokens.access_token, tokens.claims()?.sub ?? ''), {
      phone_number: `+86${zhuoma.phone}`
    })
  }
})

t.test('what stands outside of the object is ignored (§6.3)', async (t) => {
  const started = await free.start({ scope: 'openid' })
  const url = await signed(free, started)
  for (const [name, value] of Object.entries({
    scope: 'openid profile phone',
    state: 'another-state',
    nonce: 'another-nonce',
    redirect_uri: 'https://evil.example/cb',
    prompt: 'none',
    claims: '{"userinfo":{"phone_number":null}}',
    authorization_details: '[{"type":"x"}]',
    code_challenge: 'x'.repeat(43)
  })) {
    url.searchParams.set(name, value)
  }
  const tokens = await free.redeem(started, arrivedAt(free, await login(free, url)))
  const about = await oidc.fetchUserInfo(free.config, tokens.access_token, tokens.claims()?.sub ?? '')
  t.notOk('phone_number' in about)
  t.notOk('name' in about)
})

t.test('authorization details inside are read like any others (RFC 9396)', async (t) => {
  const started = await free.start()
  const request = await written(free, started, {
    authorization_details: [{ type: `${kora.issuer}/rar/representation`, identifier: 'USCC:nothing' }]
  })
  const page = await kora.newBrowser().go(address('jar-free', request).href, {}, free.arrived)
  t.match(Object.fromEntries(new URL(arrivedAt(free, page)).searchParams), {
    error: 'invalid_authorization_details',
    state: started.state
  })
})

t.test('who must sign cannot leave it out, neither at the authorization endpoint nor when pushing', async (t) => {
  const started = await strict.start()
  t.equal(
    new URL(arrivedAt(strict, await kora.newBrowser().go(started.url.href, {}, strict.arrived))).searchParams.get(
      'error'
    ),
    'invalid_request'
  )
  await fails(
    t,
    oidc.buildAuthorizationUrlWithPAR(strict.config, started.url.searchParams),
    'invalid_request',
    'pushed without a signature'
  )
  const object = (await signed(strict, started)).searchParams.get('request') ?? ''
  const url = await oidc.buildAuthorizationUrlWithPAR(strict.config, { request: object })
  const browser = kora.newBrowser()
  t.equal(
    (await strict.redeem(started, arrivedAt(strict, await login(strict, url, browser)))).claims()?.nonce,
    started.nonce
  )
  t.match((await browser.go(url.href, {}, strict.arrived)).status, 400, 'a pushed one is used once')
})

t.test('forged, foreign, old, or meant for somebody else', async (t) => {
  const started = await strict.start()
  const id = { clientId: 'jar-strict' }
  const publicPem = await exportSPKI(ownKey.publicKey)
  const hs256 = async (secret: string): Promise<string> => {
    const parts = [{ alg: 'HS256', typ: 'oauth-authz-req+jwt' }, await payload(strict, started)]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.')
    return `${parts}.${createHmac('sha256', secret).update(parts).digest('base64url')}`
  }
  const good = await written(strict, started)
  const [head = '', , signature = ''] = good.split('.')
  const table: Array<[name: string, request: string]> = [
    ['alg none', new UnsecuredJWT(await payload(strict, started)).encode()],
    ['HS256 with the public key', await hs256(publicPem)],
    ['HS256 with the public key as JWK', await hs256(JSON.stringify(jwks.keys[0]))],
    ['the key of another client', await written(strict, started, {}, {}, otherKey.privateKey)],
    [
      'another algorithm than the registered one',
      await written(strict, started, {}, { alg: 'RS256', kid: 'rsa' }, rsaKey.privateKey)
    ],
    [
      'a key that it brings along',
      await written(strict, started, {}, { jwk: await exportJWK(otherKey.publicKey) }, otherKey.privateKey)
    ],
    [
      'changed after signing',
      [
        head,
        Buffer.from(JSON.stringify(await payload(strict, started, { scope: 'openid phone' }))).toString('base64url'),
        signature
      ].join('.')
    ],
    ['another aud', await written(strict, started, { aud: 'https://evil.example' })],
    ['no aud', await written(strict, started, { aud: undefined })],
    ['another iss', await written(strict, started, { iss: 'jar-free' })],
    ['another client_id', await written(strict, started, { client_id: 'jar-free' })],
    ['no client_id', await written(strict, started, { client_id: undefined })],
    ['expired', await written(strict, started, { exp: now() - 20 })],
    ['expired within the tolerance', await written(strict, started, { exp: now() - 1 })],
    ['not yet', await written(strict, started, { nbf: now() + 60 })],
    ['without end', await written(strict, started, { exp: undefined })],
    ['with an end far away', await written(strict, started, { exp: now() + requestObjectLimits.lifetime + 60 })],
    ['a client assertion', await written(strict, started, { sub: 'jar-strict' })],
    ['of another type', await written(strict, started, {}, { typ: 'dpop+jwt' })],
    ['an object in an object', await written(strict, started, { request: 'x.y.z' })],
    ['an address in an object', await written(strict, started, { request_uri: 'https://evil.example/r' })],
    ['too large', await written(strict, started, { ui_locales: 'x'.repeat(requestObjectLimits.size) })],
    ['no JWT', 'hello'],
    ['encrypted', 'a.b.c.d.e']
  ]
  for (const [name, request] of table) {
    // what is longer than an address is only reached by pushing
    if (request.length < 6000) {
      const page = await kora.newBrowser().go(address(id.clientId, request).href, {}, strict.arrived)
      t.equal(page.status, 400, name)
      t.match(words(page.text), /问题编号/, name)
      t.notMatch(page.text, /name="password"/, name)
    }
    await fails(
      t,
      oidc.buildAuthorizationUrlWithPAR(strict.config, { request }),
      'invalid_request_object',
      `${name}, pushed`
    )
  }
  const borrowed = address('jar-other', good)
  t.equal((await kora.newBrowser().go(borrowed.href, {}, strange.arrived)).status, 400, 'an object of another client')
  t.equal(
    (
      await kora
        .newBrowser()
        .go(address('jar-strict', good, { request_uri: 'https://evil.example/r' }).href, {}, strict.arrived)
    ).status,
    400,
    'object and address together'
  )
  const fetched = await kora
    .newBrowser()
    .go(
      `${kora.issuer}/oidc/auth?${new URLSearchParams({ client_id: 'jar-free', request_uri: `${kora.site}/request.jwt`, redirect_uri: redirectUri }).toString()}`,
      {},
      free.arrived
    )
  t.equal(
    new URL(arrivedAt(free, fetched)).searchParams.get('error'),
    'request_uri_not_supported',
    'nothing is fetched'
  )
  t.match((await login(strict, address('jar-strict', good))).url, redirectUri, 'and the good one is good')
})

t.test('high profile: pushed, ES256, nbf, ten minutes', async (t) => {
  const handle = oidc.getDPoPHandle(high.config, await oidc.randomDPoPKeyPair('ES256'))
  const push = async (request: string): Promise<URL> =>
    await oidc.buildAuthorizationUrlWithPAR(high.config, { request }, { DPoP: handle })
  const started = await high.start()
  for (const [name, request] of [
    ['no nbf', await written(high, started, { nbf: undefined })],
    ['eleven minutes', await written(high, started, { exp: now() + 660 })],
    ['a window longer than ten minutes', await written(high, started, { nbf: now() - 580 })],
    ['RS256', await written(high, started, {}, { alg: 'RS256', kid: 'rsa' }, rsaKey.privateKey)]
  ] as const) {
    await fails(t, push(request), 'invalid_request_object', name)
  }
  t.equal(
    (await kora.newBrowser().go(address('jar-high', await written(high, started)).href, {}, high.arrived)).status,
    400,
    'not pushed'
  )
  const page = await login(high, await push(await written(high, started)))
  const tokens = await high.redeem(started, arrivedAt(high, page), { DPoP: handle })
  t.equal(tokens.token_type, 'dpop')
})

t.test('a lost login of a client that must push and sign: the same request again', async (t) => {
  const handle = oidc.getDPoPHandle(high.config, await oidc.randomDPoPKeyPair('ES256'))
  for (const site of [strict, high]) {
    const started = await site.start({ scope: 'openid' })
    const object = (await signed(site, started)).searchParams.get('request') ?? ''
    const url = await oidc.buildAuthorizationUrlWithPAR(
      site.config,
      { request: object },
      site === high ? { DPoP: handle } : {}
    )
    const browser = kora.newBrowser()
    const open = await browser.go(url.href, {}, site.arrived)
    const uid = /\/i\/([\w-]+)/.exec(open.url)?.[1] ?? ''
    await sql`delete from oidc_artifact where model = 'Interaction'`.execute(db)
    const again = await browser.go(`${kora.issuer}/oidc/auth/${uid}`, {}, site.arrived)
    t.match(again.url, /\/i\/[\w-]+\/login$/)
    const tokens = await site.redeem(
      started,
      arrivedAt(site, await submitPassword(browser, again, zhuoma, site.arrived)),
      site === high ? { DPoP: handle } : {}
    )
    t.equal(tokens.claims()?.nonce, started.nonce)
  }
})

t.test('devices have no request objects (RFC 8628 §3.1)', async (t) => {
  await addClient(kora, {
    clientId: 'jar-device',
    metadata: {
      application_type: 'native',
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'none',
      scope: 'openid',
      jwks
    }
  })
  const request = await new SignJWT({ client_id: 'jar-device', scope: 'openid' })
    .setProtectedHeader({ alg: 'ES256', kid: 'own' })
    .setIssuer('jar-device')
    .setAudience(kora.issuer)
    .setExpirationTime('60s')
    .sign(ownKey.privateKey)
  const ask = async (body: Record<string, string>): Promise<unknown> =>
    await (
      await fetch(`${kora.issuer}/oidc/device-authorization`, {
        method: 'POST',
        body: new URLSearchParams({ client_id: 'jar-device', ...body })
      })
    ).json()
  t.match(await ask({ request }), { error: 'request_not_supported' })
  t.match(await ask({ scope: 'openid' }), { user_code: String })
})

t.test('no object is in a log, good or bad', async (t) => {
  const started = await strict.start({ login_hint: 'hint-of-a-person' })
  const object = await written(strict, started, { login_hint: 'hint-of-a-person' })
  await login(strict, address('jar-strict', object))
  await kora.newBrowser().go(address('jar-strict', object.slice(0, -4)).href, {}, strict.arrived)
  const logs = kora.logs().join('\n')
  t.notMatch(logs, object.split('.')[1] ?? 'missing')
  t.notMatch(logs, /hint-of-a-person/)
})
