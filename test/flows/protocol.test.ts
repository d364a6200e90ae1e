/** The authorization request and the ID token, seen by an unmodified relying-party library. */
import { readFile } from 'node:fs/promises'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { sql } from 'kysely'
import * as oidc from 'openid-client'
import t from 'tap'
import {
  arrivedAt,
  at,
  demoParty,
  errorOf,
  scanAndReturn,
  startKora,
  submitPassword,
  words,
  type Browser,
  type RelyingParty,
  type Started
} from '../support/driver/index.ts'

const kora = await startKora(t)
const { db } = kora.inside.services
const zhuoma = { ...(await kora.sandbox.account('zhuoma')), account: '' }
zhuoma.account = zhuoma.cert_no
const ronghe = { ...(await kora.sandbox.account('ronghe')), account: '' }
ronghe.account = ronghe.cert_no
const site = await demoParty(kora, 'demo-site', { scope: 'openid profile phone' })

const loggedIn = async (
  person = zhuoma,
  party: RelyingParty = site
): Promise<{ browser: Browser; tokens: Awaited<ReturnType<RelyingParty['login']>> }> => {
  const browser = kora.newBrowser()
  return { browser, tokens: await party.login(browser, person) }
}
/** As if the person had logged in so long ago. */
const age = async (sub: string, seconds: number): Promise<void> => {
  await sql`update oidc_artifact set payload = payload || jsonb_build_object('loginTs',
    (payload->>'loginTs')::bigint - ${seconds}::bigint)
    where model = 'Session' and account_id = ${sub}`.execute(db)
}
const visitError = async (browser: Browser, extra: Record<string, string>, party = site): Promise<string | null> =>
  errorOf(party, await party.visit(browser, await party.start(extra)))

t.test('discovery lists exactly what is on', async (t) => {
  const response = await fetch(`${kora.issuer}/.well-known/openid-configuration`)
  const golden = (await readFile(new URL('discovery.golden.json', import.meta.url), 'utf8')).replaceAll(
    '<issuer>',
    kora.issuer
  )
  t.same(await response.json(), JSON.parse(golden))
  t.equal(response.headers.get('cache-control'), 'public, max-age=3600')
  const other = await fetch(`${kora.issuer}/.well-known/openid-configuration`, {
    headers: { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'gopher', forwarded: 'host=evil.example' }
  })
  t.same(await other.json(), JSON.parse(golden), 'whatever forwarded headers say')
})

