/** Rich authorization requests (RFC 9396): a site asks for a given organization, function and capacity. */
import { decodeJwt } from 'jose'
import { sql } from 'kysely'
import * as oidc from 'openid-client'
import t from 'tap'
import {
  arrivedAt,
  at,
  chooseIdentity,
  continueAfterPhone,
  demoParty,
  errorOf,
  payloadOf,
  proveRepresentation,
  scanAndReturn,
  startKora,
  submitOrganization,
  screen,
  words,
  type Answer,
  type Browser,
  type Kora,
  type RelyingParty,
  type Started,
  type Tokens
} from '../support/driver/index.ts'
import { saidInOrder } from '../support/texts.ts'
import { codeOf } from '../support/organizations.ts'

const password = 'Snow-lion-2026'
const [gongsi, cunjiti] = ['西藏示例科技有限公司', '林周县示例村股份经济合作社']
const invalidGrant = { error: 'invalid_grant' } as unknown as Error

type Detail = Record<string, unknown>
const detail = (kora: Kora, handle: string, more: Detail = {}): Detail => ({
  type: `${kora.issuer}/rar/representation`,
  identifier: `USCC:${codeOf(handle)}`,
  ...more
})
const asking = (...details: unknown[]): Record<string, string> => ({ authorization_details: JSON.stringify(details) })
const granted = (tokens: Tokens): unknown => (tokens as unknown as Record<string, unknown>)['authorization_details']
const representationOf = (tokens: Tokens) =>
  tokens.claims()?.['representation'] as { role: string; organization?: { uscc: string }; delegation?: { id: string } }

/** A request, and a personal login on its page. */
async function asPerson (
  kora: Kora,
  party: RelyingParty,
  browser: Browser,
  handle: string,
  extra: Record<string, string>
): Promise<{ started: Started; page: Answer }> {
  const started = await party.start(extra)
  const login = await party.visit(browser, started)
  const person = await kora.sandbox.account(handle)
  const tab = await browser.go(`${login.url.split('?')[0]}?tab=personal`)
  const page = await browser.submit(
    tab,
    { account: person.cert_no, password: person.password, agree: '1' },
    { form: (form) => 'password' in form.fields, stop: party.arrived }
  )
  // a face once in this browser makes a representative of a person
  return { started, page: await proveRepresentation(browser, page, party.arrived) }
}

const redeem = async (
  party: RelyingParty,
  { started, page }: { started: Started; page: Answer },
  parameters: Record<string, string> = {}
): Promise<Tokens> => await party.redeem(started, arrivedAt(party, page), {}, parameters)

