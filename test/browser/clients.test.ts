/**
 * The clients of the console in a real Chromium: a client registered by hand, and every page with axe in two languages
 * and widths.
 */
import { mkdirSync } from 'node:fs'
import t from 'tap'
import { write } from '../../src/database/transaction.ts'
import { startKora } from '../support/driver/index.ts'
import { signInAs } from '../journeys/console/support.ts'
import { PNG } from 'pngjs'
import { createClient, findClient, storeLogo } from '../../src/records/clients/index.ts'
import { consoleFaultsOf, deskWidths, faultsOf, resize, widths, withChromium } from '../support/chromium.ts'
import { openConsole } from './administrators.ts'

t.setTimeout(600_000)

/** A white ring on green, round. */
function mark (): Buffer {
  const picture = new PNG({ width: 256, height: 256 })
  for (let y = 0; y < 256; y++) {
    for (let x = 0; x < 256; x++) {
      const far = Math.hypot(x - 128, y - 128)
      picture.data.set(
        far > 125 ? [0, 0, 0, 0] : far > 60 && far < 85 ? [255, 255, 255, 255] : [0, 102, 80, 255],
        (y * 256 + x) * 4
      )
    }
  }
  return PNG.sync.write(picture)
}

const shots = process.env['KORA_SCREENSHOTS']

await withChromium(t, 'clients in a browser', async (t, chromium) => {
  const kora = await startKora(t)
  const { db } = kora.inside.services
  if (shots !== undefined) mkdirSync(shots, { recursive: true })
  const system = await signInAs(kora, 'system')
  await db
    .insertInto('clientFailure')
    .values({ clientId: 'demo-consent', code: 'redirect_uri', address: 'http://localhost:1/callback/', count: 3 })
    .execute()
  await write(kora.inside.services, storeLogo, {
    act: { actor: 'admin:test', reason: 'x', address: null, traceId: null },
    clientId: 'demo-consent',
    file: mark()
  })
  const complaints: string[] = []
  const open = async (lang: string, width: number | null) => {
    const viewport = width === null ? null : { width, height: 800 }
    return await openConsole(chromium, {
      issuer: kora.issuer,
      who: system,
      lang,
      options: { viewport },
      complaints,
      // the checker's own script is not let into the frame of the preview, which has none
      expected: /^Blocked script execution in 'about:srcdoc'/
    })
  }

  const context = await open('zh-CN', 1280)
  const page = await context.newPage()
  const look = async (name: string): Promise<void> => {
    t.same(await consoleFaultsOf(page), [], name)
    if (shots !== undefined) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true })
  }
  await page.goto(`${kora.issuer}/admin/clients/new`)
  await look('client-new-1')
  await page.getByLabel('网站（有服务器）').check()
  await page.getByRole('button', { name: '下一步' }).click()
  await page.getByLabel('名称（中文）').fill('公积金查询')
  await page.getByRole('button', { name: '下一步' }).click()
  await page.getByLabel('回调地址').fill('http://gjj.gov.cn/cb')
  await page.getByRole('button', { name: '下一步' }).click()
  t.match(await page.locator('.summary').innerText(), /必须以 https/)
  await look('client-new-3')
  await page.getByLabel('回调地址').fill('https://gjj.gov.cn/cb')
  await page.getByRole('button', { name: '下一步' }).click()
  await page.getByLabel('姓名、性别 (profile)', { exact: true }).check()
  await page.getByLabel('用途：姓名、性别 (profile)').fill('显示姓名')
  await page.getByLabel('原因').fill('工单 4711')
  await look('client-new-4')
  await page.getByRole('button', { name: '建立应用' }).click()
  t.match(await page.locator('h1').innerText(), /公积金查询 已建立/)
  t.match(await page.getByLabel('应用密钥').inputValue(), /^[\w-]{43}$/)
  await look('client-made')
  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: '下载配置' }).click()
  t.match((await download).suggestedFilename(), /^site-[0-9a-f]{12}\.env$/)
  await page.getByRole('link', { name: '打开应用' }).click()
  const clientId = new URL(page.url()).pathname.split('/').pop() ?? ''
  t.match(await findClient(db, clientId), { metadata: { redirect_uris: ['https://gjj.gov.cn/cb'] } })
  await page.goto(`${kora.issuer}/admin/clients/${clientId}/addresses`)
  await page.getByLabel('粘贴回调地址').fill('https://gjj.gov.cn/cb/')
  await page.getByRole('button', { name: '检查' }).click()
  t.match(await page.locator('#tester-result').innerText(), /不匹配[\s\S]*结尾的 \/ 不同/)
  await look('client-tester')
  await context.close()

  const tabs = [
    '',
    '/addresses',
    '/permissions',
    '/credentials',
    '/experience',
    '/snippets',
    '/test',
    '/test?person=anna&in=bo&width=wide',
    '/test?in=en',
    '/history',
    '/credentials/rotate',
    '/status/disabled'
  ]
  for (const lang of ['zh-CN', 'en']) {
    const context = await open(lang, null)
    const page = await context.newPage()
    for (const path of [
      '/admin/clients',
      ...tabs.map((tab) => `/admin/clients/demo-consent${tab}`),
      '/admin/clients/kora-user-centre',
      '/admin/clients/demo-machine/permissions'
    ]) {
      await resize(page, deskWidths[0][1])
      const answer = await page.goto(kora.issuer + path)
      t.equal(answer?.status(), 200, path)
      for (const [width, screen] of deskWidths) {
        await resize(page, screen)
        t.same(await consoleFaultsOf(page), [], `${path} ${lang} ${width}`)
        t.equal(await page.locator('h1').count(), 1)
        if (path.includes('/test')) {
          const drawn = page.frameLocator('iframe')
          t.match(await drawn.locator('main').innerText(), /\*\*\*/, 'the consent page is drawn')
          t.ok(
            await drawn.locator('img.rp-logo').evaluate((image: { naturalWidth: number }) => image.naturalWidth > 0),
            'with the picture'
          )
          t.equal(
            await drawn
              .locator('.btn.main')
              .evaluate(
                (button) =>
                  (
                    globalThis as unknown as { getComputedStyle(element: unknown): { backgroundColor: string } }
                  ).getComputedStyle(button).backgroundColor
              ),
            'rgb(10, 79, 143)',
            'and its styles'
          )
        }
        if (shots !== undefined) {
          await page.screenshot({
            path: `${shots}/${path.replaceAll(/[^\w-]/g, '-').slice(1)}-${lang}-${width}.png`,
            fullPage: true
          })
        }
      }
    }
    await context.close()
  }
  t.same(complaints, [], 'no script or policy error')
})

