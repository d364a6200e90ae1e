import t from 'tap'
import { generateKeyPairSync } from 'node:crypto'
import { write } from '../../../../src/database/transaction.ts'
import { startKora, words } from '../../../support/driver/index.ts'
import { until } from '../../../support/until.ts'
import { createClient } from '../../../../src/records/clients/index.ts'
import { clientIdIn, logIn, pathOf, posts, register, site } from './walks.ts'
import { approve, signInAs } from '../support.ts'
import { said, saidInOrder } from '../../../support/texts.ts'

const kora = await startKora(t)

t.test(
  'trial login as whoever the client is: by secret in the body, by keys, pairwise, in the high profile',
  { timeout: 120_000 },
  async (t) => {
    const { browser } = await signInAs(kora, 'system')
    const { services } = kora.inside
    const key = {
      ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }),
      kid: 'own'
    }
    const content = (metadata: object, policy: object = {}): object => ({
      kind: 'server',
      metadata: { redirect_uris: ['https://a.gov.cn/cb'], scope: 'openid profile', ...metadata },
      policy: { names: { 'zh-CN': '试用' }, purposes: { profile: '显示姓名' }, ...policy }
    })
    const signs = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key] } }
    const make = async (input: object): Promise<{ clientId: string; secret: string }> => {
      const made = await write(services, createClient, {
        act: { actor: 'admin:test', reason: 'x', address: null, traceId: null },
        content: input,
        approved: true
      })
      if (made.outcome !== 'created') throw new Error(JSON.stringify(made))
      return { clientId: made.client.clientId, secret: made.secret?.secret ?? '' }
    }
    const tried = async (input: object): Promise<string> => {
      const { clientId, secret } = await make(input)
      const login = await browser.submit(
        await browser.go(`${kora.issuer}/admin/clients/${clientId}/test`),
        { secret },
        { form: posts('/test') }
      )
      const result = login.forms.some(posts('/consent'))
        ? await browser.submit(login, { decision: 'grant' }, { form: posts('/consent') })
        : await logIn(kora, browser, login, () => false)
      t.equal(pathOf(result), '/admin/trial/callback')
      return words(result.text)
    }
    const good = /用授权码换令牌 正确 HTTP 200.*ID 令牌的内容 正确.*用户信息 正确 HTTP 200/
    for (const [name, input, more] of [
      [
        'secret in the body',
        content({ token_endpoint_auth_method: 'client_secret_post' }),
        /client_secret=\$OIDC_CLIENT_SECRET/
      ],
      ['keys', content(signs), /client_assertion=\$ASSERTION/],
      [
        'signed requests and userinfo',
        content({
          ...signs,
          require_signed_request_object: true,
          request_object_signing_alg: 'ES256',
          userinfo_signed_response_alg: 'ES256'
        }),
        /"aud": "site-/
      ],
      ['pairwise', content({ subject_type: 'pairwise' }), /"sub"/],
      ['public', { ...content({}), kind: 'spa' }, /client_id=site-/],
      [
        'high profile',
        content(
          { ...signs, require_pushed_authorization_requests: true, dpop_bound_access_tokens: true },
          { profile: 'high' }
        ),
        saidInOrder('console.clients.trial.push', /DPoP: \$PROOF/, /DPoP jkt/)
      ]
    ] as const) {
      const text = await tried(input)
      t.match(text, good, name)
      t.match(text, more, name)
    }
    // the subject is the one that the site will get: of its own sector, not of the callback's
    const { clientId: pairwise } = await make(content({ subject_type: 'pairwise' }))
    t.equal((await kora.inside.kora.oidc.provider.Client.find(pairwise))?.sectorIdentifier, 'a.gov.cn')

    // a pushed request that is refused is shown as it was answered
    const { clientId: wrong } = await make(content({ require_pushed_authorization_requests: true }))
    const refused = await browser.submit(
      await browser.go(`${kora.issuer}/admin/clients/${wrong}/test`),
      { secret: 'not-it' },
      { form: posts('/test') }
    )
    t.match(words(refused.text), /推送授权请求 \(PAR\) 有问题 HTTP 401.*invalid_client/)

    for (const [input, why] of [
      [content({ ...signs, jwks: undefined, jwks_uri: 'https://a.gov.cn/jwks' }), /jwks_uri.*JWKS/],
      [content({ ...signs, token_endpoint_auth_signing_alg: 'PS256' }), /只接受 PS256 签名/],
      [content({ response_modes: ['form_post'] }), /form_post/],
      [content({ response_modes: ['jwt'] }), said('console.clients.trial.not.form_post')],
      [content({ ...signs, request_object_signing_alg: 'RS256' }), /只接受 RS256 签名/],
      [
        { kind: 'device', metadata: { scope: 'openid' }, policy: { names: { 'zh-CN': '自助机' } } },
        said('console.clients.trial.not.no_browser')
      ]
    ] as const) {
      const { clientId } = await make(input)
      const page = await browser.go(`${kora.issuer}/admin/clients/${clientId}/test`)
      t.match(words(page.text), why)
      t.notOk(page.forms.some(posts('/test')))
    }
  }
)

