/** Chromium for the tests in this folder. Without it they are skipped, except with CI=true, where that is a failure. */
import { existsSync } from 'node:fs'
import { chromium, type Browser } from 'playwright-core'
import type { Test } from 'tap'

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

export async function withBrowser (t: Test, name: string, work: (t: Test, browser: Browser) => Promise<void>): Promise<void> {
  const missing = !existsSync(executablePath)
  if (missing && process.env['CI'] === 'true') { t.fail(`${name}: ${executablePath} is not there, and CI never skips the browser`); return }
  if (missing) { await t.test(name, { skip: `${executablePath} is not there; set CHROMIUM` }, async () => {}); return }
  await t.test(name, { timeout: 600_000 }, async (t) => {
    const browser = await chromium.launch({ executablePath, headless: true, args })
    t.teardown(async () => { await browser.close() })
    await work(t, browser)
  })
}

export const phoneAgent = 'Mozilla/5.0 (Linux; Android 9; Redmi 7A) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/96.0.4664.45 Mobile Safari/537.36'
