import t, { type Test } from 'tap'
import { Secret, TOTP } from 'otpauth'
import { approvalDays } from '../../../../src/records/approvals/requests.ts'
import { linkCodeTries, linkLife } from '../../../../src/records/administrators/links.ts'
import { startKora, words, type Answer, type Browser, type Kora } from '../../../support/driver/index.ts'
import { askedFor, onceOf, signInAs, type SignedIn } from '../support.ts'
import { screen } from '../../../support/driver/screen.ts'
import { said } from '../../../support/texts.ts'

t.setTimeout(300_000)

const password = 'Kora-高原-2026-x9'
const credentials = (form: { action: string; fields: Record<string, unknown> }): boolean =>
  form.action.includes('/admin/begin/') && 'new_password' in form.fields
const asksCode = (form: { action: string }): boolean => /\/admin\/begin\/[\w-]+\/code$/.test(form.action)
const secretOn = (page: Answer): string =>
  (/<code>([A-Z2-7 ]{39})<\/code>/.exec(page.text)?.[1] ?? '').replaceAll(' ', '')
const fields = (page: Answer): Record<string, string> => ({
  new_password: password,
  again: password,
  code: new TOTP({ secret: Secret.fromBase32(secretOn(page)) }).generate()
})

interface Both {
  kora: Kora
  system: SignedIn
  security: SignedIn
  subject: SignedIn
  code: string
  link: string
}

/**
 * A system administrator asks for new credentials of somebody and gets a code; a security administrator agrees and gets
 * a link.
 */
async function reset (t: Test): Promise<Both> {
  const kora = await startKora(t)
  const [system, security, subject] = [
    await signInAs(kora, 'system'),
    await signInAs(kora, 'security'),
    await signInAs(kora, 'counter')
  ]
  return { kora, system, security, subject, ...(await resetBy(kora, system, security, subject)) }
}

async function resetBy (
  kora: Kora,
  system: SignedIn,
  security: SignedIn,
  subject: SignedIn
): Promise<{ code: string; link: string }> {
  const confirm = await system.browser.go(`${kora.issuer}/admin/accounts/${subject.id}/reset`)
  const { code, waits } = await askedFor(
    system,
    await system.browser.submit(
      confirm,
      { reason: '手机丢失', typed: subject.loginName },
      { form: (form) => form.action.endsWith('/reset') }
    )
  )
  const agreed = await security.browser.submit(
    await security.browser.go(waits.url),
    { reason: '已核实' },
    { form: (form) => form.action.endsWith('/approve') }
  )
  return { code, link: onceOf(agreed) }
}

const give = async (browser: Browser, link: string, code: string): Promise<Answer> =>
  await browser.submit(await browser.go(link), { link_code: code }, { form: asksCode })
const statusOf = async ({ kora, subject }: Both): Promise<string> =>
  (
    await kora.inside.services.db
      .selectFrom('adminAccount')
      .select('status')
      .where('id', '=', subject.id)
      .executeTakeFirstOrThrow()
  ).status

t.test('who agrees sees the link, and can do nothing with it: no secret, no challenge, no credentials', async (t) => {
  const both = await reset(t)
  const { kora, security, subject, link } = both
  const opened = await security.browser.go(link)
  t.match(words(opened.text), said('console.administrators.code.label'))
  t.equal(secretOn(opened), '', 'the secret of the codes would be the same for the colleague')
  t.notMatch(opened.text, new RegExp(`${subject.loginName}|counter 测试|new_password`))
  const forced = {
    ...opened,
    forms: opened.forms.map((form) => ({ ...form, action: form.action.replace(/\/code$/, '') }))
  }
  const refused = await security.browser.submit(
    forced,
    { new_password: password, again: password, code: '000000' },
    { form: (form) => form.action.includes('/admin/begin/') }
  )
  t.match(words(refused.text), said('console.administrators.code.label'), 'posted as if the code had been given')
  const csrf = opened.forms.find(asksCode)?.fields['csrf'] as string
  const challenge = await security.browser.request(`${link}/challenge`, {
    method: 'POST',
    body: new URLSearchParams({ csrf }),
    headers: { origin: kora.issuer, accept: 'application/json' }
  })
  t.equal(challenge.status, 403)
  t.equal(await statusOf(both), 'invited')
  t.same(await kora.inside.services.db.selectFrom('adminCeremony').select('challenge').execute(), [])
})

