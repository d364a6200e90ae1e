/** S2, S3, S34: who somebody is, and whom they represent, follows from proofs and from what they said, and only so. */
import * as oidc from 'openid-client'
import t from 'tap'
import { demoOrganizations } from '../../src/simulators/demo-organizations.ts'
import {
  arrivedAt,
  at,
  chooseIdentity,
  demoParty,
  errorOf,
  scanAndReturn,
  startKora,
  submitOrganization,
  submitPassword,
  type Answer,
  type Browser,
  type Kora,
  type RelyingParty,
  type Tokens
} from '../support/driver/index.ts'
import { organizationId, trust } from '../journeys/user-center/support.ts'
import { until } from '../support/until.ts'

const all = { scope: 'openid profile phone identity organization' }
const byHandle = (handle: string) => {
  const found = demoOrganizations.find((organization) => organization.handle === handle)
  if (found === undefined) throw new Error(handle)
  return found
}
const sessionless = (name: string): boolean => name.endsWith('kora_session')

async function comeByCode (kora: Kora, party: RelyingParty, browser: Browser, handle: string): Promise<{
  started: Awaited<ReturnType<RelyingParty['start']>>
  page: Answer
}> {
  const started = await party.start()
  const { password } = await kora.sandbox.account('zhuoma')
  const page = await submitOrganization(
    browser,
    await party.visit(browser, started),
    { uscc: byHandle(handle).uscc, password },
    party.arrived
  )
  return { started, page }
}

/** A login by the organization's password in a browser that its legal representative has used. */
async function confinedLogin (kora: Kora, party: RelyingParty, browser: Browser): Promise<Tokens> {
  const first = await comeByCode(kora, party, browser, 'gongsi')
  await scanAndReturn(browser, kora.sandbox, first.page, 'zhuoma', party.arrived)
  browser.dropCookies(sessionless)
  const { started, page } = await comeByCode(kora, party, browser, 'gongsi')
  return await party.redeem(started, arrivedAt(party, page))
}

t.test('S2 an organization\'s password opens that organization, and nothing of the person', async (t) => {
  const kora = await startKora(t)
  const site = await demoParty(kora, 'demo-site', all)
  const browser = kora.newBrowser()
  const tokens = await confinedLogin(kora, site, browser)
  const claims = tokens.claims()
  t.match(claims, { acr: 'urn:kora:loa:1', amr: ['pwd'], representation: { role: 'legal_representative' } })
  const info = await oidc.fetchUserInfo(site.config, tokens.access_token, claims?.sub ?? '')
  t.type(info['name'], 'string')
  t.match(info['organization'], { uscc: byHandle('gongsi').uscc })
  for (const name of ['phone_number', 'cert_no', 'cert_type', 'birthdate', 'gender', 'locale', 'assurance_level']) {
    t.notOk(name in info, name)
  }
  t.notMatch(JSON.stringify(info), (await kora.sandbox.account('zhuoma')).cert_no)

  await t.test('no single sign-on anywhere else', async (t) => {
    const persons = await demoParty(kora, 'demo-level3')
    t.match(errorOf(persons, await persons.visit(browser, await persons.start({ prompt: 'none' }))), /_required$/)
    const asked = await persons.visit(browser, await persons.start())
    t.match(at(asked), /\/login$/, 'a site for persons asks who it is')
    const own = await browser.go(`${kora.issuer}/me`)
    t.match(at(own), /\/login$/, 'so does the user center')
    const { password } = await kora.sandbox.account('zhuoma')
    const again = await submitOrganization(browser, own, { uscc: byHandle('gongsi').uscc, password })
    t.match(at(again), /\/qr$/, 'and it takes no password of an organization')
  })

  await t.test('the same organization at another site that takes it', async (t) => {
    const tax = await demoParty(kora, 'demo-tax')
    const started = await tax.start({ prompt: 'none' })
    const answer = await tax.visit(browser, started)
    const found = (await tax.redeem(started, arrivedAt(tax, answer))).claims()
    t.match(found, { acr: 'urn:kora:loa:1', representation: { organization: { uscc: byHandle('gongsi').uscc } } })
  })

  await t.test('another capacity asks for the person', async (t) => {
    const switching = await site.visit(browser, await site.start({ prompt: 'select_account' }))
    t.match(at(switching), /\/login$/)
    const stronger = await site.start({ acr_values: 'urn:kora:loa:2' })
    t.match(at(await site.visit(browser, stronger)), /\/login$/)
    const person = await kora.sandbox.account('zhuoma')
    const next = await submitPassword(browser, await site.visit(browser, await site.start({ prompt: 'login' })), {
      account: person.cert_no,
      password: person.password
    }, site.arrived)
    t.ok(site.arrived(new URL(next.url)))
    const started = await site.start({ prompt: 'none' })
    const self = await site.redeem(started, arrivedAt(site, await site.visit(browser, started)))
    t.match(self.claims(), { acr: 'urn:kora:loa:2', representation: { role: 'self' } }, 'the whole person')
  })

  await t.test('a copied browser cookie elsewhere opens no more than that', async (t) => {
    const thief = browser.clone()
    thief.dropCookies((name) => name !== 'kora_browser')
    const { started, page } = await comeByCode(kora, site, thief, 'gongsi')
    const stolen = await site.redeem(started, arrivedAt(site, page))
    t.match(stolen.claims(), { acr: 'urn:kora:loa:1', amr: ['pwd'] })
    const persons = await demoParty(kora, 'demo-level3')
    t.match(errorOf(persons, await persons.visit(thief, await persons.start({ prompt: 'none' }))), /_required$/)
  })

  await t.test('a deployment may ask for the person each time', async (t) => {
    const strict = await startKora(t, { env: { ORGANIZATION_PASSWORD_LOGIN: 'scan' } })
    const party = await demoParty(strict, 'demo-site')
    const own = strict.newBrowser()
    const first = await comeByCode(strict, party, own, 'gongsi')
    await scanAndReturn(own, strict.sandbox, first.page, 'zhuoma', party.arrived)
    own.dropCookies(sessionless)
    t.match(at((await comeByCode(strict, party, own, 'gongsi')).page), /\/qr$/)
  })
})

