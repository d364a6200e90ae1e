import t from 'tap'
import { startRelyingSite } from '../../../examples/relying-site/relying-site.ts'
import { CLIENT, start, verifiedClaims } from './support.ts'

const authorizationRequest = (location: string | undefined) => new URL(location ?? '').searchParams

t.test('code flow with PKCE, state, nonce; claims in words; nothing of the tokens in URLs', async (t) => {
  const world = await start()
  t.teardown(world.close)
  const browser = world.browser()

  const home = await browser.go('/')
  t.match(home.text, /登录/)
  t.match(home.headers.get('content-security-policy'), /^default-src 'none'; style-src 'sha256-/)

  const sent = authorizationRequest((await browser.go('/login', { stop: /./ })).location)
  t.equal(sent.get('code_challenge_method'), 'S256')
  for (const name of ['state', 'nonce', 'code_challenge']) t.match(sent.get(name), /^[\w-]{43}$/, name)
  t.equal(sent.get('scope'), 'openid profile phone')
  t.equal(sent.get('redirect_uri'), `${world.site.url}/callback`)

  const page = await browser.go('/login')
  t.equal(page.status, 200)
  t.equal(page.url.href, `${world.site.url}/me`)
  t.match(page.text, '2 级：密码登录')
  t.match(page.text, '为自己办理')
  t.match(page.text, '&lt;b&gt;卓玛&lt;/b&gt;', 'claims are escaped')
  t.notMatch(page.text, '<b>卓玛')
  t.match(page.text, '138****5678')
  const cookie = browser.cookies().get('site_session')
  t.match(cookie, /^[\w-]{43}$/, 'the cookie is a random key and nothing else')
  await browser.go('/login')
  t.not(browser.cookies().get('site_session'), cookie, 'every login has a new key')
  browser.cookies().set('site_session', cookie ?? '')
  t.equal((await browser.go('/me')).status, 403, 'and the old one is worth nothing')
})

t.test('acting for an organization is big and visible, with a switch', async (t) => {
  const world = await start()
  t.teardown(world.close)
  world.behaviour.representation = {
    role: 'agent',
    organization: { uscc: '91540102MA6T1A2BXK', name: '西藏示例科技有限公司' },
    delegation: { id: 'dlg_1', functions: ['tax.filing'], valid_from: '2026-04-11', valid_to: '2027-04-10' }
  }
  const browser = world.browser()
  const page = await browser.go('/login')
  t.match(page.text, /代表单位办理[^]*<b>西藏示例科技有限公司<\/b>91540102MA6T1A2BXK · 代理人/)
  t.match(page.text, '2026-04-11 至 2027-04-10')
  t.match(page.text, /经办人：&lt;b&gt;卓玛&lt;\/b&gt;，可办理：tax.filing，授权到 2027-04-10/)
  for (const path of ['/', '/property-certificate']) {
    t.match((await browser.go(path)).text, '<b>西藏示例科技有限公司</b>', `${path}: never a doubt in whose name`)
  }
  const link = /href="([^"]+)">切换身份/.exec(page.text)?.[1]
  const sent = authorizationRequest((await browser.go(link ?? '', { stop: /./ })).location)
  t.equal(sent.get('prompt'), 'select_account')
})

t.test('a given organization and function is asked for (RFC 9396); another one is told', async (t) => {
  const world = await start()
  t.teardown(world.close)
  const browser = world.browser()
  const link =
    /href="([^"]*organization=[^"]*)"/.exec((await browser.go('/')).text)?.[1]?.replaceAll('&amp;', '&') ?? ''
  const sent = authorizationRequest((await browser.go(link, { stop: /./ })).location)
  t.match(JSON.parse(sent.get('authorization_details') ?? ''), [
    { type: /\/rar\/representation$/, identifier: 'USCC:91540102MA6T1A2BXK', actions: ['property.register'] }
  ])
  t.equal(sent.get('organization'), null)
  t.match((await browser.go(link)).text, '这次登录不是以要求的单位名义')
  world.behaviour.representation = {
    role: 'legal_representative',
    organization: { uscc: '91540102MA6T1A2BXK', name: '西藏示例科技有限公司' }
  }
  t.notMatch((await browser.go(link)).text, '这次登录不是以要求的单位名义')
  t.equal((await browser.go('/login?organization=nonsense')).status, 400)
})