t.test('who asked has the code, and no link; the code is nowhere else and not kept as it is', async (t) => {
  const { kora, system, security, code, link } = await reset(t)
  t.match(code, /^[B-Z]{4}-[B-Z]{4}$/)
  t.match(link, /\/admin\/begin\/[\w-]{43}$/)
  const { db } = kora.inside.services
  const change = (await db.selectFrom('pendingChange').select('id').executeTakeFirstOrThrow()).id
  for (const { browser } of [system, security]) {
    const page = await browser.go(`${kora.issuer}/admin/approvals/${change}`)
    t.notMatch(page.text, new RegExp(`${code}|begin/`))
  }
  const bare = code.replace('-', '')
  const stored = JSON.stringify([
    await db.selectFrom('adminBootstrap').selectAll().execute(),
    await db.selectFrom('pendingChange').selectAll().execute(),
    await db.selectFrom('auditEvent').selectAll().orderBy('id').execute()
  ])
  t.notMatch(stored, new RegExp(`${bare}|${code}|${link.slice(-43)}`))
  t.notMatch(kora.logs().join(''), new RegExp(`${bare}|${code}|${link.slice(-43)}`))
})

t.test('both together: however it is typed; in the browser that gave the code and in no other', async (t) => {
  const both = await reset(t)
  const { kora, security, code, link } = both
  const own = kora.newBrowser()
  const page = await give(own, link, ` ${code.toLowerCase().replace('-', ' ')} `)
  t.match(words(page.text), said('console.sign-in.enrollment.reset'))
  t.equal(secretOn(await security.browser.go(link)), '', 'still nothing for who has the link alone')
  // with the colleague's page before their eyes, but without their browser
  const stolen = { ...page, forms: page.forms.map((form) => ({ ...form, fields: { ...form.fields, csrf: '' } })) }
  const asks = await security.browser.go(link)
  const csrf = asks.forms.find(asksCode)?.fields['csrf'] as string
  await security.browser.submit(stolen, { ...fields(page), csrf }, { form: credentials })
  t.equal(await statusOf(both), 'invited')

  const done = await own.submit(page, fields(page), { form: credentials })
  t.equal(done.url, `${kora.issuer}/admin`)
  t.equal(await statusOf(both), 'active')
  t.equal((await give(kora.newBrowser(), link, code).catch(() => ({ status: 404 }))).status, 404, 'once')
})

t.test(
  'the code given in a second browser: the first one is out, and the secret it saw is worth nothing',
  async (t) => {
    const both = await reset(t)
    const { kora, code, link } = both
    const [first, second] = [kora.newBrowser(), kora.newBrowser()]
    const seen = await give(first, link, code)
    const anew = await give(second, link, code)
    t.not(secretOn(anew), secretOn(seen))
    t.match(
      words((await first.submit(seen, fields(seen), { form: credentials })).text),
      said('console.administrators.code.label')
    )
    t.equal(await statusOf(both), 'invited')
    t.equal((await second.submit(anew, fields(anew), { form: credentials })).url, `${kora.issuer}/admin`)
  }
)

