/** Signed authorization responses (JARM), by an unmodified client: code and error alike, in every mode. */
import { decodeJwt, decodeProtectedHeader } from 'jose'
import * as oidc from 'openid-client'
import t from 'tap'
import { signedResponseSeconds } from '../../src/oidc/configuration.ts'
import { rotate } from '../../src/tokens/signing-keys.ts'
import { prePublish } from '../support/signing-keys.ts'
import {
  addClient,
  arrivedAt,
  RelyingParty,
  startKora,
  submitPassword,
  words,
  type Answer,
  type Browser,
  type Started
} from '../support/driver/index.ts'
import { until } from '../support/until.ts'

const kora = await startKora(t)
const { db, crypto } = kora.inside.services
const account = await kora.sandbox.account('zhuoma')
const zhuoma = { ...account, account: account.cert_no }
const redirectUri = `${kora.site}/callback`
const web = {
  application_type: 'web',
  grant_types: ['authorization_code'],
  redirect_uris: [redirectUri],
  scope: 'openid profile',
  token_endpoint_auth_method: 'client_secret_post'
}

const party = async (
  clientId: string,
  metadata: Record<string, unknown> = {},
  alg = 'ES256'
): Promise<RelyingParty> => {
  const secret = `${clientId}-secret-of-thirty-two-characters`
  await addClient(kora, { clientId, secret, metadata: { ...web, ...metadata } })
  const made = await RelyingParty.discover({
    issuer: kora.issuer,
    clientId,
    redirectUri,
    auth: oidc.ClientSecretPost(secret),
    metadata: { authorization_signed_response_alg: alg }
  })
  oidc.useJwtResponseMode(made.config)
  return made
}
const site = await party('jarm-any')
const only = await party('jarm-only', { response_modes: ['jwt', 'form_post.jwt'] })
const rsa = await party('jarm-rsa', { authorization_signed_response_alg: 'RS256' }, 'RS256')

/** A request in this mode; the client's library would write `jwt` into all. */
async function start (
  at: RelyingParty,
  { response_mode: mode = 'jwt', ...extra }: Record<string, string> = {}
): Promise<Started> {
  const started = await at.start(extra)
  started.url.searchParams.set('response_mode', mode)
  return started
}
const login = async (browser: Browser, started: Started, at = site): Promise<Answer> => {
  const page = await at.visit(browser, started)
  return /\/login$/.test(page.url) ? await submitPassword(browser, page, zhuoma, at.arrived) : page
}
const responseOf = (page: Answer): string => new URL(page.url).searchParams.get('response') ?? ''

t.test('jwt and query.jwt: one parameter, signed by Kora, for two minutes', async (t) => {
  for (const [at, mode, alg] of [
    [site, 'jwt', 'ES256'],
    [site, 'query.jwt', 'ES256'],
    [rsa, 'jwt', 'RS256'],
    [only, 'jwt', 'ES256']
  ] as const) {
    const started = await start(at, { response_mode: mode })
    const page = await login(kora.newBrowser(), started, at)
    t.same([...new URL(page.url).searchParams.keys()], ['response'], mode)
    const jwt = responseOf(page)
    t.match(decodeJwt(jwt), {
      iss: kora.issuer,
      aud: at.config.clientMetadata().client_id,
      state: started.state,
      code: String
    })
    t.same(Object.keys(decodeJwt(jwt)).sort(), ['aud', 'code', 'exp', 'iss', 'state'])
    t.ok(Math.abs((decodeJwt(jwt).exp ?? 0) - Date.now() / 1000 - signedResponseSeconds) < 30)
    t.match(decodeProtectedHeader(jwt), { alg, kid: String })
    t.equal((await at.redeem(started, arrivedAt(at, page))).claims()?.nonce, started.nonce)
  }
})

