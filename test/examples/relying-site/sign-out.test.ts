import { generateKeyPair, UnsecuredJWT } from 'jose'
import t from 'tap'
import { CLIENT, logoutToken, start } from './support.ts'

const EVENTS = { 'http://schemas.openid.net/event/backchannel-logout': {} }
const sidOf = (text: string) => /&quot;sid&quot;: &quot;([\w-]+)/.exec(text)?.[1] ?? ''

t.test('RP-initiated logout', async (t) => {
  const world = await start()
  t.teardown(world.close)
  const browser = world.browser()
  await browser.go('/login')
  const form = await browser.post('/logout')
  t.equal(form.url.origin, world.issuer)
  t.match(form.url.searchParams.get('id_token_hint'), /^ey/)
  t.equal(form.url.searchParams.get('post_logout_redirect_uri'), `${world.site.url}/logged-out`)
  t.equal((await browser.go('/me')).status, 403, 'the local session is over at once')

  const xsrf = /name="xsrf" value="([^"]+)"/.exec(form.text)?.[1] ?? ''
  const out = await browser.post(`${world.issuer}/session/end/confirm`, { xsrf, logout: 'yes' })
  t.equal(out.url.pathname, '/logged-out')
  t.match(out.text, '统一身份认证也已处理退出')
  t.match((await browser.go(out.url.href)).text, '这个浏览器没有登录本网站', 'the state works once')
  t.match((await browser.go('/login?prompt=none')).text, 'login_required', 'the provider session is over too')
})

t.test('the provider signs the user out through the back channel', async (t) => {
  const world = await start()
  t.teardown(world.close)
  const browser = world.browser()
  const page = await browser.go('/login')
  const bystander = world.browser()
  await bystander.go('/login')

  const client = await world.provider.Client.find(CLIENT.id)
  await (client as unknown as { backchannelLogout(sub: string, sid: string): Promise<void> }).backchannelLogout(
    'p1',
    sidOf(page.text)
  )
  t.match((await browser.go('/me')).text, '统一身份认证已将您退出')
  t.notMatch((await browser.go('/me')).text, '统一身份认证已将您退出', 'said once')
  t.equal((await bystander.go('/me')).status, 200, 'another session of the same person goes on')
})

t.test('logout tokens, good and bad', async (t) => {
  const world = await start()
  t.teardown(world.close)
  const browser = world.browser()
  const sid = sidOf((await browser.go('/login')).text)
  const key = world.signing.privateKey
  const make = (claims: Record<string, unknown>, header?: Record<string, unknown>) =>
    logoutToken(key, world.issuer, { sid, ...claims }, header)
  const send = async (token?: string) => {
    const response = await fetch(`${world.site.url}/backchannel-logout`, {
      method: 'POST',
      body: new URLSearchParams(token === undefined ? {} : { logout_token: token })
    })
    t.equal(response.headers.get('cache-control'), 'no-store')
    return response.status
  }
  const now = Math.floor(Date.now() / 1000)
  const stranger = await generateKeyPair('ES256')

  const bad: Record<string, string | undefined> = {
    'no token': undefined,
    'not a token': 'nonsense',
    unsigned: new UnsecuredJWT({ sid, jti: 'u', events: EVENTS })
      .setIssuer(world.issuer)
      .setAudience(CLIENT.id)
      .setIssuedAt()
      .setExpirationTime('2m')
      .encode(),
    'signed by someone else': await logoutToken(stranger.privateKey, world.issuer, { sid }),
    'for another site': await make({ aud: 'other' }),
    'from another issuer': await make({ iss: 'https://evil.example' }),
    'an ID token': await make({}, { typ: 'JWT' }),
    'without typ': await make({}, { typ: undefined }),
    'with a nonce': await make({ nonce: 'n' }),
    'without events': await make({ events: undefined }),
    'another event': await make({ events: { 'urn:other': {} } }),
    'neither sid nor sub': await make({ sid: undefined }),
    expired: await make({ iat: now - 200, exp: now - 60 }),
    'too old': await make({ iat: now - 3600, exp: now + 3600 }),
    'without jti': await make({ jti: undefined }),
    'without exp': await make({ exp: undefined })
  }
  for (const [what, token] of Object.entries(bad)) t.equal(await send(token), 400, what)
  t.equal((await browser.go('/me')).status, 200, 'none of them ended the session')

  t.equal(await send(await make({ sid: 'unknown' })), 200, 'a session we do not have is not an error')
  t.equal((await browser.go('/me')).status, 200)
  t.equal(await send(await make({ sub: 'someone else' })), 200)
  t.equal((await browser.go('/me')).status, 200, 'sid and sub must both fit')

  const good = await make({})
  t.equal(await send(good), 200)
  t.match((await browser.go('/')).text, '统一身份认证已将您退出')
  t.equal(await send(good), 400, 'a logout token works once')

  await browser.go('/login')
  const otherDevice = world.browser()
  await otherDevice.go('/login')
  t.equal(await send(await make({ sid: undefined, sub: 'p1' })), 200)
  for (const device of [browser, otherDevice]) {
    t.equal((await device.go('/me')).status, 403, 'sub alone ends all sessions of the person')
  }
})
