/**
 * The user centre in a real Chromium, with its real headers and data: axe, no sideways scrolling, targets of 44 px, no
 * CSP or script error, in 3 languages and 3 widths; and one approval from the list to the result, with script.
 */
import { mkdirSync } from 'node:fs'
import type { Browser as Chromium, BrowserContext } from 'playwright-core'
import t from 'tap'
import { notify } from '../../src/records/messages/index.ts'
import { locales } from '../../src/http/locale.ts'
import { startKora, type Browser, type Kora } from '../support/driver/index.ts'
import { enter, enterLegal, organizationId } from '../journeys/user-center/support.ts'
import { faultsOf, resize, widths, withChromium } from '../support/chromium.ts'

t.setTimeout(600_000)

const shots = process.env['KORA_SCREENSHOTS']

async function contextOf (
  chromium: Chromium,
  kora: Kora,
  browser: Browser,
  options: object,
  preferences: Record<string, string> = {}
): Promise<{ context: BrowserContext; complaints: string[] }> {
  const context = await chromium.newContext(options)
  const cookies = {
    ...preferences,
    ...Object.fromEntries(
      ['kora_browser', 'kora_me', 'kora_session'].map((name) => [name, browser.cookie(name) ?? ''])
    )
  }
  await context.addCookies(Object.entries(cookies).map(([name, value]) => ({ name, value, url: kora.issuer })))
  const complaints: string[] = []
  context.on('console', (message) => {
    // a status of 4xx that was asked for is told to the console too
    if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) {
      complaints.push(message.text().slice(0, 300))
    }
  })
  context.on('weberror', (error) => {
    complaints.push(`script: ${error.error().message}`)
  })
  return { context, complaints }
}

async function furnish (
  kora: Kora
): Promise<{ legal: Browser; self: Browser; waiting: string; active: string; message: string }> {
  const { db } = kora.inside.services
  const legal = (await enterLegal(kora, 'gongsi')).browser
  const self = (await enter(kora, 'dawa')).browser
  const [gongsi, account] = [await organizationId(kora, 'gongsi'), await kora.sandbox.account('zhuoma')]
  // one that waits, beside those in force and those that ended
  const page = await legal.go(`${kora.issuer}/me/agents/new`)
  const made = await legal.submit(
    page,
    {
      name: '仁增',
      cert_no: '540530199909090039',
      phone: '18900189006',
      sites: 'some',
      site: ['demo-site', 'demo-tax']
    },
    { form: (form) => 'starts' in form.fields }
  )
  const active = await db
    .selectFrom('delegation')
    .select('id')
    .where('organizationId', '=', gongsi)
    .where('state', '=', 'active')
    .executeTakeFirstOrThrow()
  const expiresAt = new Date(Date.now() + 86_400_000 * 30)
  await db
    .insertInto('trustedBrowser')
    .values({ personId: account.person_id, organizationId: gongsi, browserHash: 'elsewhere', expiresAt })
    .execute()
  const message = await db.transaction().execute(
    async (trx) =>
      await notify(trx, kora.inside.services, {
        personId: account.person_id,
        kind: 'delegation-rejected',
        data: {
          organization: '西藏示例科技有限公司',
          uscc: '91540102MA6T1A2BXK',
          agent: '*瓦',
          validTo: '2027-01-01',
          reason: 'wrong_data: 证件过期'
        }
      })
  )
  return {
    legal,
    self,
    waiting: new URL(made.url).pathname.replace(/\/approve$/, ''),
    active: `/me/agents/${active.id}`,
    message: `/me/messages/${message}`
  }
}

await withChromium(t, 'user centre in a browser', async (t, chromium) => {
  const kora = await startKora(t)
  const { legal, self, waiting, active, message } = await furnish(kora)
  if (shots !== undefined) mkdirSync(shots, { recursive: true })

  await t.test('every page, three languages, three widths', async (t) => {
    const pages: Array<[string, string, Browser]> = [
      ['home', '/me', legal],
      ['agents', '/me/agents', legal],
      ['approve', `${waiting}/approve`, legal],
      ['qr', `${waiting}/qr`, legal],
      ['reject', `${waiting}/reject`, legal],
      ['new', '/me/agents/new', legal],
      ['edit', `${active}/edit`, legal],
      ['suspend', `${active}/suspend`, legal],
      ['revoke', `${active}/revoke`, legal],
      ['stale', `${waiting.replace(/\d+$/, '9')}/result`, legal],
      ['messages', '/me/messages', legal],
      ['message', message, legal],
      ['browsers', '/me/browsers', legal],
      ['password', '/me/organization-password', legal],
      ['mine', '/me/mine', self],
      ['refused', '/me/agents', self]
    ]
    const faults: string[] = []
    let checked = 0
    for (const locale of locales) {
      for (const [size, screens] of [
        ['n', widths.slice(0, 2)],
        ['l', widths.slice(2)]
      ] as const) {
        for (const browser of [legal, self]) {
          const { context, complaints } = await contextOf(chromium, kora, browser, { viewport: null }, {
            kora_lang: locale,
            kora_size: size
          })
          const page = await context.newPage()
          const look = async (id: string): Promise<void> => {
            for (const [width, screen] of screens) {
              // a phone is not shown a code to scan: another page
              const phone = id === 'qr' && width === '360'
                ? await contextOf(chromium, kora, browser, screen, {
                  kora_lang: locale,
                  kora_size: size
                })
                : null
              const shown = await phone?.context.newPage() ?? page
              if (phone === null) await resize(page, screen)
              else await shown.goto(page.url(), { waitUntil: 'load' })
              const found = [...(await faultsOf(shown)), ...complaints.splice(0), ...(phone?.complaints ?? [])]
              faults.push(...found.map((fault) => `${id} ${locale} ${width}: ${fault}`))
              checked++
              if (shots !== undefined) {
                await shown.screenshot({ path: `${shots}/me-${id}-${locale}-${width}.png`, fullPage: true })
              }
              await phone?.context.close()
            }
          }
          for (const [id, path] of pages.filter(([, , whose]) => whose === browser)) {
            await resize(page, screens[0]![1])
            await page.goto(kora.issuer + path, { waitUntil: 'load' })
            await look(id)
            // the same page with everything wrong
            if (id !== 'new' && id !== 'reject' && id !== 'password') continue
            await page.click('main form[novalidate] button[type=submit]')
            await page.waitForSelector('.summary')
            await look(`${id}-errors`)
          }
          await context.close()
        }
      }
    }
    for (const fault of faults.slice(0, 40)) t.fail(fault)
    t.equal(faults.length, 0, `${checked} page states`)
    t.equal(checked, (pages.length + 3) * 9)
  })

  await t.test('an approval with script: the page goes on by itself', async (t) => {
    const { context, complaints } = await contextOf(chromium, kora, legal, widths[0][1], { kora_lang: 'zh-CN' })
    const page = await context.newPage()
    await page.goto(`${kora.issuer}/me/agents`)
    await page.click('a[aria-label^="通过"]')
    await page.click('main form[data-once] button[type=submit]')
    await page.waitForSelector('#qr-code[data-payload]')
    const payload = await page.getAttribute('#qr-code', 'data-payload')
    t.equal((await kora.sandbox.journey({ payload, person: 'zhuoma' })).outcome, 'confirmed')
    await page.waitForURL(/\/result$/, { timeout: 60_000 })
    t.match(await page.textContent('h1'), /审核成功/)
    t.same(complaints, [], 'no word from the CSP')
    await context.close()
  })
})
