/** Client certificates (RFC 8705) that a proxy ending TLS passes on; the proxy is played by the test. */
import { X509Certificate } from 'node:crypto'
import { decodeJwt, exportJWK, generateKeyPair } from 'jose'
import * as oidc from 'openid-client'
import t, { type Test } from 'tap'
import { addClient, demoParty, RelyingParty, startKora, type Kora } from '../support/driver/index.ts'
import { certificates } from '../support/certificates.ts'

const mtlsOrigin = 'https://mtls.sso.example.gov.cn'
const env = {
  TRUSTED_PROXIES: '127.0.0.1,::1',
  MTLS_CERT_HEADER: 'X-Client-Cert',
  MTLS_VERIFY_HEADER: 'X-Client-Verify',
  MTLS_ORIGIN: mtlsOrigin
}
const kora = await startKora(t, { env })
const account = await kora.sandbox.account('zhuoma')
const zhuoma = { ...account, account: account.cert_no }
const jwtApi = 'urn:kora:demo:property:jwt'
const web = {
  application_type: 'web',
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  redirect_uris: ['http://localhost/cb'],
  scope: 'openid profile'
}

const der = (pem: string): Buffer => new X509Certificate(pem).raw
const thumbprint = (pem: string): string =>
  Buffer.from(new X509Certificate(pem).fingerprint256.replaceAll(':', ''), 'hex').toString('base64url')
const keyOf = (pem: string): Record<string, unknown> => ({
  ...new X509Certificate(pem).publicKey.export({ format: 'jwk' }),
  x5c: [der(pem).toString('base64')]
})

/** What the proxy says of the connection. */
interface Seen {
  pem?: string
  verify?: string
  header?: string
}
const headersOf = ({ pem, verify = 'SUCCESS', header }: Seen): Record<string, string> =>
  pem === undefined && header === undefined
    ? {}
    : { 'x-client-cert': header ?? encodeURIComponent(`${pem}\n`), 'x-client-verify': verify }
/** The way through the proxy, also from its other address. */
const through =
  (at: Kora, seen: () => Seen): typeof fetch =>
    async (input, init = {}) => {
      const url = String(input instanceof Request ? input.url : input).replace(mtlsOrigin, at.issuer)
      return await fetch(url, {
        ...init,
        headers: { ...Object.fromEntries(new Headers(init.headers)), ...headersOf(seen()) }
      })
    }
const post = async (
  path: string,
  body: Record<string, string>,
  seen: Seen,
  at: Kora = kora
): Promise<{ status: number; body: Record<string, unknown> }> => {
  const response = await fetch(at.issuer + path, {
    method: 'POST',
    body: new URLSearchParams(body),
    headers: headersOf(seen)
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}
const machine = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] }
const fetchToken = async (clientId: string, seen: Seen, at: Kora = kora): Promise<unknown> => {
  const { status, body } = await post(
    '/oidc/token',
    { client_id: clientId, grant_type: 'client_credentials' },
    seen,
    at
  )
  return status === 200 ? 'token' : body['error']
}
const add = async (clientId: string, metadata: Record<string, unknown>, at: Kora = kora): Promise<string> => {
  await addClient(at, { clientId, metadata: { ...machine, ...metadata }, policy: { trusted: false } })
  return clientId
}

t.test('discovery says what is on, and where certificates are asked for', async (t) => {
  const document = (await (await fetch(`${kora.issuer}/.well-known/openid-configuration`)).json()) as Record<
    string,
    unknown
  >
  t.same(document['token_endpoint_auth_methods_supported'], [
    'client_secret_basic',
    'client_secret_post',
    'private_key_jwt',
    'self_signed_tls_client_auth',
    'tls_client_auth',
    'none'
  ])
  t.equal(document['tls_client_certificate_bound_access_tokens'], true)
  t.same(document['mtls_endpoint_aliases'], {
    token_endpoint: `${mtlsOrigin}/oidc/token`,
    userinfo_endpoint: `${mtlsOrigin}/oidc/userinfo`,
    introspection_endpoint: `${mtlsOrigin}/oidc/introspect`,
    revocation_endpoint: `${mtlsOrigin}/oidc/revoke`,
    pushed_authorization_request_endpoint: `${mtlsOrigin}/oidc/par`,
    device_authorization_endpoint: `${mtlsOrigin}/oidc/device-authorization`
  })
})

