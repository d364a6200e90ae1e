/** Steps of people in a real browser: the desktop, the phone's own browser and the capture page of the face check. */
import { readFileSync } from 'node:fs'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import type { Test } from 'tap'
import type { Kora } from '../support/driver/index.ts'
import type { SandboxAccount } from '../support/driver/sandbox.ts'
import { phoneAgent } from '../support/chromium.ts'

const axe = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8')
const run = `axe.run(document, { resultTypes: ['violations'], preload: false, runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] } })
  .then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.slice(0, 2).map((node) => node.target.join(' ')).join(' | ')))`

export interface Walk {
  desktop(options?: BrowserContextOptions): Promise<Page>
  phone(options?: BrowserContextOptions): Promise<Page>
  /** Nobody may find a fault on the page that is shown now. */
  audit(page: Page, where: string): Promise<void>
  /** What browsers complained about, with the address where. */
  complaints: string[]
}

export function walk (t: Test, browser: Browser): Walk {
  const complaints: string[] = []
  // where no script runs the checker cannot either: it looks at the same document in another page of that size
  const mirrors = new Map<BrowserContext, () => Promise<Page>>()
  const open = async (options: BrowserContextOptions): Promise<Page> => {
    const context: BrowserContext = await browser.newContext({ locale: 'zh-CN', ...options })
    context.setDefaultTimeout(30_000)
    t.teardown(async () => {
      await context.close()
    })
    context.on('page', (page) => {
      // a page that says no with its status is no fault; Chromium reports it all the same
      page.on('console', (message) => {
        if (message.type() === 'error' && !/the server responded with a status of 4\d\d/.test(message.text())) {
          complaints.push(`${page.url()}: ${message.text()}`)
        }
      })
      page.on('pageerror', (error) => {
        complaints.push(`${page.url()}: ${error.message}`)
      })
      page.on('response', (response) => {
        if (response.status() >= 500) complaints.push(`${response.url()}: ${response.status()}`)
      })
    })
    if (options.javaScriptEnabled === false) {
      mirrors.set(context, async () => await open({ ...options, javaScriptEnabled: true }))
    }
    return await context.newPage()
  }
  const checked = async (page: Page, where: string): Promise<void> => {
    await page.evaluate(axe)
    t.same(await page.evaluate(run), [], `axe: ${where}`)
  }
  return {
    complaints,
    desktop: async (options = {}) => await open({ viewport: { width: 1280, height: 860 }, ...options }),
    phone: async (options = {}) =>
      await open({
        viewport: { width: 360, height: 740 },
        isMobile: true,
        hasTouch: true,
        userAgent: phoneAgent,
        ...options
      }),
    async audit (page, where) {
      const mirror = await mirrors.get(page.context())?.()
      if (mirror !== undefined) {
        await mirror.setContent((await page.content()).replace(/<script[\s\S]*?<\/script>|<link[^>]*>/g, ''))
      }
      await checked(mirror ?? page, where)
      await mirror?.context().close()
      t.equal(
        await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
        0,
        `no sideways scrolling: ${where}`
      )
    }
  }
}

/** Whatever stands between the words. */
const across = (text: RegExp): RegExp => new RegExp(text.source, 's')
async function shows (page: Page, selector: string, text: RegExp): Promise<void> {
  try {
    await page.locator(selector, { hasText: across(text) }).waitFor()
  } catch (error) {
    throw new Error(
      `${String(text)} is not at ${page.url()}: ${(await page.locator('body').innerText()).replace(/\s+/g, ' ').slice(0, 600)}`,
      { cause: error }
    )
  }
}
export const says = async (page: Page, text: RegExp): Promise<void> => {
  await shows(page, 'body', text)
}
export const status = async (page: Page, text: RegExp): Promise<void> => {
  await shows(page, '#qr-status', text)
}
export const press = async (page: Page, selector: string): Promise<void> => {
  await Promise.all([page.waitForEvent('domcontentloaded'), page.locator(selector).first().click()])
}

export async function password (page: Page, account: string, text: string): Promise<void> {
  if ((await page.locator('#account').count()) > 0) await page.fill('#account', account)
  await page.fill('#password', text)
  const agree = page.locator('#agree')
  if ((await agree.count()) > 0) await agree.check()
  await press(page, 'form:has(#password) [type=submit]')
  // whoever acts for organizations too goes on as themself
  if (/\/select$/.test(new URL(page.url()).pathname)) await press(page, 'button.choice[value=self]')
}