t.test('the trial key opens clients in test only', async (t) => {
  const {
    services,
    kora: {
      oidc: { provider }
    }
  } = kora.inside
  const jwks = {
    keys: [{ ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }), kid: 'own' }]
  }
  const keysOf = async (status: 'test' | 'live'): Promise<string[]> => {
    const made = await write(services, createClient, {
      act: { actor: 'admin:test', reason: 'x', address: null, traceId: null },
      content: {
        kind: 'server',
        metadata: { redirect_uris: ['https://a.gov.cn/cb'], scope: 'openid', jwks },
        policy: { names: { 'zh-CN': '试用' } }
      },
      status,
      approved: true
    })
    if (made.outcome !== 'created') throw new Error(made.outcome)
    t.same(made.client.metadata.jwks, jwks, 'it is stored nowhere')
    const client = await provider.Client.find(made.client.clientId)
    t.equal(client?.redirectUriAllowed(`${kora.issuer}/admin/trial/callback`), status === 'test')
    t.equal(client?.redirectUriAllowed('https://a.gov.cn/cb'), true)
    t.equal(client?.redirectUriAllowed(`${kora.issuer}/admin/callback`), false)
    return (client?.jwks as { keys: Array<{ kid: string }> }).keys.map(({ kid }) => kid)
  }
  t.same([await keysOf('test'), await keysOf('live')], [['own', 'kora-trial'], ['own']])
})

t.test('trial login: every step, for clients in test only', async (t) => {
  const { browser } = await signInAs(kora, 'system')
  const made = await register(kora, { browser }, { ...site, redirect_uris: 'https://a.gov.cn/cb' })
  const clientId = clientIdIn(made)
  const secret = /id="once" value="([\w-]{43})"/.exec(made.text)?.[1] ?? ''
  const page = await browser.go(`${kora.issuer}/admin/clients/${clientId}/test`)
  const login = await browser.submit(page, { secret }, { form: posts('/test') })
  const result = await logIn(kora, browser, login, () => false)
  t.equal(pathOf(result), '/admin/trial/callback')
  t.match(words(result.text), /用授权码换令牌 正确 HTTP 200/)
  t.match(words(result.text), new RegExp(`curl ${kora.issuer}/oidc/token.*"aud": "${clientId}".*"name":`))
  t.notMatch(result.text, secret)
  t.equal((await browser.go(result.url)).status, 400, 'once')
  const live = await browser.submit(
    await browser.go(`${kora.issuer}/admin/clients/${clientId}/status/live`),
    { reason: 'x' },
    { form: posts('/live') }
  )
  await approve(kora, pathOf(live))
  t.match(
    words((await browser.go(`${kora.issuer}/admin/clients/${clientId}/test`)).text),
    said('console.clients.trial.not.status')
  )
  const attempt = async (): Promise<number> =>
    (
      await browser.request(
        `${kora.issuer}/oidc/auth?client_id=${clientId}&redirect_uri=${encodeURIComponent(`${kora.issuer}/admin/trial/callback`)}&response_type=code&scope=openid&code_challenge=${'x'.repeat(43)}&code_challenge_method=S256`
      )
    ).status
  // the process looks for changes once a second
  t.ok(await until(async () => (await attempt()) === 400), 'a live client does not know the address')
})