t.test('tls_client_auth: a verified certificate with exactly the registered name', async (t) => {
  const names: Array<[string, string]> = [
    ['tls_client_auth_subject_dn', 'CN=tax-client,O=西藏示例\\, 公司,C=CN'],
    ['tls_client_auth_san_dns', 'client.tax.example.gov.cn'],
    ['tls_client_auth_san_uri', 'urn:example:tax'],
    ['tls_client_auth_san_ip', '10.1.2.3'],
    ['tls_client_auth_san_email', 'ops@tax.example.gov.cn']
  ]
  for (const [name, value] of names) {
    const clientId = await add(name.replaceAll('_', '-'), {
      token_endpoint_auth_method: 'tls_client_auth',
      [name]: value
    })
    t.equal(await fetchToken(clientId, { pem: certificates.site }), 'token', name)
    t.equal(
      await fetchToken(clientId, { header: `:${der(certificates.site).toString('base64')}:` }),
      'token',
      `${name}, RFC 9440`
    )
    for (const [what, seen] of [
      ['another certificate', { pem: certificates.evil }],
      ['not verified', { pem: certificates.site, verify: 'FAILED:self signed certificate' }],
      ['verification not told', { pem: certificates.site, verify: 'NONE' }],
      ['no certificate', {}],
      ['two in one header', { header: encodeURIComponent(`${certificates.evil}\n${certificates.site}`) }],
      [
        'a header sent twice',
        { header: `${encodeURIComponent(certificates.evil)}, ${encodeURIComponent(certificates.site)}` }
      ],
      ['nonsense', { header: '%E0%A4%A' }],
      ['empty', { header: '::' }]
    ] as Array<[string, Seen]>) {
      t.equal(await fetchToken(clientId, seen), 'invalid_client', `${name}: ${what}`)
    }
  }
  t.equal(
    await fetchToken('tls-client-auth-subject-dn', { pem: certificates.multi }),
    'invalid_client',
    'an element with two values is no such name'
  )
  t.match(
    await post(
      '/oidc/token',
      { client_id: 'tls-client-auth-san-ip', client_secret: 'x', grant_type: 'client_credentials' },
      { pem: certificates.site }
    ),
    { status: 401 },
    'no second way beside it'
  )
})

t.test('self_signed_tls_client_auth: the registered certificate itself', async (t) => {
  const clientId = await add('self-signed', {
    token_endpoint_auth_method: 'self_signed_tls_client_auth',
    jwks: { keys: [keyOf(certificates.site)] }
  })
  t.equal(
    await fetchToken(clientId, { pem: certificates.site, verify: 'FAILED:self signed certificate' }),
    'token',
    'nobody has to verify it'
  )
  for (const pem of [certificates.double, certificates.evil]) {
    t.equal(await fetchToken(clientId, { pem }), 'invalid_client', 'the same subject is not enough')
  }
  t.equal(await fetchToken(clientId, {}), 'invalid_client')
})

t.test(
  'headers are believed from trusted proxies only, and without the setting nobody has certificates',
  async (t) => {
    const far = await startKora(t, { env: { ...env, TRUSTED_PROXIES: '192.0.2.0/24' } })
    await add('far', { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_ip: '10.1.2.3' }, far)
    t.equal(
      await fetchToken('far', { pem: certificates.site }, far),
      'invalid_client',
      'anybody could have written them'
    )
    const half = await startKora(t, {
      env: { TRUSTED_PROXIES: env.TRUSTED_PROXIES, MTLS_CERT_HEADER: 'X-Client-Cert' }
    })
    await add('half', { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_ip: '10.1.2.3' }, half)
    t.equal(
      await fetchToken('half', { pem: certificates.site }, half),
      'invalid_client',
      'nobody says that certificates were verified'
    )
    await add(
      'half-self',
      { token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: { keys: [keyOf(certificates.site)] } },
      half
    )
    t.equal(await fetchToken('half-self', { pem: certificates.site }, half), 'token')
  }
)

