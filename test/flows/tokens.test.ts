/** What is issued, to whom it is good, how long, and what ends it: seen by unmodified clients and resource servers. */
import { createHash, randomUUID } from 'node:crypto'
import { createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { sql } from 'kysely'
import * as oidc from 'openid-client'
import t, { type Test } from 'tap'
import type { AuditEventType } from '../../src/records/audit/index.ts'
import { rotate } from '../../src/tokens/signing-keys.ts'
import { prePublish } from '../support/signing-keys.ts'
import {
  addClient,
  arrivedAt,
  demoParty,
  errorOf,
  RelyingParty,
  startKora,
  submitPassword,
  type Credentials,
  type Tokens
} from '../support/driver/index.ts'
import { until } from '../support/until.ts'

const kora = await startKora(t)
const { services } = kora.inside
const { db } = services
const person = async (handle: string): Promise<Credentials & { person_id: string; name: string }> => {
  const account = await kora.sandbox.account(handle)
  return { ...account, account: account.cert_no }
}
const zhuoma = await person('zhuoma')
const ronghe = await person('ronghe')
const site = await demoParty(kora, 'demo-site', { scope: 'openid profile' })
const publicApp = await demoParty(kora, 'demo-public', { scope: 'openid profile' })
const api = await demoParty(kora, 'demo-resource')
const machine = await demoParty(kora, 'demo-machine')
const jwtApi = 'urn:kora:demo:property:jwt'
const opaqueApi = 'urn:kora:demo:property'
const redirectUris = [site.redirectUri]
const web = {
  application_type: 'web',
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: redirectUris,
  scope: 'openid profile'
}

const fails = async (t: Test, promise: Promise<unknown>, error: string, name?: string): Promise<void> => {
  await t.rejects(promise, { error } as unknown as Error, name ?? error)
}
const listEvents = async (type: AuditEventType, clientId: string): Promise<Array<{ personId: string | null }>> =>
  await db
    .selectFrom('auditEvent')
    .select(['personId', 'address', 'traceId'])
    .where('type', '=', type)
    .where('clientId', '=', clientId)
    .execute()
const active = async (token: string, by = api): Promise<boolean> =>
  (await oidc.tokenIntrospection(by.config, token)).active
const userinfo = async (tokens: Tokens, party = site): Promise<oidc.UserInfoResponse> =>
  await oidc.fetchUserInfo(party.config, tokens.access_token, tokens.claims()?.sub ?? '')
const refresh = async (tokens: { refresh_token?: string }, party = site): ReturnType<typeof oidc.refreshTokenGrant> =>
  await oidc.refreshTokenGrant(party.config, tokens.refresh_token ?? '')
const status = async (promise: Promise<unknown>): Promise<number> =>
  await promise.then(
    () => 200,
    (error: { status?: number; response?: Response; cause?: { status?: number } }) =>
      error.status ?? error.response?.status ?? error.cause?.status ?? 0
  )
const post = async (
  path: string,
  body: Record<string, string>,
  headers: Record<string, string> = {}
): Promise<{ status: number; body: Record<string, unknown> }> => {
  const response = await fetch(`${kora.issuer}${path}`, { method: 'POST', body: new URLSearchParams(body), headers })
  const text = await response.text()
  return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) }
}

t.test('refresh, confidential client: not rotated, good again and again', async (t) => {
  const tokens = await site.login(kora.newBrowser(), zhuoma)
  const second = await refresh(tokens)
  t.equal(second.refresh_token ?? tokens.refresh_token, tokens.refresh_token)
  t.not(second.access_token, tokens.access_token)
  t.equal(second.claims()?.['auth_time'], tokens.claims()?.['auth_time'], 'no authentication took place')
  t.ok((await refresh(tokens)).access_token)
  t.equal((await userinfo(tokens)).name, zhuoma.name, 'the first access token goes on')
})

t.test('refresh, public client: rotated; a replay ends the family', async (t) => {
  const tokens = await publicApp.login(kora.newBrowser(), zhuoma)
  const second = await refresh(tokens, publicApp)
  t.ok(second.refresh_token)
  t.not(second.refresh_token, tokens.refresh_token)
  const third = await refresh(second, publicApp)
  t.ok(await active(third.access_token))
  await fails(t, refresh(second, publicApp), 'invalid_grant', 'used before')
  await fails(t, refresh(third, publicApp), 'invalid_grant', 'so the whole family is dead')
  t.notOk(await active(third.access_token), 'with its access tokens')
  t.match(await listEvents('token.refresh-reused', 'demo-public'), [
    { personId: zhuoma.person_id, address: /^(?:127\.|::1)/, traceId: /./ }
  ])
})

