import t from 'tap'
import { start } from './support.ts'

t.test('the sensitive act: challenge, step-up, done', async (t) => {
  const world = await start()
  t.teardown(world.close)
  const browser = world.browser()
  t.match((await browser.go('/property-certificate')).text, '请先登录')
  await browser.go('/login')

  const challenged = await browser.go('/property-certificate')
  t.match(challenged.text, '需要更高的认证等级')
  const link = /href="([^"]+)">提高认证等级/.exec(challenged.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
  const sent = new URL((await browser.go(link, { stop: /./ })).location ?? '').searchParams
  t.equal(sent.get('acr_values'), 'urn:kora:loa:3')
  t.equal(sent.get('max_age'), '900')

  const done = await browser.go(link)
  t.equal(done.url.pathname, '/property-certificate')
  t.match(done.text, '登记已办理')
  t.match((await browser.go('/me')).text, '3 级：人脸核验')
})

t.test('an agent does what was delegated, and nothing else', async (t) => {
  const world = await start()
  t.teardown(world.close)
  const organization = { uscc: '91540102MA6T1A2BXK', name: '西藏示例科技有限公司' }
  const agent = (functions: string[] | null) => ({
    role: 'agent',
    organization,
    delegation: { functions, valid_to: '2027-04-10' }
  })
  const outcomes: Array<[Record<string, unknown>, string]> = [
    [agent(['property.register']), '登记已办理'],
    [agent(null), '登记已办理'],
    [agent(['property.query']), '您的授权不包括这项业务'],
    [agent([]), '您的授权不包括这项业务'],
    [{ role: 'agent', organization }, '您的授权不包括这项业务'],
    [{ role: 'legal_representative', organization }, '登记已办理'],
    [{ role: 'owner', organization }, '您的授权不包括这项业务']
  ]
  for (const [representation, words] of outcomes) {
    world.behaviour.representation = representation
    const browser = world.browser()
    await browser.go('/login?acr_values=urn:kora:loa:3')
    const page = await browser.go('/property-certificate')
    t.match(page.text, words, JSON.stringify(representation))
    t.match(page.text, '<b>西藏示例科技有限公司</b>')
  }
})

t.test('level 3, but too long ago', async (t) => {
  const world = await start()
  t.teardown(world.close)
  world.behaviour.age = 1000
  const browser = world.browser()
  await browser.go('/login?acr_values=urn:kora:loa:3')
  t.match((await browser.go('/property-certificate')).text, '提高认证等级')
})

t.test('a login that stays below what was asked says so', async (t) => {
  const world = await start()
  t.teardown(world.close)
  const browser = world.browser()
  world.behaviour.careless = true
  const page = await browser.go('/login?acr_values=urn:kora:loa:3')
  t.equal(page.url.pathname, '/me')
  t.match(page.text, '没有达到要求的认证等级')
})

t.test('the API by itself', async (t) => {
  const world = await start()
  t.teardown(world.close)
  const call = (authorization?: string) =>
    fetch(`${world.site.url}/api/property-certificate`, authorization ? { headers: { authorization } } : {})

  const none = await call()
  t.equal(none.status, 401)
  t.equal(none.headers.get('www-authenticate'), 'Bearer')
  const wrong = await call('Bearer nonsense')
  t.equal(wrong.status, 401)
  t.equal(wrong.headers.get('www-authenticate'), 'Bearer error="invalid_token"')

  const browser = world.browser()
  const page = await browser.go('/login')
  const token = /access_token&quot;: &quot;([\w-]+)/.exec(page.text)?.[1]
  const weak = await call(`Bearer ${token}`)
  t.equal(weak.status, 401)
  t.match(
    weak.headers.get('www-authenticate'),
    /^Bearer error="insufficient_user_authentication", .*acr_values="urn:kora:loa:3", max_age="900"$/
  )

  await t.test('a token of another client is refused, whatever it can do', async (t) => {
    const response = await fetch(`${world.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: 'other',
        client_secret: 'other-secret-other-secret-other-se'
      })
    })
    const { access_token: foreign } = (await response.json()) as { access_token: string }
    t.type(foreign, 'string')
    t.equal((await call(`Bearer ${foreign}`)).headers.get('www-authenticate'), 'Bearer error="invalid_token"')
  })

  world.turnOff()
  t.equal((await call(`Bearer ${token}`)).status, 503)
})