t.test(
  'a whole login with certificate-bound tokens, by an unmodified client at the other address',
  async (t: Test) => {
    let seen: Seen = { pem: certificates.site }
    const redirectUri = `${kora.site}/callback`
    await addClient(kora, {
      clientId: 'bound',
      metadata: {
        ...web,
        redirect_uris: [redirectUri],
        token_endpoint_auth_method: 'tls_client_auth',
        tls_client_auth_san_uri: 'urn:example:tax',
        tls_client_certificate_bound_access_tokens: true
      },
      policy: { introspects: [] },
      resources: { [jwtApi]: { machineScopes: ['property:read'] } }
    })
    const site = await RelyingParty.discover({
      issuer: kora.issuer,
      clientId: 'bound',
      redirectUri,
      auth: oidc.TlsClientAuth(),
      metadata: { use_mtls_endpoint_aliases: true },
      fetch: through(kora, () => seen)
    })
    const tokens = await site.login(kora.newBrowser(), zhuoma)
    const sub = tokens.claims()?.sub ?? ''
    t.match(await oidc.fetchUserInfo(site.config, tokens.access_token, sub), { sub })
    t.match(await oidc.tokenIntrospection(site.config, tokens.access_token), {
      active: true,
      cnf: { 'x5t#S256': thumbprint(certificates.site) }
    })
    const bearer = async (pem?: string): Promise<number> =>
      (
        await fetch(`${kora.issuer}/oidc/userinfo`, {
          headers: { authorization: `Bearer ${tokens.access_token}`, ...headersOf(pem === undefined ? {} : { pem }) }
        })
      ).status
    t.same(
      [await bearer(certificates.site), await bearer(certificates.double), await bearer()],
      [200, 401, 401],
      'of use with this certificate only'
    )
    seen = { pem: certificates.double }
    await t.rejects(
      oidc.refreshTokenGrant(site.config, tokens.refresh_token ?? ''),
      'another certificate gets nothing'
    )
    seen = { pem: certificates.site }
    t.match(
      await oidc.tokenIntrospection(
        site.config,
        (await oidc.refreshTokenGrant(site.config, tokens.refresh_token ?? '')).access_token
      ),
      { cnf: { 'x5t#S256': thumbprint(certificates.site) } }
    )
    const jwt = await oidc.clientCredentialsGrant(site.config, { resource: jwtApi })
    t.match(decodeJwt(jwt.access_token), { aud: jwtApi, cnf: { 'x5t#S256': thumbprint(certificates.site) } })
    t.notMatch(kora.logs().join('\n'), /BEGIN%20CERTIFICATE|BEGIN CERTIFICATE/)
  }
)

t.test('the admin API, which sees no certificates, takes no token that is bound to one', async (t) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const signs = {
    ...machine,
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'a' }] }
  }
  for (const [clientId, more, status] of [
    ['admin-bound', { tls_client_certificate_bound_access_tokens: true }, 401],
    ['admin-plain', {}, 200]
  ] as const) {
    await addClient(kora, {
      clientId,
      metadata: { ...signs, ...more },
      policy: { trusted: false, adminScopes: ['kora.clients:read'] }
    })
    const config = (
      await RelyingParty.discover({
        issuer: kora.issuer,
        clientId,
        redirectUri: 'http://localhost/cb',
        auth: oidc.PrivateKeyJwt({ key: privateKey as oidc.CryptoKey, kid: 'a' }),
        fetch: through(kora, () => ({ pem: certificates.site }))
      })
    ).config
    const { access_token: token } = await oidc.clientCredentialsGrant(config, {
      resource: `${kora.issuer}/admin/api`,
      scope: 'kora.clients:read'
    })
    t.equal(
      (
        await fetch(`${kora.issuer}/admin/api/v1/clients`, {
          headers: { authorization: `Bearer ${token}`, ...headersOf({ pem: certificates.site }) }
        })
      ).status,
      status,
      clientId
    )
  }
})

t.test('other clients are what they were, whatever certificate comes along', async (t) => {
  const plain = await demoParty(kora, 'demo-site', { fetch: through(kora, () => ({ pem: certificates.evil })) })
  const tokens = await plain.login(kora.newBrowser(), zhuoma)
  t.notOk((await oidc.tokenIntrospection(plain.config, tokens.access_token)).cnf)
})
