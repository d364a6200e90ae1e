import t from 'tap'
import fc from 'fast-check'
import { uriFault, type UriRules, type UriUse } from '../../../src/domain/client/uri.ts'

const web: UriRules = {
  native: false,
  sandbox: false,
  ownOrigin: 'https://sso.example.gov.cn',
  egressAllowed: ['app.intranet:8080', '10.1.2.3']
}
const native: UriRules = { ...web, native: true }
const sandbox: UriRules = { ...web, sandbox: true }

t.test('addresses people are sent to', async (t) => {
  const table: Array<[string, UriRules, string | null, (string | undefined)?]> = [
    ['https://a.gov.cn/cb', web, null],
    ['https://a.gov.cn', web, null],
    ['https://a.gov.cn:8443/cb?tenant=1', web, null],
    ['https://xn--fiq228c.gov.cn/cb', web, null],
    ['https://政务.gov.cn/cb', web, 'not_ascii', 'https://xn--zfr164b.gov.cn/cb'],
    ['https://*.gov.cn/cb', web, 'wildcard'],
    ['https://a.gov.cn/*', web, 'wildcard'],
    ['https://a.gov.cn/cb#x', web, 'fragment', 'https://a.gov.cn/cb'],
    ['https://a.gov.cn/cb#', web, 'fragment'],
    ['https://u:p@a.gov.cn/cb', web, 'userinfo', 'https://a.gov.cn/cb'],
    ['https://a.gov.cn@evil.example/cb', web, 'userinfo'],
    ['https://a.gov.cn/x/../cb', web, 'dot_segment', 'https://a.gov.cn/cb'],
    ['https://a.gov.cn/x/%2e%2E/cb', web, 'dot_segment'],
    ['https://a.gov.cn\\@evil.example/cb', web, 'not_a_uri'],
    ['https://a.gov.cn/cb\t', web, 'not_ascii'],
    [' https://a.gov.cn/cb', web, 'not_ascii'],
    ['https://a.gov.cn/%0d%0aSet-Cookie:x', web, 'control_character'],
    ['https://a.gov.cn/cb?code=1', web, 'reserved_parameter'],
    ['https://10.0.0.1/cb', web, 'ip_address'],
    ['https://2130706433/cb', web, 'loopback'],
    ['https://0x7f.1/cb', web, 'loopback'],
    ['https://0251.0376.0251.0376/', web, 'ip_address'],
    ['https://[2001:db8::1]/cb', web, 'ip_address'],
    ['https://[::ffff:127.0.0.1]/cb', web, 'ip_address'],
    ['https://portal/cb', web, 'unqualified_host'],
    ['https://a.gov.cn./cb', web, 'unqualified_host'],
    ['https://printer.local/cb', web, 'private_host'],
    ['https://A.gov.cn/cb', web, 'host_case', 'https://a.gov.cn/cb'],
    ['https://a.gov.cn:443/cb', web, 'default_port', 'https://a.gov.cn/cb'],
    ['HTTPS://a.gov.cn/cb', web, 'not_canonical', 'https://a.gov.cn/cb'],
    ['https:a.gov.cn/cb', web, 'not_canonical', 'https://a.gov.cn/cb'],
    ['http://a.gov.cn/cb', web, 'not_https', 'https://a.gov.cn/cb'],
    ['http://a.gov.cn/cb', sandbox, 'not_https'],
    ['http://localhost:3001/cb', web, 'loopback'],
    ['http://localhost:3001/cb', sandbox, null],
    ['http://127.0.0.1/cb', native, null],
    ['http://[::1]/cb', native, null],
    ['http://localhost/cb', native, 'loopback', 'http://127.0.0.1/cb'],
    ['https://127.0.0.1/cb', native, 'loopback'],
    ['cn.gov.example.app:/cb', native, null],
    ['cn.gov.example.app:/cb', web, 'scheme'],
    ['myapp://cb', native, 'scheme_not_reverse_dns'],
    ['https://sso.example.gov.cn/me/callback', { ...web, ownService: true }, null],
    [
      'http://sso.example.gov.cn/me/callback',
      { ...web, ownOrigin: 'http://sso.example.gov.cn', ownService: true },
      null
    ],
    ['https://sso.example.gov.cn/me/callback', web, 'own_origin', 'https://name.example.gov.cn/…'],
    ['https://sso.example.gov.cn', native, 'own_origin'],
    ['https://SSO.example.gov.cn:443/x', web, 'own_origin'],
    ['https://sso.example.gov.cn./x', web, 'own_origin'],
    ['http://sso.example.gov.cn/x', sandbox, 'own_origin'],
    ['http://localhost:3000/cb', { ...sandbox, ownOrigin: 'http://localhost:3000' }, 'own_origin'],
    ['http://localhost:3001/cb', { ...sandbox, ownOrigin: 'http://localhost:3000' }, null],
    ['https://sso.example.gov.cn:8443/x', web, null],
    ['https://www.sso.example.gov.cn/x', web, null],
    ['', web, 'not_text'],
    ['cb', web, 'not_a_uri'],
    [`https://a.gov.cn/${'x'.repeat(2000)}`, web, 'too_long'],
    ...[
      'javascript:alert(1)',
      'JaVaScRiPt:alert(1)',
      'data:text/html,x',
      'vbscript:x',
      'file:///etc/passwd',
      'blob:https://a.gov.cn/1',
      'about:blank',
      'gopher://a.gov.cn/'
    ].flatMap((uri): Array<[string, UriRules, string]> => [
      [uri, web, 'scheme'],
      [uri, native, 'scheme_not_reverse_dns']
    ])
  ]
  for (const [uri, rules, code, expected] of table) {
    const found = uriFault(uri, 'redirect', rules)
    t.equal(found?.code ?? null, code, uri.slice(0, 60))
    if (expected !== undefined) t.equal(found?.expected, expected, `${uri} → ${expected}`)
  }
})