t.test('S3 the personal tab represents nobody unasked, and never by a password alone', async (t) => {
  const kora = await startKora(t)
  const [site, tax] = [await demoParty(kora, 'demo-site'), await demoParty(kora, 'demo-tax')]
  const person = await kora.sandbox.account('zhuoma')
  const credentials = { account: person.cert_no, password: person.password }
  const { name } = byHandle('gongsi')
  /** To a site that takes organizations only, in the session of a personal login. */
  const come = async (browser: Browser): Promise<Answer> => {
    await submitPassword(browser, await site.visit(browser, await site.start()), credentials, site.arrived)
    return await tax.visit(browser, await tax.start())
  }
  // she has acted for the organization at that site before
  const before = kora.newBrowser()
  t.ok(tax.arrived(new URL((await chooseIdentity(before, await come(before), name, tax.arrived)).url)))

  const fresh = kora.newBrowser()
  const asked = await come(fresh)
  t.match(at(asked), /\/select$/, 'the choice is shown')
  t.match(/<button class="choice"[\s\S]*?<\/button>/.exec(asked.text)?.[0], name, 'the one of last time first')
  fresh.phone = null
  const chosen = await chooseIdentity(fresh, asked, name, tax.arrived)
  t.match(at(chosen), /\/qr$/, 'and needs the phone and the face of this person, in this browser')
  t.match(errorOf(tax, await tax.visit(fresh, await tax.start({ prompt: 'none' }))), /_required$/)

  // in the browser where she showed her face it does not
  before.dropCookies(sessionless)
  before.phone = null
  t.ok(tax.arrived(new URL((await chooseIdentity(before, await come(before), name, tax.arrived)).url)))
})

t.test('S34 what has ended is not silently replaced', async (t) => {
  const kora = await startKora(t)
  const { uscc } = byHandle('gongsi')
  const replaceRepresentative = async (handle: string): Promise<void> => {
    const change = { status: 'active', legal_representative: handle }
    await kora.sandbox.call('PUT', `/companies/${uscc}`, change)
    const { person_id: id } = await kora.sandbox.account(handle)
    const stored = await until(async () =>
      (await kora.inside.services.db
        .selectFrom('organization')
        .select('legalRepresentativeId')
        .where('uscc', '=', uscc)
        .executeTakeFirst())?.legalRepresentativeId === id)
    if (!stored) throw new Error('the register was not read')
  }
  const person = await kora.sandbox.account('zhuoma')
  const credentials = { account: person.cert_no, password: person.password }
  const site = await demoParty(kora, 'demo-site')
  for (const clientId of ['demo-tax', 'demo-site']) {
    const party = await demoParty(kora, clientId)
    const browser = kora.newBrowser()
    await submitPassword(browser, await site.visit(browser, await site.start()), credentials, site.arrived)
    const page = await party.visit(browser, await party.start({ prompt: 'select_account' }))
    const home = await chooseIdentity(browser, page, byHandle('gongsi').name, party.arrived)
    t.ok(party.arrived(new URL(home.url)), clientId)
    t.ok((await party.visit(browser, await party.start({ prompt: 'none' }))).url.includes('code='))

    await replaceRepresentative('gesang')
    t.match(
      errorOf(party, await party.visit(browser, await party.start({ prompt: 'none' }))),
      /_required$/,
      `${clientId}: no other capacity takes its place`
    )
    const shown = await party.visit(browser, await party.start())
    t.match(at(shown), /\/select$/, 'the choice, with the reason')
    t.match(shown.text, /role="status"/)
    t.notMatch(shown.text, byHandle('gongsi').name)
    await replaceRepresentative('zhuoma')
  }

  await t.test('a capacity that was chosen and ends before the answer', async (t) => {
    const party = await demoParty(kora, 'demo-site')
    const browser = kora.newBrowser()
    const stop = (url: URL): boolean => url.pathname.startsWith('/oidc/auth/') || party.arrived(url)
    const login = await party.visit(browser, await party.start({ prompt: 'select_account' }))
    const page = await browser.submit(
      await browser.go(`${login.url.split('?')[0]}?tab=personal`),
      { ...credentials, agree: '1' },
      { form: (form) => 'password' in form.fields, stop }
    )
    await trust(kora, browser, 'zhuoma', await organizationId(kora, 'gongsi'))
    const finished = await chooseIdentity(browser, page, byHandle('gongsi').name, stop)
    t.match(at(finished), /\/oidc\/auth\//, 'finished as legal representative')
    await replaceRepresentative('gesang')
    const next = await browser.go(finished.url, {}, party.arrived)
    t.match(at(next), /\/select$/, 'not the person in their own name without a word')
    t.match(next.text, /role="status"/)
  })
})
