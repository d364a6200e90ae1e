/** Staff help people through the console, over HTTP: what ends at once, what is told, what is never shown. */
import { createServer } from 'node:http'
import * as oidc from 'openid-client'
import t from 'tap'
import {
  addClient,
  at,
  demoParty,
  errorOf,
  freePort,
  RelyingParty,
  startKora,
  words,
  type Answer,
  type Browser,
  type Tokens
} from '../support/driver/index.ts'
import { until } from '../support/until.ts'
import { insertOrganization } from '../../src/records/organizations/index.ts'
import { signInAs } from '../journeys/console/support.ts'
import { enter, enterLegal, organizationId } from '../journeys/user-center/support.ts'
import { screen } from '../support/driver/screen.ts'
import { said, saidInOrder, text } from '../support/texts.ts'

const port = await freePort()
const received: string[] = []
const server = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk: Buffer) => {
    body += chunk.toString()
  })
  request.on('end', () => {
    received.push(new URLSearchParams(body).get('logout_token') ?? '')
    response.writeHead(200, { 'cache-control': 'no-store' }).end()
  })
})
await new Promise<void>((resolve) => {
  server.listen(port, 'localhost', resolve)
})
t.teardown(() => {
  server.close()
})

const kora = await startKora(t, { env: { EGRESS_ALLOWED: `localhost:${port}` } })
const { services } = kora.inside
const zhuoma = { ...(await kora.sandbox.account('zhuoma')), account: '13900139000' }
const site = await demoParty(kora, 'demo-site')
await addClient(kora, {
  clientId: 'listener',
  secret: 'listener-secret-of-thirty-two-chars',
  metadata: {
    application_type: 'web',
    grant_types: ['authorization_code'],
    redirect_uris: [site.redirectUri],
    scope: 'openid',
    token_endpoint_auth_method: 'client_secret_basic',
    backchannel_logout_uri: `http://localhost:${port}/logout`,
    backchannel_logout_session_required: true
  }
})
const listener = await RelyingParty.discover({
  issuer: kora.issuer,
  clientId: 'listener',
  secret: 'listener-secret-of-thirty-two-chars',
  redirectUri: site.redirectUri,
  scope: 'openid'
})
const security = await signInAs(kora, 'security')
const second = await signInAs(kora, 'security')
const counter = await signInAs(kora, 'counter')

const works = async (browser: Browser, tokens: Tokens): Promise<boolean[]> => [
  (await oidc.tokenIntrospection(site.config, tokens.access_token)).active,
  await oidc.fetchUserInfo(site.config, tokens.access_token, tokens.claims()?.sub ?? '').then(
    () => true,
    () => false
  ),
  await oidc.refreshTokenGrant(site.config, tokens.refresh_token ?? '').then(
    () => true,
    () => false
  ),
  await (async () => {
    const page = await site.visit(browser, await site.start({ prompt: 'none' }))
    return site.arrived(new URL(page.url)) && errorOf(site, page) === null
  })()
]
const mainForm =
  (end: string) =>
    (form: { method: string; action: string }): boolean =>
      form.method === 'post' && new URL(form.action).pathname.endsWith(end)
const person = `${kora.issuer}/admin/people/${zhuoma.person_id}`
const doAct = async (browser: Browser, act: string, reason = '本人来电'): Promise<Answer> =>
  await browser.submit(
    await browser.go(`${person}/act/${act}`),
    { reason },
    { form: mainForm(`/act/${act.split('?')[0] ?? ''}`) }
  )
const logs = (): string => kora.logs().join('\n')

t.test('found by the number typed into a form: it stands in no address and no log', async (t) => {
  const { browser } = security
  const list = await browser.go(`${kora.issuer}/admin/people`)
  t.notMatch(list.text, zhuoma.cert_no)
  const found = await browser.submit(list, { text: zhuoma.cert_no }, { form: mainForm('/people/search') })
  t.equal(at(found), `/admin/people/${zhuoma.person_id}`)
  t.match(words(found.text), /\*+玛 正常/)
  t.notMatch(found.text, zhuoma.cert_no)
  t.notMatch(found.text, '13900139000')
  t.notOk(browser.history.some((url) => url.includes(zhuoma.cert_no)))
  t.notMatch(logs(), zhuoma.cert_no)
  const named = await browser.submit(
    await browser.go(`${kora.issuer}/admin/people`),
    { text: zhuoma.name },
    { form: mainForm('/people/search') }
  )
  t.equal(named.status, 422)
  t.match(screen(named.text).errors, ['fault.last_four.needed'])
  t.equal(
    at(
      await browser.submit(
        named,
        { text: zhuoma.name, last_four: zhuoma.cert_no.slice(-4) },
        { form: mainForm('/people/search') }
      )
    ),
    `/admin/people/${zhuoma.person_id}`
  )
  const csv = await browser.request(`${kora.issuer}/admin/people?format=csv`)
  t.match(csv.headers.get('content-type'), /text\/csv/)
  t.notMatch(csv.text, zhuoma.cert_no)
  t.notMatch(csv.text, zhuoma.name)
  t.match(csv.text, new RegExp(`${zhuoma.person_id},`))
})

