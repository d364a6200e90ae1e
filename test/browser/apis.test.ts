/**
 * APIs in a real Chromium: an administrator registers one and grants it to a client, another one agrees, and a person
 * sees it on the consent page and at /device. Every page with axe, in every language of its readers and two widths.
 */
import { mkdirSync } from 'node:fs'
import type { BrowserContext, Page } from 'playwright-core'
import * as oidc from 'openid-client'
import t from 'tap'
import { addClient, RelyingParty, startKora } from '../support/driver/index.ts'
import { signInAs, type SignedIn } from '../journeys/console/support.ts'
import { findClient } from '../../src/records/clients/index.ts'
import { listGrantedClients } from '../../src/records/resource-servers/index.ts'
import { consoleFaultsOf, faultsOf, withChromium } from '../support/chromium.ts'
import { openConsole } from './administrators.ts'

t.setTimeout(600_000)

const identifier = 'https://api.example.gov.cn/fund'
const shots = process.env['KORA_SCREENSHOTS']

await withChromium(t, 'S4 an API from its registration to the page of consent', async (t, chromium) => {
  const kora = await startKora(t)
  const { db } = kora.inside.services
  if (shots !== undefined) mkdirSync(shots, { recursive: true })
  const secret = 'secret-of-the-fund-for-tests-only'
  const redirectUri = `${kora.site}/callback`
  await addClient(kora, {
    clientId: 'fund',
    secret,
    metadata: {
      application_type: 'web',
      grant_types: ['authorization_code'],
      redirect_uris: [redirectUri],
      scope: 'openid profile',
      token_endpoint_auth_method: 'client_secret_basic'
    },
    policy: { names: { 'zh-CN': '公积金查询', en: 'Housing fund' }, trusted: false }
  })
  const complaints: string[] = []
  const open = async (who: SignedIn | null, lang = 'zh-CN', width = 1280): Promise<BrowserContext> =>
    await openConsole(chromium, {
      issuer: kora.issuer,
      who,
      lang,
      options: { viewport: { width, height: 800 } },
      complaints
    })
  const shoot = async (page: Page, name: string): Promise<void> => {
    if (shots !== undefined) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true })
  }
  const [system, security] = [await signInAs(kora, 'system'), await signInAs(kora, 'security')]

  const context = await open(system)
  const page = await context.newPage()
  const look = async (name: string): Promise<void> => {
    t.same(await consoleFaultsOf(page), [], name)
    await shoot(page, name)
  }
  await page.goto(`${kora.issuer}/admin/apis`)
  await look('apis')
  await page.locator('a[href="/admin/apis/new"]').click()
  await look('api-new')
  await page.locator('#identifier').fill('fund')
  await page.locator('#name_zh').fill('公积金接口')
  await page.locator('#name_en').fill('Housing fund API')
  await page.locator('#scopes').fill('fund:read | 查询您的公积金账户 | | Read your housing fund\nfund:write | 提取您的公积金')
  await page.locator('#introspectors').fill('demo-resource')
  await page.locator('#reason').fill('工单 4712')
  await page.locator('main button[type=submit]').click()
  t.equal(await page.locator('#identifier-e').count(), 1, 'an identifier is a URI')
  t.match(await page.locator('#scopes').inputValue(), /fund:write \| 提取您的公积金/, 'what was typed is kept')
  await look('api-new-wrong')
  await page.locator('#identifier').fill(identifier)
  await page.locator('main button[type=submit]').click()
  t.match(page.url(), /\/admin\/apis\/api_[\da-f]{20}\?done=api_created$/)
  const address = page.url().split('?')[0] ?? ''
  await look('api')

  await page.goto(`${kora.issuer}/admin/clients/fund/permissions`)
  await page.locator('#resources').fill(`${identifier} fund:sell`)
  await page.locator('#reason').fill('工单 4713')
  await page.locator('main form.narrow button[type=submit]').click()
  t.equal(await page.locator('#resources-e').count(), 1, 'a scope that the API does not have')
  await look('client-resources-wrong')
  await page.locator('#resources').fill(`${identifier} fund:read`)
  await page.locator('main form.narrow button[type=submit]').click()
  t.match(page.url(), /\/admin\/approvals\/chg_/, 'one administrator alone does not grant it')
  t.strictSame((await findClient(db, 'fund'))?.policy.resources, {})
  const approval = page.url().split('?')[0] ?? ''
  const other = await open(security)
  const approving = await other.newPage()
  await approving.goto(approval)
  const facts = await approving.locator('main').innerText()
  t.ok(facts.includes(identifier), 'the API is named as it is, and not as a pointer')
  t.match(facts, /fund:read/)
  await shoot(approving, 'api-grant-approval')
  await approving.locator('form[action$="/approve"] [name=reason]').fill('核对过')
  await approving.locator('form[action$="/approve"] button[type=submit]').first().click()
  t.strictSame(await listGrantedClients(db, identifier), [
    { clientId: 'fund', name: '公积金查询', scopes: ['fund:read'], machineScopes: [] }
  ])
  await other.close()

  await page.goto(address)
  t.equal(await page.locator('[data-client=fund]').count(), 1)
  await page.locator('#ttl_seconds').fill('900')
  await page.locator('#reason').fill('longer')
  await page.locator('main form.narrow button[type=submit]').click()
  t.match(page.url(), /\/admin\/approvals\/chg_/, 'to protect a granted API less needs two')
  await look('api-approval')
  await page.goto(`${address}/delete`)
  await page.locator('[name=reason]').fill('x')
  await page.locator('main button[type=submit]').click()
  t.match(page.url(), /done=api_in_use$/)
  await page.goto(`${address}/history`)
  await look('api-history')
  await context.close()

  for (const [lang, width] of [['en', 1280], ['zh-CN', 400], ['en', 400]] as const) {
    const small = await open(system, lang, width)
    const shown = await small.newPage()
    const paths = ['/admin/apis', new URL(address).pathname, '/admin/apis/new', `${new URL(address).pathname}/history`]
    for (const path of [...paths, `${new URL(address).pathname}/status/disabled`]) {
      await shown.goto(kora.issuer + path)
      t.same(await consoleFaultsOf(shown), [], `${path} ${lang} ${width}`)
    }
    await small.close()
  }

  // what people see
  const party = await RelyingParty.discover({ issuer: kora.issuer, clientId: 'fund', secret, redirectUri })
  const person = await kora.sandbox.account('ronghe')
  for (const [lang, width, words] of [
    ['zh-CN', 1280, '查询您的公积金账户'],
    ['bo', 360, '查询您的公积金账户'],
    ['en', 360, 'Read your housing fund']
  ] as const) {
    const people = await open(null, lang, width)
    const login = await people.newPage()
    await login.goto((await party.start({ scope: 'openid fund:read', resource: identifier })).url.href)
    await login.locator('[name=account]:visible').fill(person.phone)
    await login.locator('[name=password]:visible').fill(person.password ?? '')
    await login.locator('[name=agree]:visible').check()
    await login.locator('form:has([name=password]:visible) button[type=submit]').first().click()
    await login.waitForURL(/\/consent$/)
    t.equal(await login.locator(`[data-api="${identifier}"]`).count(), 1, lang)
    t.equal(await login.locator('[data-api-scope="fund:read"]').innerText(), words)
    t.same(await faultsOf(login), [], `consent ${lang}`)
    await shoot(login, `consent-api-${lang}`)
    await people.close()
  }
  const kiosk = await oidc.discovery(new URL(kora.issuer), 'demo-device', undefined, oidc.None(), {
    execute: [oidc.allowInsecureRequests]
  })
  const asked = await oidc.initiateDeviceAuthorization(kiosk, {
    scope: 'openid property:read',
    resource: 'urn:kora:demo:property'
  })
  for (const lang of ['zh-CN', 'bo', 'en']) {
    const people = await open(null, lang, 360)
    const device = await people.newPage()
    await device.goto(asked.verification_uri_complete ?? '')
    t.equal(await device.locator('[data-api-scope="property:read"]').count(), 1)
    t.same(await faultsOf(device), [], `device ${lang}`)
    await shoot(device, `device-api-${lang}`)
    await people.close()
  }
  t.same(complaints, [])
})
