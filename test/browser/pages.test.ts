/**
 * Every page and state in a real Chromium, served over HTTP with its real headers: axe (WCAG 2.0–2.2 A and AA, best
 * practice), no sideways scrolling, no CSP or script error, targets of 44 px, in 3 languages × 3 widths × 2 sizes.
 * KORA_SCREENSHOTS=<folder> also writes pictures.
 */
import { mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import type { BrowserContext } from 'playwright-core'
import t from 'tap'
import { loadConfig } from '../../src/config.ts'
import { registerHttp, serverOptions } from '../../src/http/index.ts'
import { locales } from '../../src/http/locale.ts'
import { testCrypto } from '../support/database.ts'
import { fixtures } from '../http/fixtures.ts'
import { axe, faultsOf, widths, withBrowser } from './support.ts'

t.setTimeout(600_000)

const shots = process.env['KORA_SCREENSHOTS']
const only = process.env['KORA_PAGES']?.split(',')

async function serve (): Promise<{ origin: string; close: () => Promise<void> }> {
  const app = Fastify({ ...serverOptions })
  await registerHttp(app, { config: loadConfig({ NODE_ENV: 'test' }), crypto: testCrypto() })
  app.get('/fixture/:id', (request, reply) => {
    const fixture = fixtures.find(({ id }) => id === (request.params as { id: string }).id)
    return fixture === undefined ? reply.callNotFound() : reply.page(fixture.name, fixture.model)
  })
  // a stream that stays silent: the state under test is the one in the page
  app.get('/i/fixture/qr/ticket/events', (_request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
  })
  app.get('/relying-site', (_request, reply) => reply.type('text/plain').send('site'))
  await app.listen({ host: '127.0.0.1', port: 0 })
  return {
    origin: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`,
    close: async () => {
      await app.close()
    }
  }
}

await withBrowser(t, 'pages in a browser', async (t, browser) => {
  const server = await serve()
  t.teardown(server.close)
  if (shots !== undefined) mkdirSync(shots, { recursive: true })
  const wanted = fixtures.filter(({ id }) => only === undefined || only.includes(id))
  const combinations = locales.flatMap((locale) =>
    widths.flatMap(([width, options]) => (['n', 'l'] as const).map((size) => ({ locale, width, options, size })))
  )
  const faults: string[] = []
  let checked = 0

  const walk = async ({ locale, width, options, size }: (typeof combinations)[number]): Promise<void> => {
    const context: BrowserContext = await browser.newContext({ ...options, locale })
    await context.addCookies([
      { name: 'kora_lang', value: locale, url: server.origin },
      { name: 'kora_size', value: size, url: server.origin }
    ])
    // success pages go on after three seconds: not while they are looked at
    await context.addInitScript(
      '{ const real = setTimeout; globalThis.setTimeout = (work, ms = 0) => real(work, ms >= 3000 ? 600000 : ms) }'
    )
    // the checker alone is outside of the page's CSP
    await context.addInitScript(axe)
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text().slice(0, 300))
    })
    page.on('pageerror', (error) => {
      complaints.push(`script: ${error.message}`)
    })
    const here = wanted.filter(
      ({ variant }) => variant !== true || (width === '1280' && size === 'n') || (width === '320' && size === 'l')
    )
    for (const { id } of here) {
      const where = `${id} ${locale} ${width} ${size}`
      await page.goto(`${server.origin}/fixture/${id}`, { waitUntil: 'load' })
      const found = await faultsOf(page)
      faults.push(...[...found, ...complaints.splice(0)].map((fault) => `${where}: ${fault}`))
      checked++
      if (shots !== undefined) {
        await page.screenshot({ path: `${shots}/${id}-${locale}-${width}-${size}.png`, fullPage: true })
      }
    }
    await context.close()
  }

  const queue = [...combinations]
  await Promise.all(
    Array.from({ length: Math.min(3, availableParallelism()) }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) await walk(next)
    })
  )
  for (const fault of faults.slice(0, 60)) t.fail(fault)
  t.equal(faults.length, 0, `${checked} page states`)
  const full = wanted.filter(({ variant }) => variant !== true).length
  t.equal(checked, combinations.length * full + locales.length * 2 * (wanted.length - full))
})
