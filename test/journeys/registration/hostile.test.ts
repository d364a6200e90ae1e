import t from 'tap'
import { sql } from 'kysely'
import { at, startKora, words, type Browser, type Kora } from '../../support/driver/index.ts'
import { residentIdCheck } from '../../../src/domain/identity/resident-id.ts'
import {
  agree,
  askCode,
  errors,
  faults,
  fill,
  later,
  office,
  onEachDatabase,
  organization,
  password,
  people,
  registrationId,
  scan,
  start,
  step,
  upToCheck,
  upToPassword,
  verifyPhone
} from './support.ts'
import { said, saidInOrder, text } from '../../support/texts.ts'

const register = ({ inside }: Kora) => {
  const { sandbox } = inside.services
  if (sandbox === null) throw new Error('no sandbox')
  return sandbox
}

/** How many people and organizations there are that something could be reserved for. */
async function taken ({ inside }: Kora): Promise<{ organizations: number; persons: number }> {
  const { db } = inside.services
  const organizations = await db
    .selectFrom('organization')
    .select(sql<number>`count(*)`.as('n'))
    .executeTakeFirstOrThrow()
  const persons = await db
    .selectFrom('person')
    .select(sql<number>`count(*)`.as('n'))
    .where('identityState', '<>', 'provisional')
    .executeTakeFirstOrThrow()
  return { organizations: Number(organizations.n), persons: Number(persons.n) }
}

t.test('every fault of every field is told apart, and nothing typed is lost', async (t) => {
  const kora = await startKora(t)
  const applying = await start(kora, 'agent')
  const unit = async (fields: Record<string, string>): Promise<string[]> =>
    errors(await fill(applying, { decision: 'next', ...fields }))
  for (const [uscc, fault] of [
    ['', 'uscc.required'],
    ['9154010', 'uscc.length'],
    ['01540102MA6T1A2BXW', 'uscc.dept'],
    ['94540102MA6T1A2BXA', 'uscc.category'],
    ['91990102MA6T1A2BX3', 'uscc.region'],
    ['91540102MA6T1A2B0R', 'uscc.org_check'],
    ['91330100799655058C', 'uscc.check'],
    ['3154OOOOMDO1234545', 'uscc.charset_suggested'],
    ['91540102MA6T1A2B！K', 'uscc.charset']
  ] as const) {
    t.same(await unit({ uscc }), [fault], uscc)
    t.equal(applying.page.status, 422)
    if (uscc !== '') t.match(applying.page.text, `value="${uscc}"`, 'kept')
  }
  t.same(await unit({ uscc: office.uscc, prefecture: '110000' }), ['prefecture.region'])
  await fill(applying, {
    uscc: ` ${office.uscc.slice(0, 8)} ${office.uscc.slice(8).toLowerCase()} `,
    prefecture: '',
    decision: 'next'
  })
  t.equal(step(applying.page), 'agent', 'blanks and small letters are no fault')

  const agent = async (fields: Record<string, string>): Promise<string[]> =>
    errors(await fill(applying, { ...people.yangjin, ethnic_group: '', years: '1', ...fields }))
  const other = people.zhaxi.cert_no
  for (const [fields, fault] of [
    [{ name: '' }, 'name.required'],
    [{ name: '扎西123' }, 'name.character'],
    [{ name: '扎'.repeat(51) }, 'name.length'],
    [{ cert_no: '' }, 'cert_no.required'],
    [{ cert_no: `${other.slice(0, 17)}0` }, 'cert_no.check'],
    [{ cert_no: '540102900307251' }, 'cert_no.legacy15'],
    [{ cert_no: '99' }, 'cert_no.length'],
    [{ year: '', month: '', day: '' }, 'valid_from.required'],
    [{ month: '13' }, 'valid_from.date'],
    [{ year: '2999' }, 'valid_from.future'],
    [{ term: '' }, 'term.required'],
    [{ term: '10' }, 'term.term_mismatch'],
    [{ phone: '' }, 'phone.required'],
    [{ phone: '+85291234567' }, 'phone.country'],
    [{ phone: '138001380000' }, 'phone.length'],
    [{ phone: '12012345678' }, 'phone.prefix'],
    [{ phone: 'abc' }, 'phone.format'],
    [{ ethnic_group: '77' }, 'ethnic_group.unknown'],
    [{ years: '9' }, 'years.required']
  ] as const) {
    t.same(await agent(fields), [fault], JSON.stringify(fields))
    t.equal(applying.page.status, 422)
  }
  t.same(
    await agent({ name: '', cert_no: '', phone: '', term: '' }),
    ['name.required', 'cert_no.required', 'term.required', 'phone.required'],
    'all at once'
  )
  t.match(applying.page.text, 'value="2023"')
  for (const [lang, word] of [
    ['en', 'Enter your name'],
    ['bo', 'མིང་འབྲི་རོགས།']
  ] as const) {
    const page = await applying.browser.request(`${applying.page.url}?lang=${lang}`)
    const again = await applying.browser.submit(page, { ...people.yangjin, name: '' })
    t.match(faults(again).join(), word, lang)
  }
})

