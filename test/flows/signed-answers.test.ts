/**
 * Userinfo (OpenID Connect Core §5.3.2) and introspection (RFC 9701) as signed JWTs, verified by unmodified clients.
 */
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair } from 'jose'
import * as oidc from 'openid-client'
import t from 'tap'
import { rotate } from '../../src/tokens/signing-keys.ts'
import { prePublish } from '../support/signing-keys.ts'
import { addClient, demoParty, RelyingParty, startKora } from '../support/driver/index.ts'
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
  scope: 'openid profile phone',
  token_endpoint_auth_method: 'client_secret_post'
}

const party = async (
  clientId: string,
  metadata: Record<string, string>,
  policy: Record<string, unknown> = {}
): Promise<RelyingParty> => {
  const secret = `${clientId}-secret-of-thirty-two-characters`
  await addClient(kora, { clientId, secret, metadata: { ...web, ...metadata }, policy })
  return await RelyingParty.discover({
    issuer: kora.issuer,
    clientId,
    redirectUri,
    scope: 'openid profile phone',
    auth: oidc.ClientSecretPost(secret),
    metadata
  })
}
const site = await party(
  'signed-es',
  { userinfo_signed_response_alg: 'ES256', introspection_signed_response_alg: 'ES256' },
  { aliases: { name: 'xm', phone_number: 'sjh' } }
)
const rsa = await party('signed-rs', {
  userinfo_signed_response_alg: 'RS256',
  introspection_signed_response_alg: 'RS256',
  subject_type: 'pairwise'
})
const plain = await demoParty(kora, 'demo-site', { scope: 'openid profile phone' })

const raw = async (accessToken: string): Promise<{ type: string | null; text: string }> => {
  const response = await fetch(`${kora.issuer}/oidc/userinfo`, { headers: { authorization: `Bearer ${accessToken}` } })
  return { type: response.headers.get('content-type'), text: await response.text() }
}
const introspect = async (
  clientId: string,
  token: string,
  accept: string
): Promise<{ status: number; type: string | null; text: string }> => {
  const response = await fetch(`${kora.issuer}/oidc/introspect`, {
    method: 'POST',
    headers: { accept },
    body: new URLSearchParams({
      client_id: clientId,
      client_secret: `${clientId}-secret-of-thirty-two-characters`,
      token
    })
  })
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
}
const asJwt = 'application/token-introspection+jwt'

t.test('userinfo: for this client, until the token ends, with the same claims', async (t) => {
  for (const [at, alg] of [
    [site, 'ES256'],
    [rsa, 'RS256']
  ] as const) {
    const tokens = await at.login(kora.newBrowser(), zhuoma)
    const sub = tokens.claims()?.sub ?? ''
    t.match(
      await oidc.fetchUserInfo(at.config, tokens.access_token, sub),
      { sub, name: account.name, phone_number: `+86${account.phone}` },
      'verified by the library'
    )
    const { type, text } = await raw(tokens.access_token)
    t.equal(type, 'application/jwt; charset=utf-8')
    t.match(decodeProtectedHeader(text), { alg, kid: String })
    t.match(decodeJwt(text), { iss: kora.issuer, aud: at.config.clientMetadata().client_id, sub })
    t.ok(Math.abs((decodeJwt(text).exp ?? 0) - Date.now() / 1000 - 600) < 60)
  }
  const tokens = await site.login(kora.newBrowser(), zhuoma)
  t.match(
    decodeJwt((await raw(tokens.access_token)).text),
    { xm: account.name, sjh: `+86${account.phone}` },
    'flat names too'
  )
  const ordinary = await plain.login(kora.newBrowser(), zhuoma)
  t.match((await raw(ordinary.access_token)).type, /^application\/json/, 'who registered nothing gets JSON')
  t.match(await raw('nothing'), { type: /^application\/json/, text: /invalid_token/ })
})

t.test('introspection: signed where it is asked for so', async (t) => {
  for (const [at, alg] of [
    [site, 'ES256'],
    [rsa, 'RS256']
  ] as const) {
    const tokens = await at.login(kora.newBrowser(), zhuoma)
    const clientId = at.config.clientMetadata().client_id
    t.match(
      await oidc.tokenIntrospection(at.config, tokens.access_token),
      { active: true, client_id: clientId },
      'verified by the library'
    )
    const signed = await introspect(clientId, tokens.access_token, asJwt)
    t.match(signed.type, /^application\/token-introspection\+jwt/)
    t.match(decodeProtectedHeader(signed.text), { alg, typ: 'token-introspection+jwt', kid: String })
    const claims = decodeJwt(signed.text)
    t.match(claims, {
      iss: kora.issuer,
      aud: clientId,
      iat: Number,
      token_introspection: {
        active: true,
        scope: 'openid profile phone',
        acr: 'urn:kora:loa:2',
        representation: { role: 'self' }
      }
    })
    t.same([claims.sub, claims.exp], [undefined, undefined], 'RFC 9701 §5: it must not pass for an access token')
    t.match(JSON.parse((await introspect(clientId, tokens.access_token, 'application/json')).text), { active: true })
    t.match(decodeJwt((await introspect(clientId, 'nothing', asJwt)).text), { token_introspection: { active: false } })
  }
  const foreign = await plain.login(kora.newBrowser(), zhuoma)
  t.same(
    decodeJwt((await introspect('signed-es', foreign.access_token, asJwt)).text)['token_introspection'],
    { active: false },
    'tokens of others stay unknown'
  )
  t.match(await introspect('signed-es', '', asJwt), { status: 400, type: /^application\/json/ }, 'errors are JSON')
})

t.test('a resource server that registered nothing gets ES256 when it asks for a JWT', async (t) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  await addClient(kora, {
    clientId: 'signed-api',
    metadata: {
      grant_types: [],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'a' }] }
    },
    policy: { introspects: ['urn:kora:demo:property'], trusted: false }
  })
  const api = await RelyingParty.discover({
    issuer: kora.issuer,
    clientId: 'signed-api',
    redirectUri,
    auth: oidc.PrivateKeyJwt({ key: privateKey as oidc.CryptoKey, kid: 'a' }),
    metadata: { introspection_signed_response_alg: 'ES256' }
  })
  const machine = await demoParty(kora, 'demo-machine')
  const tokens = await oidc.clientCredentialsGrant(machine.config, { resource: 'urn:kora:demo:property' })
  t.match(await oidc.tokenIntrospection(api.config, tokens.access_token), {
    active: true,
    client_id: 'demo-machine',
    aud: 'urn:kora:demo:property'
  })
})

t.test('the key that signs now signs these too', async (t) => {
  const tokens = await site.login(kora.newBrowser(), zhuoma)
  const kids = async (): Promise<unknown[]> =>
    [await raw(tokens.access_token), await introspect('signed-es', tokens.access_token, asJwt)].map(
      ({ text }) => decodeProtectedHeader(text).kid
    )
  const before = await kids()
  const next = await prePublish(db, crypto, 'ES256')
  await db.transaction().execute(async (trx) => await rotate(trx, { alg: 'ES256', publishedSeconds: 0 }))
  t.ok(await until(async () => (await kids()).every((kid) => kid === next)))
  t.notOk(before.includes(next))
})
