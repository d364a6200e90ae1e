/** People in the user centre: logging in, wearing a hat, approving with the sandbox phone. */
import {
  continueAfterPhone,
  payloadOf,
  submitPassword,
  type Answer,
  type Browser,
  type Kora
} from '../../support/driver/index.ts'
import type { Transcript } from '../../support/driver/sandbox.ts'
import { browserHash } from '../../../src/http/browser.ts'
import { inTransaction } from '../../../src/database/transaction.ts'
import { trustBrowser } from '../../../src/records/organizations/index.ts'
import { demoOrganizations } from '../../../src/simulators/demo-organizations.ts'
import { codeOf } from '../../support/organizations.ts'

/** To the first page of the user centre, as oneself. */
export async function enter (
  kora: Kora,
  handle: string,
  browser: Browser = kora.newBrowser()
): Promise<{ browser: Browser; home: Answer }> {
  const person = await kora.sandbox.account(handle)
  let page = await browser.go(`${kora.issuer}/me`)
  if (new URL(page.url).pathname.endsWith('/login')) {
    page = await submitPassword(browser, page, { account: person.cert_no, password: person.password })
  }
  if (new URL(page.url).pathname.endsWith('/select')) page = await choose(browser, page, 'self')
  return { browser, home: page }
}

/** Presses the button of a hat on the page that asks for one; by its text. */
export async function choose (browser: Browser, page: Answer, name: string): Promise<Answer> {
  const buttons = [...page.text.matchAll(/<button class="choice"[^>]*value="([^"]*)"[^>]*>([\s\S]*?)<\/button>/g)]
  const value = buttons.find(([, value, text]) => value === name || text?.includes(name) === true)?.[1]
  if (value === undefined) {
    throw new Error(`no choice ${name} on ${page.url}: ${buttons.map(([, value]) => value).join()}`)
  }
  return await browser.submit(page, { choice: value })
}

/** The organization's id, which no page shows. */
export async function organizationId (kora: Kora, handle: string): Promise<string> {
  const uscc = codeOf(handle)
  const { id } = await kora.inside.services.db
    .selectFrom('organization')
    .select('id')
    .where('uscc', '=', uscc)
    .executeTakeFirstOrThrow()
  return id
}

/** Its legal representative in the user centre. */
export async function enterLegal (kora: Kora, organization: string): Promise<{ browser: Browser; home: Answer }> {
  const { legalRepresentative } = demoOrganizations.find(({ handle }) => handle === organization) ?? {
    legalRepresentative: ''
  }
  return await enterAs(kora, legalRepresentative, organization, `lr:${await organizationId(kora, organization)}`)
}

/** One of its agents in the user centre. */
export async function enterAgent (
  kora: Kora,
  agent: string,
  organization: string
): Promise<{ browser: Browser; home: Answer }> {
  const row = await kora.inside.services.db
    .selectFrom('delegation')
    .select('id')
    .where('organizationId', '=', await organizationId(kora, organization))
    .where('agentId', '=', (await kora.sandbox.account(agent)).person_id)
    .where('state', '=', 'active')
    .executeTakeFirstOrThrow()
  return await enterAs(kora, agent, organization, row.id)
}

async function enterAs (
  kora: Kora,
  handle: string,
  organization: string,
  contextId: string
): Promise<{ browser: Browser; home: Answer }> {
  const name = demoOrganizations.find((one) => one.handle === organization)?.name ?? ''
  const { browser } = await enter(kora, handle)
  const select = await browser.go(`${kora.issuer}/me/switch`)
  if (select.text.includes(name)) {
    await trust(kora, browser, handle, await organizationId(kora, organization))
    return { browser, home: await choose(browser, select, name) }
  }
  // the provider's record as a login in this capacity leaves it
  const { db } = kora.inside.services
  const { sub } = await db
    .selectFrom('person')
    .select('sub')
    .where('id', '=', (await kora.sandbox.account(handle)).person_id)
    .executeTakeFirstOrThrow()
  await db
    .updateTable('oidcArtifact')
    .set({ contextId })
    .where('model', '=', 'ClientSession')
    .where('clientId', '=', 'kora-user-centre')
    .where('accountId', '=', sub)
    .execute()
  return { browser, home: await browser.go(`${kora.issuer}/me`) }
}

/** As after a scan and a face for this organization in this browser. */
export async function trust (kora: Kora, browser: Browser, handle: string, organizationId: string): Promise<void> {
  const { person_id: personId } = await kora.sandbox.account(handle)
  const hash = browserHash(browser.cookie('kora_browser'))
  if (hash === null) throw new Error('the browser has no cookie yet')
  await inTransaction(kora.inside.services.db, async (trx) => {
    await trustBrowser(trx, { organizationId, personId, browserHash: hash })
  })
}

/** Address of the link whose label begins so, on this page. */
export function link (page: Answer, label: string): string {
  const found = [...page.text.matchAll(/<a\b[^>]*href="([^"]*)"[^>]*>/g)].find(([tag]) =>
    tag.includes(`aria-label="${label}`)
  )?.[1]
  if (found === undefined) throw new Error(`no link "${label}" on ${page.url}`)
  return new URL(found, page.url).href
}

/** From the page with the content to the code. */
export async function toCode (browser: Browser, page: Answer): Promise<Answer> {
  return await browser.submit(page, {}, { form: (form) => 'digest' in form.fields })
}

/** The phone's side, then the page's own form. */
export async function scan (
  kora: Kora,
  browser: Browser,
  qr: Answer,
  person: string,
  more: Record<string, unknown> = {}
): Promise<{ phone: Transcript; page: Answer }> {
  const phone = await kora.sandbox.journey({ payload: payloadOf(qr), person, ...more })
  return { phone, page: await continueAfterPhone(browser, qr) }
}
