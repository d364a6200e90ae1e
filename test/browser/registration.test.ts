/**
 * Registration in a real Chromium, with its real headers and data: with script nobody sees a picture, the proof of work
 * is computed and the message is sent by one press; axe, no sideways scrolling, targets of 44 px in 3 languages and
 * widths.
 */
import { mkdirSync } from 'node:fs'
import t from 'tap'
import { locales } from '../../src/http/locale.ts'
import { startKora } from '../support/driver/index.ts'
import { lastCode, office, password, people } from '../journeys/registration/support.ts'
import { faultsOf, resize, widths, withChromium } from '../support/chromium.ts'

t.setTimeout(600_000)

const shots = process.env['KORA_SCREENSHOTS']

await withChromium(t, 'registration in a browser', async (t, chromium) => {
  const kora = await startKora(t)
  if (shots !== undefined) mkdirSync(shots, { recursive: true })
  const context = await chromium.newContext({ locale: 'zh-CN' })
  const complaints: string[] = []
  context.on('console', (message) => {
    if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) {
      complaints.push(message.text().slice(0, 300))
    }
  })
  context.on('weberror', (error) => {
    complaints.push(`script: ${error.error().message}`)
  })
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)

  /** The page as it stands, in every language and width. */
  async function look (name: string): Promise<void> {
    const cookies = await context.cookies()
    for (const locale of locales) {
      const other = await chromium.newContext({ viewport: null, locale })
      await other.addCookies([
        ...cookies.filter((cookie) => cookie.name !== 'kora_lang'),
        { name: 'kora_lang', value: locale, url: kora.issuer }
      ])
      const copy = await other.newPage()
      await resize(copy, widths[0][1])
      await copy.goto(page.url())
      for (const [width, screen] of widths) {
        await resize(copy, screen)
        const faults = await faultsOf(copy)
        t.same(faults, [], `${name} ${locale} ${width}`)
        if (shots !== undefined) {
          await copy.screenshot({ path: `${shots}/registration-${name}-${locale}-${width}.png`, fullPage: true })
        }
      }
      await other.close()
    }
  }

  await page.goto(`${kora.issuer}/register`)
  await look('start')
  await page.click('button[value=agent]')
  await page.fill('#uscc', '9154010')
  // Enter means: next, not: choose a county
  await page.press('#uscc', 'Enter')
  await page.waitForSelector('.summary')
  t.equal(await page.evaluate('document.activeElement.className'), 'summary', 'the summary has the focus')
  await page.fill('#uscc', office.uscc)
  await page.selectOption('#prefecture', '540100')
  await page.click('button[value=prefecture]')
  await look('unit')
  await page.selectOption('#county', '540102')
  await page.click('button.main[value=next]')
  await page.fill('#name', people.yangjin.name)
  await page.fill('#cert_no', people.yangjin.cert_no)
  await page.fill('#year', '2023')
  await page.fill('#month', '9')
  await page.fill('#day', '1')
  await page.locator('#day').blur()
  t.equal(await page.textContent('#end'), '长期', 'the term is suggested and the end derived')
  await page.fill('#phone', people.yangjin.phone)
  await look('agent')
  await page.click('main button[type=submit]')

  await page.waitForSelector('#send')
  // the script, once it runs, hides the picture
  await page.waitForSelector('img.captcha', { state: 'hidden' })
  await look('phone')
  await page.goto(page.url())
  // pressed at once: it waits for the work to be done
  await page.click('#send')
  await page.waitForSelector('#sms_code')
  const code = await lastCode(kora, people.yangjin.phone)
  await look('code')
  await page.fill('#sms_code', code)
  await page.click('form[action$="/code"] button')
  await page.fill('#name', people.zhaxi.name)
  await page.fill('#cert_no', people.zhaxi.cert_no)
  await page.fill('#phone', people.zhaxi.phone)
  await look('legal')
  await page.click('main button[type=submit]')
  await page.waitForSelector('#agreement')
  await look('check')
  await page.check('#agreement')
  await page.check('#consent')
  await page.click('main button[type=submit]')
  await page.waitForSelector('#qr-code[data-payload]')
  const payload = (await page.getAttribute('#qr-code', 'data-payload')) ?? ''
  t.equal((await kora.sandbox.journey({ payload, person: 'yangjin' })).outcome, 'confirmed')
  await page.waitForSelector('#new_password')
  await look('password')
  await page.fill('#new_password', password)
  await page.fill('#again', password)
  await page.click('main button[type=submit]')
  await page.waitForSelector('h1.ok')
  await look('done')
  t.same(complaints, [], 'no complaint of the browser')
})
