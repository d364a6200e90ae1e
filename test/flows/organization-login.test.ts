import t from 'tap'
import {
  arrivedAt,
  at,
  continueAfterPhone,
  demoParty,
  payloadOf,
  scanAndReturn,
  startKora,
  submitOrganization,
  submitPassword,
  words,
  type Answer,
  type Browser,
  type Kora,
  type RelyingParty,
  type Tokens
} from '../support/driver/index.ts'
import { screen } from '../support/driver/screen.ts'
import { said, saidInOrder } from '../support/texts.ts'
import { codeOf } from '../support/organizations.ts'

const password = 'Snow-lion-2026'
const sessionless = (name: string): boolean => name.endsWith('kora_session')

/** From the site to the answer of the organization tab. */
async function enter (
  party: RelyingParty,
  browser: Browser,
  handle: string,
  role: 'legal_representative' | 'agent',
  extra: Record<string, string> = {}
) {
  const started = await party.start(extra)
  const page = await submitOrganization(
    browser,
    await party.visit(browser, started),
    { uscc: codeOf(handle), password, role },
    party.arrived
  )
  return { started, page }
}

async function tokensOf (
  party: RelyingParty,
  { started, page }: { started: Awaited<ReturnType<RelyingParty['start']>>; page: Answer }
): Promise<Tokens> {
  return await party.redeem(started, arrivedAt(party, page))
}

const events = async (kora: Kora, type: string) =>
  await kora.inside.services.db
    .selectFrom('auditEvent')
    .selectAll()
    .where('type', '=', type as never)
    .orderBy('id')
    .execute()

t.test(
  'J5: legal representative — code and password, scan and face of exactly that person; then the browser stands for it',
  async (t) => {
    const kora = await startKora(t)
    const party = await demoParty(kora, 'demo-site')
    const browser = kora.newBrowser()
    const entered = await enter(party, browser, 'gongsi', 'legal_representative')
    t.match(at(entered.page), /\/qr$/)
    t.match(
      words(entered.page.text),
      saidInOrder('scan-code.title.legal-representative', /\*\*\*玛/),
      'the right person takes the phone'
    )
    t.notMatch(words(entered.page.text), /次仁卓玛|540103/)

    // dawa's phone is his: he logged in with it before
    const dawa = await kora.sandbox.account('dawa')
    const own = kora.newBrowser()
    const first = await submitPassword(
      own,
      await party.visit(own, await party.start({ acr_values: 'urn:kora:loa:3' })),
      { account: dawa.cert_no, password: dawa.password }
    )
    t.equal((await kora.sandbox.journey({ payload: payloadOf(first), person: 'dawa' })).outcome, 'confirmed')
    const wrong = await kora.sandbox.journey({ payload: payloadOf(entered.page), person: 'dawa' })
    t.equal(wrong.outcome, 'refused')
    t.match(JSON.stringify(wrong.steps.at(-1)?.response), /wrong_person/)
    const told = await continueAfterPhone(browser, entered.page)
    t.match(words(told.text), said('scan-code.status.wrong_person'), 'told on both screens')
    t.equal((await events(kora, 'scan-ticket.wrong-person')).length, 1, 'and audited')

    const again = await browser.submit(told, {}, { form: (form) => form.action.endsWith('/renew') })
    const tokens = await tokensOf(party, {
      started: entered.started,
      page: await scanAndReturn(browser, kora.sandbox, again, 'zhuoma', party.arrived)
    })
    t.match(tokens.claims(), { acr: 'urn:kora:loa:3', amr: ['pwd', 'face', 'mfa'] })
    t.same(tokens.claims()?.['representation'], {
      role: 'legal_representative',
      organization: { uscc: codeOf('gongsi'), name: '西藏示例科技有限公司', type: '91', status: 'active' }
    })
    const succeeded = (await events(kora, 'login.succeeded')).at(-1)
    t.match(
      succeeded,
      { role: 'legal_representative', personId: /^per_/, organizationId: /^org_/ },
      'every login names a person'
    )

    t.match((await events(kora, 'browser.remembered')).at(-1), { personId: /^per_/, organizationId: /^org_/ })

    browser.dropCookies(sessionless)
    const second = await tokensOf(party, await enter(party, browser, 'gongsi', 'legal_representative'))
    t.match(
      second.claims(),
      {
        sub: tokens.claims()?.sub,
        acr: 'urn:kora:loa:1',
        amr: ['pwd'],
        representation: { role: 'legal_representative' }
      },
      'S2 the browser stands for her, confined to the organization'
    )

    browser.dropCookies(sessionless)
    const strong = await enter(party, browser, 'gongsi', 'legal_representative', { acr_values: 'urn:kora:loa:3' })
    t.match(at(strong.page), /\/qr$/, 'level 3: scan and face again')

    const other = await enter(party, kora.newBrowser(), 'gongsi', 'legal_representative')
    t.match(at(other.page), /\/qr$/, 'in another browser nothing stands for her')
  }
)