t.test('refresh tokens end thirty days after the login, however often they are rotated', async (t) => {
  const bornDaysAgo = async (seconds: number): Promise<void> => {
    await sql`update oidc_artifact set payload = payload || jsonb_build_object('iiat', extract(epoch
      from now())::bigint - ${seconds}::bigint)
      where model = 'RefreshToken' and consumed_at is null and client_id = 'demo-public'`.execute(db)
  }
  const tokens = await publicApp.login(kora.newBrowser(), ronghe)
  await bornDaysAgo(30 * 86_400 - 60)
  const rotated = await refresh(tokens, publicApp)
  const {
    rows: [row]
  } = await sql<{ left: number }>`select extract(epoch from expires_at - now())::float8 as left from oidc_artifact
    where model = 'RefreshToken' and consumed_at is null and client_id = 'demo-public' order by expires_at desc
      limit 1`.execute(db)
  t.ok((row?.left ?? 1e9) < 80, 'a minute before the end it gets a minute')
  await bornDaysAgo(30 * 86_400 + 1)
  await fails(t, refresh(rotated, publicApp), 'invalid_grant', 'and then none')
})

t.test('revocation: own tokens only; a revoked refresh token takes everything with it', async (t) => {
  const tokens = await site.login(kora.newBrowser(), zhuoma)
  await oidc.tokenRevocation(publicApp.config, tokens.access_token)
  t.ok(await active(tokens.access_token), 'another client cannot revoke it')
  t.same(await listEvents('token.revoked', 'demo-public'), [])
  const other = await refresh(tokens)
  await oidc.tokenRevocation(site.config, tokens.access_token)
  t.notOk(await active(tokens.access_token))
  await oidc.tokenRevocation(site.config, tokens.refresh_token ?? '')
  await fails(t, refresh(tokens), 'invalid_grant')
  t.notOk(await active(other.access_token))
  t.equal(await status(oidc.tokenRevocation(site.config, 'unknown-token')), 200, 'RFC 7009 §2.2')
  t.match(
    await listEvents('token.revoked', 'demo-site'),
    [{ personId: zhuoma.person_id, address: /^(?:127\.|::1)/ }],
    'the access token took its refresh token with it, so nothing was left to revoke'
  )
})

t.test('introspection: by the own client and by the resource server; nothing for others', async (t) => {
  const tokens = await site.login(kora.newBrowser(), ronghe)
  for (const by of [site, api]) {
    t.match(await oidc.tokenIntrospection(by.config, tokens.access_token), {
      active: true,
      client_id: 'demo-site',
      sub: tokens.claims()?.sub ?? '',
      iss: kora.issuer,
      acr: 'urn:kora:loa:2',
      auth_time: tokens.claims()?.['auth_time'] as number,
      representation: { role: 'self' }
    })
  }
  const other = await demoParty(kora, 'demo-level3')
  t.same(
    await oidc.tokenIntrospection(other.config, tokens.access_token),
    { active: false },
    'another client learns nothing'
  )
  t.same(await oidc.tokenIntrospection(other.config, tokens.refresh_token ?? ''), { active: false })
  t.same(
    await oidc.tokenIntrospection(api.config, tokens.refresh_token ?? ''),
    { active: false },
    'a resource server has no business with refresh tokens'
  )
  await fails(
    t,
    oidc.tokenIntrospection(api.config, tokens.id_token ?? ''),
    'unsupported_token_type',
    'an ID token is no access token'
  )
  t.equal((await post('/oidc/introspect', { token: tokens.access_token })).status, 400, 'not without authentication')
  t.equal(
    (await post('/oidc/introspect', { token: tokens.access_token, client_id: 'demo-public' })).body['active'] ?? false,
    false,
    'a public client learns nothing about others'
  )
})

t.test('an access token is what it is: no other token passes for it', async (t) => {
  const tokens = await site.login(kora.newBrowser(), zhuoma)
  const ask = async (headers: Record<string, string>, query = ''): Promise<number> =>
    (await fetch(`${kora.issuer}/oidc/userinfo${query}`, { headers })).status
  t.equal(await ask({ authorization: `Bearer ${tokens.access_token}` }), 200)
  t.equal(await ask({ authorization: `Bearer ${tokens.id_token}` }), 401, 'ID token as bearer')
  t.equal(await ask({ authorization: `Bearer ${tokens.refresh_token}` }), 401, 'refresh token as bearer')
  t.equal(await ask({}, `?access_token=${tokens.access_token}`), 400, 'in the query')
  const forApi = await site.start({ resource: opaqueApi, scope: 'openid property:read' })
  const browser = kora.newBrowser()
  const page = await submitPassword(browser, await site.visit(browser, forApi), zhuoma, site.arrived)
  const api1 = await site.redeem(forApi, arrivedAt(site, page), {}, { resource: opaqueApi })
  t.match(await oidc.tokenIntrospection(api.config, api1.access_token), {
    active: true,
    aud: opaqueApi,
    scope: 'property:read'
  })
  t.equal(await ask({ authorization: `Bearer ${api1.access_token}` }), 403, 'a token for an API is none for userinfo')
})

