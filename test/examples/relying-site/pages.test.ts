/** The pages in a real browser: narrow, without script, and free of axe findings. */
import type { Page } from 'playwright-core'
import axe from 'axe-core'
import t from 'tap'
import { withChromium } from '../../support/chromium.ts'
import { start, verifiedClaims } from './support.ts'

await withChromium(t, 'pages', async (t, chrome) => {
  const world = await start()
  t.teardown(async () => {
    await world.close()
  })
  world.behaviour.representation = {
    role: 'agent',
    organization: { uscc: '91540102MA6T1A2BXK', name: '西藏示例科技有限公司' },
    delegation: {
      id: 'dlg_1',
      version: 2,
      functions: ['property.register', 'property.query'],
      valid_from: '2026-04-11',
      valid_to: '2027-04-10'
    }
  }
  world.behaviour.verifiedClaims = verifiedClaims
  const page = await chrome.newPage({ viewport: { width: 320, height: 640 } })
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 4/.test(message.text())) complaints.push(message.text())
  })

  async function check (what: string): Promise<void> {
    await page.evaluate(axe.source)
    const violations = await page.evaluate(async () => {
      const { axe } = globalThis as unknown as {
        axe: { run(): Promise<{ violations: Array<{ id: string; nodes: Array<{ html: string }> }> }> }
      }
      const result = await axe.run()
      return result.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)
    })
    t.strictSame(violations, [], `${what}: axe`)
    t.ok(await page.evaluate('document.documentElement.scrollWidth <= 320'), `${what}: no sideways scrolling`)
    t.strictSame(await smallTargets(page), [], `${what}: targets`)
    if (process.env.SCREENSHOTS) {
      await page.screenshot({ path: `${process.env.SCREENSHOTS}/${what}.png`, fullPage: true })
    }
  }

  await page.goto(world.site.url)
  await check('home')
  await page.getByText('登录', { exact: false }).and(page.locator('a.button')).click()
  await page.getByText('西藏示例科技有限公司').first().waitFor()
  await check('me')
  for (const summary of await page.locator('summary').all()) await summary.click()
  await check('me-open')
  await page.goto(`${world.site.url}/property-certificate`)
  await check('challenge')
  await page.getByText('提高认证等级').click()
  await page.getByText('登记已办理').waitFor()
  await check('done')
  await page.goto(`${world.site.url}/callback?state=lost`)
  await check('lost')
  t.match(await page.title(), /^错误：/)
  await page.goto(`${world.site.url}/me`)
  await page.getByRole('button', { name: '退出登录' }).click()
  await page.waitForURL(`${world.issuer}/**`)
  await page.goto(`${world.site.url}/logged-out`)
  await check('logged-out')
  t.strictSame(complaints, [], 'nothing blocked by the content security policy')
})

/** Links and buttons lower than 44 px, except inside sentences. */
function smallTargets (page: Page): Promise<string[]> {
  return page.evaluate(`[...document.querySelectorAll('a, button, summary')]
    .filter(element => element.getBoundingClientRect().height < 44).map(element => element.outerHTML)`)
}
