/** Steps of the hosted login as a person takes them, form by form. */
import type { Answer, Browser } from './browser.ts'

export interface Credentials { account: string, password: string }

export const at = (answer: Answer): string => new URL(answer.url).pathname

/** The login page of a running interaction → whatever comes next. */
export async function submitPassword (browser: Browser, page: Answer, { account, password }: Credentials, stop?: (url: URL) => boolean): Promise<Answer> {
  return await browser.submit(page, { account, password, agree: '1' }, { form: (form) => 'password' in form.fields, ...(stop === undefined ? {} : { stop }) })
}

/** What the QR code of a page says. */
export function payloadOf (page: Answer): string {
  const found = /data-payload="([^"]*\/q\/[\w-]{28})"|href="([^"]*\/q\/[\w-]{28})"/.exec(page.text)
  const payload = found?.[1] ?? found?.[2]
  if (payload === undefined) throw new Error(`no QR payload on ${page.url}`)
  return payload
}

/** The phone is done: the page's own form asks the server (no script). */
export async function continueAfterPhone (browser: Browser, page: Answer, stop?: (url: URL) => boolean): Promise<Answer> {
  return await browser.submit(page, {}, { form: (form) => form.action.endsWith('/check'), ...(stop === undefined ? {} : { stop }) })
}