t.test('pages out of turn lead to the right one; another browser finds nothing; forms need their token', async (t) => {
  const kora = await startKora(t)
  const applying = await start(kora, 'legal_representative')
  const { browser } = applying
  const base = `${kora.issuer}/register/${registrationId(applying)}`
  for (const place of ['', '/legal', '/phone', '/phone/code', '/check', '/qr', '/password', '/done', '/agent']) {
    t.equal(at(await browser.go(`${base}${place}`)), new URL(`${base}/unit`).pathname, place)
  }
  const strangers = kora.newBrowser()
  await strangers.go(`${kora.issuer}/register`)
  for (const who of [strangers, kora.newBrowser()]) {
    for (const place of ['', '/unit', '/qr', '/qr/st_x/state', '/done']) {
      const answer = await who.go(`${base}${place}`)
      t.equal(answer.status, 404, place)
    }
    t.equal((await who.submit(applying.page, { uscc: office.uscc, decision: 'next' })).status, 404, 'posted')
  }
  for (const id of ['reg_AAAAAAAAAAAAAAAAAAAAAA', 'x', "reg_'--"]) {
    t.equal((await browser.go(`${kora.issuer}/register/${encodeURIComponent(id)}/unit`)).status, 404)
  }
  t.equal((await browser.submit(applying.page, { csrf: 'x', uscc: office.uscc, decision: 'next' })).status, 403)
  const doubled = await browser.go(`${base}/unit`, {
    method: 'POST',
    body: new URLSearchParams(`csrf=${String(applying.page.forms[0]?.fields['csrf'])}&uscc=a&uscc=b`),
    headers: { origin: kora.issuer }
  })
  t.equal(doubled.status, 400)
  const legal = await browser.submit(applying.page, { uscc: office.uscc, decision: 'next' })
  t.equal(step(legal), 'legal')
  t.equal(step(await browser.go(`${kora.issuer}/register`)), '')
  t.match(
    (await browser.go(`${kora.issuer}/register`)).text,
    `href="/register/${registrationId(applying)}/legal"`,
    'the draft can be gone on with'
  )
  await sql`update registration set expires_at = now()`.execute(kora.inside.services.db)
  t.equal(at(await browser.go(`${base}/legal`)), '/register', 'after a day it is over')
})

t.test('short messages: challenge first, one use, five tries, a new number is proved anew', async (t) => {
  const kora = await startKora(t)
  const applying = await start(kora, 'legal_representative')
  await fill(applying, { uscc: office.uscc, decision: 'next' })
  await fill(applying, people.zhaxi)
  const sent = (): number => register(kora).sms.messages().length
  await fill(applying, { answer: 'QQQQQ' }, '/phone')
  t.same(errors(applying.page), ['answer.wrong'])
  const used = applying.page
  const code = await askCode(applying, people.zhaxi.phone)
  t.equal(sent(), 1)
  t.same(
    errors(
      await applying.browser.submit(used, { answer: 'AAAAA' }, { form: (form) => form.action.endsWith('/phone') })
    ),
    ['answer.expired'],
    'a challenge used already'
  )
  const picture = /src="(\/challenge\/ch_[\w-]{22}\.png)"/.exec(applying.page.text)?.[1] ?? ''
  const image = await applying.browser.request(`${kora.issuer}${picture}`)
  t.same(
    [image.status, image.headers.get('content-type'), image.headers.get('cache-control')],
    [200, 'image/png', 'no-store']
  )
  t.equal((await kora.newBrowser().request(`${kora.issuer}${picture}`)).status, 404, "another browser's picture")

  const again = await askCode(applying, people.zhaxi.phone)
  t.equal(again, code)
  t.equal(applying.page.status, 429)
  t.match(words(applying.page.text), /刚刚发过一条，请过 \d+ 秒再试/)
  t.equal(sent(), 1, 'no second one within the minute')
  const wrong = String((Number(code) + 1) % 1_000_000).padStart(6, '0')
  await fill(applying, { sms_code: '' }, '/phone/code')
  t.same(errors(applying.page), ['sms_code.required'])
  for (const left of [4, 3, 2, 1]) {
    t.match(
      faults(await fill(applying, { sms_code: wrong }, '/phone/code')).join(),
      said('fault.sms_code.wrong', { left })
    )
  }
  t.same(errors(await fill(applying, { sms_code: wrong }, '/phone/code')), ['sms_code.exhausted'])
  t.same(
    errors(await fill(applying, { sms_code: code }, '/phone/code')),
    ['sms_code.exhausted'],
    'the right one is too late'
  )
  await later(kora)
  await verifyPhone(applying, people.zhaxi.phone)
  t.equal(step(applying.page), 'check')
  const { browser } = applying
  await browser.submit(await browser.go(`${kora.issuer}/register/${registrationId(applying)}/legal`), {
    phone: '13900139009'
  })
  t.equal(step(await browser.go(`${kora.issuer}/register/${registrationId(applying)}/check`)), 'phone')
})