t.test('userinfo says what the scopes allow', async (t) => {
  const by = async (scope: string): Promise<string[]> =>
    Object.keys(await userinfo(await site.login(kora.newBrowser(), zhuoma, { scope }))).sort()
  t.same(
    (await by('openid')).filter(
      (name) => !['sub', 'assurance_level', 'representation', 'acr', 'amr', 'auth_time'].includes(name)
    ),
    []
  )
  t.same(
    (await by('openid phone')).filter((name) => name.startsWith('phone')),
    ['phone_number', 'phone_number_verified']
  )
  const all = await by('openid profile phone email identity')
  for (const name of ['name', 'name#bo', 'cert_no', 'cert_type', 'birthdate', 'phone_number']) {
    t.ok(all.includes(name), name)
  }
  const unregistered = await site.login(kora.newBrowser(), zhuoma, { scope: 'openid profile no_such_scope' })
  t.notMatch(unregistered.scope ?? '', /no_such/, 'an unknown scope is dropped')
})

t.test('JWT access tokens for a resource server that wants them (RFC 9068)', async (t) => {
  const started = await site.start({ resource: jwtApi, scope: 'openid property:read' })
  const browser = kora.newBrowser()
  const arrival = arrivedAt(
    site,
    await submitPassword(browser, await site.visit(browser, started), ronghe, site.arrived)
  )
  const tokens = await site.redeem(started, arrival, {}, { resource: jwtApi })
  const { payload, protectedHeader } = await jwtVerify(
    tokens.access_token,
    createRemoteJWKSet(new URL(`${kora.issuer}/oidc/jwks`)),
    { issuer: kora.issuer, audience: jwtApi, typ: 'at+jwt' }
  )
  t.match(payload, {
    client_id: 'demo-site',
    scope: 'property:read',
    acr: 'urn:kora:loa:2',
    auth_time: Number,
    representation: { role: 'self' },
    sub: tokens.claims()?.sub ?? ''
  })
  t.ok((payload.exp ?? 0) - (payload.iat ?? 0) <= 300)
  t.equal(protectedHeader.alg, 'ES256')
  t.notMatch(JSON.stringify(payload), new RegExp(`${ronghe.name}|${ronghe.account}`))
  t.equal(
    (await fetch(`${kora.issuer}/oidc/userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } }))
      .status,
    401
  )
  await fails(
    t,
    site.redeem(started, arrival, {}, { resource: jwtApi }),
    'invalid_grant',
    'a code is redeemed once, row or no row'
  )
  await fails(
    t,
    (async () => {
      const wrong = await site.start({ resource: 'urn:nobody', scope: 'openid' })
      const answer = new URL(arrivedAt(site, await site.visit(browser, wrong)))
      throw Object.assign(new Error('refused'), { error: answer.searchParams.get('error') })
    })(),
    'invalid_target',
    'a resource server that is not registered'
  )
})

t.test('client credentials: opaque and JWT, only with a registered resource and its scopes', async (t) => {
  const opaque = await oidc.clientCredentialsGrant(machine.config, { resource: opaqueApi, scope: 'property:read' })
  t.match(await oidc.tokenIntrospection(api.config, opaque.access_token), {
    active: true,
    client_id: 'demo-machine',
    scope: 'property:read',
    aud: opaqueApi
  })
  t.notOk(
    'sub' in (await oidc.tokenIntrospection(api.config, opaque.access_token)) &&
      (await oidc.tokenIntrospection(api.config, opaque.access_token)).sub !== 'demo-machine',
    'it is about no person'
  )
  t.notOk(opaque.refresh_token)
  const jwt = await oidc.clientCredentialsGrant(machine.config, {
    resource: jwtApi,
    scope: 'property:read property:write'
  })
  const { payload } = await jwtVerify(jwt.access_token, createRemoteJWKSet(new URL(`${kora.issuer}/oidc/jwks`)), {
    issuer: kora.issuer,
    audience: jwtApi
  })
  t.match(payload, { client_id: 'demo-machine', scope: 'property:read property:write' })
  t.notOk('representation' in payload)
  await fails(t, oidc.clientCredentialsGrant(machine.config, { resource: 'urn:nobody' }), 'invalid_target')
  await fails(
    t,
    oidc.clientCredentialsGrant(site.config, { resource: opaqueApi }),
    'invalid_request',
    'not for a client without this grant'
  )
})

t.test('pushed authorization requests (RFC 9126), used once', async (t) => {
  const started = await site.start()
  const url = await oidc.buildAuthorizationUrlWithPAR(site.config, Object.fromEntries(started.url.searchParams))
  t.match(url.searchParams.get('request_uri'), /^urn:ietf:params:oauth:request_uri:/)
  const browser = kora.newBrowser()
  const page = await submitPassword(browser, await site.visit(browser, { ...started, url }), zhuoma, site.arrived)
  t.equal((await site.redeem(started, arrivedAt(site, page))).claims()?.nonce, started.nonce)
  const again = await browser.go(url.href, {}, site.arrived)
  t.ok(again.status === 400 || errorOf(site, again) === 'invalid_request_uri', 'not twice')
  await fails(
    t,
    oidc.buildAuthorizationUrlWithPAR(site.config, {
      ...Object.fromEntries(started.url.searchParams),
      redirect_uri: 'https://evil.example/cb'
    }),
    'invalid_request'
  )
})

t.test('DPoP (RFC 9449): the token is bound, a proof is used once', async (t) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const handle = oidc.getDPoPHandle(site.config, await oidc.randomDPoPKeyPair('ES256'))
  const started = await site.start({ dpop_jkt: await handle.calculateThumbprint() })
  const browser = kora.newBrowser()
  const arrival = arrivedAt(
    site,
    await submitPassword(browser, await site.visit(browser, started), zhuoma, site.arrived)
  )
  const tokens = await site.redeem(started, arrival, { DPoP: handle })
  t.equal(tokens.token_type, 'dpop')
  t.match(await oidc.tokenIntrospection(api.config, tokens.access_token), {
    active: true,
    token_type: 'DPoP',
    cnf: { jkt: String }
  })
  t.equal(
    (await oidc.fetchUserInfo(site.config, tokens.access_token, tokens.claims()?.sub ?? '', { DPoP: handle })).name,
    zhuoma.name
  )
  t.equal(
    (await fetch(`${kora.issuer}/oidc/userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } }))
      .status,
    401,
    'not as a bearer token'
  )

  const jwk = await exportJWK(publicKey)
  const proofFor = async (token: string, htu: string, more: Record<string, unknown> = {}): Promise<string> =>
    await new SignJWT({
      htm: 'GET',
      htu,
      ath: createHash('sha256').update(token).digest('base64url'),
      jti: randomUUID(),
      ...more
    })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
      .setIssuedAt()
      .sign(privateKey)
  const ask = async (token: string, proof: string): Promise<number> =>
    (await fetch(`${kora.issuer}/oidc/userinfo`, { headers: { authorization: `DPoP ${token}`, dpop: proof } })).status
  t.equal(
    await ask(tokens.access_token, await proofFor(tokens.access_token, `${kora.issuer}/oidc/userinfo`)),
    401,
    "somebody else's key"
  )

  // a token of our own key, so that we can send one proof twice
  const own = oidc.getDPoPHandle(site.config, { privateKey, publicKey } as oidc.CryptoKeyPair)
  const again = await site.start()
  const bound = await site.redeem(again, arrivedAt(site, await site.visit(browser, again)), { DPoP: own })
  const proof = await proofFor(bound.access_token, `${kora.issuer}/oidc/userinfo`)
  t.equal(await ask(bound.access_token, proof), 200)
  t.equal(await ask(bound.access_token, proof), 401, 'replayed')
  t.equal(
    await ask(bound.access_token, await proofFor(bound.access_token, 'https://evil.example/oidc/userinfo')),
    401,
    'made for another address'
  )
  t.equal(
    await ask(bound.access_token, await proofFor(bound.access_token, `${kora.issuer}/oidc/userinfo`, { htm: 'POST' })),
    401,
    'for another method'
  )
})