t.test('addresses that Kora calls', async (t) => {
  const table: Array<[string, string | null]> = [
    ['https://a.gov.cn/logout', null],
    ['https://a.gov.cn:8443/logout', null],
    ['https://a.gov.cn:5432/', 'port'],
    ['https://a.gov.cn:22/', 'port'],
    ['https://app.intranet:8080/logout', null],
    ['https://app.intranet:8081/logout', 'port'],
    ['https://10.9.9.9/', 'ip_address'],
    ['https://169.254.169.254/latest', 'ip_address'],
    ['https://100.64.0.1/', 'ip_address'],
    ['https://0/', 'ip_address'],
    ['http://127.0.0.1/', 'loopback'],
    ['https://localhost/', 'loopback'],
    ['https://[::1]/', 'loopback'],
    ['file:///etc/passwd', 'scheme'],
    ['gopher://a.gov.cn/', 'scheme'],
    ['data:,x', 'scheme'],
    ['https://sso.internal/x', 'private_host']
  ]
  for (const use of ['backchannel', 'jwks', 'sector'] satisfies UriUse[]) {
    for (const [uri, code] of table) t.equal(uriFault(uri, use, web)?.code ?? null, code, `${use} ${uri}`)
  }
})

t.test('what passes is canonical, ASCII and safe, whatever is given', async (t) => {
  const part = fc.constantFrom(
    'https',
    'http',
    'HTTPS',
    'javascript',
    '://',
    ':',
    '//',
    '/',
    '.',
    '..',
    '%2e',
    '*',
    '#',
    '?',
    '@',
    'a',
    'A',
    '政',
    '\t',
    '\\',
    '127.0.0.1',
    'localhost',
    'a.gov.cn',
    ':443',
    ':80',
    '%0a',
    'code=1',
    '[::1]',
    ' '
  )
  t.doesNotThrow(() => {
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 9 }).map((parts) => parts.join('')),
        fc.boolean(),
        (uri, isNative) => {
          if (uriFault(uri, 'redirect', isNative ? native : web) !== null) return
          const url = new URL(uri)
          if (url.href !== uri && url.href !== `${uri}/`) throw new Error('not canonical')
          if (!/^[\x21-\x7e]+$/.test(uri) || /[*#]/.test(uri) || url.username !== '') throw new Error('unsafe')
          if (url.protocol !== 'https:' && !isNative) throw new Error('scheme')
        }
      ),
      { numRuns: 3000 }
    )
    fc.assert(
      fc.property(fc.webUrl({ validSchemes: ['https'] }), (uri) => {
        const found = uriFault(uri, 'redirect', web)
        // an expected address that is offered is acceptable itself, or has another fault named next
        if (
          found !== null &&
          ['host_case', 'default_port', 'not_canonical'].includes(found.code) &&
          uriFault(found.expected, 'redirect', web) !== null
        ) {
          throw new Error(`${uri} → ${found.expected}`)
        }
      }),
      { numRuns: 500 }
    )
  })
})

t.test("only Kora's own services have addresses at its origin, whatever the address is for", async (t) => {
  for (const use of [
    'redirect',
    'post_logout',
    'initiate_login',
    'page',
    'backchannel',
    'jwks',
    'sector'
  ] as const satisfies readonly UriUse[]) {
    t.equal(uriFault('https://sso.example.gov.cn/anything', use, web)?.code, 'own_origin', use)
    t.equal(
      uriFault('https://sso.example.gov.cn/anything', use, { ...web, egressAllowed: ['sso.example.gov.cn'] })?.code,
      'own_origin',
      `${use}, allowed to be called`
    )
  }
})