t.test(
  'agreements are given one by one, and what does not match the company register is told with a way on',
  async (t) => {
    const kora = await startKora(t)
    const applying = await upToCheck(kora)
    t.same(errors(await fill(applying, {})), ['agreement.required', 'consent.register'])
    t.same(errors(await fill(applying, { agreement: '1' })), ['consent.register'])
    t.match(applying.page.text, /id="agreement"[^>]* checked/, 'the tick is kept')

    const { browser } = applying
    const legal = await browser.go(`${kora.issuer}/register/${registrationId(applying)}/legal`)
    applying.page = await browser.submit(legal, { name: '扎西多吉' })
    await fill(applying, agree)
    t.equal(applying.page.status, 422)
    t.match(words(applying.page.text), saidInOrder('registration.stop.mismatch.title', 'registration.stop.change'))
    t.equal(
      (await kora.inside.services.db.selectFrom('registration').select('state').executeTakeFirstOrThrow()).state,
      'draft'
    )

    applying.page = await browser.submit(
      await browser.go(`${kora.issuer}/register/${registrationId(applying)}/legal`),
      people.zhaxi
    )
    const sandbox = register(kora)
    sandbox.companyService.outage('down')
    await fill(applying, agree)
    t.equal(applying.page.status, 503)
    t.same(errors(applying.page), ['form.register_unavailable'])
    sandbox.companyService.outage(null)
    await fill(applying, agree)
    t.equal(step(applying.page), 'qr', 'nothing was lost')
  }
)

t.test("somebody else's name: nothing is reserved, and whose number it is passes by (T101)", async (t) => {
  const kora = await startKora(t)
  const before = await taken(kora)
  // a person without an account, in the population register
  const number = `54010219850505301${residentIdCheck('54010219850505301')}`
  register(kora).population.set(number, { name: '晋美' })
  const applying = await start(kora, 'agent')
  await fill(applying, { uscc: office.uscc, decision: 'next' })
  await fill(applying, {
    name: '晋美',
    cert_no: number,
    phone: '18812345678',
    year: '2018',
    month: '3',
    day: '1',
    term: '20',
    years: '1',
    ethnic_group: ''
  })
  await verifyPhone(applying, '18812345678')
  await fill(applying, people.zhaxi)
  await fill(applying, agree)
  t.equal(step(applying.page), 'qr', words(applying.page.text))
  t.same(await taken(kora), before, 'neither number nor code is taken')

  t.equal(await scan(applying, 'zhuoma', { device: 'new' }), 'refused', 'another person cannot be that one')
  t.match(step(applying.page), /^qr\//)
  t.same(await taken(kora), before)
  t.equal(
    step(await applying.browser.go(`${kora.issuer}/register/${registrationId(applying)}/password`)),
    'qr',
    'no password without the check'
  )

  const own = await upToCheck(kora)
  await fill(own, agree)
  t.equal(step(own.page), 'qr', "an application under way stands in nobody's way")
})

t.test('a ticket for other data proves nothing', async (t) => {
  const kora = await startKora(t)
  const applying = await upToCheck(kora)
  await fill(applying, agree)
  const qr = applying.page
  const { browser } = applying
  const payload = /data-payload="([^"]+)"/.exec(qr.text)?.[1] ?? ''
  t.equal((await kora.sandbox.journey({ payload, person: 'zhaxi' })).outcome, 'confirmed')
  // another window changes the application before this one goes on
  await browser.submit(await browser.go(`${kora.issuer}/register/${registrationId(applying)}/legal`), {
    phone: '13900139009'
  })
  const after = await browser.submit(qr, {}, { form: (form) => form.action.endsWith('/check') })
  t.equal(step(after), 'phone')
  t.equal(
    (await kora.inside.services.db.selectFrom('registration').select('state').executeTakeFirstOrThrow()).state,
    'draft'
  )
})

