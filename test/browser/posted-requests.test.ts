/**
 * Forms of relying sites that post authorization and logout requests, in Chromium: SameSite=Lax cookies are there all
 * the same.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type { Page } from 'playwright-core'
import { demoParty, startKora } from '../support/driver/index.ts'
import { password, people } from './journeys.ts'
import { withChromium } from '../support/chromium.ts'

t.setTimeout(600_000)

await withChromium(t, 'posted requests', async (t, browser) => {
  const kora = await startKora(t)
  const { of } = await people(kora)
  const site = await demoParty(kora, 'demo-site')
  // 127.0.0.1 is another site than localhost: nothing of Lax comes with its forms
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>elsewhere</title>')
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const elsewhere = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`

  const submit = async (page: Page, action: string, fields: Record<string, string>): Promise<void> => {
    await page.evaluate(`(() => {
      const form = document.createElement('form')
      form.method = 'post'
      form.action = ${JSON.stringify(action)}
      for (const [name, value] of Object.entries(${JSON.stringify(fields)})) {
        const input = document.createElement('input')
        Object.assign(input, { type: 'hidden', name, value })
        form.append(input)
      }
      document.body.append(form)
      setTimeout(() => form.submit())
    })()`)
  }

  for (const [name, origin] of [
    ['the demo site', kora.site],
    ['another site', elsewhere]
  ] as const) {
    await t.test(`from ${name}`, async (t) => {
      const context = await browser.newContext({ locale: 'zh-CN' })
      t.teardown(async () => {
        await context.close()
      })
      const page = await context.newPage()
      const arrived = (url: URL): boolean => site.arrived(url)
      const authorize = async (): Promise<Awaited<ReturnType<typeof site.redeem>>> => {
        const started = await site.start()
        // the demo site has not asked for this answer and takes nothing from it
        const answer = page.waitForRequest((request) => arrived(new URL(request.url())))
        await page.goto(origin)
        await submit(page, `${kora.issuer}/oidc/auth`, Object.fromEntries(started.url.searchParams))
        const asked = page
          .waitForURL(/\/i\/[\w-]+\/login$/)
          .then(async () => {
            await password(page, of('zhuoma').phone, of('zhuoma').password)
          })
          .catch(() => {})
        await Promise.race([answer, asked])
        const url = (await answer).url()
        // what is opened next would be interrupted by it
        await page.waitForURL(arrived)
        return await site.redeem(started, url)
      }
      const first = await authorize()
      const visited: string[] = []
      page.on('framenavigated', (frame) => {
        visited.push(new URL(frame.url()).pathname)
      })
      const second = await authorize()
      t.notOk(
        visited.some((path) => path.endsWith('/login')),
        'the second time nothing is asked'
      )
      t.equal(second.claims()?.sub, first.claims()?.sub)

      await page.goto(origin)
      await submit(page, `${kora.issuer}/oidc/logout`, { client_id: 'demo-site' })
      await page.waitForURL(/\/oidc\/logout\?/)
      t.equal(
        await page.locator('form#op\\.logoutForm, form[id="op.logoutForm"]').count(),
        1,
        'without a hint the person is asked'
      )

      await page.goto(origin)
      await submit(page, `${kora.issuer}/oidc/logout`, {
        id_token_hint: second.id_token ?? '',
        post_logout_redirect_uri: `${kora.site}/logged-out`
      })
      await page.waitForURL(`${kora.site}/logged-out`)
      await page.goto((await site.start()).url.href)
      t.match(page.url(), /\/login$/, 'the session is over')
    })
  }
})
