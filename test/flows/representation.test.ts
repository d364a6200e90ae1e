import t from 'tap'
import { decodeJwt } from 'jose'
import * as oidc from 'openid-client'
import { schemaFaults, verifiedClaimsSchema } from '../domain/claims/ida-schema.ts'
import {
  arrivedAt,
  at,
  chooseIdentity,
  demoParty,
  startKora,
  words,
  type Answer,
  type Browser,
  type Kora,
  type RelyingParty,
  type Started,
  type Tokens
} from '../support/driver/index.ts'
import { codeOf } from '../support/organizations.ts'

const gongsi = '西藏示例科技有限公司'
const cunjiti = '林周县示例村股份经济合作社'

/** Personal login as far as the page of all identities. */
async function toSelect (
  kora: Kora,
  party: RelyingParty,
  browser: Browser,
  handle: string,
  extra: Record<string, string> = {}
): Promise<{ started: Started; page: Answer }> {
  const started = await party.start(extra)
  const login = await party.visit(browser, started)
  const person = await kora.sandbox.account(handle)
  const page = await browser.submit(
    login,
    { account: person.cert_no, password: person.password, agree: '1' },
    { form: (form) => 'password' in form.fields, stop: party.arrived }
  )
  return { started, page }
}

async function choose (
  party: RelyingParty,
  browser: Browser,
  { started, page }: { started: Started; page: Answer },
  choice: string
): Promise<Tokens> {
  return await party.redeem(started, arrivedAt(party, await chooseIdentity(browser, page, choice, party.arrived)))
}

const invalidGrant = { error: 'invalid_grant' } as unknown as Error

/** prompt=select_account in the session that is there. */
async function switchTo (
  party: RelyingParty,
  browser: Browser,
  choice: string,
  extra: Record<string, string> = {}
): Promise<Tokens> {
  const started = await party.start({ prompt: 'select_account', ...extra })
  return await choose(party, browser, { started, page: await party.visit(browser, started) }, choice)
}

const representationOf = (tokens: Tokens) =>
  tokens.claims()?.['representation'] as { role: string; organization?: { uscc: string }; delegation?: { id: string } }
const userinfo = async (party: RelyingParty, tokens: Tokens) =>
  await oidc.fetchUserInfo(party.config, tokens.access_token, tokens.claims()?.sub ?? '')
const works = async (party: RelyingParty, tokens: Tokens): Promise<{ userinfo: boolean; introspection: boolean }> => ({
  userinfo: await userinfo(party, tokens).then(
    () => true,
    () => false
  ),
  introspection: (await oidc.tokenIntrospection(party.config, tokens.access_token)).active
})
const audits = async (kora: Kora, type: string) =>
  await kora.inside.services.db
    .selectFrom('auditEvent')
    .selectAll()
    .where('type', '=', type as never)
    .orderBy('id')
    .execute()