await withChromium(t, 'the picture of a site on the pages of its login', async (t, chromium) => {
  const kora = await startKora(t)
  await write(kora.inside.services, storeLogo, {
    act: { actor: 'admin:test', reason: 'x', address: null, traceId: null },
    clientId: 'demo-consent',
    file: mark()
  })
  const { redirect_uris: [redirectUri = ''] = [] } =
    (await findClient(kora.inside.services.db, 'demo-consent'))?.metadata ?? {}
  const request = `${kora.issuer}/oidc/auth?${new URLSearchParams({ client_id: 'demo-consent', response_type: 'code', redirect_uri: redirectUri, scope: 'openid profile phone', code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' }).toString()}`
  for (const [width, options] of widths) {
    for (const lang of ['zh-CN', 'bo', 'en']) {
      const context = await chromium.newContext(options)
      await context.addCookies([{ name: 'kora_lang', value: lang, url: kora.issuer }])
      const page = await context.newPage()
      await page.goto(request)
      const picture = page.locator('img.rp-logo')
      t.ok(
        await picture.evaluate(
          (image: { complete: boolean; naturalWidth: number }) => image.complete && image.naturalWidth > 0
        ),
        `${lang} ${width}`
      )
      const boxes = async (): Promise<unknown> => [
        await picture.boundingBox(),
        await page.locator('.tabs').boundingBox(),
        await page.locator('button.main').boundingBox()
      ]
      t.match(
        await picture.boundingBox(),
        width === '1280' ? { width: 45, height: 45 } : { width: 45 },
        'two and a half lines, whatever its own size'
      )
      const before = await boxes()
      t.same(await faultsOf(page), [], `login ${lang} ${width}`)
      if (shots !== undefined) await page.screenshot({ path: `${shots}/logo-login-${lang}-${width}.png` })
      await page.goto(`${page.url().replace(/\/login.*$/, '')}/qr`)
      t.equal(await picture.count(), 1)
      t.same(await faultsOf(page), [], `qr ${lang} ${width}`)
      if (shots !== undefined) await page.screenshot({ path: `${shots}/logo-qr-${lang}-${width}.png` })
      await context.close()

      // the picture does not come: nothing moves
      const cut = await chromium.newContext(options)
      await cut.route('**/client-logo/**', async (route) => {
        await route.abort()
      })
      await cut.addCookies([{ name: 'kora_lang', value: lang, url: kora.issuer }])
      const bare = await cut.newPage()
      await bare.goto(request)
      const [box, tabs, button] = [
        await bare.locator('img.rp-logo').boundingBox(),
        await bare.locator('.tabs').boundingBox(),
        await bare.locator('button.main').boundingBox()
      ]
      t.same([box, tabs, button], before, `without it ${lang} ${width}`)
      await cut.close()
    }
  }
})