t.test(
  'a personal login goes on in the capacity asked for, without a question; everything says what was granted',
  async (t) => {
    const kora = await startKora(t)
    const party = await demoParty(kora, 'demo-site', { scope: 'openid profile organization' })
    const browser = kora.newBrowser()
    const wanted = detail(kora, 'cunjiti', { actions: ['property.query'] })
    const expected = [{ ...wanted, roles: ['agent'] }]
    const tokens = await redeem(party, await asPerson(kora, party, browser, 'zhuoma', asking(wanted)))
    t.notMatch(browser.history.join(' '), /\/select/, 'nothing was asked')
    t.match(representationOf(tokens), { role: 'agent', organization: { uscc: codeOf('cunjiti') } })
    t.same(granted(tokens), expected)
    t.same((await oidc.tokenIntrospection(party.config, tokens.access_token))['authorization_details'], expected)
    t.match(await oidc.fetchUserInfo(party.config, tokens.access_token, tokens.claims()?.sub ?? ''), {
      name: '次仁卓玛',
      organization: { uscc: codeOf('cunjiti') }
    })
    const refreshed = await oidc.refreshTokenGrant(party.config, tokens.refresh_token ?? '')
    t.same((refreshed as unknown as Record<string, unknown>)['authorization_details'], expected, 'a refresh keeps it')
    t.same((await oidc.tokenIntrospection(party.config, refreshed.access_token))['authorization_details'], expected)

    // in the session that is there: another organization and capacity, and nothing but redirects
    const switched = await party.again(browser, {
      prompt: 'none',
      ...asking(detail(kora, 'gongsi', { roles: ['legal_representative'] }))
    })
    t.match(representationOf(switched), { role: 'legal_representative', organization: { uscc: codeOf('gongsi') } })
    t.same(granted(switched), [detail(kora, 'gongsi', { roles: ['legal_representative'] })])
    t.not(switched.claims()?.['sid'], tokens.claims()?.['sid'])
    t.equal((await oidc.tokenIntrospection(party.config, tokens.access_token)).active, false, 'contexts do not mix')
    const plain = await party.again(browser)
    t.equal(granted(plain), undefined, 'nothing is granted that was not asked for')

    // JWT access token of an API; pushed (RFC 9126); less at the token endpoint (RFC 9396 §6)
    const resource = { resource: 'urn:kora:demo:property:jwt' }
    const both = detail(kora, 'cunjiti', { actions: ['property.query', 'property.register'] })
    const started = await party.start({ scope: 'openid property:read', ...resource, ...asking(both) })
    const pushed = await oidc.buildAuthorizationUrlWithPAR(party.config, started.url.searchParams)
    const page = await browser.go(pushed.href, {}, party.arrived)
    const jwt = await redeem(party, { started, page }, { ...resource, ...asking(wanted) })
    t.same(decodeJwt(jwt.access_token)['authorization_details'], expected)
    t.same(granted(jwt), expected)
    const whole = await oidc.refreshTokenGrant(party.config, jwt.refresh_token ?? '', resource)
    t.match(decodeJwt(whole.access_token)['authorization_details'], [
      { actions: ['property.query', 'property.register'] }
    ])
    for (const more of [detail(kora, 'gongsi'), detail(kora, 'cunjiti', { roles: ['legal_representative'] })]) {
      await t.rejects(
        oidc.refreshTokenGrant(party.config, jwt.refresh_token ?? '', { ...resource, ...asking(more) }),
        { error: 'invalid_authorization_details' } as unknown as Error,
        'never more'
      )
    }
  }
)

t.test('the demo site asks so: in the name of that organization, without a question', async (t) => {
  const kora = await startKora(t)
  const browser = kora.newBrowser()
  const link =
    /href="([^"]*organization=[^"]*)"/.exec((await browser.go(kora.site)).text)?.[1]?.replaceAll('&amp;', '&') ?? ''
  const page = await browser.go(link)
  t.match(page.text, new RegExp(`value="${codeOf('gongsi')}"`))
  const person = await kora.sandbox.account('zhuoma')
  const tab = await browser.go(`${page.url.split('?')[0]}?tab=personal`)
  const asked = await browser.submit(
    tab,
    { account: person.cert_no, password: person.password, agree: '1' },
    { form: (form) => 'password' in form.fields }
  )
  t.match(at(asked), /\/qr$/, 'nothing but the face that makes a representative')
  const home = await proveRepresentation(browser, asked)
  t.equal(new URL(home.url).origin, kora.site)
  t.match(words(home.text), new RegExp(`代表单位办理.*${gongsi}.*法定代表人`))
})

