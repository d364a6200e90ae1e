/**
 * The developer documentation in Chromium: axe, 320 px, no CSP error; copy buttons, decoded tokens, print.
 * KORA_SCREENSHOTS=<folder> also writes pictures.
 */
import t from 'tap'
import type { BrowserContextOptions } from 'playwright-core'
import { startKora } from '../support/driver/index.ts'
import { axe, faultsOf, widths, withChromium } from '../support/chromium.ts'

t.setTimeout(600_000)
const shots = process.env['KORA_SCREENSHOTS']

await withChromium(t, 'developer documentation in a browser', async (t, browser) => {
  const kora = await startKora(t)
  const paths = [
    '',
    '/flows',
    '/endpoints',
    '/claims',
    '/levels',
    '/organizations',
    '/logout',
    '/errors',
    '/code',
    '/code?client_id=%27&redirect_uri=x&scope=openid',
    '/try',
    '/try/start?scope=openid',
    '/test-accounts',
    '/security',
    '/changes',
    '/eror'
  ]
  const combinations = [
    ['zh-CN', 'n', 0],
    ['zh-CN', 'l', 2],
    ['en', 'n', 1],
    ['en', 'l', 2],
    ['bo', 'n', 0]
  ] as const
  for (const [locale, size, at] of combinations) {
    const [width, options] = widths[at]
    const context = await browser.newContext({ ...(options as BrowserContextOptions), locale })
    await context.addCookies([
      { name: 'kora_lang', value: locale, url: kora.issuer },
      { name: 'kora_size', value: size, url: kora.issuer }
    ])
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) {
        complaints.push(message.text().slice(0, 300))
      }
    })
    page.on('pageerror', (error) => {
      complaints.push(`script: ${error.message}`)
    })
    for (const path of paths) {
      await page.goto(`${kora.issuer}/developers${path}`, { waitUntil: 'load' })
      t.same([...(await faultsOf(page)), ...complaints.splice(0)], [], `${path} ${locale} ${width} ${size}`)
      if (shots !== undefined) {
        await page.screenshot({
          path: `${shots}/dev${path.replace(/\W+/g, '-')}-${locale}-${width}.png`,
          fullPage: true
        })
      }
    }
    await context.close()
  }

  const context = await browser.newContext({ locale: 'en', permissions: ['clipboard-read', 'clipboard-write'] })
  const page = await context.newPage()
  await page.goto(`${kora.issuer}/developers/flows`)
  const button = page.locator('[data-copy]').first()
  await button.focus()
  await page.keyboard.press('Enter')
  await page.getByRole('status').filter({ hasText: 'Copied' }).waitFor()
  t.match(
    await page.evaluate<string>('navigator.clipboard.readText()'),
    /^GET .*\/oidc\/auth/,
    'the block, by keyboard'
  )

  await page.emulateMedia({ media: 'print' })
  t.notOk(await page.locator('#contents').isVisible(), 'no contents on paper')
  t.notOk(await button.isVisible())
  t.ok(await page.locator('pre').first().isVisible())
  await page.emulateMedia({ media: 'screen' })

  await page.goto(`${kora.issuer}/developers/try`)
  await page.getByRole('button', { name: 'Build the authorization request' }).click()
  await page.getByRole('link', { name: 'Open this address' }).click()
  const person = await kora.sandbox.account('ronghe')
  await page.fill('#account', person.phone)
  await page.fill('#password', person.password)
  await page.check('#agree')
  await page.click('form button[type=submit].main')
  await page.waitForURL('**/developers/try/callback?**')
  const decoded = (await page.locator('#id-token').textContent()) ?? ''
  const [header, payload] = decoded.split('\n.\n').map((part) => JSON.parse(part) as Record<string, unknown>)
  t.match(header, { alg: 'ES256' })
  t.match(payload, { aud: 'demo-try', representation: { role: 'self' } }, 'decoded in the page')
  await page.evaluate(axe + ';0')
  t.same(await faultsOf(page), [])
  if (shots !== undefined) await page.screenshot({ path: `${shots}/dev-try-callback.png`, fullPage: true })
  await context.close()

  const plain = await browser.newContext({
    javaScriptEnabled: false,
    locale: 'zh-CN',
    viewport: { width: 320, height: 640 }
  })
  const still = await plain.newPage()
  await still.goto(`${kora.issuer}/developers/code`)
  t.equal(await still.locator('[data-copy]:visible').count(), 0, 'no buttons that do nothing')
  t.match(await still.locator('pre').first().textContent(), 'openid-client')
  await plain.close()
})