t.test(
  'locked while logged in: introspection, userinfo, refresh and single sign-on fail at once; the other site is told; ' +
    'unlocked, a new login works',
  async (t) => {
    const browser = kora.newBrowser()
    const tokens = await site.login(browser, zhuoma)
    await listener.again(browser)
    t.same(await works(browser, tokens), [true, true, true, true])
    t.equal((await doAct(security.browser, 'lock', ' ')).status, 422, 'not without a reason')
    const before = received.length
    const done = await doAct(security.browser, 'lock', '疑似盗用')
    t.match(screen(done.text).notices, ['console.done.people_lock'])
    t.same(await works(browser, tokens), [false, false, false, false])
    t.ok(await until(() => received.length > before), 'logout token')
    const stranger = kora.newBrowser()
    const refused = await site.visit(stranger, await site.start())
    t.match(
      words(
        (
          await stranger.submit(
            refused,
            { account: zhuoma.account, password: zhuoma.password, agree: '1' },
            { form: (form) => 'password' in form.fields }
          )
        ).text
      ),
      said('form.password')
    )
    t.match(screen((await doAct(security.browser, 'unlock')).text).notices, ['console.done.people_unlock'])
    t.same(await works(browser, tokens), [false, false, false, false], 'nothing comes back')
    const again = kora.newBrowser()
    t.same(await works(again, await site.login(again, zhuoma)), [true, true, true, true])
    const told = (services.sandbox?.sms.messages('+8613900139000') ?? []).map(({ parameters }) => parameters['kind'])
    t.ok(
      await until(() =>
        (services.sandbox?.sms.messages('+8613900139000') ?? []).some(
          ({ parameters }) => parameters['kind'] === 'security-account-unlocked'
        )
      ),
      told.join()
    )
  }
)

t.test(
  'logged out everywhere, in every browser; told to the site; a second time there is nothing to do',
  async (t) => {
    const [one, two] = [kora.newBrowser(), kora.newBrowser()]
    const tokens = [await site.login(one, zhuoma), await site.login(two, zhuoma)] as const
    await listener.again(two)
    const before = received.length
    t.match(screen((await doAct(security.browser, 'end-sessions')).text).notices, ['console.done.people_end_sessions'])
    t.same(await works(one, tokens[0]), [false, false, false, false])
    t.same(await works(two, tokens[1]), [false, false, false, false])
    t.ok(await until(() => received.length > before))
    t.match(words((await doAct(security.browser, 'end-sessions')).text), said('console.done.client_unchanged'))
  }
)

t.test('one session of two, by its row; no page shows its identifier', async (t) => {
  const [one, two] = [kora.newBrowser(), kora.newBrowser()]
  await site.login(one, zhuoma)
  const tokens = await site.login(two, zhuoma)
  const rows = await services.db.selectFrom('oidcArtifact').select('uid').where('model', '=', 'Session').execute()
  const page = await security.browser.go(person)
  for (const { uid } of rows) t.notMatch(page.text, uid ?? 'none')
  const links = [...page.text.matchAll(/href="(\/admin\/people\/[^"]*\/act\/end-session\?item=[^"]*)"/g)].map(
    ([, href]) => href ?? ''
  )
  t.equal(links.length, 2)
  // the list is by last use, so the later login comes first
  await security.browser.submit(
    await security.browser.go(kora.issuer + (links[1] ?? '')),
    { reason: '本人要求' },
    { form: mainForm('/act/end-session') }
  )
  t.same((await works(two, tokens)).slice(0, 2), [true, true])
  t.equal([...(await security.browser.go(person)).text.matchAll(/act\/end-session\?item=/g)].length, 1)
})

