import t from 'tap'
import { Secret, TOTP } from 'otpauth'
import { command } from '../../../../src/cli/admin.ts'
import { startKora, words, type Answer, type Browser, type Kora } from '../../../support/driver/index.ts'
import { wrongCode } from '../support.ts'
import { screen } from '../../../support/driver/screen.ts'

const password = 'Kora-高原-2026-x9'
const beginForm = (form: { action: string }): boolean => form.action.includes('/admin/begin/')
const signInForm = (form: { action: string; fields: Record<string, unknown> }): boolean => 'password' in form.fields

async function bootstrapLink (kora: Kora, ...args: string[]): Promise<string> {
  const lines: string[] = []
  await command.run(['bootstrap', '--json', ...args], kora.inside.services, (line) => {
    lines.push(line)
  })
  return (JSON.parse(lines[0] ?? '{}') as { link?: string }).link ?? ''
}
const secretOn = (page: Answer): string =>
  (/<code>([A-Z2-7 ]{39})<\/code>/.exec(page.text)?.[1] ?? '').replaceAll(' ', '')
const codeOf = (secret: string): string => new TOTP({ secret: Secret.fromBase32(secret) }).generate()
/** As if the last code had been used long ago. */
const forgetCodes = async (kora: Kora): Promise<void> => {
  await kora.inside.services.db.updateTable('adminAccount').set({ totpLastStep: 0 }).execute()
}

async function begin (
  browser: Browser,
  link: string,
  loginName = 'ops'
): Promise<{ page: Answer; secret: string; code: string; answer: Answer }> {
  const page = await browser.go(link)
  const secret = secretOn(page)
  const code = codeOf(secret)
  const answer = await browser.submit(
    page,
    { login_name: loginName, display_name: '运维 一号', new_password: password, again: password, code },
    { form: beginForm }
  )
  return { page, secret, code, answer }
}

t.test('T078: nobody can sign in to a fresh installation; the link works once, and nothing else does', async (t) => {
  const kora = await startKora(t)
  const browser = kora.newBrowser()
  const empty = await browser.go(`${kora.issuer}/admin/sign-in`)
  t.match(words(empty.text), /kora admin bootstrap/)
  for (const name of ['admin', 'root', 'kora']) {
    const refused = await browser.submit(
      empty,
      { login_name: name, password: name, code: '000000' },
      { form: signInForm }
    )
    t.equal(refused.status, 422)
    t.match(screen(refused.text).errors, ['fault.signin_wrong'])
  }
  const link = await bootstrapLink(kora)
  t.match(link, /\/admin\/begin\/[\w-]{43}$/)
  const replaced = await bootstrapLink(kora)
  t.equal((await browser.go(link)).status, 404, 'a newer link ends the older')

  const page = await browser.go(replaced)
  t.equal((await browser.go(replaced)).status, 200, 'looking at it does not use it')
  const wrong = await browser.submit(
    page,
    { login_name: 'Op s', display_name: '', new_password: 'short', again: 'x', code: '1' },
    { form: beginForm }
  )
  t.equal(wrong.status, 422)
  t.match(words(wrong.text), /登录名要 3 到 32 位.*请填写 2 到 40 个字的姓名.*8 到 64 位.*动态码不正确/)
  const second = kora.newBrowser()
  const theirs = await second.go(replaced)
  const { answer } = await begin(browser, replaced)
  t.equal(answer.url, `${kora.issuer}/admin`)
  t.match(words(answer.text), /运维 一号 系统管理员/)
  const late = await second.submit(
    theirs,
    {
      login_name: 'second',
      display_name: '第二个人',
      new_password: password,
      again: password,
      code: codeOf(secretOn(theirs))
    },
    { form: beginForm }
  )
  t.equal(late.status, 404, 'used')
  t.equal((await kora.inside.services.db.selectFrom('adminAccount').select('id').execute()).length, 1)
  t.equal(await bootstrapLink(kora), '', 'refused while there is one who can sign in')
  t.match(await bootstrapLink(kora, '--force', '--reason', 'keys lost'), /begin/)

  const third = await bootstrapLink(kora, '--role', 'security')
  await kora.inside.services.db
    .updateTable('adminBootstrap')
    .set({ expiresAt: new Date(0) })
    .where('usedAt', 'is', null)
    .execute()
  t.equal((await browser.go(third)).status, 404, 'outdated')
  t.notMatch(
    kora.logs().join(''),
    new RegExp([link, replaced, third].map((one) => one.slice(-43)).join('|')),
    'not in the log'
  )
  const types = await kora.inside.services.db
    .selectFrom('auditEvent')
    .select('type')
    .distinct()
    .where('type', 'like', 'staff.%')
    .orderBy('type')
    .execute()
  t.same(
    types.map(({ type }) => type),
    [
      'staff.activated',
      'staff.link-made',
      'staff.link-refused',
      'staff.role-granted',
      'staff.sign-in-failed',
      'staff.signed-in'
    ]
  )
})