t.test('passwords: the rules of the profile, each named', async (t) => {
  const kora = await startKora(t)
  const applying = await upToPassword(kora)
  const shown = words(applying.page.text)
  for (const rule of [
    text('fault.new_password.length', { min: 8, max: 64 }),
    text('fault.new_password.classes', { min: 2 }),
    text('fault.new_password.common'),
    text('fault.new_password.personal')
  ]) {
    t.ok(shown.includes(rule), rule)
  }
  for (const [given, fault] of [
    ['', 'new_password.required'],
    ['aB3$', 'new_password.length'],
    ['zqvkmwhj', 'new_password.classes'],
    ['password1', 'new_password.common'],
    ['Xy!07251590', 'new_password.personal'],
    ['MD012345-xk', 'new_password.personal']
  ] as const) {
    t.ok(errors(await fill(applying, { new_password: given, again: given })).includes(fault), given)
    t.notMatch(applying.page.text, /type="password"[^>]*value=/)
  }
  t.same(errors(await fill(applying, { new_password: password, again: `${password}x` })), ['again.different'])
  t.equal(await organization(kora, office.uscc), undefined)
})

onEachDatabase(
  t,
  'the register is asked again at the end; sent ten times at once, it is registered once',
  async (t, kora) => {
    const applying = await upToPassword(kora)
    const sandbox = register(kora)
    sandbox.companyService.outage('down')
    const given = { new_password: password, again: password }
    await fill(applying, given)
    t.equal(applying.page.status, 503)
    sandbox.companyService.outage(null)
    const page = applying.page
    const answers = await Promise.all(
      Array.from({ length: 10 }, async () => await applying.browser.clone().submit(page, given))
    )
    for (const answer of answers) t.equal(step(answer), 'done', words(answer.text).slice(0, 200))
    const { db } = kora.inside.services
    t.equal((await db.selectFrom('organization').select('id').where('uscc', '=', office.uscc).execute()).length, 1)
    t.equal(
      (await db.selectFrom('auditEvent').select('id').where('type', '=', 'organization.registered').execute()).length,
      1
    )

    const other: Browser = kora.newBrowser()
    await later(kora)
    const second = await upToCheck(kora, other)
    t.equal(step(second.page), 'check', 'not said before the phone is proved')
    await fill(second, agree)
    t.equal(second.page.status, 409)
    t.match(words(second.page.text), saidInOrder('registration.stop.duplicate.title', 'registration.stop.login'))
  }
)

onEachDatabase(t, 'two applications of one organization at once: one row', async (t, kora) => {
  const [one, two] = [
    await upToPassword(kora),
    await (async () => {
      await later(kora)
      return await upToPassword(kora)
    })()
  ]
  const given = { new_password: password, again: password }
  const answers = await Promise.all([one, two].map(async ({ browser, page }) => await browser.submit(page, given)))
  t.same(
    answers.map((answer) => answer.status).sort(),
    [200, 409],
    answers.map((answer) => words(answer.text).slice(0, 80)).join(' / ')
  )
  t.equal(
    (await kora.inside.services.db.selectFrom('organization').select('id').where('uscc', '=', office.uscc).execute())
      .length,
    1
  )
})

t.test('who comes back to the password after half an hour shows the own face again', async (t) => {
  let now = Date.now()
  const kora = await startKora(t, { clock: { now: () => now } })
  const applying = await upToPassword(kora)
  now += 31 * 60_000
  const late = await fill(applying, { new_password: password, again: password })
  t.equal(step(late), 'qr', words(late.text).slice(0, 200))
  t.equal(await organization(kora, office.uscc), undefined)
})
