import type { Browser, BrowserContext, BrowserContextOptions } from 'playwright-core'
import type { SignedIn } from '../journeys/console/support.ts'

export interface ConsoleReader {
  issuer: string
  /** Null: nobody is signed in. */
  who: SignedIn | null
  lang?: string
  options?: BrowserContextOptions
  /** Where errors of the pages are collected; absent: somebody else listens. */
  complaints?: string[]
  /** Messages of the browser that are no complaints, besides refused requests. */
  expected?: RegExp
}

/** A window of the console, with the session of somebody who has signed in over HTTP. */
export async function openConsole (
  chromium: Browser,
  { issuer, who, lang, options = { viewport: null }, complaints, expected }: ConsoleReader
): Promise<BrowserContext> {
  const context = await chromium.newContext(options)
  if (lang !== undefined) await context.addCookies([{ name: 'kora_lang', value: lang, url: issuer }])
  for (const name of who === null ? [] : ['kora_browser', 'kora_admin']) {
    await context.addCookies([{ name, value: who?.browser.cookie(name) ?? '', url: `${issuer}/admin` }])
  }
  if (complaints !== undefined) {
    context.on('console', (message) => {
      const text = message.text()
      if (message.type() === 'error' && !/status of 4\d\d/.test(text) && expected?.test(text) !== true) {
        complaints.push(text.slice(0, 300))
      }
    })
    context.on('weberror', (error) => {
      complaints.push(error.error().message)
    })
  }
  return context
}