await withChromium(t, 'what waits for a second administrator, and a trial login', async (t, chromium) => {
  const kora = await startKora(t)
  const system = await signInAs(kora, 'system')
  const { services } = kora.inside
  const made = await write(services, createClient, {
    act: { actor: 'admin:test', reason: 'x', address: null, traceId: null },
    content: {
      kind: 'server',
      metadata: {
        redirect_uris: ['https://a.gov.cn/cb'],
        scope: 'openid profile',
        subject_type: 'pairwise',
        token_endpoint_auth_method: 'client_secret_post'
      },
      policy: { names: { 'zh-CN': '公积金查询' }, purposes: { profile: '显示姓名' } }
    }
  })
  if (made.outcome !== 'created') throw new Error(made.outcome)
  const {
    client: { clientId },
    secret
  } = made
  const asked = await system.browser.submit(
    await system.browser.go(`${kora.issuer}/admin/clients/${clientId}/permissions`),
    { introspects: '*', reason: '工单 1' },
    { form: ({ action }) => action.endsWith('/permissions') }
  )
  const account = await kora.sandbox.account('zhuoma')
  for (const [lang, width] of [
    ['zh-CN', 1280],
    ['en', 320]
  ] as const) {
    const options = { viewport: { width, height: 800 } }
    const context = await openConsole(chromium, { issuer: kora.issuer, who: system, lang, options })
    const page = await context.newPage()
    const look = async (name: string): Promise<void> => {
      t.same(await consoleFaultsOf(page), [], `${name} ${lang} ${width}`)
      if (shots !== undefined) await page.screenshot({ path: `${shots}/${name}-${lang}-${width}.png`, fullPage: true })
    }
    await page.goto(kora.issuer + new URL(asked.url).pathname)
    t.match(
      await page.locator('dl.facts').innerText(),
      lang === 'en' ? /introspect the tokens of every resource/ : /可以核验所有资源的令牌/
    )
    await look('approval-introspects')
    await page.goto(`${kora.issuer}/admin/clients/demo-machine/permissions`)
    await look('machine-permissions')
    await page.goto(`${kora.issuer}/admin/clients/demo-device/test`)
    await look('trial-not')
    await page.goto(`${kora.issuer}/admin/clients/${clientId}/test`)
    await page.locator('#secret').fill(secret?.secret ?? '')
    await page.getByRole('button', { name: lang === 'en' ? 'Start' : '开始' }).click()
    if ((await page.locator('#account').count()) > 0) {
      await page.locator('#account').fill(account.cert_no)
      await page.locator('#password').fill(account.password)
      if ((await page.locator('#agree').count()) > 0) await page.locator('#agree').check()
      await page.locator('button.main').click()
    }
    if (page.url().includes('/consent')) await page.locator('button[value=grant]').click()
    await page.waitForURL('**/admin/trial/callback**')
    t.equal(await page.locator('.trial .badge.good').count(), 5, 'every step is right')
    await look('trial')
    await context.close()
  }
})