t.test('form_post.jwt: the page posts the signed answer, and its words are ours', async (t) => {
  const started = await start(site, { response_mode: 'form_post.jwt' })
  const page = await login(kora.newBrowser(), started)
  const [form] = page.forms
  t.match(form, { action: redirectUri, method: 'post' })
  t.same(Object.keys(form?.fields ?? {}), ['response'])
  t.match(words(page.text), /继续前往 localhost:\d+/)
  const posted = new Request(redirectUri, {
    method: 'POST',
    body: new URLSearchParams(form?.fields as Record<string, string>)
  })
  t.equal((await site.redeem(started, posted)).claims()?.nonce, started.nonce)
})

t.test('errors are signed, also where the request forgot to ask', async (t) => {
  const failing = async (at: RelyingParty, extra: Record<string, string>): Promise<Answer> =>
    await kora.newBrowser().go((await start(at, extra)).url.href, {}, at.arrived)
  t.match(decodeJwt(responseOf(await failing(site, { prompt: 'none' }))), {
    error: 'login_required',
    iss: kora.issuer,
    aud: 'jarm-any'
  })
  t.match(decodeJwt(responseOf(await failing(only, { response_mode: 'query' }))), {
    error: 'invalid_request',
    aud: 'jarm-only'
  })
  t.match(decodeJwt(responseOf(await failing(only, { response_mode: 'fragment' }))), { error: 'invalid_request' })
  t.match(decodeJwt(responseOf(await failing(only, { response_mode: 'nonsense' }))), {
    error: 'unsupported_response_mode'
  })
  const posted = await failing(only, { response_mode: 'form_post' })
  t.match(decodeJwt(String(posted.forms[0]?.fields['response'])), { error: 'invalid_request' })
  t.match(
    decodeJwt(
      responseOf(await failing(site, { response_mode: 'jwt', scope: 'openid', code_challenge_method: 'plain' }))
    ),
    { error: 'invalid_request' }
  )
  const foreign = await failing(site, { redirect_uri: 'https://evil.example/cb' })
  t.match(
    [foreign.status, foreign.url.startsWith(kora.issuer)],
    [400, true],
    'nothing is sent to an address that is not registered'
  )
  const plain = new URL((await failing(site, { response_mode: 'query', prompt: 'none' })).url)
  t.equal(plain.searchParams.get('error'), 'login_required', 'who asks for plain answers, and may, gets them')
})

t.test('answers of another request, for another client, or changed are refused by the client', async (t) => {
  const [browser, started, other] = [kora.newBrowser(), await site.start(), await site.start()]
  const arrival = arrivedAt(site, await login(browser, started))
  await t.rejects(site.redeem(other, arrival), { code: 'OAUTH_INVALID_RESPONSE' } as unknown as Error, 'another state')
  const url = new URL(arrival)
  const [head, body = '', signature] = (url.searchParams.get('response') ?? '').split('.')
  const changed = { ...(JSON.parse(Buffer.from(body, 'base64url').toString()) as object), state: other.state }
  url.searchParams.set(
    'response',
    [head, Buffer.from(JSON.stringify(changed)).toString('base64url'), signature].join('.')
  )
  await t.rejects(site.redeem(other, url.href), 'a state written into it')
  const foreign = await only.start()
  await t.rejects(only.redeem({ ...foreign, state: started.state }, arrival), 'aud of another client')
  t.equal((await site.redeem(started, arrival)).claims()?.nonce, started.nonce)
  await t.rejects(
    site.redeem(started, arrival),
    { error: 'invalid_grant' } as unknown as Error,
    'its code is good once'
  )
})

t.test('the key that signs now signs responses too', async (t) => {
  const before = decodeProtectedHeader(responseOf(await login(kora.newBrowser(), await site.start())))
  const next = await prePublish(db, crypto, 'ES256')
  await db.transaction().execute(async (trx) => await rotate(trx, { alg: 'ES256', publishedSeconds: 0 }))
  const browser = kora.newBrowser()
  const kid = async (): Promise<unknown> =>
    decodeProtectedHeader(responseOf(await login(browser, await site.start()))).kid
  t.ok(await until(async () => (await kid()) === next))
  t.not(before.kid, next)
})