t.test(
  'shown in full: asked for by one, let happen by another, seen once, under no address; alone when the deployment ' +
    'says so',
  async (t) => {
    const asked = await security.browser.submit(
      await security.browser.go(`${person}/reveal`),
      { cert_no: '1', reason: '协助核对' },
      { form: mainForm('/reveal') }
    )
    t.match(at(asked), /^\/admin\/approvals\/chg_/)
    t.notMatch(asked.text, zhuoma.cert_no)
    const decision = await second.browser.go(asked.url.split('?')[0] ?? '')
    t.match(words(decision.text), saidInOrder('console.people.unmask', 'console.people.cert_no'))
    await second.browser.submit(decision, { reason: '同意' }, { form: mainForm('/approve') })
    t.notMatch((await second.browser.go(`${person}/reveal`)).text, 'name="grant"', 'not for who approved')
    const page = await security.browser.go(`${person}/reveal`)
    const shown = await security.browser.submit(page, {}, { form: (form) => 'grant' in form.fields })
    t.match(words(shown.text), zhuoma.cert_no)
    t.notMatch(words(shown.text), '13900139000')
    t.equal(shown.headers.get('cache-control'), 'no-store')
    const again = await security.browser.submit(page, {}, { form: (form) => 'grant' in form.fields })
    t.equal(again.status, 422)
    t.notMatch(again.text, zhuoma.cert_no)
    await services.db
      .insertInto('setting')
      .values({ name: 'reveal_four_eyes', value: 'false', changedBy: 'test', reason: 'test' } as never)
      .execute()
    const alone = await security.browser.submit(
      await security.browser.go(`${person}/reveal`),
      { phone: '1', reason: '协助核对' },
      { form: mainForm('/reveal') }
    )
    t.match(words(alone.text), /13900139000/)
    t.equal(
      (
        await security.browser.submit(
          await security.browser.go(`${person}/reveal`),
          { reason: 'x' },
          { form: (form) => 'reason' in form.fields }
        )
      ).status,
      422,
      'nothing chosen'
    )
    t.notMatch(logs(), zhuoma.cert_no)
    t.equal(
      (await services.db.selectFrom('auditEvent').select('id').where('type', '=', 'person.revealed').execute()).length,
      2
    )
  }
)

t.test(
  'the counter: masked, every box, the code on one page only; sent again it is gone; used at the phone',
  async (t) => {
    const { browser } = counter
    t.equal((await browser.request(person)).status, 403, 'not for the counter')
    const desk = await browser.go(`${kora.issuer}/admin/counter`)
    t.match(
      words((await browser.submit(desk, { cert_no: '540102199203078525' }, { form: mainForm('/counter') })).text),
      said('fault.cert_no.in_person_unreadable')
    )
    const visit = await browser.submit(desk, { cert_no: zhuoma.cert_no }, { form: mainForm('/counter') })
    t.match(at(visit), /^\/admin\/counter\/visits\/vis_/)
    t.notMatch(visit.text, zhuoma.cert_no)
    t.notMatch(visit.text, zhuoma.name)
    const half = await browser.submit(
      visit,
      { check_document_seen: '1', reason: 'face_fails' },
      { form: (form) => 'reason' in form.fields || form.action.includes('/visits/') }
    )
    t.equal(half.status, 422)
    const all = {
      check_document_seen: '1',
      check_face_compared: '1',
      check_number_compared: '1',
      check_told_one_time: '1',
      reason: 'face_fails'
    }
    const given = await browser.submit(visit, all, { form: (form) => form.action.includes('/visits/') })
    const code = /<p class="big-n">(\d{4}) (\d{4})<\/p>/.exec(given.text)
    t.ok(code, words(given.text))
    const digits = `${code?.[1] ?? ''}${code?.[2] ?? ''}`
    const repeated = await browser.submit(visit, all, { form: (form) => form.action.includes('/visits/') })
    t.match(screen(repeated.text).errors, ['fault.in_person_gone'])
    t.notOk(browser.history.some((url) => url.includes(digits)))
    t.notMatch(logs(), digits)
    t.notMatch((await browser.go(`${kora.issuer}/admin/counter`)).text, digits)
    const cancelled = await browser.submit(
      await browser.go(`${kora.issuer}/admin/counter`),
      {},
      { form: mainForm('/cancel') }
    )
    t.match(screen(cancelled.text).notices, ['console.done.code_cancelled'])
  }
)