t.test(
  'J11: every hat is shown; the choice holds for this site; switching asks for no password and mixes nothing',
  async (t) => {
    const kora = await startKora(t)
    const party = await demoParty(kora, 'demo-site', { scope: 'openid profile organization' })
    const browser = kora.newBrowser()
    const start = await toSelect(kora, party, browser, 'zhuoma')
    t.match(at(start.page), /\/select$/)
    t.match(words(start.page.text), new RegExp(`\\*\\*\\*玛.*个人.*${gongsi}.*法定代表人.*${cunjiti}.*代理人.*到`))
    const asLegal = await choose(party, browser, start, gongsi)
    t.match(representationOf(asLegal), { role: 'legal_representative', organization: { uscc: codeOf('gongsi') } })

    const silent = await party.again(browser)
    t.same(representationOf(silent), representationOf(asLegal), 'single sign-on stays in the context')
    t.equal(silent.claims()?.['sid'], asLegal.claims()?.['sid'])

    const asSelf = await switchTo(party, browser, 'self')
    t.notMatch(browser.history.slice(-5).join(' '), /\/login/, 'nothing but the choice was asked')
    t.same(representationOf(asSelf), { role: 'self' })
    t.not(asSelf.claims()?.['sid'], asLegal.claims()?.['sid'], 'another sid')
    t.same(
      await works(party, asLegal),
      { userinfo: false, introspection: false },
      'what the old context gave has ended'
    )
    await t.rejects(oidc.refreshTokenGrant(party.config, asLegal.refresh_token ?? ''), invalidGrant)
    t.same(await works(party, asSelf), { userinfo: true, introspection: true })
    const outbox = await kora.inside.services.db
      .selectFrom('outbox')
      .select('dedupeKey')
      .where('topic', '=', 'backchannel-logout')
      .execute()
    t.ok(
      outbox.some(({ dedupeKey }) => dedupeKey?.includes(String(asLegal.claims()?.['sid']))),
      'the site hears of it'
    )

    const asAgent = await switchTo(party, browser, cunjiti)
    const refreshed = await oidc.refreshTokenGrant(party.config, asAgent.refresh_token ?? '')
    t.same(
      decodeJwt(refreshed.id_token ?? '')['representation'],
      representationOf(asAgent),
      'a refresh stays in the context'
    )

    // S3: in another browser the remembered choice comes first, and nothing goes on without the person
    const other = kora.newBrowser()
    const remembered = await toSelect(kora, party, other, 'zhuoma')
    t.match(at(remembered.page), /\/select$/)
    t.match(/<button class="choice"[\s\S]*?<\/button>/.exec(remembered.page.text)?.[0], cunjiti)
    t.same(representationOf(await choose(party, other, remembered, cunjiti)), representationOf(asAgent))
    // and there another choice; here the session stays what it is
    await switchTo(party, other, 'self')
    t.same(representationOf(await party.again(browser)), representationOf(asAgent))

    const chosen = await audits(kora, 'representation.chosen')
    t.same(
      chosen.map(({ role }) => role),
      ['legal_representative', 'self', 'agent', 'agent', 'self']
    )
    t.ok(chosen.every(({ personId }) => personId !== null))
  }
)

t.test('T031: two sites, two contexts, one session', async (t) => {
  const kora = await startKora(t)
  const [property, tax] = [await demoParty(kora, 'demo-site'), await demoParty(kora, 'demo-tax')]
  const browser = kora.newBrowser()
  const asSelf = await choose(property, browser, await toSelect(kora, property, browser, 'zhuoma'), 'self')
  const started = await tax.start()
  const page = await tax.visit(browser, started)
  t.match(at(page), /\/select$/, 'this site takes no persons: she has to choose')
  t.match(page.text, /<div class="choice off">[\s\S]*?这个网站不能用这个身份/)
  const asLegal = await choose(tax, browser, { started, page }, gongsi)
  t.equal(representationOf(asLegal).role, 'legal_representative')
  t.same(representationOf(await property.again(browser)), { role: 'self' })
  t.same(
    [await works(property, asSelf), await works(tax, asLegal)],
    [
      { userinfo: true, introspection: true },
      { userinfo: true, introspection: true }
    ]
  )

  const forged = await tax.start({ prompt: 'select_account' })
  const select = await tax.visit(browser, forged)
  const { db } = kora.inside.services
  const foreign = (
    await db.selectFrom('organization').select('id').where('uscc', '=', codeOf('simiao')).executeTakeFirstOrThrow()
  ).id
  for (const choice of ['self', `lr:${foreign}`, 'dlg_none', '']) {
    const answer = await browser.submit(
      select,
      { choice },
      { form: (form) => form.action.endsWith('/select'), stop: tax.arrived }
    )
    t.match(at(answer), /\/select$/, `not offered: ${choice}`)
  }
  t.equal(
    (await audits(kora, 'login.refused')).filter(({ reason }) => reason === 'representation_not_offered').length,
    4,
    'audited'
  )
})

