import t from 'tap'
import fc from 'fast-check'
import { differences, explainAddress } from '../../../src/domain/client/address.ts'
import type { UriRules } from '../../../src/domain/client/uri.ts'

const rules: UriRules = { native: false, sandbox: false, ownOrigin: 'https://sso.example.gov.cn', egressAllowed: [] }
const registered = {
  redirectUris: ['https://a.gov.cn/cb', 'https://b.gov.cn/oauth/callback?x=1'],
  postLogoutRedirectUris: ['https://a.gov.cn/out']
}

t.test('every difference is named', async (t) => {
  const table: Array<[string, string, string[]]> = [
    ['https://a.gov.cn/cb', 'https://a.gov.cn/cb', []],
    ['https://a.gov.cn/cb/', 'https://a.gov.cn/cb', ['trailing_slash']],
    ['https://a.gov.cn', 'https://a.gov.cn/', ['trailing_slash']],
    ['https://A.gov.cn/cb', 'https://a.gov.cn/cb', ['host_case']],
    ['http://a.gov.cn/cb', 'https://a.gov.cn/cb', ['insecure_http']],
    ['HTTPS://a.gov.cn/cb', 'https://a.gov.cn/cb', ['scheme']],
    ['https://a.gov.cn:443/cb', 'https://a.gov.cn/cb', ['port']],
    ['https://a.gov.cn/CB', 'https://a.gov.cn/cb', ['path_case']],
    ['https://a.gov.cn/c%62', 'https://a.gov.cn/cb', ['encoding']],
    ['https://a.gov.cn/login', 'https://a.gov.cn/cb', ['path']],
    ['https://a.gov.cn/cb?a=1', 'https://a.gov.cn/cb', ['query']],
    ['https://a.gov.cn/cb?', 'https://a.gov.cn/cb', ['query']],
    ['https://a.gov.cn/cb#x', 'https://a.gov.cn/cb', ['fragment']],
    ['https://u@a.gov.cn/cb', 'https://a.gov.cn/cb', ['userinfo']],
    ['https://*.gov.cn/cb', 'https://a.gov.cn/cb', ['wildcard', 'host']],
    [' https://a.gov.cn/cb', 'https://a.gov.cn/cb', ['whitespace']],
    [
      'http://evil.example:8080/x?y#z',
      'https://a.gov.cn/cb',
      ['insecure_http', 'host', 'port', 'path', 'query', 'fragment']
    ],
    ['cb', 'https://a.gov.cn/cb', ['path']]
  ]
  for (const [received, own, names] of table) {
    t.same(
      differences(received, own).map(({ name }) => name),
      names,
      received
    )
  }
  t.same(differences('http://127.0.0.1:51004/cb', 'http://127.0.0.1/cb', true), [], 'any loopback port of an app')
  t.same(
    differences('http://127.0.0.1:51004/cb', 'http://127.0.0.1/cb').map(({ name }) => name),
    ['port']
  )
})

t.test('the nearest registered address', async (t) => {
  const report = explainAddress({ pasted: 'https://a.gov.cn/cb/', registered, rules })
  t.match(report, {
    matches: false,
    parameter: null,
    nearest: { address: 'https://a.gov.cn/cb', differences: [{ name: 'trailing_slash' }] },
    fault: null
  })
  t.equal(
    explainAddress({ pasted: 'https://b.gov.cn/oauth/callback', registered, rules }).nearest?.address,
    'https://b.gov.cn/oauth/callback?x=1'
  )
  t.match(explainAddress({ pasted: 'https://a.gov.cn/cb', registered, rules }), {
    matches: true,
    nearest: { differences: [] }
  })
  t.match(explainAddress({ pasted: 'http://a.gov.cn/cb', registered, rules }), {
    matches: false,
    fault: { code: 'not_https', expected: 'https://a.gov.cn/cb' }
  })
  t.equal(
    explainAddress({
      pasted: 'https://a.gov.cn/cb',
      registered: { redirectUris: [], postLogoutRedirectUris: [] },
      rules
    }).nearest,
    null
  )
})

t.test('whole requests may be pasted', async (t) => {
  const request =
    'https://sso.example.gov.cn/oidc/auth?client_id=site&redirect_uri=https%3A%2F%2Fa.gov.cn%2Fcb%2F&scope=openid'
  t.match(explainAddress({ pasted: request, registered, rules }), {
    address: 'https://a.gov.cn/cb/',
    parameter: 'redirect_uri',
    clientId: 'site',
    nearest: { differences: [{ name: 'trailing_slash' }] }
  })
  t.match(explainAddress({ pasted: 'client_id=site&redirect_uri=https%3A%2F%2Fa.gov.cn%2Fcb', registered, rules }), {
    matches: true,
    clientId: 'site'
  })
  t.match(
    explainAddress({
      pasted: '/oidc/logout?post_logout_redirect_uri=https%3A%2F%2Fa.gov.cn%2Fout%2F',
      registered,
      rules
    }),
    {
      parameter: 'post_logout_redirect_uri',
      nearest: { address: 'https://a.gov.cn/out' }
    }
  )
  t.match(explainAddress({ pasted: 'https%3A%2F%2Fa.gov.cn%2Fcb', registered, rules }), {
    address: 'https://a.gov.cn/cb',
    matches: true
  })
  t.match(explainAddress({ pasted: 'https://a.gov.cn/out', registered, rules, use: 'post_logout_redirect_uri' }), {
    matches: true
  })
})

t.test('no difference means equal text, and any text is bearable', async (t) => {
  const text = fc.oneof(
    fc.webUrl({ withQueryParameters: true, withFragments: true }),
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.constantFrom('https://a.gov.cn:/cb', 'https://a.gov.cn/cb', '%', '%3a%', 'x%3A%zz')
  )
  t.doesNotThrow(() => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        if ((differences(a, b).length === 0) !== (a === b)) throw new Error(`${a} | ${b}`)
        explainAddress({ pasted: a, registered: { redirectUris: [b], postLogoutRedirectUris: [] }, rules })
      }),
      { numRuns: 2000 }
    )
  })
})
