import t from 'tap'
import { RESOURCE, start } from './support.ts'

t.test('refresh, userinfo, introspection', async (t) => {
  const world = await start()
  t.teardown(world.close)
  const browser = world.browser()
  const first = await browser.go('/login')
  const accessToken = (text: string) => /access_token&quot;: &quot;([\w-]+)/.exec(text)?.[1]

  const refreshed = await browser.post('/me/refresh')
  t.match(refreshed.text, '令牌已刷新')
  t.type(accessToken(first.text), 'string')
  t.not(accessToken(refreshed.text), accessToken(first.text))
  t.notMatch((await browser.go('/me')).text, '令牌已刷新', 'a notice is shown once')

  t.match((await browser.post('/me/userinfo')).text, '用户信息已更新')
  const introspected = await browser.post('/me/introspect')
  t.match(introspected.text, '访问令牌有效')
  t.match(introspected.text, '&quot;acr&quot;: &quot;urn:kora:loa:2&quot;')
})

t.test('two clicks on refresh send the refresh token once', async (t) => {
  const world = await start()
  t.teardown(world.close)
  const browser = world.browser()
  await browser.go('/login')
  const pages = await Promise.all([browser.post('/me/refresh'), browser.post('/me/refresh')])
  for (const page of pages) t.equal(page.status, 200)
  t.match((await browser.post('/me/refresh')).text, '令牌已刷新', 'reuse would have revoked everything')
})

t.test('a revoked access token works nowhere', async (t) => {
  const world = await start()
  t.teardown(world.close)
  const browser = world.browser()
  await browser.go('/login?acr_values=urn:kora:loa:3')
  t.match((await browser.post('/me/revoke', { token: 'access_token' })).text, '令牌已撤销')
  t.match((await browser.post('/me/introspect')).text, '访问令牌已无效')
  t.match((await browser.post('/me/userinfo')).text, /访问令牌已失效[^]*invalid_token/)
  t.match((await browser.go('/property-certificate')).text, '访问令牌已失效')
})

t.test('when the provider refuses to refresh, the login here is over', async (t) => {
  const world = await start()
  t.teardown(world.close)
  const browser = world.browser()
  const page = await browser.go('/login')
  const refreshToken = /refresh_token&quot;: &quot;([\w-]+)/.exec(page.text)?.[1] ?? ''
  const stored = await world.provider.RefreshToken.find(refreshToken)
  await stored?.destroy()
  const refused = await browser.post('/me/refresh')
  t.equal(refused.status, 403)
  t.match(refused.text, 'error=invalid_grant')
  t.equal((await browser.go('/me')).status, 403)
})

t.test('revoking the refresh token', async (t) => {
  const world = await start()
  t.teardown(world.close)
  const browser = world.browser()
  await browser.go('/login')
  const page = await browser.post('/me/revoke', { token: 'refresh_token' })
  t.match(page.text, '令牌已撤销')
  t.notMatch(page.text, '/me/refresh', 'nothing left to refresh with')
})

t.test('actions without a session ask to log in', async (t) => {
  const world = await start()
  t.teardown(world.close)
  for (const path of ['/me/refresh', '/me/userinfo', '/me/introspect', '/me/revoke']) {
    const page = await world.browser().post(path)
    t.equal(page.status, 403, path)
    t.match(page.text, '请登录')
  }
})

t.test('wrong credentials of the resource are named as such', async (t) => {
  const world = await start({ resourceClient: { id: RESOURCE.id, secret: 'wrong-secret-wrong-secret-wrong-sec' } })
  t.teardown(world.close)
  const browser = world.browser()
  await browser.go('/login')
  t.match((await browser.post('/me/introspect')).text, 'invalid_client')
})
