import t from 'tap'
import { at, startKora, words, type Answer, type Browser } from '../../support/driver/index.ts'
import { sweepUserCentre } from '../../../src/journeys/user-center/index.ts'
import { enter, enterAgent, enterLegal, link, organizationId, scan, toCode } from './support.ts'
import { said, saidInOrder, text } from '../../support/texts.ts'

const mainForm = (form: { action: string; method: string }): boolean =>
  form.method === 'post' && !form.action.endsWith('/logout')
const waitingOf = (list: Answer): string => new URL(link(list, text('user-center.approve'))).pathname.replace(/\/approve$/, '')

t.test(
  'login: code and PKCE at the real endpoints, a session cookie of its own, and what goes wrong on the way',
  async (t) => {
    const kora = await startKora(t)
    const { browser, home } = await enter(kora, 'zhuoma')
    t.equal(at(home), '/me')
    const [auth = ''] = browser.history.filter((address) => address.includes('/oidc/auth?'))
    t.match(auth, /client_id=kora-user-centre.*code_challenge=[\w-]{43}&code_challenge_method=S256/)
    t.match(
      browser.history.find((address) => address.includes('/me/callback')),
      /code=/
    )
    t.match(home.headers.get('content-security-policy'), /form-action 'self'/)
    t.equal(home.headers.get('cache-control'), 'no-store')
    t.notMatch(home.text, /540103199511214029|13900139000|次仁卓玛/, 'masked')
    t.match(words(home.text), /\*玛/)
    t.notMatch(kora.logs().join(''), /540103199511214029|13900139000|次仁卓玛/)

    const callback = browser.history.find((address) => address.includes('/me/callback')) ?? ''
    t.equal(at(await browser.go(callback)), '/me', 'an old callback leads on')
    const thief = kora.newBrowser()
    t.match(at(await thief.go(callback)), /^\/i\//, 'another browser begins a login of its own')
    t.equal((await browser.go(`${kora.issuer}/me/login?to=https://evil.example`)).url, `${kora.issuer}/me`)
    t.equal((await browser.go(`${kora.issuer}/me/login?to=//evil.example/me`)).url, `${kora.issuer}/me`)
    t.equal(at(await browser.go(`${kora.issuer}/me/login?to=/me/messages`)), '/me/messages')
    const cookieless = browser.clone()
    cookieless.dropCookies((name) => name === 'kora_browser')
    t.match(
      at(await cookieless.go(`${kora.issuer}/me`)),
      /^\/me/,
      'the session is bound to the browser; single sign-on gives a new one'
    )
  }
)

t.test('logout, an ended login, an ended person: the session is over at the next request', async (t) => {
  const kora = await startKora(t)
  const { services } = kora.inside
  const { browser, home } = await enter(kora, 'zhuoma')
  const other = browser.clone()
  const out = await browser.submit(home, {}, { form: (form) => form.action.endsWith('/me/logout') })
  t.match(words(out.text), said('logout.told'))
  t.match(at(await other.go(`${kora.issuer}/me`)), /^\/i\/.*\/login$/, "the provider's session is over too")

  const again = await enter(kora, 'ronghe')
  await services.db
    .updateTable('person')
    .set({ status: 'disabled' })
    .where('id', '=', (await kora.sandbox.account('ronghe')).person_id)
    .execute()
  t.match(at(await again.browser.go(`${kora.issuer}/me`)), /^\/i\//)

  const idle = await enter(kora, 'gesang')
  await services.db
    .updateTable('ownSiteSession')
    .set({ expiresAt: new Date(0) })
    .execute()
  t.equal((await idle.browser.request(`${kora.issuer}/me`)).status, 303, 'idle: the login is asked again')
  await services.db
    .updateTable('ownSiteLogin')
    .set({ expiresAt: new Date(0) })
    .execute()
  t.ok((await sweepUserCentre(services.db, 500)) >= 2, 'what has expired is deleted')
  t.equal(await sweepUserCentre(services.db, 500), 0)
})

t.test(
  'J10: revoked — whoever acts in that context is out at the next request, and not as somebody else',
  async (t) => {
    const kora = await startKora(t)
    const agent = await enterAgent(kora, 'dawa', 'gongsi')
    t.match(words(agent.home.text), /您正在代表 西藏示例科技有限公司 （代理人） 到/)
    t.equal((await agent.browser.request(`${kora.issuer}/me/agents`)).status, 403, 'an agent manages nobody')
    const legal = await enterLegal(kora, 'gongsi')
    const list = await legal.browser.go(`${kora.issuer}/me/agents`)
    await legal.browser.submit(await legal.browser.go(link(list, '撤销 *瓦')), {}, { form: mainForm })
    const next = await agent.browser.request(`${kora.issuer}/me/messages`)
    t.equal(next.status, 303)
    t.match(next.headers.get('location'), '/me/login?to=%2Fme%2Fmessages')
    t.match(
      words((await legal.browser.go(`${kora.issuer}/me`)).text),
      /您正在代表 西藏示例科技有限公司/,
      'others go on'
    )
  }
)

t.test("the role is the database's: the legal representative changes while the page is open", async (t) => {
  const kora = await startKora(t)
  const { services } = kora.inside
  const { browser } = await enterLegal(kora, 'simiao')
  const list = await browser.go(`${kora.issuer}/me/agents`)
  const content = await browser.go(link(list, text('user-center.approve')))
  const qr = await toCode(browser, content)
  const successor = await kora.sandbox.account('gesang')
  const id = await organizationId(kora, 'simiao')
  await services.db
    .updateTable('organization')
    .set({ legalRepresentativeId: successor.person_id })
    .where('id', '=', id)
    .execute()

  const refused = await browser.go(`${kora.issuer}/me/agents`)
  t.equal(refused.status, 403)
  t.match(words(refused.text), saidInOrder('user-center.not_allowed.representation_ended', 'user-center.switch'))
  for (const page of [content, qr]) {
    const answer = await browser.submit(page, {}, { form: mainForm })
    t.equal(answer.status, 403, page.url)
  }
  const { page } = await scan(kora, browser, qr, 'awang')
  t.equal(page.status, 403, 'what the phone says comes too late')
  const row = await services.db
    .selectFrom('delegation')
    .select('state')
    .where('organizationId', '=', id)
    .executeTakeFirstOrThrow()
  t.equal(row.state, 'submitted')
})

t.test(
  'nobody but the legal representative manages agents: not as oneself, not as agent, whatever is sent (T032)',
  async (t) => {
    const kora = await startKora(t)
    const { browser } = await enter(kora, 'awang')
    const refused = await browser.go(`${kora.issuer}/me/agents`)
    t.equal(refused.status, 403)
    t.match(words(refused.text), said('user-center.not_allowed.not_legal_representative'))
    t.notMatch(words(refused.text), said('user-center.state.submitted'))
    for (const path of [
      '/me/agents?role=legal_representative',
      '/me/agents/new',
      `/me/agents?organization=${await organizationId(kora, 'simiao')}`
    ]) {
      t.equal((await browser.go(`${kora.issuer}${path}`)).status, 403, path)
    }
    const events = await kora.inside.services.db
      .selectFrom('auditEvent')
      .select(['type', 'outcome', 'reason'])
      .where('type', '=', 'delegation.refused')
      .orderBy('id')
      .execute()
    t.equal(events.length, 4)
    t.match(events[0], { outcome: 'denied', reason: 'not_legal_representative' })
  }
)

t.test(
  "another organization's delegations do not exist (IDOR); posts need the session's own token (T068)",
  async (t) => {
    const kora = await startKora(t)
    const own = await enterLegal(kora, 'simiao')
    const list = await own.browser.go(`${kora.issuer}/me/agents`)
    const target = waitingOf(list)
    const foreign = await enterLegal(kora, 'cunjiti')
    const id = target.split('/')[3] ?? ''
    const paths = [
      `${target}/approve`,
      `${target}/qr`,
      `${target}/result`,
      `${target}/reject`,
      `/me/agents/${id}/edit`,
      `/me/agents/${id}/suspend`,
      `/me/agents/${id}/revoke`,
      `/me/mine/${id}/resign`,
      `/me/mine/${id}/withdraw`
    ]
    for (const path of paths) {
      const answer = await foreign.browser.request(`${kora.issuer}${path}`)
      t.equal(answer.status, 404, path)
      t.notMatch(words(answer.text), /仁增|\*增|示例寺/)
    }
    t.equal(
      (await foreign.browser.request(`${kora.issuer}/me/agents/dlg_unknown/1/approve`)).status,
      404,
      'the same answer as for nothing'
    )
    t.equal((await own.browser.request(`${kora.issuer}${target.replace(/\d+$/, '0')}/approve`)).status, 404)

    const post = async (
      browser: Browser,
      path: string,
      fields: Record<string, string>,
      headers: Record<string, string> = {}
    ): Promise<number> =>
      (
        await browser.request(`${kora.issuer}${path}`, {
          method: 'POST',
          body: new URLSearchParams(fields),
          headers: { origin: kora.issuer, ...headers }
        })
      ).status
    const foreignToken = (await foreign.browser.go(`${kora.issuer}/me/agents`)).forms[0]?.fields['csrf'] as string
    const ownToken = list.forms[0]?.fields['csrf'] as string
    for (const path of [
      `${target}/approve`,
      `${target}/reject`,
      `/me/agents/${id}/suspend`,
      `/me/agents/${id}/revoke`,
      '/me/agents/new',
      `${target}/qr/renew`,
      '/me/messages/read',
      '/me/browsers',
      '/me/logout'
    ]) {
      t.equal(await post(own.browser, path, { reason: 'wrong_data' }), 403, `${path} without a token`)
      t.equal(
        await post(own.browser, path, { reason: 'wrong_data', csrf: foreignToken }),
        403,
        `${path} with another session's token`
      )
      t.equal(
        await post(own.browser, path, { reason: 'wrong_data', csrf: ownToken }, { 'sec-fetch-site': 'cross-site' }),
        403,
        `${path} across sites`
      )
    }
    t.equal(await post(foreign.browser, `${target}/reject`, { reason: 'wrong_data', csrf: foreignToken }), 404)
    t.match(
      words((await own.browser.go(`${kora.issuer}/me/agents`)).text),
      said('user-center.agents.waiting', { n: 1 }),
      'nothing happened'
    )

    const messages = await foreign.browser.go(`${kora.issuer}/me/messages/msg_AAAAAAAAAAAAAAAAAAAAAA`)
    t.equal(messages.status, 404)
  }
)