t.test('the organization tab is filled in; another code or capacity is told at the field', async (t) => {
  const kora = await startKora(t)
  const party = await demoParty(kora, 'demo-site')
  const browser = kora.newBrowser()
  const started = await party.start(asking(detail(kora, 'cunjiti', { roles: ['agent'] })))
  const page = await party.visit(browser, started)
  t.match(page.text, new RegExp(`name="account"[^>]*value="${codeOf('cunjiti')}"`))
  const form = (action: { fields: object }): boolean => 'password' in action.fields
  const other = await browser.submit(
    page,
    { account: codeOf('gongsi'), password, role: 'agent', agree: '1' },
    { form }
  )
  t.equal(other.status, 422)
  t.same(screen(other.text).errors, ['fault.account.not_asked'])
  t.match(words(other.text), codeOf('cunjiti'))
  const role = await browser.submit(page, { password, role: 'legal_representative', agree: '1' }, { form })
  t.equal(role.status, 422)
  t.same(screen(role.text).errors, ['fault.role.not_asked'])
  const qr = await browser.submit(page, { password, role: 'agent', agree: '1' }, { form })
  const tokens = await redeem(party, {
    started,
    page: await scanAndReturn(browser, kora.sandbox, qr, 'zhuoma', party.arrived)
  })
  t.same(granted(tokens), [detail(kora, 'cunjiti', { roles: ['agent'] })])
  t.match(representationOf(tokens), { role: 'agent', organization: { uscc: codeOf('cunjiti') } })
})

t.test(
  'what this person cannot give ends in a page that says why, with ways on; giving up is a standard error',
  async (t) => {
    const kora = await startKora(t)
    const party = await demoParty(kora, 'demo-site')
    const cases: Array<[who: string, details: Detail, notice: string, unsaid: RegExp, shown?: RegExp]> = [
      ['ronghe', detail(kora, 'gongsi'), 'unmet-request.organization', new RegExp(gongsi)],
      [
        'dawa',
        detail(kora, 'gongsi', { actions: ['property.query', 'property.register'] }),
        'unmet-request.function',
        /您的账号不能/,
        new RegExp(`${gongsi}.*不动产登记申请`)
      ],
      [
        'dawa',
        detail(kora, 'gongsi', { roles: ['legal_representative'] }),
        'unmet-request.role',
        /代理授权里/,
        saidInOrder('login.unmet-request.role', 'login.representation.agent', 'login.unmet-request.roles')
      ],
      ['dawa', detail(kora, 'hezuoshe', { actions: ['property.query'] }), 'representation.blocked.suspended', /您的账号不能/],
      ['dawa', detail(kora, 'xiehui'), 'representation.blocked.expired', /您的账号不能/],
      ['pingcuo', detail(kora, 'yanglao'), 'unmet-request.organization', /服务中心/],
      ['renzeng', detail(kora, 'simiao'), 'representation.blocked.pending', /您的账号不能/]
    ]
    for (const [who, details, notice, unsaid, shown] of cases) {
      const browser = kora.newBrowser()
      const login = await asPerson(kora, party, browser, who, { acr_values: 'urn:kora:loa:1', ...asking(details) })
      let { page } = login
      if (at(page).endsWith('/qr')) page = await scanAndReturn(browser, kora.sandbox, page, who, party.arrived)
      t.match(at(page), /\/asked$/, who)
      t.equal(page.status, 403)
      t.match(screen(page.text), { page: 'login/unmet-request', notices: [`login.${notice}`] })
      t.notMatch(words(page.text), unsaid)
      if (shown !== undefined) t.match(words(page.text), shown)
      // no way around: neither the page of all identities, nor finishing
      const base = page.url.replace(/\/asked$/, '')
      for (const path of ['', '/select', '/consent']) {
        t.notOk(party.arrived(new URL((await browser.go(`${base}${path}`, {}, party.arrived)).url)), path)
      }
      const silent = await party.start({ prompt: 'none', ...asking(details) })
      t.equal(errorOf(party, await party.visit(browser, silent)), 'login_required', 'nobody is logged in yet')
      const back = await browser.submit(
        page,
        {},
        { form: (form) => form.action.endsWith('/asked'), stop: party.arrived }
      )
      t.equal(errorOf(party, back), 'access_denied')
      t.equal(new URL(back.url).searchParams.get('state'), login.started.state)
    }
    const cancelled = await kora.inside.services.db
      .selectFrom('auditEvent')
      .selectAll()
      .where('type', '=', 'login.cancelled')
      .orderBy('id')
      .execute()
    t.equal(cancelled.length, cases.length)
    t.ok(
      cancelled.every(({ personId }) => personId !== null),
      'with the person'
    )

    // logged in, and still nobody who can: prompt=none says that a page is needed
    const browser = kora.newBrowser()
    await redeem(party, await asPerson(kora, party, browser, 'ronghe', {}))
    for (const details of [detail(kora, 'gongsi'), detail(kora, 'zhuxiao')]) {
      t.equal(
        errorOf(party, await party.visit(browser, await party.start({ prompt: 'none', ...asking(details) }))),
        'interaction_required'
      )
    }
    t.equal(
      representationOf(await party.again(browser, { prompt: 'none' })).role,
      'self',
      'and the session is what it was'
    )
    const page = await party.visit(browser, await party.start(asking(detail(kora, 'gongsi'))))
    t.match(at(page), /\/asked$/)
    const other = /class="plain-link" href="([^"]*\/other)"/.exec(page.text)?.[1] ?? ''
    const login = await browser.go(new URL(other, page.url).href)
    t.match(login.text, new RegExp(`value="${codeOf('gongsi')}"`), 'another account')
  }
)