t.test('T034: the password of an organization is not enough for anything', async (t) => {
  const kora = await startKora(t)
  const party = await demoParty(kora, 'demo-site')
  const browser = kora.newBrowser()
  const { page } = await enter(party, browser, 'gongsi', 'legal_representative')
  const base = page.url.replace(/\/qr$/, '')
  for (const path of ['', '/select', '/consent', '/standing', '/agent', '/counter', '/login?tab=legal']) {
    const answer = await browser.go(`${base}${path}`, {}, party.arrived)
    t.notOk(party.arrived(new URL(answer.url)), path)
    t.notMatch(words(answer.text), /次仁卓玛|1390013|540103|林周县/, path)
  }
  const counter = await browser.go(`${base}/counter`)
  const refused = await browser.submit(counter, { code: '00000000' })
  t.equal(refused.status, 422)
  const silent = await party.start({ prompt: 'none' })
  const answer = await party.visit(browser, silent)
  t.equal(new URL(answer.url).searchParams.get('error'), 'login_required', 'no session')
  // a personal login in the same attempt begins anew: what the organization's password said is gone
  const dawa = await kora.sandbox.account('dawa')
  const personal = await submitPassword(
    browser,
    await browser.go(`${base}/login`),
    { account: dawa.cert_no, password: dawa.password },
    party.arrived
  )
  t.match(new URL(arrivedAt(party, personal)).searchParams.get('code'), /./)
  const last = (await events(kora, 'login.succeeded')).at(-1)
  t.match(last, { role: 'self', organizationId: null })
})

