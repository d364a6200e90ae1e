/** Walking the wizard over HTTP without script. */
import { sql } from 'kysely'
import { pictureText } from '../../records/challenges/support.ts'
import type { Test } from 'tap'
import { testPostgres } from '../../support/database.ts'
import {
  at,
  continueAfterPhone,
  payloadOf,
  screen,
  startKora,
  words,
  type Answer,
  type Browser,
  type Kora
} from '../../support/driver/index.ts'
import { withPostgres } from '../../support/needs.ts'
import { until } from '../../support/until.ts'

export interface Applying {
  kora: Kora
  browser: Browser
  page: Answer
}

export const password = 'Prayer-flag-77'
export const step = (answer: Answer): string => at(answer).split('/').slice(3).join('/')

/** The form that posts to this page (…/unit, …/phone/code). */
const formOf =
  (end: string) =>
    (form: { method: string; action: string }): boolean =>
      form.method === 'post' && new URL(form.action).pathname.endsWith(end)

export async function start (
  kora: Kora,
  applicant: 'legal_representative' | 'agent',
  browser: Browser = kora.newBrowser()
): Promise<Applying> {
  const page = await browser.submit(await browser.go(`${kora.issuer}/register`), { applicant })
  return { kora, browser, page }
}

/** Fills in the form of the page as it stands and sends it. */
export async function fill (applying: Applying, fields: Record<string, string>, form?: string): Promise<Answer> {
  applying.page = await applying.browser.submit(
    applying.page,
    fields,
    form === undefined ? {} : { form: formOf(form) }
  )
  return applying.page
}

/** Asks for a code with the characters of the picture; returns what the phone got. */
export async function askCode (applying: Applying, phone: string): Promise<string> {
  const before = codesTo(applying.kora, phone).length
  const id = String(applying.page.forms.find(formOf('/phone'))?.fields['challenge'])
  await fill(applying, { answer: await pictureText(applying.kora.inside.services, id) }, '/phone')
  return await lastCode(applying.kora, phone, applying.page.status === 429 ? 1 : before + 1)
}

const codesTo = ({ inside }: Kora, phone: string): string[] =>
  (inside.services.sandbox?.sms.messages(`+86${phone}`) ?? []).flatMap(({ parameters }) => parameters['code'] ?? [])

/** The newest code, once there are so many: the outbox delivers beside the request. */
export async function lastCode (kora: Kora, phone: string, atLeast = 1): Promise<string> {
  const codes = await until(() => codesTo(kora, phone).length >= Math.max(atLeast, 1) && codesTo(kora, phone))
  if (codes === false || codes[0] === undefined) throw new Error('no short message')
  return codes[0]
}

export async function verifyPhone (applying: Applying, phone: string): Promise<Answer> {
  const code = await askCode(applying, phone)
  return await fill(applying, { sms_code: code }, '/phone/code')
}

export const agree = { agreement: '1', consent: '1' }

/** Scan, identity and face with this person's phone, then the button without script. */
export async function scan (applying: Applying, person: string, more: Record<string, unknown> = {}): Promise<string> {
  const { kora, browser, page } = applying
  const phone = await kora.sandbox.journey({ payload: payloadOf(page), person, ...more })
  applying.page = await continueAfterPhone(browser, page)
  return phone.outcome
}

export const people = {
  zhaxi: { name: '扎西顿珠', cert_no: '540102199003072515', phone: '13800138000' },
  laoren: { name: '洛桑', cert_no: '540102195105204015', phone: '13600136000' },
  yangjin: {
    name: '白玛央金',
    cert_no: '540126197708125025',
    phone: '13700137000',
    year: '2023',
    month: '9',
    day: '1',
    term: 'long'
  }
}

/** The office of zhaxi, and the school of laoren: in the register, without an account. */
export const office = { uscc: '31540000MD01234545', name: '西藏示例律师事务所' }
export const school = { uscc: '12540000433200155G', name: '西藏示例职业学校' }

/** Everything up to the check page, as the legal representative of the office. */
export async function upToCheck (kora: Kora, browser?: Browser): Promise<Applying> {
  const applying = await start(kora, 'legal_representative', browser)
  await fill(applying, { uscc: office.uscc, decision: 'next' })
  await fill(applying, people.zhaxi)
  await verifyPhone(applying, people.zhaxi.phone)
  return applying
}

export async function upToPassword (kora: Kora): Promise<Applying> {
  const applying = await upToCheck(kora)
  await fill(applying, agree)
  await scan(applying, 'zhaxi')
  return applying
}

/** Message keys of the errors that the page lists, without 'fault.'. */
export const errors = (answer: Answer): string[] => screen(answer.text).errors.map((key) => key.replace('fault.', ''))

export const faults = (answer: Answer): string[] =>
  [...answer.text.matchAll(/<p class="msg"[^>]*>([\s\S]*?)<\/p>/g)].map((match) => words(match[1] ?? ''))

export const registrationId = ({ page }: Applying): string => at(page).split('/')[2] ?? ''

/** A minute later, for the limits on short messages. */
export async function later ({ inside }: Kora): Promise<void> {
  await sql`update throttle set window_ends_at = now() - interval '1 second' where key like 'hit:%'`.execute(
    inside.services.db
  )
}

/** The table row of the organization with this code. */
export const organization = async ({ inside }: Kora, uscc: string) =>
  await inside.services.db.selectFrom('organization').selectAll().where('uscc', '=', uscc).executeTakeFirst()

/** The same walk on the embedded engine and, when TEST_DATABASE_URL is set, on PostgreSQL. */
export async function onEachDatabase (
  t: Test,
  name: string,
  walk: (t: Test, kora: Kora) => Promise<void>
): Promise<void> {
  await t.test(`${name} (PGlite)`, async (t) => {
    await walk(t, await startKora(t))
  })
  await withPostgres(t, `${name} (PostgreSQL)`, async (t, url) => {
    const database = await testPostgres(t, url)
    await walk(t, await startKora(t, { databaseUrl: database.url ?? '' }))
  })
}

/** Yangjin registers the school and names laoren as its legal representative; the application is sent. */
export async function registerByAgent (kora: Kora): Promise<void> {
  const applying = await start(kora, 'agent')
  await fill(applying, { uscc: school.uscc, decision: 'next' })
  await fill(applying, people.yangjin)
  await verifyPhone(applying, people.yangjin.phone)
  await fill(applying, people.laoren)
  await fill(applying, agree)
  await scan(applying, 'yangjin')
  await fill(applying, { new_password: password, again: password })
}

/** The delegation that the application sends for approval, once a worker has made it. */
export async function submitted (kora: Kora) {
  const id = (await organization(kora, school.uscc))?.id ?? ''
  const found = await until(
    async () =>
      await kora.inside.services.db
        .selectFrom('delegation')
        .selectAll()
        .where('state', '=', 'submitted')
        .where('organizationId', '=', id)
        .executeTakeFirst()
  )
  if (found === undefined) throw new Error('nothing was submitted')
  return found
}
