/**
 * J6 → J7: what an agent registered waits for its legal representative, who comes in with what the agent set, and
 * decides.
 */
import t, { type Test } from 'tap'
import {
  arrivedAt,
  at,
  demoParty,
  scanAndReturn,
  startKora,
  submitOrganization,
  words,
  type Answer,
  type Browser,
  type Kora,
  type RelyingParty
} from '../../support/driver/index.ts'
import { link, scan as scanApproval, toCode } from '../user-center/support.ts'
import { organization, password, registerByAgent, school, submitted } from './support.ts'
import { said, saidInOrder, text } from '../../support/texts.ts'

const credentials = (role: 'legal_representative' | 'agent') => ({ uscc: school.uscc, password, role })

async function atSite (party: RelyingParty, browser: Browser, role: 'legal_representative' | 'agent') {
  const started = await party.start()
  return {
    started,
    page: await submitOrganization(browser, await party.visit(browser, started), credentials(role), party.arrived)
  }
}

/** Her first login of all, in the user centre, with the organization's password and her phone and face. */
async function decide (t: Test, kora: Kora): Promise<{ browser: Browser; list: Answer }> {
  const browser = kora.newBrowser()
  const qr = await submitOrganization(
    browser,
    await browser.go(`${kora.issuer}/me/login?to=/me/agents`),
    credentials('legal_representative')
  )
  t.match(at(qr), /\/qr$/)
  const list = await scanAndReturn(browser, kora.sandbox, qr, 'laoren', () => false)
  t.equal(at(list), '/me/agents')
  return { browser, list }
}

t.test('approved: the legal representative is let into the user centre only; then everybody is let in', async (t) => {
  const kora = await startKora(t)
  const party = await demoParty(kora, 'demo-site')
  await registerByAgent(kora)
  await submitted(kora)

  const waiting = await atSite(party, kora.newBrowser(), 'agent')
  t.match(at(waiting.page), /\/standing$/)
  t.match(
    words(waiting.page.text),
    saidInOrder('login.not-authorized.pending.title', 'login.not-authorized.since.pending'),
    'the agent reads for whom they wait, not that the organization is unknown'
  )
  const elsewhere = await atSite(party, kora.newBrowser(), 'legal_representative')
  t.match(at(elsewhere.page), /\/standing$/)
  t.match(
    words(elsewhere.page.text),
    saidInOrder('login.not-authorized.to_decide.title', 'login.not-authorized.decide')
  )
  t.match(elsewhere.page.text, 'href="/me/login?to=/me/agents"')

  const { browser, list } = await decide(t, kora)
  t.match(words(list.text), saidInOrder(/您正在代表 西藏示例职业学校 （法定代表人）/, said('user-center.agents.waiting', { n: 1 })))
  const stillWaiting = await party.visit(browser, await party.start({ prompt: 'select_account' }))
  t.match(
    words(stillWaiting.text),
    /西藏示例职业学校 法定代表人 \S+ 等您在用户中心审核/,
    'at a relying site she does not represent it yet'
  )
  t.notMatch(stillWaiting.text, /<button class="choice"[^>]*value="lr:/)

  const { phone, page } = await scanApproval(
    kora,
    browser,
    await toCode(browser, await browser.go(link(list, text('user-center.approve')))),
    'laoren'
  )
  t.equal(phone.outcome, 'confirmed', JSON.stringify(phone.steps.at(-1)))
  t.match(words(page.text), said('user-center.result.approved'))
  t.match(await organization(kora, school.uscc), { status: 'active' })

  const own = kora.newBrowser()
  const agent = await atSite(party, own, 'agent')
  const tokens = await party.redeem(
    agent.started,
    arrivedAt(party, await scanAndReturn(own, kora.sandbox, agent.page, 'yangjin', party.arrived))
  )
  t.match(tokens.claims()?.['representation'], {
    role: 'agent',
    organization: { uscc: school.uscc, status: 'active' }
  })
  const legal = await party.start({ prompt: 'select_account' })
  const select = await party.visit(browser, legal)
  t.match(select.text, /<button class="choice"[^>]*value="lr:/, 'and she may represent it everywhere')
})

t.test(
  'rejected: the agent reads so, nobody else is let in, and the legal representative may still add whom she wants',
  async (t) => {
    const kora = await startKora(t)
    const party = await demoParty(kora, 'demo-site')
    await registerByAgent(kora)
    await submitted(kora)
    const { browser, list } = await decide(t, kora)
    const rejected = await browser.submit(
      await browser.go(link(list, text('user-center.reject'))),
      { reason: 'not_our_agent' },
      { form: (form) => 'reason' in form.fields || form.action.endsWith('/reject') }
    )
    t.match(words(rejected.text), said('device-login.refused.title'))
    t.match(await organization(kora, school.uscc), { status: 'pending' })

    const agent = await atSite(party, kora.newBrowser(), 'agent')
    t.match(at(agent.page), /\/standing$/)
    t.match(
      words(agent.page.text),
      saidInOrder('login.not-authorized.rejected.title', 'login.not-authorized.rejected.body')
    )

    const form = await browser.go(`${kora.issuer}/me/agents/new`)
    const content = await browser.submit(
      form,
      { name: '王小梅', cert_no: '11010519491231002x', phone: '15100151000' },
      { form: (one) => 'starts' in one.fields }
    )
    const { page } = await scanApproval(kora, browser, await toCode(browser, content), 'laoren')
    t.match(words(page.text), said('user-center.result.approved'))
    t.match(await organization(kora, school.uscc), { status: 'active' }, 'she has been here, and decided')
    const message = await kora.inside.services.db
      .selectFrom('message')
      .select('kind')
      .where('personId', '=', (await kora.sandbox.account('yangjin')).person_id)
      .execute()
    t.same(message, [{ kind: 'delegation-rejected' }])
  }
)