t.test('J9: agents — the one who is active; of several the one who says so', async (t) => {
  const kora = await startKora(t)
  const party = await demoParty(kora, 'demo-site')
  const single = kora.newBrowser()
  const entered = await enter(party, single, 'cunjiti', 'agent')
  t.match(words(entered.page.text), /\*\*\*玛/)
  const tokens = await tokensOf(party, {
    started: entered.started,
    page: await scanAndReturn(single, kora.sandbox, entered.page, 'zhuoma', party.arrived)
  })
  t.match(tokens.claims()?.['representation'], {
    role: 'agent',
    organization: { uscc: codeOf('cunjiti') },
    delegation: {
      id: /^dlg_/,
      version: 1,
      functions: ['property.register', 'property.query'],
      valid_from: /^\d{4}-\d\d-\d\d$/,
      valid_to: /^\d{4}-\d\d-\d\d$/
    }
  })

  const browser = kora.newBrowser()
  const several = await enter(party, browser, 'gongsi', 'agent')
  t.match(at(several.page), /\/agent$/)
  const stranger = await kora.sandbox.account('ronghe')
  const unknown = await browser.submit(several.page, { account: stranger.phone })
  t.equal(unknown.status, 422)
  t.match(screen(unknown.text).errors, ['fault.account.agent_unknown'])
  const nobody = await browser.submit(unknown, { account: '13100131000' })
  t.equal(
    words(nobody.text).replace('13100131000', ''),
    words(unknown.text).replace(stranger.phone, ''),
    'a stranger and nobody get the same answer'
  )
  const dawa = await kora.sandbox.account('dawa')
  const qr = await browser.submit(nobody, { account: dawa.phone })
  t.match(at(qr), /\/qr$/)
  const limited = await tokensOf(party, {
    started: several.started,
    page: await scanAndReturn(browser, kora.sandbox, qr, 'dawa', party.arrived)
  })
  t.match(limited.claims()?.['representation'], { role: 'agent', delegation: { functions: ['property.query'] } })
  t.match(limited.claims(), { amr: ['pwd', 'face', 'mfa'] })

  // counted by itself: five tries, and the organization's own counters are untouched
  const guesser = kora.newBrowser()
  let guess = (await enter(party, guesser, 'gongsi', 'agent')).page
  for (let i = 0; i < 6; i++) guess = await guesser.submit(guess, { account: stranger.phone })
  t.equal(guess.status, 429)
  const refused = await guesser.submit(guess, { account: dawa.phone })
  t.equal(refused.status, 429, 'then not even the right one')
  t.match(at((await enter(party, kora.newBrowser(), 'gongsi', 'agent')).page), /\/agent$/)
})

t.test('agents who may not act: each state has its words, after the right password only', async (t) => {
  const kora = await startKora(t)
  const party = await demoParty(kora, 'demo-site')
  const states: Array<[string, 'agent' | 'legal_representative', string]> = [
    ['simiao', 'agent', 'pending'],
    ['getihu', 'agent', 'rejected'],
    ['hezuoshe', 'agent', 'suspended'],
    ['xiehui', 'agent', 'expired'],
    ['yanglao', 'agent', 'revoked'],
    ['zhuxiao', 'agent', 'organization_suspended'],
    ['jijinhui', 'legal_representative', 'organization_suspended'],
    ['zhuxiao', 'legal_representative', 'organization_suspended']
  ]
  for (const [handle, role, state] of states) {
    const { page } = await enter(party, kora.newBrowser(), handle, role)
    t.equal(page.status, 403, `${handle} ${role}`)
    t.match(at(page), /\/standing$/)
    t.match(
      screen(page.text),
      { page: 'login/not-authorized', notices: [`login.not-authorized.${state}`] },
      `${handle} ${role}`
    )
    const wrong = kora.newBrowser()
    const login = await party.visit(wrong, await party.start())
    const refused = await submitOrganization(wrong, login, { uscc: codeOf(handle), password: 'Wrong-lion-2026', role })
    t.match(screen(refused.text).errors.join(), /^fault\.password\.wrong/, `${handle}: nothing without the password`)
  }
  const refusals = (await events(kora, 'login.refused')).filter(({ reason }) => reason === 'may_not_act')
  t.equal(refusals.length, states.length)

  // somebody left who knows the password: agents wait for a new one, the legal representative comes in by scan and face
  // only
  const { db } = kora.inside.services
  await db
    .updateTable('organization')
    .set({ passwordMustChange: true })
    .where('uscc', '=', codeOf('cunjiti'))
    .execute()
  t.same(screen((await enter(party, kora.newBrowser(), 'cunjiti', 'agent')).page.text).notices, [
    'login.not-authorized.password_change'
  ])
  const browser = kora.newBrowser()
  const legal = await enter(party, browser, 'cunjiti', 'legal_representative')
  await tokensOf(party, {
    started: legal.started,
    page: await scanAndReturn(browser, kora.sandbox, legal.page, 'gesang', party.arrived)
  })
  browser.dropCookies(sessionless)
  t.match(
    at((await enter(party, browser, 'cunjiti', 'legal_representative')).page),
    /\/qr$/,
    'no binding while the password is known to somebody who left'
  )
})

