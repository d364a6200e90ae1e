/** Chromium for the tests in this folder. Without it they are skipped, except with CI=true, where that is a failure. */
import { existsSync, readFileSync } from 'node:fs'
import { chromium, type Browser, type Page } from 'playwright-core'
import type { Test } from 'tap'

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

export async function withBrowser (
  t: Test,
  name: string,
  work: (t: Test, browser: Browser) => Promise<void>
): Promise<void> {
  const missing = !existsSync(executablePath)
  if (missing && process.env['CI'] === 'true') {
    t.fail(`${name}: ${executablePath} is not there, and CI never skips the browser`)
    return
  }
  if (missing) {
    await t.test(name, { skip: `${executablePath} is not there; set CHROMIUM` }, async () => {})
    return
  }
  await t.test(name, { timeout: 600_000 }, async (t) => {
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

/** The checker, to be put into pages before they load. */
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
  return { overflow: root.scrollWidth - root.clientWidth, small }
})()`

const audit = `axe.run(document, {
  resultTypes: ['violations'],
  preload: false,
  runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }
}).then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.slice(0, 2).map((node) => node.target.join(' ') + ' ' + node.failureSummary).join(' | ')))`

/** What is wrong with the page that is shown: sideways scrolling, targets below 44 px, violations that axe finds. */
export async function faultsOf (page: Page): Promise<string[]> {
  const { overflow, small } = await page.evaluate<{ overflow: number; small: string[] }>(measure)
  const faults = small.map((target) => `small target ${target}`)
  if (overflow > 0) faults.push(`scrolls sideways by ${overflow} px`)
  return [...faults, ...(await page.evaluate<string[]>(audit))]
}

/** The console is for staff at a desk: lists hold links below 44 px (WCAG 2.2 2.5.8 asks 24). */
export async function consoleFaultsOf (page: Page): Promise<string[]> {
  return (await faultsOf(page)).filter((fault) => !fault.startsWith('small target'))
}

export const widths = [
  ['1280', { viewport: { width: 1280, height: 860 } }],
  ['360', { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, userAgent: phoneAgent }],
  ['320', { viewport: { width: 320, height: 640 } }]
] as const