t.test('private_key_jwt: an assertion is used once, and RS256 where a client asks for it', async (t) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  await addClient(kora, {
    clientId: 'keyed',
    metadata: {
      ...web,
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }] }
    }
  })
  const keyed = await RelyingParty.discover({
    issuer: kora.issuer,
    clientId: 'keyed',
    redirectUri: site.redirectUri,
    auth: oidc.PrivateKeyJwt({ key: privateKey as oidc.CryptoKey, kid: 'k1' })
  })
  const tokens = await keyed.login(kora.newBrowser(), zhuoma)
  t.equal(tokens.claims()?.aud, 'keyed')
  t.ok((await refresh(tokens, keyed)).access_token)
  const assertion = await new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
    .setIssuer('keyed')
    .setSubject('keyed')
    .setAudience(kora.issuer)
    .setIssuedAt()
    .setExpirationTime('1m')
    .sign(privateKey)
  const body = {
    token: tokens.access_token,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion
  }
  t.equal((await post('/oidc/introspect', body)).body['active'], true)
  t.match(await post('/oidc/introspect', body), { status: 401, body: { error: 'invalid_client' } }, 'replayed')

  await addClient(kora, {
    clientId: 'rsa',
    secret: 'rsa-secret-of-thirty-two-characters',
    metadata: { ...web, token_endpoint_auth_method: 'client_secret_post', id_token_signed_response_alg: 'RS256' }
  })
  const rsa = await RelyingParty.discover({
    issuer: kora.issuer,
    clientId: 'rsa',
    redirectUri: site.redirectUri,
    metadata: { id_token_signed_response_alg: 'RS256' },
    auth: oidc.ClientSecretPost('rsa-secret-of-thirty-two-characters')
  })
  t.equal((await rsa.login(kora.newBrowser(), zhuoma)).claims()?.aud, 'rsa', 'verified by the library')
})