export const payload = async (page: Page): Promise<string> =>
  (await page.locator('#qr-code').getAttribute('data-payload')) ?? ''
/** The number that stands on the screen; on phones it may be folded away. */
export const number = async (page: Page): Promise<string> =>
  ((await page.locator('.match-n').first().textContent()) ?? '').trim()

/** Scans what the other screen shows; ends on the page that says who asks. */
export async function scan (phone: Page, screen: Page): Promise<void> {
  await phone.goto(await payload(screen))
  await press(phone, 'form[action$="/scan"] button')
}

/** Compares or enters the number. */
export async function accept (phone: Page, screenNumber: string): Promise<void> {
  const entry = phone.locator('#check_number')
  if ((await entry.count()) > 0) await entry.fill(screenNumber)
  await press(phone, 'button[value=accept]')
}

export async function identity (
  phone: Page,
  { name, cert_no: certNo, card }: SandboxAccount & { card: { valid_from: string; term: string } }
): Promise<void> {
  const [year = '', month = '', day = ''] = card.valid_from.split('-')
  for (const [id, value] of Object.entries({ name, cert_no: certNo, year, month, day })) {
    await phone.fill(`#${id}`, value)
  }
  await phone.locator(`input[name=term][value="${card.term}"]`).check()
  await phone.check('#consent')
  await press(phone, 'button[value=submit]')
}

/** Consent, capture page, and back. */
export async function face (
  phone: Page,
  outcome: string,
  seen: (page: Page) => Promise<void> = async () => {}
): Promise<void> {
  await phone.check('#consent')
  await press(phone, 'button[value=start]')
  await phone.waitForURL(/\/capture\//)
  await seen(phone)
  await phone.locator(`input[name=outcome][value="${outcome}"]`).check()
  await press(phone, 'form button.main')
}

export interface People {
  of(handle: string): SandboxAccount & { card: { valid_from: string; term: string } }
}

export async function people (kora: Kora): Promise<People> {
  const all = (await kora.sandbox.accounts()) as Array<ReturnType<People['of']>>
  return {
    of (handle) {
      const found = all.find((one) => one.handle === handle)
      if (found === undefined) throw new Error(`no ${handle}`)
      return found
    }
  }
}

/** From the site's front page to the login page, as people come. */
export async function come (page: Page, site: string): Promise<void> {
  await page.goto(site)
  await page.getByRole('link', { name: '登录 Sign in', exact: true }).first().click()
  await page.waitForURL(/\/i\/[\w-]+\/login$/)
}

/** The organization tab of the login page that is shown: code, password, and as what. */
export async function organization (
  page: Page,
  {
    uscc,
    password,
    role = 'legal_representative'
  }: { uscc: string; password: string; role?: 'legal_representative' | 'agent' }
): Promise<void> {
  if ((await page.locator('input[name=role]').count()) === 0) await press(page, '.tabs a[href*="tab=legal"]')
  await page.fill('#account', uscc)
  await page.fill('#password', password)
  await page.locator(`input[name=role][value=${role}]`).check()
  const agree = page.locator('#agree')
  if ((await agree.count()) > 0) await agree.check()
  await press(page, 'form:has(#password) [type=submit]')
}

/** The phone's whole part: scan, number, identity form where it is asked for, face. `seen` is called with who asks. */
export async function confirm (
  phone: Page,
  screen: Page,
  person: Parameters<typeof identity>[1],
  seen: (page: Page) => Promise<void> = async () => {}
): Promise<void> {
  await scan(phone, screen)
  await seen(phone)
  await accept(phone, await number(screen))
  if (/\/identity$/.test(new URL(phone.url()).pathname)) await identity(phone, person)
  await phone.waitForURL(/\/face$/)
  await face(phone, 'pass')
  await phone.waitForURL(/\/result$/)
}

/** The page that waits for the phone goes on by itself, or by its form where no script runs. */
export async function goOn (page: Page, scripted: boolean): Promise<void> {
  if (!scripted) await press(page, '#qr-check button')
}