t.test('what is typed: every fault told apart, never whether the code has an account', async (t) => {
  const kora = await startKora(t)
  const party = await demoParty(kora, 'demo-site')
  const browser = kora.newBrowser()
  const login = await party.visit(browser, await party.start())
  const faults: Array<[string, string]> = [
    ['', 'required'],
    ['9154010 2MA6T1A2BX', 'length'],
    ['91540102MA6TIA2BXK', 'charset_suggested'],
    ['91540102MA6T1A2B*K', 'charset'],
    ['01540102MA6T1A2BXW', 'dept'],
    ['94540102MA6T1A2BXA', 'category'],
    ['91990102MA6T1A2BX3', 'region'],
    ['91540102MA6T1A2B0R', 'org_check'],
    ['91540102MA6T1A2BX1', 'check']
  ]
  for (const [uscc, fault] of faults) {
    const answer = await submitOrganization(browser, login, { uscc, password })
    t.equal(answer.status, 422, uscc)
    t.ok(screen(answer.text).errors.includes(`fault.account.uscc_${fault}`), uscc)
  }
  const answers = await Promise.all(
    [codeOf('cunjiti'), '115400000043680056', codeOf('lvsuo')].map(async (uscc) => {
      const own = kora.newBrowser()
      const page = await submitOrganization(own, await party.visit(own, await party.start()), {
        uscc,
        password: 'Wrong-lion-2026'
      })
      return `${page.status} ${words(page.text).replaceAll(uscc, '')}`
    })
  )
  t.equal(new Set(answers).size, 1, answers.join('\n'))
  const lower = await submitOrganization(browser, await party.visit(browser, await party.start()), {
    uscc: ` ${codeOf('gongsi')
      .toLowerCase()
      .replace(/(.{6})/, '$1-')} `,
    password
  })
  t.match(at(lower), /\/qr$/, 'spaces, hyphens, small letters')
})

t.test('guessing the password of an organization: slowed down, never locked out', async (t) => {
  const kora = await startKora(t)
  const party = await demoParty(kora, 'demo-site')
  const browser = kora.newBrowser()
  let page = await party.visit(browser, await party.start())
  for (let i = 0; i < 6; i++) {
    page = await submitOrganization(browser, page, { uscc: codeOf('gongsi'), password: `Wrong-lion-${i}` })
  }
  t.equal(page.status, 429)
  t.match(words(page.text), /用个人账号登录/, 'and there is another way')
  // whatever strangers did: a hundred failures in a row close a person's password, never an organization's
  const { db } = kora.inside.services
  await db.updateTable('throttle').set({ count: 5000 }).where('key', 'like', 'consecutive:%').execute()
  await db.deleteFrom('throttle').where('key', 'like', 'pair:%').execute()
  t.match(at(await submitOrganization(browser, page, { uscc: codeOf('gongsi'), password })), /\/qr$/)
})

t.test('sites: tabs as the client allows; a forged form gets nothing', async (t) => {
  const kora = await startKora(t)
  const persons = await demoParty(kora, 'demo-level3')
  const browser = kora.newBrowser()
  const login = await persons.visit(browser, await persons.start())
  t.notMatch(login.text, /tab=legal/)
  const forged = await browser.submit(login, {
    kind: 'legal',
    account: codeOf('gongsi'),
    password,
    role: 'legal_representative',
    agree: '1'
  })
  t.equal(forged.status, 422, 'a site for persons reads it as a personal login')
  t.equal((await events(kora, 'organization.password-verified')).length, 0)

  const organizations = await demoParty(kora, 'demo-tax', { scope: 'openid profile organization' })
  const only = await organizations.visit(kora.newBrowser(), await organizations.start())
  t.match(words(only.text), saidInOrder('login.tab.legal', 'form.role.legal'))
  t.notMatch(words(only.text), /个人登录|扫码登录/)
})