t.test('a person who is disabled: nothing works any more, at once', async (t) => {
  const [browser, phone] = [kora.newBrowser(), kora.newBrowser()]
  const tokens = await site.login(browser, zhuoma)
  const app = await publicApp.login(phone, zhuoma)
  const started = await site.start()
  const arrival = arrivedAt(site, await site.visit(browser, started))
  const set = async (to: 'disabled' | 'active'): Promise<void> => {
    await db.updateTable('person').set({ status: to }).where('id', '=', zhuoma.person_id).execute()
  }
  await set('disabled')
  await fails(t, site.redeem(started, arrival), 'invalid_grant', 'the code')
  await fails(t, refresh(tokens), 'invalid_grant', 'a refresh token')
  await fails(t, refresh(app, publicApp), 'invalid_grant', 'a rotating refresh token')
  t.equal(
    (await fetch(`${kora.issuer}/oidc/userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } }))
      .status,
    401,
    'userinfo'
  )
  t.notOk(await active(tokens.access_token), 'introspection')
  t.equal(
    errorOf(site, await site.visit(browser, await site.start({ prompt: 'none' }))),
    'login_required',
    'silent single sign-on'
  )
  const page = await site.visit(browser, await site.start())
  t.match(page.url, /\/login$/, 'and single sign-on asks for a login')
  t.equal((await submitPassword(browser, page, zhuoma)).status, 403, 'which says that it is disabled')
  await set('active')
})

t.test('key rotation without restart, under logins', async (t) => {
  const jwks = async (): Promise<string[]> =>
    ((await (await fetch(`${kora.issuer}/oidc/jwks`)).json()) as { keys: Array<{ kid: string }> }).keys.map(
      (key) => key.kid
    )
  const browser = kora.newBrowser()
  const before = await site.login(browser, ronghe)
  const kidOf = (tokens: Tokens): string =>
    JSON.parse(Buffer.from((tokens.id_token ?? '').split('.')[0] ?? '', 'base64url').toString()).kid as string
  const next = await prePublish(db, services.crypto, 'ES256')
  await until(async () => (await jwks()).includes(next))
  const party = await demoParty(kora, 'demo-site')
  t.equal(kidOf(await party.again(browser)), kidOf(before), 'a pre-published key does not sign')
  const running = await site.start()
  const page = await site.visit(kora.newBrowser(), running)
  t.equal(page.status, 200)
  await db.transaction().execute(async (trx) => await rotate(trx, { alg: 'ES256', publishedSeconds: 0 }))
  let seen = ''
  await until(async () => {
    seen = kidOf(await party.again(browser))
    return seen === next
  })
  t.equal(seen, next, 'signs now; every login meanwhile was verified with the keys that were cached before')
  t.ok((await jwks()).includes(kidOf(before)), 'the former key stays published')
  await jwtVerify(before.id_token ?? '', createRemoteJWKSet(new URL(`${kora.issuer}/oidc/jwks`)), {
    issuer: kora.issuer
  })
  t.ok((await refresh(before, party)).access_token)
  t.equal(
    (await party.again(browser, { prompt: 'none', id_token_hint: before.id_token ?? '' })).claims()?.sub,
    before.claims()?.sub,
    'and old ID tokens are good hints'
  )
})