t.test('choosing an identity shows only what is asked for', async (t) => {
  const kora = await startKora(t)
  const party = await demoParty(kora, 'demo-site')
  const browser = kora.newBrowser()
  await redeem(party, await asPerson(kora, party, browser, 'zhuoma', asking(detail(kora, 'gongsi'))))
  const started = await party.start({ prompt: 'select_account', ...asking(detail(kora, 'cunjiti')) })
  const page = await party.visit(browser, started)
  t.match(at(page), /\/select$/)
  t.match(words(page.text), cunjiti)
  t.notMatch(words(page.text), gongsi)
  for (const choice of ['self', 'nonsense']) {
    t.match(
      at(
        await browser.submit(
          page,
          { choice },
          { form: (form) => form.action.endsWith('/select'), stop: party.arrived }
        )
      ),
      /\/select$/,
      `not offered: ${choice}`
    )
  }
  t.match(
    representationOf(
      await redeem(party, { started, page: await chooseIdentity(browser, page, cunjiti, party.arrived) })
    ),
    { role: 'agent' }
  )
})

t.test('faults are told apart, at the authorization endpoint and when pushed', async (t) => {
  const kora = await startKora(t)
  const party = await demoParty(kora, 'demo-site')
  const good = detail(kora, 'gongsi')
  const broken = (position: number, character: string): string =>
    `USCC:${codeOf('gongsi').slice(0, position)}${character}${codeOf('gongsi').slice(position + 1)}`
  const faults: Array<[value: string, said: RegExp]> = [
    ['{', /JSON/],
    ['{}', /array/],
    ['["text"]', /object/],
    [JSON.stringify([{ ...good, type: 'other' }]), /unsupported/],
    [JSON.stringify([{ ...good, locations: ['https://a.example'] }]), /unknown member \(locations\)/],
    [JSON.stringify([{ ...good, 名: 1 }]), /unknown member:/],
    [JSON.stringify([{ type: good['type'] }]), /identifier must be USCC/],
    [JSON.stringify([{ ...good, identifier: codeOf('gongsi') }]), /identifier must be USCC/],
    [
      JSON.stringify([{ ...good, identifier: broken(17, codeOf('gongsi').endsWith('A') ? 'B' : 'A') }]),
      /GB 32100.*: check/
    ],
    [JSON.stringify([{ ...good, identifier: broken(4, 'I') }]), /charset at position/],
    [JSON.stringify([{ ...good, identifier: `USCC:${codeOf('gongsi').toLowerCase()}` }]), /normal form/],
    [JSON.stringify([{ ...good, actions: [] }]), /actions must be/],
    [JSON.stringify([{ ...good, actions: ['property.query', 'property.query'] }]), /actions must be/],
    [JSON.stringify([{ ...good, actions: ['tax.filing'] }]), /unknown action \(tax\.filing\)/],
    [JSON.stringify([{ ...good, roles: ['self'] }]), /unknown role \(self\)/],
    [JSON.stringify([{ ...good, roles: 'agent' }]), /roles must be/],
    [JSON.stringify([good, detail(kora, 'cunjiti')]), /one element/]
  ]
  const descriptions = new Set<string>()
  for (const [value, said] of faults) {
    const started = await party.start({ authorization_details: value })
    const answer = new URL(arrivedAt(party, await party.visit(kora.newBrowser(), started))).searchParams
    t.equal(answer.get('error'), 'invalid_authorization_details', value)
    t.match(answer.get('error_description'), said)
    descriptions.add(answer.get('error_description') ?? '')
    await t.rejects(oidc.buildAuthorizationUrlWithPAR(party.config, started.url.searchParams), {
      error: 'invalid_authorization_details'
    } as unknown as Error)
  }
  t.ok(descriptions.size >= 14)

  for (const clientId of ['demo-level3', 'demo-consent']) {
    const persons = await demoParty(kora, clientId)
    const page = await persons.visit(kora.newBrowser(), await persons.start(asking(good)))
    t.equal(errorOf(persons, page), 'invalid_authorization_details', `${clientId} takes no organizations`)
  }
  // empty asks for nothing
  t.match(at(await party.visit(kora.newBrowser(), await party.start({ authorization_details: '[]' }))), /\/login$/)
  // nobody is there at client_credentials
  const machine = await demoParty(kora, 'demo-machine')
  await t.rejects(oidc.clientCredentialsGrant(machine.config, asking(good)), {
    name: 'ResponseBodyError'
  } as unknown as Error)
})

