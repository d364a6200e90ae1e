/** Steps of the hosted login as a person takes them, form by form. */
import type { Answer, Browser } from './browser.ts'

export interface Credentials {
  account: string
  password: string
}

export const at = (answer: Answer): string => new URL(answer.url).pathname

type Stop = ((url: URL) => boolean) | undefined

/**
 * The login page of a running interaction → whatever comes next. Whoever has several identities goes on as themself.
 */
export async function submitPassword (
  browser: Browser,
  page: Answer,
  { account, password }: Credentials,
  stop?: Stop
): Promise<Answer> {
  const next = await browser.submit(
    page,
    { account, password, agree: '1' },
    { form: (form) => 'password' in form.fields, ...(stop === undefined ? {} : { stop }) }
  )
  return at(next).endsWith('/select') ? await chooseIdentity(browser, next, 'self', stop) : next
}

/**
 * The page of all identities: `choice` is 'self', or the value of a button (by a word that the button shows). Acting
 * for an organization needs a scan and a face once in a browser: the person's phone does it.
 */
export async function chooseIdentity (browser: Browser, page: Answer, choice: string, stop?: Stop): Promise<Answer> {
  const button = [...page.text.matchAll(/<button class="choice"[^>]* value="([^"]+)">([\s\S]*?)<\/button>/g)].find(
    ([, value, shown = '']) => value === choice || shown.includes(choice)
  )
  const next = await browser.submit(
    page,
    { choice: button?.[1] ?? choice },
    { form: (form) => form.action.endsWith('/select'), ...(stop === undefined ? {} : { stop }) }
  )
  return await proveRepresentation(browser, next, stop)
}

/** When the login asks for the phone: scan, identity and face of the person whose account was typed last. */
export async function proveRepresentation (browser: Browser, page: Answer, stop?: Stop): Promise<Answer> {
  if (!at(page).endsWith('/qr') || browser.phone === null || browser.account === null) return page
  const scanned = await browser.phone.journey({ payload: payloadOf(page), person: browser.account })
  if (scanned.outcome !== 'confirmed') throw new Error(`phone: ${scanned.outcome} ${JSON.stringify(scanned.steps)}`)
  const done = await continueAfterPhone(browser, page, stop)
  const back = /href="([^"]*\/oidc\/auth\/[^"]*)"/.exec(done.text)?.[1]
  return back === undefined ? done : await browser.go(new URL(back, done.url).href, {}, stop)
}

export interface OrganizationCredentials {
  uscc: string
  password: string
  role?: 'legal_representative' | 'agent'
}

/** From any login page to the organization tab, and through it. */
export async function submitOrganization (
  browser: Browser,
  page: Answer,
  { uscc, password, role = 'legal_representative' }: OrganizationCredentials,
  stop?: Stop
): Promise<Answer> {
  const tab = await browser.go(`${page.url.split('?')[0]}?tab=legal`)
  return await browser.submit(
    tab,
    { account: uscc, password, role, agree: '1' },
    { form: (form) => 'password' in form.fields, ...(stop === undefined ? {} : { stop }) }
  )
}

/** What the QR code of a page says. */
export function payloadOf (page: Answer): string {
  const found = /data-payload="([^"]*\/q\/[\w-]{28})"|href="([^"]*\/q\/[\w-]{28})"/.exec(page.text)
  const payload = found?.[1] ?? found?.[2]
  if (payload === undefined) throw new Error(`no QR payload on ${page.url}`)
  return payload
}

/** The phone is done: the page's own form asks the server (no script). */
export async function continueAfterPhone (
  browser: Browser,
  page: Answer,
  stop?: (url: URL) => boolean
): Promise<Answer> {
  return await browser.submit(
    page,
    {},
    { form: (form) => form.action.endsWith('/check'), ...(stop === undefined ? {} : { stop }) }
  )
}
