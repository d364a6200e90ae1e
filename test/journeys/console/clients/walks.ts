/** Walks through the console's pages about clients, for its tests. */
import { submitPassword, type Answer, type Browser, type Kora } from '../../../support/driver/index.ts'
import type { SignedIn } from '../support.ts'

export const pathOf = (answer: Answer): string => new URL(answer.url).pathname
export const posts =
  (tail: string) =>
    (form: { action: string; method: string }): boolean =>
      form.method === 'post' && form.action.endsWith(tail)
/** The identifier of the client that a page is about. */
export const clientIdIn = (page: Answer): string => /\/admin\/clients\/(site-[0-9a-f]{12})"/.exec(page.text)?.[1] ?? ''

/** Answers of a website with a server, for `register`. */
export const site = {
  kind: 'server',
  name_zh: '公积金查询',
  unit: '市公积金中心',
  redirect_uris: 'http://localhost:4999/callback',
  scope_profile: 'on',
  purpose_profile: '显示姓名',
  reason: '工单 1'
}

/** The four questions, answered; what comes after them. */
export async function register (
  kora: Pick<Kora, 'issuer'>,
  { browser }: Pick<SignedIn, 'browser'>,
  answers: Record<string, string>
): Promise<Answer> {
  let page = await browser.go(`${kora.issuer}/admin/clients/new`)
  for (let i = 0; i < 4 && page.forms.some(posts('/admin/clients/new')); i++) {
    page = await browser.submit(page, answers, { form: posts('/admin/clients/new') })
  }
  return page
}

/** From the login page to where the site is answered: password, and the consent page that a new client has. */
export async function logIn (
  kora: Pick<Kora, 'sandbox'>,
  browser: Browser,
  page: Answer,
  stop: (url: URL) => boolean
): Promise<Answer> {
  const account = await kora.sandbox.account('zhuoma')
  const next = await submitPassword(browser, page, { ...account, account: account.cert_no }, stop)
  return next.forms.some(posts('/consent'))
    ? await browser.submit(next, { decision: 'grant' }, { form: posts('/consent'), stop })
    : next
}
