/** Chromium for tests: started for a test that needs one, its pages measured at several widths and checked by axe. */
import { existsSync, readFileSync } from 'node:fs'
import { chromium, type Browser, type CDPSession, type Page } from 'playwright-core'
import type { Test } from 'tap'
import { withNeed } from './needs.ts'

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]

export async function withChromium (
  t: Test,
  name: string,
  work: (t: Test, browser: Browser) => Promise<void>
): Promise<void> {
  const found = existsSync(executablePath) ? executablePath : null
  const lack = `Chromium: ${executablePath} is not there (apt-get install chromium, or set CHROMIUM)`
  await withNeed(t, { name, found, lack }, async (t) => {
    const browser = await chromium.launch({ executablePath, headless: true, args })
    t.teardown(async () => {
      await browser.close()
    })
    await work(t, browser)
  })
}

export const phoneAgent =
  'Mozilla/5.0 (Linux; Android 9; Redmi 7A) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/96.0.4664.45 Mobile ' +
  'Safari/537.36'

export const widths = [
  ['1280', { viewport: { width: 1280, height: 860 } }],
  ['360', { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, userAgent: phoneAgent }],
  ['320', { viewport: { width: 320, height: 640 } }]
] as const

/** Of the console. */
export const deskWidths = [
  ['1280', { viewport: { width: 1280, height: 800 } }],
  ['320', { viewport: { width: 320, height: 800 } }]
] as const

export interface Screen {
  viewport: { width: number; height: number }
  isMobile?: boolean
}

const screens = new WeakMap<Page, { session: CDPSession; mobile: boolean }>()

/**
 * Gives the open page another screen without loading it again, which costs more than all checks of a page. The page's
 * context must have no screen of its own (`viewport: null`).
 */
export async function resize (page: Page, { viewport, isMobile: mobile = false }: Screen): Promise<void> {
  const before = screens.get(page)
  const session = before?.session ?? (await page.context().newCDPSession(page))
  screens.set(page, { session, mobile })
  await session.send('Emulation.setDeviceMetricsOverride', { ...viewport, deviceScaleFactor: 1, mobile })
  if (mobile === (before?.mobile ?? false)) return
  await session.send('Emulation.setTouchEmulationEnabled', { enabled: mobile })
}

/** The checker, for pages that can load it from their own server; it is put into all others. */
export const axe = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8')

/** Runs in the page. Hidden and folded controls do not count; a radio or checkbox is pressed through its whole row. */
const measure = `(() => {
  const root = document.documentElement
  const small = []
  for (const element of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, summary')) {
    const own = element.getBoundingClientRect()
    if (own.width === 0 || own.height === 0 || element.closest('.vh, .skip, [hidden]')) continue
    const box = element.matches('[type=radio],[type=checkbox]') ? element.closest('.radio').getBoundingClientRect() : own
    if (box.height < 43.9 || box.width < 43.9) small.push(element.tagName + '.' + element.className + ' "' + element.textContent.slice(0, 20) + '" ' + Math.round(box.width) + '×' + Math.round(box.height))
  }
  return { overflow: root.scrollWidth - root.clientWidth, small, ready: 'axe' in globalThis }
})()`

/**
 * Runs in the page. What axe finds depends on the document, on what of it is shown and in which colors; with larger
 * letters it asks for less contrast; and two rules look at sizes: they can only fail where a target is small or a
 * region scrolls. A page that was checked is therefore checked whole again when one of these differs, not for every
 * width.
 */
const audit = `(async () => {
  const looks = []
  const letters = []
  let tight = false
  for (const element of document.querySelectorAll('*')) {
    const style = getComputedStyle(element)
    const box = element.getBoundingClientRect()
    const shown = element.getClientRects().length > 0
    looks.push([
      shown, style.visibility, style.opacity, style.clip, style.clipPath, box.bottom < 0 || box.right < 0,
      style.color, style.backgroundColor, style.backgroundImage, style.fontWeight >= 700
    ].join())
    letters.push(parseFloat(style.fontSize))
    if (!shown) continue
    const target = element.matches('a, button, input, select, textarea, summary, [tabindex], [role=button]')
    const scrolls = /auto|scroll/.test(style.overflow) &&
      (element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight)
    tight ||= scrolls || (target && (box.width < 24 || box.height < 24))
  }
  const state = [document.title, document.documentElement.lang, document.body.outerHTML, ...looks].join('\\n')
  const states = globalThis.checkedStates ??= []
  const checked = states.some((one) => one.state === state && one.letters.every((size, at) => size <= letters[at]))
  if (checked && !tight) return []
  const runOnly = checked
    ? { type: 'rule', values: ['target-size', 'scrollable-region-focusable'] }
    : { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }
  const { violations } = await axe.run(document, { resultTypes: ['violations'], preload: false, runOnly })
  if (!checked && violations.length === 0) states.push({ state, letters })
  return violations.map(({ id, nodes }) => id + ': ' + nodes.slice(0, 2).map((node) => node.target.join(' ') + ' ' + node.failureSummary).join(' | '))
})()`

/** What is wrong with the page that is shown: sideways scrolling, targets below 44 px, violations that axe finds. */
export async function faultsOf (page: Page): Promise<string[]> {
  const { overflow, small, ready } = await page.evaluate<{ overflow: number; small: string[]; ready: boolean }>(measure)
  const faults = small.map((target) => `small target ${target}`)
  if (overflow > 0) faults.push(`scrolls sideways by ${overflow} px`)
  // the checker alone is outside of the page's CSP
  if (!ready) await page.evaluate(`${axe};0`)
  return [...faults, ...(await page.evaluate<string[]>(audit))]
}

/** The console is for staff at a desk: lists hold links below 44 px (WCAG 2.2 2.5.8 asks 24). */
export async function consoleFaultsOf (page: Page): Promise<string[]> {
  return (await faultsOf(page)).filter((fault) => !fault.startsWith('small target'))
}