t.test('JWKS: public members only, one key of each algorithm, cacheable', async (t) => {
  const response = await fetch(`${kora.issuer}/oidc/jwks`)
  t.equal(response.headers.get('cache-control'), 'public, max-age=3600')
  const { keys } = (await response.json()) as { keys: Array<Record<string, string>> }
  t.same(keys.map((key) => key['alg']).sort(), ['ES256', 'RS256'])
  for (const key of keys) {
    t.same(
      Object.keys(key).filter((name) => ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth'].includes(name)),
      []
    )
    if (key['kty'] === 'RSA') t.ok(Buffer.from(key['n'] ?? '', 'base64url').length * 8 >= 3072)
  }
})

t.test('codes and tokens begin with a letter or a digit: people pass them on a command line', async (t) => {
  const { provider } = kora.inside.kora.oidc
  for (const name of [
    'AuthorizationCode',
    'AccessToken',
    'RefreshToken',
    'ClientCredentials',
    'DeviceCode'
  ] as const) {
    const token = new provider[name]({} as never) as unknown as { generateTokenId(): string }
    const made = Array.from({ length: 500 }, () => token.generateTokenId())
    t.same(
      made.filter((value) => !/^[A-Za-z0-9][\w-]{42}$/.test(value)),
      [],
      name
    )
  }
})

t.test('code and PKCE: state, nonce, iss, and what the ID token says', async (t) => {
  const browser = kora.newBrowser()
  const started = await site.start()
  const arrival = arrivedAt(
    site,
    await submitPassword(browser, await site.visit(browser, started), zhuoma, site.arrived)
  )
  const answer = new URL(arrival)
  t.equal(answer.searchParams.get('state'), started.state)
  t.equal(answer.searchParams.get('iss'), kora.issuer, 'RFC 9207')
  t.same([...answer.searchParams.keys()].sort(), ['code', 'iss', 'state'])
  const tokens = await site.redeem(started, arrival)
  const claims = tokens.claims()
  t.match(claims, {
    iss: kora.issuer,
    aud: 'demo-site',
    nonce: started.nonce,
    acr: 'urn:kora:loa:2',
    amr: ['pwd'],
    representation: { role: 'self' },
    sub: /^[\w-]{16,}$/
  })
  t.ok(Math.abs((claims?.['auth_time'] as number) - Date.now() / 1000) < 30)
  t.equal(decodeProtectedHeader(tokens.id_token ?? '').alg, 'ES256')
  t.equal(tokens.token_type, 'bearer')
  t.notMatch(tokens.access_token, /\./, 'opaque')
  t.notMatch(
    JSON.stringify(claims),
    new RegExp(`${zhuoma.cert_no}|${zhuoma.phone}|${zhuoma.name}`),
    'no personal data in the ID token'
  )
  const unexpected = [
    'sub',
    'aud',
    'iss',
    'iat',
    'exp',
    'nonce',
    'acr',
    'amr',
    'auth_time',
    'at_hash',
    'sid',
    'azp',
    'assurance_level',
    'representation'
  ]
  t.same(
    Object.keys(claims ?? {}).filter((name) => !unexpected.includes(name)),
    []
  )
  const userinfo = await oidc.fetchUserInfo(site.config, tokens.access_token, claims?.sub ?? '')
  t.match(userinfo, {
    name: zhuoma.name,
    phone_number: `+86${zhuoma.phone}`,
    phone_number_verified: true,
    'name#bo': String
  })
  t.notOk('cert_no' in userinfo)
})

t.test('response_mode=form_post: the page posts to the registered address only, and needs no script', async (t) => {
  const { browser } = await loggedIn()
  const started = await site.start({ response_mode: 'form_post' })
  const page = await site.visit(browser, started)
  t.equal(page.status, 200)
  const [form] = page.forms
  t.equal(form?.action, site.redirectUri)
  t.equal(form?.method, 'post')
  const csp = page.headers.get('content-security-policy') ?? ''
  t.match(csp, /script-src 'self' 'sha256-[\w+/=]+'/, 'its script is allowed by hash')
  t.notMatch(csp, /unsafe/)
  t.match(csp, /frame-ancestors 'none'/)
  t.equal(page.headers.get('cache-control'), 'no-store')
  t.match(page.text, /<html lang="zh-CN">/)
  t.match(words(page.text), /继续前往 localhost:\d+/, 'a button in the language of the page')
  const posted = new Request(site.redirectUri, {
    method: 'POST',
    body: new URLSearchParams(form?.fields as Record<string, string>)
  })
  t.equal((await site.redeem(started, posted)).claims()?.acr, 'urn:kora:loa:2')
})

t.test('prompt=none', async (t) => {
  t.equal(await visitError(kora.newBrowser(), { prompt: 'none' }), 'login_required')
  const { browser, tokens } = await loggedIn()
  const again = await site.again(browser, { prompt: 'none' })
  t.equal(again.claims()?.sub, tokens.claims()?.sub)
  t.equal(again.claims()?.['auth_time'], tokens.claims()?.['auth_time'], 'single sign-on is no authentication')
  t.equal(again.claims()?.['sid'], tokens.claims()?.['sid'])
  const silent = await db
    .selectFrom('auditEvent as e')
    .innerJoin('person as p', 'p.id', 'e.personId')
    .select(['e.clientId', 'e.role', 'e.address', 'p.sub'])
    .where('e.type', '=', 'login.single-sign-on')
    .orderBy('e.id', 'desc')
    .executeTakeFirst()
  t.match(silent, { clientId: 'demo-site', role: 'self', address: /^(?:127\.|::1)/, sub: again.claims()?.sub ?? '' })
  t.equal(
    await visitError(browser, { prompt: 'none', acr_values: 'urn:kora:loa:3' }),
    'interaction_required',
    'the session is weaker than asked'
  )
  t.equal(
    await visitError(browser, {
      prompt: 'none',
      claims: JSON.stringify({ id_token: { acr: { essential: true, value: 'urn:kora:loa:3' } } })
    }),
    'interaction_required'
  )
  t.equal(
    await visitError(browser, { prompt: 'none', scope: 'openid profile' }, await demoParty(kora, 'demo-consent')),
    'consent_required'
  )
  t.equal(await visitError(browser, { prompt: 'none' }, await demoParty(kora, 'demo-level3')), 'interaction_required')
  await age(tokens.claims()?.sub ?? '', 600)
  t.equal(await visitError(browser, { prompt: 'none', max_age: '300' }), 'login_required')
})

t.test('max_age: a login that is too old is repeated, one that is not is not', async (t) => {
  const { browser, tokens } = await loggedIn(ronghe)
  const before = tokens.claims()?.['auth_time'] as number
  await age(tokens.claims()?.sub ?? '', 600)
  const still = await site.again(browser, { max_age: '3600' })
  t.equal(still.claims()?.['auth_time'], before - 600)
  const started = await site.start({ max_age: '300' })
  const page = await site.visit(browser, started)
  t.match(at(page), /\/login$/)
  t.match(words(page.text), /1\*+X/, 'it says as whom, masked')
  const renewed = await site.redeem(
    started,
    arrivedAt(site, await submitPassword(browser, page, { ...ronghe, account: '' }, site.arrived))
  )
  t.equal(renewed.claims()?.sub, tokens.claims()?.sub)
  t.ok((renewed.claims()?.['auth_time'] as number) >= before)
  const zero = await site.visit(browser, await site.start({ max_age: '0' }))
  t.match(at(zero), /\/login$/, 'max_age=0 always asks')
})

t.test('prompt=login: the password again, auth_time is renewed', async (t) => {
  const { browser, tokens } = await loggedIn(ronghe)
  await age(tokens.claims()?.sub ?? '', 600)
  const started = await site.start({ prompt: 'login' })
  const page = await site.visit(browser, started)
  t.match(at(page), /\/login$/)
  const renewed = await site.redeem(
    started,
    arrivedAt(site, await submitPassword(browser, page, ronghe, site.arrived))
  )
  t.ok((renewed.claims()?.['auth_time'] as number) > (tokens.claims()?.['auth_time'] as number) - 600)
  t.equal(renewed.claims()?.sub, tokens.claims()?.sub)
})

t.test('prompt=login with another account: identities never mix', async (t) => {
  const { browser, tokens } = await loggedIn(ronghe)
  const started = await site.start({ prompt: 'login' })
  const page = await site.visit(browser, started)
  const other = await browser.go(page.url.replace(/\/login$/, '/other'))
  const switched = await site.redeem(
    started,
    arrivedAt(site, await submitPassword(browser, other, zhuoma, site.arrived))
  )
  t.not(switched.claims()?.sub, tokens.claims()?.sub)
  t.same(switched.claims()?.['amr'], ['pwd'])
  t.not(switched.claims()?.['sid'], tokens.claims()?.['sid'], 'another session')
  const userinfo = await oidc.fetchUserInfo(site.config, switched.access_token, switched.claims()?.sub ?? '')
  t.equal(userinfo.name, zhuoma.name)
  t.equal(
    (await site.again(browser, { prompt: 'none' })).claims()?.sub,
    switched.claims()?.sub,
    'and the session is theirs'
  )
})

t.test('id_token_hint of somebody else with prompt=none is refused', async (t) => {
  const { browser } = await loggedIn(zhuoma)
  const { tokens } = await loggedIn(ronghe)
  t.equal(await visitError(browser, { prompt: 'none', id_token_hint: tokens.id_token ?? '' }), 'login_required')
})

t.test('prompt=select_account: go on as this person, or as another', async (t) => {
  const { browser, tokens } = await loggedIn(zhuoma)
  const started = await site.start({ prompt: 'select_account' })
  const page = await site.visit(browser, started)
  t.match(at(page), /\/select$/)
  t.match(words(page.text), /5\*+9/)
  const chosen = await browser.submit(
    page,
    { choice: 'self' },
    { form: (form) => form.action.endsWith('/select'), stop: site.arrived }
  )
  t.equal((await site.redeem(started, arrivedAt(site, chosen))).claims()?.sub, tokens.claims()?.sub)
})

t.test('acr_values and the essential acr claim raise the level; several values are alternatives', async (t) => {
  const { browser, tokens } = await loggedIn(zhuoma)
  const either = await site.again(browser, { acr_values: 'urn:kora:loa:3 urn:kora:loa:2' })
  t.equal(either.claims()?.acr, 'urn:kora:loa:2')
  const claims = JSON.stringify({ id_token: { acr: { essential: true, values: ['urn:kora:loa:3'] } } })
  const started = await site.start({ claims })
  const qr = await site.visit(browser, started)
  t.match(at(qr), /\/qr$/, 'only what is missing')
  const strong = await site.redeem(
    started,
    arrivedAt(site, await scanAndReturn(browser, kora.sandbox, qr, 'zhuoma', site.arrived))
  )
  t.equal(strong.claims()?.acr, 'urn:kora:loa:3')
  t.strictSame([...(strong.claims()?.['amr'] as string[])].sort(), ['face', 'mfa', 'pwd'])
  t.equal(strong.claims()?.sub, tokens.claims()?.sub)
  const none = await site.again(browser, { prompt: 'none', acr_values: 'urn:kora:loa:3' })
  t.equal(none.claims()?.acr, 'urn:kora:loa:3', 'and it lasts')
  const unreachable = await site.visit(browser, await site.start({ acr_values: 'urn:kora:loa:4' }))
  t.equal(errorOf(site, unreachable), 'unmet_authentication_requirements')
  const unknown = await site.again(browser, { acr_values: 'urn:other:gold' })
  t.equal(unknown.claims()?.acr, 'urn:kora:loa:3', 'a voluntary acr that is not ours is no error')
})

t.test('login_hint fills the form; ui_locales choose the language', async (t) => {
  const page = await site.visit(
    kora.newBrowser(),
    await site.start({ login_hint: '13900139000', ui_locales: 'en zh-CN' })
  )
  t.equal(page.forms.find((form) => 'password' in form.fields)?.fields['account'], '13900139000')
  t.match(page.text, /<html[^>]+lang="en"/)
  t.match((await site.visit(kora.newBrowser(), await site.start({ ui_locales: 'bo' }))).text, /<html[^>]+lang="bo"/)
  t.match((await site.visit(kora.newBrowser(), await site.start({ ui_locales: 'xx' }))).text, /<html[^>]+lang="zh-CN"/)
})

t.test('the claims parameter cannot fetch what no scope gave, and never fills the ID token with it', async (t) => {
  const claims = JSON.stringify({
    userinfo: { cert_no: { essential: true }, email: null, phone_number: null },
    id_token: { cert_no: { essential: true }, birthdate: null, name: null }
  })
  const asks = async (
    party: RelyingParty,
    scope: string
  ): Promise<{ idToken: Record<string, unknown>; userinfo: Record<string, unknown> }> => {
    const { browser } = await loggedIn(zhuoma, party)
    const tokens = await party.again(browser, { scope, claims })
    return {
      idToken: decodeJwt(tokens.id_token ?? ''),
      userinfo: await oidc.fetchUserInfo(party.config, tokens.access_token, tokens.claims()?.sub ?? '')
    }
  }
  const without = await asks(site, 'openid')
  t.notOk('cert_no' in without.userinfo, 'without the identity scope: no document number')
  t.notOk('cert_no' in without.idToken)
  t.notOk('birthdate' in without.idToken)
  const withScope = await asks(site, 'openid identity')
  t.equal(withScope.userinfo['cert_no'], zhuoma.cert_no)
  t.notOk('cert_no' in withScope.idToken, 'never in an ID token')
  t.notOk('birthdate' in withScope.idToken)
})

t.test('subjects: public for the demo site, pairwise for demo-consent, both stable', async (t) => {
  const pairwise = await demoParty(kora, 'demo-consent', { scope: 'openid' })
  const { browser, tokens } = await loggedIn(zhuoma)
  const first = await pairwise.again(browser)
  t.not(first.claims()?.sub, tokens.claims()?.sub)
  t.equal((await pairwise.again(browser)).claims()?.sub, first.claims()?.sub)
  t.equal(
    (await oidc.fetchUserInfo(pairwise.config, first.access_token, first.claims()?.sub ?? '')).sub,
    first.claims()?.sub
  )
  const introspected = await oidc.tokenIntrospection(pairwise.config, first.access_token)
  t.equal(introspected.sub, first.claims()?.sub, 'introspection says the same')
})

t.test('consent: optional data may be refused, the decision is remembered, no means no', async (t) => {
  const party = await demoParty(kora, 'demo-consent', { scope: 'openid profile phone email' })
  const { browser } = await loggedIn(ronghe)
  const ask = async (
    extra: Record<string, string> = {}
  ): Promise<{ started: Started; page: Awaited<ReturnType<RelyingParty['visit']>> }> => {
    const started = await party.start(extra)
    return { started, page: await party.visit(browser, started) }
  }
  const denied = await ask()
  t.match(at(denied.page), /\/consent$/)
  t.match(words(denied.page.text), /公积金查询/)
  t.notMatch(denied.page.text, new RegExp(`${ronghe.phone}|${ronghe.cert_no}|${ronghe.name}`), 'masked')
  t.equal(
    errorOf(party, await browser.submit(denied.page, { decision: 'deny' }, { stop: party.arrived })),
    'access_denied'
  )
  t.equal(
    (
      await db.selectFrom('auditEvent').select('personId').where('type', '=', 'consent.refused').execute()
    ).length,
    1,
    'the trail has the refusal'
  )

  const { started, page } = await ask()
  const back = await browser.submit(page, { decision: 'grant', scope: ['profile', 'email'] }, { stop: party.arrived })
  const tokens = await party.redeem(started, arrivedAt(party, back))
  t.strictSame((tokens.scope ?? '').split(' ').sort(), ['email', 'openid', 'profile'], 'the phone was refused')
  const userinfo = await oidc.fetchUserInfo(party.config, tokens.access_token, tokens.claims()?.sub ?? '')
  t.equal(userinfo.name, ronghe.name)
  t.notOk('phone_number' in userinfo)

  const again = await party.again(browser)
  t.strictSame((again.scope ?? '').split(' ').sort(), ['email', 'openid', 'profile'], 'remembered: nothing is asked')
  const prompted = await ask({ prompt: 'consent' })
  t.match(at(prompted.page), /\/consent$/, 'unless the site asks for it')

  const sensitive = await ask({ scope: 'openid profile identity' })
  t.match(at(sensitive.page), /\/consent$/, 'something new')
  const unticked = await browser.submit(
    sensitive.page,
    { decision: 'grant', scope: ['profile'] },
    { stop: party.arrived }
  )
  t.equal(unticked.status, 422, 'sensitive data needs its own tick')
  const ticked = await browser.submit(
    unticked,
    { decision: 'grant', scope: ['profile', 'identity'] },
    { stop: party.arrived }
  )
  const full = await party.redeem(sensitive.started, arrivedAt(party, ticked))
  t.equal(
    (await oidc.fetchUserInfo(party.config, full.access_token, full.claims()?.sub ?? ''))['cert_no'],
    ronghe.cert_no
  )
})