t.test(
  'an organization: its people are out within the moment; the name has to be typed; T033 over HTTP',
  async (t) => {
    const id = await organizationId(kora, 'gongsi')
    const { browser: legal } = await enterLegal(kora, 'gongsi')
    t.equal(at(await legal.go(`${kora.issuer}/me/agents`)), '/me/agents')
    const page = await security.browser.go(`${kora.issuer}/admin/organizations/${id}`)
    t.match(words(page.text), /示例科技/)
    const active = await services.db
      .selectFrom('delegation')
      .select(['id', 'agentId'])
      .where('organizationId', '=', id)
      .where('state', '=', 'active')
      .executeTakeFirstOrThrow()
    const suspend = await security.browser.go(
      `${kora.issuer}/admin/organizations/${id}/delegations/${active.id}/suspend`
    )
    const forged = {
      ...suspend,
      forms: suspend.forms.map((form) => ({ ...form, action: form.action.replace(/suspend$/, 'approve') }))
    }
    const refused = await security.browser.submit(
      forged,
      { reason: '代为通过' },
      { form: (form) => form.action.endsWith('/approve') }
    )
    t.equal(refused.status, 403)
    t.match(
      await services.db
        .selectFrom('auditEvent')
        .select(['actor', 'reason'])
        .where('type', '=', 'delegation.refused')
        .orderBy('id')
        .executeTakeFirst(),
      { actor: `admin:${security.id}`, reason: 'not_legal_representative' }
    )
    t.match(
      words((await security.browser.submit(suspend, { reason: '投诉核实中' }, { form: mainForm('/suspend') })).text),
      said('console.done.delegation_suspend')
    )

    const confirm = await security.browser.go(`${kora.issuer}/admin/organizations/${id}/act/suspend`)
    t.equal(
      (await security.browser.submit(confirm, { reason: '涉嫌冒用', typed: '别的' }, { form: mainForm('/suspend') }))
        .status,
      422
    )
    const { name } = await services.db
      .selectFrom('organization')
      .select('name')
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    t.match(
      words(
        (await security.browser.submit(confirm, { reason: '涉嫌冒用', typed: name }, { form: mainForm('/suspend') }))
          .text
      ),
      said('console.done.orgs_suspend')
    )
    const out = await legal.go(`${kora.issuer}/me/agents`)
    t.match(at(out), /\/select$/, 'asked for another capacity')
    t.ok(words(out.text).includes(text('console.done.orgs_suspend')), words(out.text))
    const checked = await security.browser.submit(
      await security.browser.go(`${kora.issuer}/admin/organizations/${id}/act/recheck`),
      { reason: '核对' },
      { form: mainForm('/recheck') }
    )
    t.match(words(checked.text), said('console.organizations.check.same'))
    const released = await security.browser.submit(
      await security.browser.go(`${kora.issuer}/admin/organizations/${id}/act/release`),
      { reason: '核实无误' },
      { form: mainForm('/release') }
    )
    t.match(screen(released.text).notices, ['console.done.orgs_release'])
  }
)

t.test('T090: an export is text, whatever an organization is called', async (t) => {
  await insertOrganization(services.db, {
    crypto: services.crypto,
    organization: {
      uscc: '92540102MA6T1A2B0K',
      name: '=HYPERLINK("http://evil.example","点这里")',
      status: 'active'
    }
  })
  const csv = await security.browser.request(`${kora.issuer}/admin/organizations?format=csv`)
  t.match(csv.text, '"\'=HYPERLINK(""http://evil.example"",""点这里"")"')
  t.notMatch(csv.text, '92540102MA6T1A2B0K', 'the code of a one-person business stands for that person')
})

t.test('a notice: looked at, sent, read in the language there is, found by its type', async (t) => {
  const form = await security.browser.go(`${kora.issuer}/admin/notices/new?to=${zhuoma.person_id}`)
  const bad = await security.browser.submit(form, { title_0: '', body_0: '', reason: 'x' }, { form: mainForm('/new') })
  t.match(screen(bad.text).errors, ['fault.notice_title_required'])
  const draft = await security.browser.submit(
    form,
    {
      title_0: '<b>社保年审</b>',
      body_0: '请在月底前办理。\n谢谢',
      title_2: 'Annual check',
      body_2: 'Before the end of the month.',
      reason: '年审通知'
    },
    { form: mainForm('/new') }
  )
  t.match(words(draft.text), /现在的接收人数 1/)
  t.match(draft.text, /&lt;b&gt;社保年审/)
  const send = await security.browser.go(`${draft.url.split('?')[0] ?? ''}/send`)
  await security.browser.submit(send, { reason: '年审通知' }, { form: mainForm('/send') })
  t.ok(
    await until(
      async () => (await services.db.selectFrom('notice').select('state').executeTakeFirst())?.state === 'sent'
    )
  )
  const { browser } = await enter(kora, 'zhuoma')
  const system = await browser.go(`${kora.issuer}/me/messages?topic=system`)
  t.match(system.text, /&lt;b&gt;社保年审/)
  t.notMatch(words(system.text), /账号已被锁定/)
  t.match(
    words((await browser.go(`${kora.issuer}/me/messages?topic=security`)).text),
    said('user-center.message.security-account-locked')
  )
  const href = /href="(\/me\/messages\/msg_[^"]*)"/.exec(system.text)?.[1] ?? ''
  t.match(words((await browser.go(kora.issuer + href)).text), /请在月底前办理。 谢谢/)
  t.match(
    words((await browser.go(`${kora.issuer}${href}?lang=en`)).text),
    /Annual check .*Before the end of the month/
  )
  const tibetan = await browser.go(`${kora.issuer}${href}?lang=bo`)
  t.match(tibetan.text, /<h1 lang="zh-CN">&lt;b&gt;社保年审/)
  t.equal((await browser.request(`${kora.issuer}/me/messages?topic=nonsense`)).status, 200)
})
