/** Who comes to a new deployment: its first administrator, and the legal representative of an organization. */
import { Secret, TOTP } from 'otpauth'
import { isWorkDone } from '../../src/domain/login/proof-of-work.ts'
import { at, Browser, continueAfterPhone, payloadOf, phoneAgent, type Answer } from '../support/driver/index.ts'
import { until } from '../support/until.ts'

/** As on the card. */
export const citizen = {
  name: '扎西顿珠',
  certNo: '540102199003072515',
  phone: '13800138000',
  card: { year: '2018', month: '6', day: '1', term: '20' }
}
export const company = { uscc: '31540000MD01234545', name: '西藏示例律师事务所' }

const password = 'Prayer-flag-77'
const postsTo =
  (end: string) =>
    (form: { method: string; action: string }): boolean =>
      form.method === 'post' && new URL(form.action).pathname.endsWith(end)

/** What a page is, for the message of a failure. */
const told = (page: Answer): string => `${page.status} ${page.url}\n${page.text.replace(/<style[\s\S]*?<\/style>/g, '')}`

function mustBeAt (page: Answer, end: string): void {
  if (page.status !== 200 || !at(page).endsWith(end)) throw new Error(`expected …${end}, not ${told(page)}`)
}

/** Opens the link of `kora admin bootstrap`, makes the account, signs out and in again. */
export async function becomeAdministrator (link: string): Promise<{ browser: Browser; page: Answer }> {
  const browser = new Browser()
  const begin = await browser.go(link)
  const secret = (/<code>([A-Z2-7 ]{39})<\/code>/.exec(begin.text)?.[1] ?? '').replaceAll(' ', '')
  const totp = new TOTP({ secret: Secret.fromBase32(secret) })
  const account = { login_name: 'ops', display_name: '运维 一号', new_password: password, again: password }
  const home = await browser.submit(begin, { ...account, code: totp.generate() }, { form: postsTo(at(begin)) })
  mustBeAt(home, '/admin')
  await browser.submit(home, {}, { form: postsTo('/sign-out') })
  const signIn = await browser.go(new URL('/admin/sign-in', link).href)
  // the code of this half minute is used; the next one is taken already, for clocks that are fast
  const code = totp.generate({ timestamp: Date.now() + 30_000 })
  const page = await browser.submit(
    signIn,
    { login_name: account.login_name, password, code },
    { form: (form) => 'password' in form.fields }
  )
  mustBeAt(page, '/admin')
  return { browser, page }
}

/** A phone's browser; after its first face check it is bound to its owner. */
export class Phone {
  readonly #browser = new Browser({ userAgent: phoneAgent })

  /** Scans the code of the page on the other screen, and does all that is asked. */
  async scan (qr: Answer): Promise<void> {
    let page = await this.#browser.submit(await this.#browser.go(payloadOf(qr)))
    const checkNumber = /match-n">(\d+)</.exec(qr.text)?.[1] ?? ''
    const entered = page.text.includes('name="check_number"') ? { check_number: checkNumber } : {}
    page = await this.#press(page, { ...entered, decision: 'accept' })
    if (at(page).endsWith('/identity')) {
      const identity = { ...citizen.card, name: citizen.name, cert_no: citizen.certNo }
      page = await this.#press(page, { ...identity, consent: '1', decision: 'submit' })
      // the end of the card, worked out from what was typed
      page = await this.#press(page, { decision: 'submit' })
    }
    mustBeAt(page, '/face')
    // the provider's page, on its own origin
    const capture = await this.#press(page, { consent: '1', decision: 'start' })
    const result = await this.#browser.submit(capture, { outcome: 'pass' })
    mustBeAt(result, '/result')
  }

  async #press (page: Answer, fields: Record<string, string>): Promise<Answer> {
    const next = await this.#browser.submit(page, fields)
    if (next.status !== 200) throw new Error(told(next))
    return next
  }
}

/** The legal representative registers the organization, verified by scan and face. */
export async function registerOrganization (issuer: string, phone: Phone, smsProvider: string): Promise<void> {
  const browser = new Browser()
  const next = async (page: Answer, end: string, fields: Record<string, string>, form?: string): Promise<Answer> => {
    const answer = await browser.submit(page, fields, form === undefined ? {} : { form: postsTo(form) })
    mustBeAt(answer, end)
    return answer
  }
  let page = await next(await browser.go(`${issuer}/register`), '/unit', { applicant: 'legal_representative' })
  page = await next(page, '/legal', { uscc: company.uscc, decision: 'next' })
  page = await next(page, '/phone', { name: citizen.name, cert_no: citizen.certNo, phone: citizen.phone })
  const challenge = String(page.forms.find(postsTo('/phone'))?.fields['challenge'])
  page = await next(page, '/phone', { work: doWork(challenge) }, '/phone')
  page = await next(page, '/check', { sms_code: await codeSentTo(smsProvider, citizen.phone) }, '/phone/code')
  page = await next(page, '/qr', { agreement: '1', consent: '1' })
  await phone.scan(page)
  page = await continueAfterPhone(browser, page)
  mustBeAt(page, '/password')
  await next(page, '/done', { new_password: password, again: password })
}

/** What views/assets/work.js does. */
function doWork (challenge: string): string {
  let nonce = 0
  while (!isWorkDone(challenge, String(nonce))) nonce++
  return String(nonce)
}

/** The outbox delivers beside the request. */
async function codeSentTo (smsProvider: string, phone: string): Promise<string> {
  const code = await until(async () => {
    const response = await fetch(`${smsProvider}/sent?${new URLSearchParams({ phone: `+86${phone}` })}`)
    return ((await response.json()) as Array<Record<string, string>>).at(-1)?.['code']
  })
  if (code === undefined) throw new Error('no short message')
  return code
}
