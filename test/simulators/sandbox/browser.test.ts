/**
 * The sandbox pages in a real Chromium with their real headers: axe, no sideways scrolling, no CSP error, targets of 44
 * px.
 */
import t from 'tap'
import { locales } from '../../../src/http/locale.ts'
import { axe, withChromium } from '../../support/chromium.ts'
import { startKora } from '../../support/driver/index.ts'
import { openDesk } from './support.ts'

const shots = process.env['KORA_SCREENSHOTS']

/** Runs in the page. */
const measure = `(() => {
  const small = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')].filter((element) => {
    const own = element.getBoundingClientRect()
    if (own.width === 0 || own.height === 0 || element.closest('.vh, .skip, [hidden]')) return false
    const box = element.matches('[type=radio],[type=checkbox]') ? element.closest('.radio').getBoundingClientRect() : own
    return box.height < 43.9 || box.width < 43.9
  }).map((element) => 'small target ' + element.outerHTML.slice(0, 100))
  const { scrollWidth, clientWidth } = document.documentElement
  return scrollWidth > clientWidth ? [...small, 'scrolls sideways by ' + (scrollWidth - clientWidth)] : small
})()`
const audit = `axe.run(document, { resultTypes: ['violations'], runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] } })
  .then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.slice(0, 2).map((node) => node.target.join(' ') + ' ' + node.failureSummary).join(' | ')))`

await withChromium(t, 'sandbox pages in a browser', async (t, browser) => {
  const kora = await startKora(t)
  const desk = openDesk(kora)
  await kora.inside.services.sms.send({
    phone: '+8613800138000',
    template: 'verification-code',
    parameters: { code: '246810' },
    messageId: 'm1'
  })
  await kora.sandbox.call('PUT', '/face', { outcomes: ['pass'], person: 'zhaxi' })
  const scan = async (handle: string): Promise<string> =>
    (
      await kora.sandbox.call<{ journey: string }>('POST', '/phone/scan', {
        payload: (await desk.show(handle)).payloadUrl,
        person: handle
      })
    ).body.journey
  const open = await scan('laoren')
  const { journey: done } = (await kora.sandbox.journey({
    payload: (await desk.show('yangjin')).payloadUrl,
    person: 'yangjin',
    face: ['quality', 'pass']
  })) as unknown as { journey: string }
  await desk.show('xuesheng')
  const paths = ['/sandbox', '/sandbox/phone', `/sandbox/phone/${open}`, `/sandbox/phone/${done}`, '/sandbox/api']

  for (const locale of locales) {
    for (const width of [320, 1280]) {
      const context = await browser.newContext({ viewport: { width, height: 800 }, locale })
      await context.addCookies([
        { name: 'kora_lang', value: locale, url: kora.issuer },
        { name: 'kora_size', value: width === 320 ? 'l' : 'n', url: kora.issuer }
      ])
      const page = await context.newPage()
      const complaints: string[] = []
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text().slice(0, 300))
      })
      page.on('pageerror', (error) => {
        complaints.push(error.message)
      })
      for (const [at, path] of paths.entries()) {
        await page.goto(kora.issuer + path, { waitUntil: 'load' })
        await page.evaluate('for (const fold of document.querySelectorAll("details")) fold.open = true')
        const faults = await page.evaluate<string[]>(measure)
        await page.evaluate(`${axe};0`)
        faults.push(...(await page.evaluate<string[]>(audit)), ...complaints.splice(0))
        t.same(faults, [], `${path.slice(0, 15)} ${at} ${locale} ${width}`)
        if (shots !== undefined) {
          await page.screenshot({ path: `${shots}/sandbox-${at}-${locale}-${width}.png`, fullPage: true })
        }
      }
      await context.close()
    }
  }

  await t.test('a person in front of the screen: the phone page works with script too', async (t) => {
    const ticket = await desk.show('zhaxi', { requires: ['face'] })
    const page = await browser.newPage()
    await page.goto(`${kora.issuer}/sandbox/phone?payload=${encodeURIComponent(ticket.payloadUrl)}`)
    t.equal(await page.inputValue('#payload'), ticket.payloadUrl)
    await page.click('button[value=run]')
    await page.waitForURL(/\/sandbox\/phone\/[\w-]{22}$/)
    t.equal(await ticket.state(), 'confirmed')
  })
})