t.test(
  'freshness: a delegation narrowed below what was granted is over everywhere; what still answers lives on',
  async (t) => {
    const kora = await startKora(t)
    const party = await demoParty(kora, 'demo-site')
    const { db } = kora.inside.services
    const browser = kora.newBrowser()
    const wanted = asking(detail(kora, 'cunjiti', { actions: ['property.register'] }))
    const tokens = await redeem(party, await asPerson(kora, party, browser, 'zhuoma', wanted))
    const code = await party.start(wanted)
    const arrival = arrivedAt(party, await party.visit(browser, code))
    const setFunctions = async (functions: string[]): Promise<void> => {
      await db
        .updateTable('delegation')
        .set({ functions: JSON.stringify(functions) })
        .where('id', '=', representationOf(tokens).delegation?.id ?? '')
        .execute()
    }
    const active = async (): Promise<unknown> =>
      (await oidc.tokenIntrospection(party.config, tokens.access_token)).active
    await setFunctions(['property.register'])
    t.equal(await active(), true, 'the function asked for is still there')
    await setFunctions(['property.query'])
    t.equal(await active(), false)
    await t.rejects(oidc.fetchUserInfo(party.config, tokens.access_token, tokens.claims()?.sub ?? ''))
    await t.rejects(oidc.refreshTokenGrant(party.config, tokens.refresh_token ?? ''), invalidGrant)
    await t.rejects(party.redeem(code, arrival), invalidGrant)
    t.equal(
      errorOf(party, await party.visit(browser, await party.start({ prompt: 'none', ...wanted }))),
      'interaction_required'
    )
    t.match(
      representationOf(await party.again(browser, { prompt: 'none' })),
      { role: 'agent' },
      'the delegation itself is in force'
    )
    t.match(at(await party.visit(browser, await party.start(wanted))), /\/asked$/)
  }
)