t.test('verified claims in words', async (t) => {
  const world = await start()
  t.teardown(world.close)
  world.behaviour.verifiedClaims = verifiedClaims
  let page = await world.browser().go('/login')
  for (const words of [
    '已核实的信息',
    '证件',
    '人脸核验',
    '代理人',
    '不动产登记申请',
    '2026-04-11 至 2027-04-10',
    '代理人审核通过',
    '西藏示例科技有限公司 法定代表人',
    '2026/4/11 10:03:04'
  ]) {
    t.match(page.text, words)
  }
  for (const odd of [
    undefined,
    'x',
    [],
    [null, {}],
    { verification: [], claims: { authority: 7, name: { a: '<i>' } } },
    [{ claims: { authority: { permission: 'all', applies_to: [] } }, verification: { evidence: 'x', time: 'never' } }]
  ]) {
    world.behaviour.verifiedClaims = odd
    page = await world.browser().go('/login')
    t.match([page.status, page.text], [200, '我的页面'], JSON.stringify(odd))
    t.notMatch(page.text, /<i>|Invalid Date|\[object/)
  }
})

t.test('ways to ask for a login', async (t) => {
  const world = await start()
  t.teardown(world.close)
  const browser = world.browser()
  const home = await browser.go('/')
  const links = [...home.text.matchAll(/href="([^"]*\/login[^"]*)"/g)].map(([, href = '']) =>
    href.replaceAll('&amp;', '&')
  )
  const asked = new Set<string>()
  for (const link of links) {
    const sent = authorizationRequest((await browser.go(link, { stop: /./ })).location)
    for (const name of ['prompt', 'acr_values', 'ui_locales']) {
      if (sent.has(name)) asked.add(`${name}=${sent.get(name)}`)
    }
  }
  t.strictSame([...asked].sort(), [
    'acr_values=urn:kora:loa:3',
    'prompt=login',
    'prompt=none',
    'prompt=select_account',
    'ui_locales=bo',
    'ui_locales=en',
    'ui_locales=zh-CN'
  ])
  for (const bad of [
    '/login?prompt=consent',
    '/login?next=https://evil.example',
    '/login?max_age=-1',
    '/login?acr_values=%0d%0a'
  ]) {
    t.equal((await browser.go(bad)).status, 400, bad)
  }
})

t.test('errors of the provider are pages with the code and a way on', async (t) => {
  const world = await start()
  t.teardown(world.close)
  const browser = world.browser()

  const silent = await browser.go('/login?prompt=none')
  t.equal(silent.status, 400)
  t.match(silent.text, '您还没有登录统一身份认证')
  t.match(silent.text, 'error=login_required')
  t.notMatch(silent.text, 'prompt=none', 'trying again is not silent again')

  world.behaviour.denied = true
  const denied = await browser.go('/login?acr_values=urn:kora:loa:3')
  t.equal(denied.status, 400)
  t.match(denied.text, 'error=access_denied')
  t.match(denied.text, 'acr_values=urn%3Akora%3Aloa%3A3', 'trying again asks for the same')
})

t.test('answers that are not for this browser, or come twice', async (t) => {
  const world = await start()
  t.teardown(world.close)
  const browser = world.browser()
  const callback = (await browser.go('/login', { stop: /\/callback\?/ })).location ?? ''

  await t.test('another browser gets nowhere and uses nothing up', async (t) => {
    const stranger = await world.browser().go(callback)
    t.equal(stranger.status, 400)
    t.match(stranger.text, 'error=lost_state')
  })
  await t.test('an answer from another issuer is refused (RFC 9207)', async (t) => {
    const other = world.browser()
    const mixed = new URL((await other.go('/login', { stop: /\/callback\?/ })).location ?? '')
    mixed.searchParams.set('iss', 'https://evil.example')
    const page = await other.go(mixed.href)
    t.equal(page.status, 400)
    t.match(page.text, 'error=invalid_response')
  })
  t.equal((await browser.go(callback)).url.pathname, '/me')
  const again = await browser.go(callback)
  t.equal(again.status, 400)
  t.match(again.text, '您已登录，继续')
  for (const lost of [
    '/callback',
    '/callback?state=x&code=y',
    '/callback?state=a&state=b',
    '/callback?error=access_denied'
  ]) {
    const page = await world.browser().go(lost)
    t.equal(page.status, 400, lost)
    t.match(page.text, '重新登录')
  }
  await t.test('a code that does not work is a page too', async (t) => {
    const url = new URL((await browser.go('/login', { stop: /\/callback\?/ })).location ?? '')
    url.searchParams.set('code', 'nonsense')
    const page = await browser.go(url.href)
    t.equal(page.status, 400)
    t.match(page.text, 'error=invalid_grant')
  })
})

t.test('the site runs before its provider does', async (t) => {
  const world = await start()
  t.teardown(world.close)
  const browser = world.browser()
  world.turnOff()
  t.equal((await browser.go('/')).status, 200)
  const down = await browser.go('/login')
  t.equal(down.status, 503)
  t.match(down.text, '统一身份认证暂时联系不上')
  world.turnOn()
  t.equal((await browser.go('/login')).url.pathname, '/me', 'the failure was not kept')
})

t.test('cookies', async (t) => {
  for (const [baseUrl, expected] of [
    [undefined, /^site_login=[\w-]{43}; Max-Age=900; Path=\/; HttpOnly; SameSite=Lax$/],
    [
      'https://site.example.gov.cn',
      /^__Host-site_login=[\w-]{43}; Max-Age=900; Path=\/; HttpOnly; Secure; SameSite=Lax$/
    ]
  ] as const) {
    const world = await start(baseUrl ? { baseUrl } : {})
    t.teardown(world.close)
    const { headers } = await world.site.app.inject('/login')
    t.match(headers['set-cookie'], expected)
    t.match(headers.location, `redirect_uri=${encodeURIComponent(`${world.site.url}/callback`)}`)
  }
})

t.test('an http issuer must be a loopback address', async (t) => {
  await t.rejects(
    startRelyingSite({
      port: 0,
      issuer: 'http://id.example.gov.cn',
      clientId: CLIENT.id,
      clientSecret: CLIENT.secret
    }),
    /https/
  )
})

t.test('forms of other sites, unknown pages, malformed bodies', async (t) => {
  const world = await start()
  t.teardown(world.close)
  const browser = world.browser()
  await browser.go('/login')
  t.equal((await browser.post('/logout', {}, { 'sec-fetch-site': 'same-site' })).status, 403)
  t.equal((await browser.go('/me')).status, 200, 'still logged in')
  t.equal((await browser.go('/nothing')).status, 404)
  t.equal(
    (await browser.go('/me/refresh', { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }))
      .status,
    400
  )
  t.equal((await browser.go('/callback', { method: 'HEAD' })).status, 404, 'HEAD cannot use up a login')
})
