import t from 'tap'
import { addressPrefix, clientAddressFinder, describeNetwork, proxyTrust } from '../../src/http/client-address.ts'
import { browserLabel, isPhone, isTrident } from '../../src/http/user-agent.ts'
import { testApp } from './support.ts'

t.test('forwarded addresses are believed from known proxies only, from right to left', async (t) => {
  const none = clientAddressFinder([])
  t.equal(none('203.0.113.9', '198.51.100.1'), '203.0.113.9')
  const find = clientAddressFinder(['10.0.0.0/8', '192.0.2.7', 'fd00::/8'])
  t.equal(find('203.0.113.9', '198.51.100.1'), '203.0.113.9', 'not a proxy of ours')
  t.equal(find('10.1.2.3', '198.51.100.1'), '198.51.100.1')
  t.equal(
    find('10.1.2.3', '1.1.1.1, 198.51.100.1, 10.9.9.9'),
    '198.51.100.1',
    'what the client wrote itself is left of it'
  )
  t.equal(find('::ffff:10.1.2.3', '198.51.100.1'), '198.51.100.1', 'IPv4 in IPv6')
  t.equal(find('fd00::1', '[2001:db8::5]:443'), '2001:db8::5')
  t.equal(find('192.0.2.7', ['1.2.3.4', '5.6.7.8:1234']), '5.6.7.8')
  t.equal(find('10.1.2.3', 'unknown, <script>'), '10.1.2.3')
  t.equal(find('10.1.2.3', ''), '10.1.2.3')
  t.equal(find(undefined, '1.2.3.4'), '0.0.0.0')
  t.equal(find('garbage', `${','.repeat(5000)}x`), '0.0.0.0')
  t.equal(find('10.1.2.3', '010.1.1.1'), '10.1.2.3', 'no octal forms')
  t.throws(() => clientAddressFinder(['10.0.0.0/99']), /TRUSTED_PROXIES: "10.0.0.0\/99" is not a network/)
})

t.test('who is a proxy of ours', async (t) => {
  const trusted = proxyTrust(['10.0.0.0/24', '::1'])
  t.same(['10.0.0.9', '::ffff:10.0.0.9', '::1', '10.0.1.9', '010.0.0.9', 'x', ''].map(trusted), [
    true,
    true,
    true,
    false,
    false,
    false,
    false
  ])
  t.equal(trusted(undefined), false)
  t.equal(proxyTrust([])('127.0.0.1'), false)
})

t.test('prefixes and places never show a whole address', async (t) => {
  t.equal(addressPrefix('203.0.113.9'), '203.0.113.0/24')
  t.equal(addressPrefix('2001:db8:1:2ff:3:4:5:6'), '2001:db8:1:200::/56')
  t.equal(addressPrefix('::ffff:203.0.113.9'), '203.0.113.0/24')
  t.equal(addressPrefix('x'), '0.0.0.0/24')
  t.equal(describeNetwork('127.0.0.1'), '本机')
  t.equal(describeNetwork('::1'), '本机')
  t.equal(describeNetwork('192.168.1.5'), '局域网')
  t.equal(describeNetwork('fd00::1'), '局域网')
  t.equal(describeNetwork('203.0.113.9'), '203.0.*.*')
  t.equal(describeNetwork('2400:da00:1:2::9'), '2400:da00:1::/56')
  t.equal(describeNetwork('nonsense'), '局域网')
})

t.test('over HTTP', async (t) => {
  const app = await testApp(t, { trustedProxies: ['127.0.0.1'] })
  const answer = await app.inject({ url: '/address', headers: { 'x-forwarded-for': '198.51.100.77' } })
  t.same(answer.json(), { ip: '198.51.100.77', prefix: '198.51.100.0/24', place: '198.51.*.*' })
})

t.test('browser labels', async (t) => {
  const chrome =
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36'
  t.equal(browserLabel(chrome), 'Windows · Chrome')
  t.equal(browserLabel(`${chrome} Edg/126.0.0.0`), 'Windows · Edge')
  t.equal(
    browserLabel(
      'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 ' +
        'Mobile/15E148 Safari/604.1'
    ),
    'iOS · Safari'
  )
  const weChat =
    'Mozilla/5.0 (Linux; Android 13; V2183A) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/116.0.0.0 ' +
    'Mobile Safari/537.36 MicroMessenger/8.0.42'
  t.equal(browserLabel(weChat), 'Android · WeChat')
  t.ok(isPhone(weChat))
  t.notOk(isPhone(chrome))
  t.ok(isTrident('Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko'))
  t.equal(
    browserLabel('Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko'),
    'Windows · Internet Explorer'
  )
  t.equal(browserLabel(undefined), '')
  t.equal(browserLabel('<script>alert(1)</script>'), '')
  t.equal(browserLabel('curl/8.0'), '')
})