t.test(
  'T035: no login without a person, whoever was represented; a wrong person who scans is on the trail',
  async (t) => {
    const kora = await startKora(t)
    const party = await demoParty(kora, 'demo-site')
    const { db } = kora.inside.services
    // dawa's phone is his: he logged in with it before
    const own = kora.newBrowser()
    await redeem(
      party,
      await asPerson(kora, party, own, 'dawa', { acr_values: 'urn:kora:loa:3', ...asking(detail(kora, 'gongsi')) })
    )
    const ways: Array<[handle: string, role: 'legal_representative' | 'agent', who: string]> = [
      ['gongsi', 'legal_representative', 'zhuoma'],
      ['cunjiti', 'agent', 'zhuoma']
    ]
    for (const [handle, role, who] of ways) {
      const browser = kora.newBrowser()
      const started = await party.start()
      const qr = await submitOrganization(
        browser,
        await party.visit(browser, started),
        { uscc: codeOf(handle), password, role },
        party.arrived
      )
      // somebody else takes the phone; who must come is told, and the organization
      t.equal((await kora.sandbox.journey({ payload: payloadOf(qr), person: 'dawa' })).outcome, 'refused')
      const again = await browser.submit(
        await continueAfterPhone(browser, qr),
        {},
        { form: (form) => form.action.endsWith('/renew') }
      )
      await redeem(party, { started, page: await scanAndReturn(browser, kora.sandbox, again, who, party.arrived) })
    }
    await redeem(party, await asPerson(kora, party, kora.newBrowser(), 'zhuoma', asking(detail(kora, 'cunjiti'))))
    await redeem(party, await asPerson(kora, party, kora.newBrowser(), 'ronghe', {}))
    const logins = await db
      .selectFrom('auditEvent')
      .select(['personId', 'organizationId', 'role'])
      .where('type', '=', 'login.succeeded')
      .orderBy('id')
      .execute()
    t.equal(logins.length, 5)
    t.equal(logins.filter(({ organizationId }) => organizationId !== null).length, 4)
    const {
      rows: [nobody]
    } = await sql<{ n: number }>`
    select count(*)::int as n from audit_event where person_id is null
      and type in ('login.succeeded', 'representation.chosen')`.execute(db)
    t.equal(nobody?.n, 0, 'never a login with an organization and no person')
    const wrong = await db
      .selectFrom('auditEvent')
      .selectAll()
      .where('type', '=', 'scan-ticket.wrong-person')
      .orderBy('id')
      .execute()
    t.equal(wrong.length, 2)
    t.ok(wrong.every((event) => event.loginAttemptUid !== null && event.traceId !== null))
  }
)

t.test('statements of introspection and userinfo: the person is read once, and the delegation once', async (t) => {
  const kora = await startKora(t)
  const party = await demoParty(kora, 'demo-site', { scope: 'openid profile' })
  const browser = kora.newBrowser()
  const agent = await redeem(party, await asPerson(kora, party, browser, 'zhuoma', asking(detail(kora, 'cunjiti'))))
  const self = await redeem(party, await asPerson(kora, party, kora.newBrowser(), 'ronghe', {}))
  // as the request log says
  const counted = async (route: string, work: () => Promise<unknown>): Promise<number | undefined> => {
    const before = kora.logs().length
    await work()
    const line = kora
      .logs()
      .slice(before)
      .map((text) => JSON.parse(text) as { route?: string; queries?: number })
      .find((one) => one.route === route)
    return line?.queries
  }
  for (const [tokens, reads] of [
    [self, 2],
    [agent, 3]
  ] as const) {
    // the token, the person, whom they act for
    t.equal(
      await counted('/oidc/introspect', async () => {
        t.ok((await oidc.tokenIntrospection(party.config, tokens.access_token)).active)
      }),
      reads
    )
    t.equal(
      await counted(
        '/oidc/userinfo',
        async () => await oidc.fetchUserInfo(party.config, tokens.access_token, tokens.claims()?.sub ?? '')
      ),
      reads
    )
  }
})
