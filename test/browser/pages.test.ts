/**
 * Every page and state in a real Chromium, served over HTTP with its real headers: axe (WCAG 2.0–2.2 A and AA, best
 * practice), no sideways scrolling, no CSP or script error, targets of 44 px, in 3 languages × 3 widths × 2 sizes.
 * KORA_SCREENSHOTS=<folder> also writes pictures.
 */
import { mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import t from 'tap'
import { loadConfig } from '../../src/config.ts'
import { registerHttp, serverOptions } from '../../src/http/index.ts'
import { locales, type Locale } from '../../src/http/locale.ts'
import { testCrypto } from '../support/database.ts'
import { fixtures } from '../http/fixtures.ts'
import { axe, faultsOf, resize, widths, withChromium } from '../support/chromium.ts'

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
  app.get('/axe.js', (_request, reply) =>
    reply.header('cache-control', 'public, max-age=3600').type('text/javascript').send(axe)
  )
  app.get('/relying-site', (_request, reply) => reply.type('text/plain').send('site'))
  await app.listen({ host: '127.0.0.1', port: 0 })
  return {
    origin: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`,
    close: async () => {
      await app.close()
    }
  }
}

/** Runs in the page: the checker from the server, so that Chromium keeps it compiled; the document stays as it was. */
const loadAxe = `new Promise((resolve, reject) => {
  const script = document.createElement('script')
  script.src = '/axe.js'
  script.onload = () => {
    script.remove()
    resolve()
  }
  script.onerror = () => reject(new Error('no checker'))
  document.head.append(script)
})`

/**
 * Runs in the page: makes it what the server sends to who wants large letters. Gives a fault when that page differs in
 * more than its class, the link back to normal letters, and its trace id.
 */
const enlarge = `(async () => {
  const html = async (size) =>
    await (await fetch('?size=' + size + '&lang=' + document.documentElement.lang, { credentials: 'omit' })).text()
  const rest = (page) => page
    .replace(' class="size-l"', '').replace(/<a class="big".*/, '').replace(/[?&]size=[nl]/g, '')
    .replace(/<p class="trace">.*/, '')
  const [normal, large] = await Promise.all([html('n'), html('l')])
  document.documentElement.className = 'size-l'
  return large.includes(' class="size-l"') && rest(normal) === rest(large) ? [] : ['large letters: another page']
})()`

await withChromium(t, 'pages in a browser', async (t, browser) => {
  const server = await serve()
  t.teardown(server.close)
  if (shots !== undefined) mkdirSync(shots, { recursive: true })
  const wanted = fixtures.filter(({ id }) => only === undefined || only.includes(id))
  const faults: string[] = []
  let checked = 0

  const walk = async (locale: Locale): Promise<void> => {
    const context = await browser.newContext({ viewport: null, locale })
    await context.addCookies([{ name: 'kora_lang', value: locale, url: server.origin }])
    // success pages go on after three seconds: not while they are looked at
    await context.addInitScript(
      '{ const real = setTimeout; globalThis.setTimeout = (work, ms = 0) => real(work, ms >= 3000 ? 600000 : ms) }'
    )
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text().slice(0, 300))
    })
    page.on('pageerror', (error) => {
      complaints.push(`script: ${error.message}`)
    })
    for (const { id, variant } of wanted) {
      await resize(page, widths[0][1])
      await page.goto(`${server.origin}/fixture/${id}`, { waitUntil: 'load' })
      await page.evaluate(loadAxe)
      for (const size of ['n', 'l'] as const) {
        const found = size === 'l' ? await page.evaluate<string[]>(enlarge) : []
        for (const [width, screen] of size === 'l' ? widths.toReversed() : widths) {
          if (variant === true && !['1280 n', '320 l'].includes(`${width} ${size}`)) continue
          await resize(page, screen)
          found.push(...(await faultsOf(page)), ...complaints.splice(0))
          faults.push(...found.splice(0).map((fault) => `${id} ${locale} ${width} ${size}: ${fault}`))
          checked++
          if (shots !== undefined) {
            await page.screenshot({ path: `${shots}/${id}-${locale}-${width}-${size}.png`, fullPage: true })
          }
        }
      }
    }
    await context.close()
  }

  const queue = [...locales]
  await Promise.all(
    Array.from({ length: Math.min(locales.length, availableParallelism()) }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) await walk(next)
    })
  )
  for (const fault of faults.slice(0, 60)) t.fail(fault)
  t.equal(faults.length, 0, `${checked} page states`)
  const full = wanted.filter(({ variant }) => variant !== true).length
  t.equal(checked, locales.length * (widths.length * 2 * full + 2 * (wanted.length - full)))
})
