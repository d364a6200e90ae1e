/** The clients of the console in a real Chromium: a client registered by hand, and every page with axe in two languages and widths. */
import { mkdirSync } from 'node:fs'
import t from 'tap'
import { startKora } from '../support/driver/index.ts'
import { signInAs } from '../features/admin/support.ts'
import { findClient } from '../../src/features/clients/index.ts'
import { axe, consoleFaultsOf, withBrowser } from './support.ts'

t.setTimeout(600_000)

const shots = process.env['KORA_SCREENSHOTS']

await withBrowser(t, 'clients in a browser', async (t, chromium) => {
  const kora = await startKora(t)
  const { db } = kora.inside.services
  if (shots !== undefined) mkdirSync(shots, { recursive: true })
  const system = await signInAs(kora, 'system')
  await db.insertInto('clientFailure').values({ clientId: 'demo-consent', code: 'redirect_uri', address: 'http://localhost:1/callback/', count: 3 }).execute()
  const complaints: string[] = []
  const open = async (lang: string, width: number) => {
    const context = await chromium.newContext({ viewport: { width, height: 800 } })
    await context.addCookies([{ name: 'kora_lang', value: lang, url: kora.issuer }])
    for (const name of ['kora_browser', 'kora_admin']) await context.addCookies([{ name, value: system.browser.cookie(name) ?? '', url: `${kora.issuer}/admin` }])
    await context.addInitScript(axe)
    context.on('console', (message) => { if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) complaints.push(message.text().slice(0, 300)) })
    context.on('weberror', (error) => { complaints.push(error.error().message) })
    return context
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

  const tabs = ['', '/addresses', '/permissions', '/credentials', '/experience', '/snippets', '/test', '/history', '/credentials/rotate', '/status/disabled']
  for (const lang of ['zh-CN', 'en']) {
    for (const width of [1280, 320]) {
      const context = await open(lang, width)
      const page = await context.newPage()
      for (const path of ['/admin/clients', ...tabs.map((tab) => `/admin/clients/demo-consent${tab}`), '/admin/clients/kora-user-centre', '/admin/clients/demo-machine/permissions']) {
        const answer = await page.goto(kora.issuer + path)
        t.equal(answer?.status(), 200, path)
        t.same(await consoleFaultsOf(page), [], `${path} ${lang} ${width}`)
        t.equal(await page.locator('h1').count(), 1)
        if (shots !== undefined) await page.screenshot({ path: `${shots}/${path.replaceAll('/', '-').slice(1)}-${lang}-${width}.png`, fullPage: true })
      }
      await context.close()
    }
  }
  t.same(complaints, [], 'no script or policy error')
})