t.test(
  'guessing: five tries, however many come at once; afterwards the right code is answered like a wrong one',
  async (t) => {
    const both = await reset(t)
    const { kora, code, link } = both
    const { db } = kora.inside.services
    const guesses = [
      'BBBB-BBBB',
      'CCCCCCCC',
      'x',
      '',
      'ＢＢＢＢＢＢＢＢ',
      'B'.repeat(60),
      'DDDD-DDDD',
      'FFFF-FFFF',
      'GGGG-GGGG',
      'HHHH-HHHH',
      'JJJJ-JJJJ'
    ].filter((guess) => guess !== code)
    const browsers = guesses.map(() => kora.newBrowser())
    const pages = await Promise.all(browsers.map(async (browser) => await browser.go(link)))
    const answers = await Promise.all(
      browsers.map(
        async (browser, at) =>
          await browser.submit(pages[at] as Answer, { link_code: guesses[at] ?? '' }, { form: asksCode })
      )
    )
    const seen = new Set(answers.map(({ status, text }) => `${status} ${words(text).replace(/问题编号 ?\w+/, '')}`))
    t.equal(seen.size, 1, [...seen].join('\n'))
    t.equal(answers[0]?.status, 422)
    const row = await db.selectFrom('adminBootstrap').select(['codeTriesLeft', 'usedAt']).executeTakeFirstOrThrow()
    t.equal(row.codeTriesLeft, 0, 'never below nothing')
    const events = await db
      .selectFrom('auditEvent')
      .select('id')
      .where('type', '=', 'staff.link-refused')
      .orderBy('id')
      .execute()
    t.equal(events.length, linkCodeTries, 'each try that counted is in the trail')
    t.ok((await give(kora.newBrowser(), link, '\u0000')).status < 500)
    const late = await give(kora.newBrowser(), link, code)
    t.equal(late.status, 422)
    t.ok(
      seen.has(`${late.status} ${words(late.text).replace(/问题编号 ?\w+/, '')}`),
      'the right one now gets the same answer'
    )
    t.equal(await statusOf(both), 'invited')
    // the way on: asked for anew
    const again = await resetBy(kora, both.system, both.security, both.subject)
    t.match(
      words((await give(kora.newBrowser(), again.link, code)).text),
      said('fault.link_code'),
      'the former code is nothing to the new link'
    )
    t.match(
      words((await give(kora.newBrowser(), again.link, again.code)).text),
      said('console.sign-in.enrollment.reset')
    )
  }
)

t.test('an invitation as well; a request from before codes were is refused with words', async (t) => {
  const kora = await startKora(t)
  const { db, crypto } = kora.inside.services
  const [system, security] = [await signInAs(kora, 'system'), await signInAs(kora, 'security')]
  const form = await system.browser.go(`${kora.issuer}/admin/accounts/new`)
  const { code, waits } = await askedFor(
    system,
    await system.browser.submit(
      form,
      { role: 'audit', login_name: 'auditor', display_name: '审计 甲', reason: '新同事' },
      { form: (one) => one.action.endsWith('/new') }
    )
  )
  const approve = async (): Promise<Answer> =>
    await security.browser.submit(
      await security.browser.go(waits.url),
      { reason: '同意' },
      { form: (one) => one.action.endsWith('/approve') }
    )
  const row = await db.selectFrom('pendingChange').select(['id', 'payloadEnc']).executeTakeFirstOrThrow()
  const store = async (payloadEnc: string): Promise<void> => {
    await db.updateTable('pendingChange').set({ payloadEnc }).where('id', '=', row.id).execute()
  }
  await store(
    crypto.encrypt(
      'pending_change',
      'payload_enc',
      row.id,
      JSON.stringify({ loginName: 'auditor', displayName: '审计 甲', role: 'audit' })
    )
  )
  t.match(screen((await approve()).text).errors, ['fault.change_without_code'])
  t.same(await db.selectFrom('adminBootstrap').select('tokenHash').execute(), [], 'no link that is enough by itself')
  await store(row.payloadEnc)
  const own = kora.newBrowser()
  const page = await give(own, onceOf(await approve()), code)
  t.match(words(page.text), /审计 甲/)
  t.equal((await own.submit(page, fields(page), { form: credentials })).url, `${kora.issuer}/admin`)
  t.ok(linkLife.invitation <= approvalDays * 24 * 60)
})