t.test(
  'freshness: what has ended anywhere is over at code redemption, refresh, userinfo, introspection and silent sign-on',
  async (t) => {
    const kora = await startKora(t)
    const party = await demoParty(kora, 'demo-site', { scope: 'openid profile organization' })
    const { db } = kora.inside.services
    const browser = kora.newBrowser()
    const tokens = await choose(party, browser, await toSelect(kora, party, browser, 'zhuoma'), cunjiti)
    const delegation = representationOf(tokens).delegation?.id ?? ''
    const code = await party.start()
    const arrival = arrivedAt(party, await party.visit(browser, code))

    // the state alone, as a register or another process changes it: none of the tokens is touched
    const states: Array<[string, Record<string, unknown>, Record<string, unknown>]> = [
      ['revoked', { state: 'revoked' }, { state: 'active' }],
      // (a last day that is over would be found by the expiry worker as well)
      ['not on this day', { validFrom: '2099-01-01' }, { validFrom: '2026-01-01' }],
      ['not for this site any more', { clientIds: JSON.stringify(['demo-tax']) }, { clientIds: null }]
    ]
    for (const [title, over, back] of states) {
      await db.updateTable('delegation').set(over).where('id', '=', delegation).execute()
      t.same(await works(party, tokens), { userinfo: false, introspection: false }, title)
      await t.rejects(oidc.refreshTokenGrant(party.config, tokens.refresh_token ?? ''), invalidGrant, title)
      const silent = await party.start({ prompt: 'none' })
      t.equal(
        new URL(arrivedAt(party, await party.visit(browser, silent))).searchParams.get('error'),
        'login_required',
        title
      )
      t.match(
        at(await party.visit(browser, await party.start())),
        /\/select$/,
        `${title}: asked, not silently somebody else`
      )
      await db.updateTable('delegation').set(back).where('id', '=', delegation).execute()
      t.same(await works(party, tokens), { userinfo: true, introspection: true }, `${title}, undone`)
    }
    await db.updateTable('organization').set({ status: 'suspended' }).where('uscc', '=', codeOf('cunjiti')).execute()
    await t.rejects(party.redeem(code, arrival), invalidGrant, 'the code of before')
  }
)

t.test(
  'JWT access tokens for an organization live five minutes at most, those of a person as their API says',
  async (t) => {
    const kora = await startKora(t)
    await kora.inside.services.db
      .updateTable('resourceServer')
      .set({ ttlSeconds: 600 })
      .where('identifier', '=', 'urn:kora:demo:property:jwt')
      .execute()
    const party = await demoParty(kora, 'demo-site', { scope: 'openid property:read' })
    const browser = kora.newBrowser()
    const resource = { resource: 'urn:kora:demo:property:jwt' }
    const started = await party.start(resource)
    const login = await party.visit(browser, started)
    const person = await kora.sandbox.account('zhuoma')
    const page = await browser.submit(
      login,
      { account: person.cert_no, password: person.password, agree: '1' },
      { form: (form) => 'password' in form.fields, stop: party.arrived }
    )
    const forOrganization = await chooseIdentity(browser, page, cunjiti, party.arrived)
    const lifetime = async (
      begun: Started,
      arrived: Answer
    ): Promise<{ seconds: number; representation: unknown }> => {
      const { access_token: token } = await party.redeem(begun, arrivedAt(party, arrived), {}, resource)
      const {
        exp = 0,
        iat = 0,
        representation
      } = decodeJwt(token) as { exp?: number; iat?: number; representation?: unknown }
      return { seconds: exp - iat, representation }
    }
    t.match(await lifetime(started, forOrganization), {
      seconds: 300,
      representation: { role: 'agent', delegation: { functions: ['property.register', 'property.query'] } }
    })
    const again = await party.start({ prompt: 'select_account', ...resource })
    const forSelf = await chooseIdentity(browser, await party.visit(browser, again), 'self', party.arrived)
    t.same(await lifetime(again, forSelf), { seconds: 600, representation: { role: 'self' } })
  }
)