t.test('two browsers, one link, at once: one account', async (t) => {
  const kora = await startKora(t)
  const link = await bootstrapLink(kora)
  const browsers = Array.from({ length: 4 }, () => kora.newBrowser())
  const pages = await Promise.all(browsers.map(async (browser) => await browser.go(link)))
  const answers = await Promise.all(
    browsers.map(
      async (browser, at) =>
        await browser.submit(
          pages[at] as Answer,
          {
            login_name: `ops-${at}`,
            display_name: '运维 一号',
            new_password: password,
            again: password,
            code: codeOf(secretOn(pages[at] as Answer))
          },
          { form: beginForm }
        )
    )
  )
  t.same(answers.map(({ status }) => status).sort(), [200, 404, 404, 404])
  t.equal((await kora.inside.services.db.selectFrom('adminAccount').select('id').execute()).length, 1)
})

t.test(
  'password and code: each code once, guessing slowed where it comes from and never for the own browser',
  async (t) => {
    const kora = await startKora(t)
    const own = kora.newBrowser()
    const { secret, code: enrolled, answer } = await begin(own, await bootstrapLink(kora))
    await own.submit(answer, {}, { form: (form) => form.action.endsWith('/sign-out') })
    const signIn = async (browser: Browser, fields: Record<string, string>): Promise<Answer> =>
      await browser.submit(
        await browser.go(`${kora.issuer}/admin/sign-in?to=/admin/approvals`),
        { login_name: 'ops', password, ...fields },
        { form: signInForm }
      )

    t.equal((await signIn(own, { code: enrolled })).status, 422, 'the code of the enrolment is used')
    await forgetCodes(kora)
    const code = codeOf(secret)
    const race = await Promise.all(
      [own, kora.newBrowser(), kora.newBrowser()].map(async (browser) => await signIn(browser, { code }))
    )
    t.same(
      race.map(({ url }) => /^\/i\/.*\/administrator$/.test(new URL(url).pathname)).sort(),
      [false, true, true],
      'one code, one session'
    )

    const answers = new Set<string>()
    const stranger = kora.newBrowser()
    for (const fields of [
      { code: wrongCode(secret) },
      { login_name: 'nobody', code: '123456' },
      { password: 'wrong', code: codeOf(secret) },
      { login_name: '<script>', code: '' }
    ]) {
      const refused = await signIn(stranger, fields)
      answers.add(`${refused.status} ${words(refused.text).replace(/ 登录名 .*/, '')}`)
    }
    t.equal(answers.size, 1, 'uniform')
    for (let i = 0; i < 6; i++) await signIn(stranger, { code: wrongCode(secret) })
    await forgetCodes(kora)
    t.equal((await signIn(stranger, { code: codeOf(secret) })).status, 429)
    t.equal((await signIn(own, { code: codeOf(secret) })).status, 200, 'the own browser goes on')
  }
)

t.test('CSRF: no token, a foreign token, a foreign origin', async (t) => {
  const kora = await startKora(t)
  const browser = kora.newBrowser()
  const { answer } = await begin(browser, await bootstrapLink(kora))
  const other = kora.newBrowser()
  const foreign = (await other.go(`${kora.issuer}/admin/sign-in`)).forms.find(signInForm)?.fields['csrf'] as string
  const mine = answer.forms.find((form) => form.action.endsWith('/sign-out'))?.fields['csrf'] as string
  const post = async (body: Record<string, string>, headers: Record<string, string> = {}): Promise<number> =>
    (
      await browser.request(`${kora.issuer}/admin/sign-out`, {
        method: 'POST',
        body: new URLSearchParams(body),
        headers: { origin: kora.issuer, ...headers }
      })
    ).status
  t.equal(await post({}), 403)
  t.equal(await post({ csrf: foreign }), 403)
  t.equal(await post({ csrf: mine }, { origin: 'https://evil.example' }), 403)
  t.equal(await post({ csrf: mine }, { 'sec-fetch-site': 'cross-site' }), 403)
  t.equal((await browser.go(`${kora.issuer}/admin`)).url, `${kora.issuer}/admin`, 'still signed in')
  t.equal(await post({ csrf: mine }), 303)
})