t.test('verified_claims: by scope, by object, by array, pushed; introspection and aliases', async (t) => {
  const kora = await startKora(t)
  const party = await demoParty(kora, 'demo-site', { scope: 'openid profile organization' })
  const browser = kora.newBrowser()
  const tokens = await choose(party, browser, await toSelect(kora, party, browser, 'zhuoma'), cunjiti)
  const info = (await userinfo(party, tokens)) as Record<string, unknown>
  t.equal(schemaFaults(verifiedClaimsSchema, info['verified_claims']), null)
  t.match(info, {
    organization: { uscc: codeOf('cunjiti'), name: cunjiti, type: 'N2', status: 'active' },
    verified_claims: [
      { claims: { name: '次仁卓玛' } },
      { claims: { authority: { applies_to: { registration_number: codeOf('cunjiti') } } } }
    ]
  })
  t.notMatch(
    JSON.stringify(info),
    /540103199511214029|格桑/,
    'no number without its scope, never the legal representative'
  )
  t.notHas(tokens.claims(), 'verified_claims', 'asked for in userinfo')
  t.same(
    (await oidc.tokenIntrospection(party.config, tokens.access_token))['representation'],
    representationOf(tokens)
  )

  const framework = { value: `${kora.issuer}/tf/delegation` }
  const element = {
    verification: {
      trust_framework: framework,
      evidence: [{ type: { value: 'vouch' }, attestation: { voucher: null } }]
    },
    claims: { authority: { permission: null } }
  }
  const missing = { verification: { trust_framework: { value: 'https://elsewhere.example' } }, claims: { name: null } }
  const expected = {
    verification: {
      trust_framework: framework.value,
      evidence: [{ type: 'vouch', attestation: { voucher: { occupation: '法定代表人', organization: cunjiti } } }]
    },
    claims: { authority: { permission: [{ role: 'agent' }] } }
  }
  const number = { verification: { trust_framework: null }, claims: { name: null, cert_no: null } }
  for (const [title, wanted, given] of [
    ['object', element, [expected]],
    ['array', [element, missing, number], [expected, { claims: { name: '次仁卓玛' } }]]
  ] as const) {
    const claims = JSON.stringify({ userinfo: { verified_claims: wanted }, id_token: { verified_claims: wanted } })
    const asked = await party.again(browser, { scope: 'openid', claims })
    const answer = ((await userinfo(party, asked)) as Record<string, unknown>)['verified_claims'] as unknown[]
    t.match(answer, given, title)
    t.equal(answer.length, given.length, title)
    t.match(asked.claims()?.['verified_claims'], given, `${title}, ID token`)
    t.notMatch(JSON.stringify([answer, asked.claims()]), /540103199511214029/, 'cert_no needs the identity scope')
  }
  // pushed (RFC 9126)
  const started = await party.start({
    scope: 'openid',
    claims: JSON.stringify({ userinfo: { verified_claims: [element, missing] } })
  })
  const pushed = await oidc.buildAuthorizationUrlWithPAR(party.config, started.url.searchParams)
  const parTokens = await party.redeem(started, arrivedAt(party, await browser.go(pushed.href, {}, party.arrived)))
  t.match(((await userinfo(party, parTokens)) as Record<string, unknown>)['verified_claims'], [expected])

  for (const claims of [
    { userinfo: { verified_claims: [] } },
    { userinfo: { verified_claims: { claims: { name: null } } } }
  ]) {
    const bad = await party.start({ claims: JSON.stringify(claims) })
    t.equal(new URL(arrivedAt(party, await party.visit(browser, bad))).searchParams.get('error'), 'invalid_request')
  }

  const tax = await demoParty(kora, 'demo-tax', { scope: 'openid profile' })
  const begun = await tax.start()
  const forTax = await choose(tax, browser, { started: begun, page: await tax.visit(browser, begun) }, gongsi)
  t.match(await userinfo(tax, forTax), {
    userName: '次仁卓玛',
    userType: 'legal_representative',
    uscc: codeOf('gongsi'),
    corpName: gongsi
  })
  t.notHas(await userinfo(tax, forTax), 'verified_claims')
  t.notHas(await userinfo(party, parTokens), 'uscc', 'each client has its own names')

  // a delegation changed by approval of a new version: the next answer says so
  const { db } = kora.inside.services
  await db
    .updateTable('delegation')
    .set({ functions: JSON.stringify(['property.query']), version: 2 })
    .where('id', '=', representationOf(tokens).delegation?.id ?? '')
    .execute()
  t.match(await userinfo(party, tokens), {
    representation: { delegation: { version: 2, functions: ['property.query'] } }
  })
  t.match(await oidc.tokenIntrospection(party.config, tokens.access_token), {
    representation: { delegation: { version: 2, functions: ['property.query'] } }
  })
})
