import t from 'tap'
import { generateKeyPairSync } from 'node:crypto'
import * as oidc from 'openid-client'
import { PNG } from 'pngjs'
import { write } from '../../../../src/database/transaction.ts'
import {
  arrivedAt,
  RelyingParty,
  startKora,
  submitPassword,
  words,
  type Answer,
  type Browser
} from '../../../support/driver/index.ts'
import { findClient, listSecrets, storeLogo } from '../../../../src/records/clients/index.ts'
import { createClientUsage } from '../../../../src/records/clients/usage.ts'
import { clientIdIn, logIn, pathOf, posts, register, site } from './walks.ts'
import { approve as approveAs, onceOf, signInAs } from '../support.ts'
import { screen } from '../../../support/driver/screen.ts'
import { said } from '../../../support/texts.ts'

// one process for all: every client has an identifier of its own
const kora = await startKora(t)

t.test('J14: four questions, the secret once, and a login with it', async (t) => {
  const system = await signInAs(kora, 'system')
  const made = await register(kora, system, site)
  t.match(words(made.text), /公积金查询 已建立/)
  const clientId = clientIdIn(made)
  const secret = /id="once" value="([\w-]{43})"/.exec(made.text)?.[1] ?? ''
  t.not(secret, '')
  t.match(await findClient(kora.inside.services.db, clientId), {
    status: 'test',
    kind: 'server',
    metadata: { scope: 'openid profile' },
    policy: { unit: '市公积金中心' }
  })
  for (const tail of ['', '/credentials', '/history']) {
    t.notMatch((await system.browser.go(`${kora.issuer}/admin/clients/${clientId}${tail}`)).text, secret)
  }
  const party = await RelyingParty.discover({
    issuer: kora.issuer,
    clientId,
    redirectUri: 'http://localhost:4999/callback',
    scope: 'openid profile',
    auth: oidc.ClientSecretBasic(secret)
  })
  const citizen = kora.newBrowser()
  const started = await party.start()
  const arrived = await logIn(kora, citizen, await party.visit(citizen, started), party.arrived)
  t.equal((await party.redeem(started, arrivedAt(party, arrived))).claims()?.aud, clientId)
  const list = await system.browser.go(`${kora.issuer}/admin/clients?host=localhost&kind=server`)
  t.match(words(list.text), /公积金查询/)
  t.match(
    (await system.browser.go(`${kora.issuer}/admin/clients?text=${clientId}&format=csv`)).text,
    new RegExp(`${clientId},公积金查询`)
  )
  t.match(
    words((await system.browser.go(`${kora.issuer}/admin/clients?text=nothing-like-it`)).text),
    said('console.clients.none')
  )
})

t.test('the wizard tells every fault at its question and stores nothing before the end', async (t) => {
  const { browser } = await signInAs(kora, 'system')
  const count = async (): Promise<number> =>
    (await kora.inside.services.db.selectFrom('client').select('clientId').execute()).length
  const before = await count()
  const form = { form: posts('/admin/clients/new') }
  let page = await browser.submit(await browser.go(`${kora.issuer}/admin/clients/new`), { kind: 'server' }, form)
  t.equal((await browser.submit(page, { name_zh: '' }, form)).status, 422)
  page = await browser.submit(page, { name_zh: '名称', unit: '<script>alert(1)</script>' }, form)
  const wrong = await browser.submit(page, { redirect_uris: 'https://a.gov.cn/cb\r\nhttp://A.gov.cn/cb' }, form)
  t.equal(wrong.status, 422)
  t.match(words(wrong.text), /必须以 https:\/\/ 开头。 收到：http:\/\/A\.gov\.cn\/cb。 应为：https:\/\/a\.gov\.cn\/cb/)
  t.match(wrong.text, /name="unit" value="&lt;script&gt;/, 'earlier answers travel, escaped')
  t.match(wrong.text, /https:\/\/a\.gov\.cn\/cb\nhttp:\/\/A\.gov\.cn\/cb/, 'what was typed is still there')
  page = await browser.submit(wrong, { redirect_uris: 'https://a.gov.cn/cb' }, form)
  t.equal(
    (await browser.submit(page, { scope_phone: 'on', reason: 'x' }, form)).status,
    422,
    'a scope without a purpose'
  )
  t.equal((await browser.submit(page, { reason: '' }, form)).status, 422, 'no reason')
  const back = await browser.submit(page, { back: '1' }, form)
  t.match(back.text, /https:\/\/a\.gov\.cn\/cb<\/textarea>/)
  t.equal(await count(), before)
  t.match(
    words((await register(kora, { browser }, { kind: 'machine', name_zh: '数据交换', reason: 'x' })).text),
    /数据交换 已建立/,
    'a machine has no addresses to be asked for'
  )
})

t.test('four eyes: document numbers, and addresses of what is live', async (t) => {
  const [system, security] = [await signInAs(kora, 'system'), await signInAs(kora, 'security')]
  const { db } = kora.inside.services
  const made = await register(kora, system, { ...site, scope_identity: 'on', purpose_identity: '核对' })
  const clientId = clientIdIn(made)
  t.equal((await findClient(db, clientId))?.metadata.scope, 'openid profile', 'made without it')
  const waiting = /\/admin\/approvals\/chg_[\w-]+/.exec(made.text)?.[0] ?? ''
  const shown = await security.browser.go(kora.issuer + waiting)
  t.match(words(shown.text), /scope.*identity/)
  await security.browser.submit(shown, { reason: '同意' }, { form: posts('/approve') })
  t.equal((await findClient(db, clientId))?.metadata.scope, 'openid profile identity')

  const live = await system.browser.submit(
    await system.browser.go(`${kora.issuer}/admin/clients/${clientId}/status/live`),
    { reason: '上线' },
    { form: posts('/status/live') }
  )
  t.match(pathOf(live), /approvals\/chg_/, 'S8: nobody brings a client live alone')
  t.equal((await findClient(db, clientId))?.status, 'test')
  await approveAs(kora, pathOf(live))
  t.equal((await findClient(db, clientId))?.status, 'live')
  const asked = await system.browser.submit(
    await system.browser.go(`${kora.issuer}/admin/clients/${clientId}/addresses`),
    { redirect_uris: 'https://new.gov.cn/cb', reason: '搬家' },
    { form: posts('/addresses') }
  )
  t.match(pathOf(asked), /approvals\/chg_/)
  t.same((await findClient(db, clientId))?.metadata.redirect_uris, ['http://localhost:4999/callback'])
  // another member was changed meanwhile: what was asked is still what it was asked from
  const rename = await system.browser.submit(
    await system.browser.go(`${kora.issuer}/admin/clients/${clientId}`),
    { unit: '新单位', reason: 'x' },
    { form: posts(`/clients/${clientId}`) }
  )
  t.match(words(rename.text), said('console.done.api_changed'))
  const decision = await security.browser.go(kora.issuer + pathOf(asked))
  t.notMatch(words(decision.text), /新单位/, 'shown is what was asked, and nothing else')
  await security.browser.submit(decision, { reason: '同意' }, { form: posts('/approve') })
  t.match(await findClient(db, clientId), {
    metadata: { redirect_uris: ['https://new.gov.cn/cb'] },
    policy: { unit: '新单位' }
  })

  t.equal((await security.browser.go(`${kora.issuer}/admin/clients/new`)).status, 403)
  t.equal(
    (await security.browser.go(`${kora.issuer}/admin/clients/${clientId}`)).forms.some(
      ({ fields }) => 'reason' in fields
    ),
    false,
    'for reading only'
  )
})

t.test(
  'four eyes: no consent page, every token, scopes of the admin API; the reason stands at the decision',
  async (t) => {
    const [system, security] = [await signInAs(kora, 'system'), await signInAs(kora, 'security')]
    const { db } = kora.inside.services
    const clientId = clientIdIn(await register(kora, system, site))
    const asks = async (id: string, tab: string, fields: Record<string, string>): Promise<Answer> =>
      await system.browser.submit(
        await system.browser.go(`${kora.issuer}/admin/clients/${id}/${tab}`),
        { reason: '依法定职责', ...fields },
        { form: posts(`/${tab}`) }
      )
    const agree = async (asked: Answer): Promise<void> => {
      await security.browser.submit(
        await security.browser.go(asked.url),
        { reason: '同意' },
        { form: posts('/approve') }
      )
    }

    const trusted = await asks(clientId, 'experience', { trust_trusted: 'on' })
    t.match(words(trusted.text), /为什么要双人审批 不再征求本人同意/)
    t.match(
      words((await security.browser.go(`${kora.issuer}${pathOf(trusted)}?lang=en`)).text),
      /Why a second administrator People are not asked/
    )
    t.equal((await findClient(db, clientId))?.policy.trusted, false)
    await security.browser.go(`${kora.issuer}${pathOf(trusted)}?lang=zh-CN`)
    await agree(trusted)
    t.equal((await findClient(db, clientId))?.policy.trusted, true)

    const all = await asks(clientId, 'permissions', { introspects: '*' })
    t.match(words(all.text), said('console.clients.dual_control.introspects_all'))
    await agree(all)
    t.same((await findClient(db, clientId))?.policy.introspects, ['*'])

    const machine = clientIdIn(await register(kora, system, { kind: 'machine', name_zh: '运维', reason: 'x' }))
    const secretOnly = await asks(machine, 'permissions', { 'admin_scopes_kora.clients:read': 'on' })
    t.match([secretOnly.status, words(secretOnly.text)], [422, /管理接口权限: 还缺少另一项.*private_key_jwt/])
    const jwks = JSON.stringify({
      keys: [{ ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }), kid: '1' }]
    })
    t.match(
      words((await asks(machine, 'credentials', { auth_method: 'private_key_jwt', jwks })).text),
      said('console.done.api_changed')
    )
    const administers = await asks(machine, 'permissions', { 'admin_scopes_kora.clients:read': 'on' })
    t.match(words(administers.text), said('console.clients.dual_control.admin_scope'))
    await agree(administers)
    t.same((await findClient(db, machine))?.policy.adminScopes, ['kora.clients:read'])
    t.match(
      (await system.browser.go(`${kora.issuer}/admin/clients/${machine}/permissions`)).text,
      /id="admin_scopes_kora\.clients:read"[^>]* checked/
    )
    t.match(
      words((await asks(machine, 'permissions', { 'admin_scopes_kora.clients:read': '' })).text),
      said('console.done.api_changed'),
      'giving them up needs nobody'
    )
    t.equal((await findClient(db, machine))?.policy.adminScopes, undefined)
  }
)

t.test(
  'whether a site may name the organization: asked, kept by other forms, and no loss of it in the wizard',
  async (t) => {
    const system = await signInAs(kora, 'system')
    const { db } = kora.inside.services
    const clientId = clientIdIn(await register(kora, system, site))
    t.equal((await findClient(db, clientId))?.policy.representationRequests, undefined)
    const save = async (fields: Record<string, string>, tab = '/permissions'): Promise<Answer> =>
      await system.browser.submit(
        await system.browser.go(`${kora.issuer}/admin/clients/${clientId}${tab}`),
        { reason: 'x', ...fields },
        { form: posts(`${clientId}${tab}`) }
      )
    await save({ requests: 'refused' })
    t.equal((await findClient(db, clientId))?.policy.representationRequests, false)
    await save({ unit: '别的单位' }, '')
    t.equal((await findClient(db, clientId))?.policy.representationRequests, false)
    await save({ requests: 'allowed' })
    t.equal((await findClient(db, clientId))?.policy.representationRequests, undefined)
  }
)

t.test('an address of Kora itself is refused in words', async (t) => {
  const system = await signInAs(kora, 'system')
  const refused = await register(kora, system, { ...site, redirect_uris: `${kora.issuer}/me/callback` })
  t.equal(refused.status, 422)
  t.match(
    words(refused.text),
    new RegExp(`这是 Kora 自己的地址.*收到：${kora.issuer}/me/callback。 应为：https://name`)
  )
})

t.test('the picture of a site stands on the pages of its login, from our own address', async (t) => {
  const system = await signInAs(kora, 'system')
  const made = await register(kora, system, site)
  const clientId = clientIdIn(made)
  const secret = /id="once" value="([\w-]{43})"/.exec(made.text)?.[1] ?? ''
  const party = await RelyingParty.discover({
    issuer: kora.issuer,
    clientId,
    redirectUri: 'http://localhost:4999/callback',
    scope: 'openid profile',
    auth: oidc.ClientSecretBasic(secret)
  })
  const begin = async (browser: Browser): Promise<Answer> => await party.visit(browser, await party.start())
  const file = PNG.sync.write(new PNG({ width: 300, height: 200 }))
  const { services } = kora.inside
  const stored = await write(services, storeLogo, {
    act: { actor: 'admin:test', reason: 'x', address: null, traceId: null },
    clientId,
    file
  })
  if (stored.outcome !== 'stored') throw new Error(stored.outcome)
  const picture = new RegExp(
    `<img class="rp-logo" src="/client-logo/${stored.id}/small" alt="" width="40" height="40"`
  )
  const citizen = kora.newBrowser()
  const page = await begin(citizen)
  t.match(page.text, picture)
  t.match(page.headers.get('content-security-policy'), /img-src 'self' data:;/)
  t.match((await citizen.go(new URL(/href="([^"]*\/qr)"/.exec(page.text)?.[1] ?? '', page.url).href)).text, picture)
  const account = await kora.sandbox.account('zhuoma')
  const consent = await submitPassword(citizen, page, { ...account, account: account.cert_no }, party.arrived)
  t.match(pathOf(consent), /\/consent$/)
  t.match(consent.text, picture)
  const sent = await fetch(`${kora.issuer}/client-logo/${stored.id}/small`)
  t.same([sent.status, sent.headers.get('content-type'), sent.headers.get('set-cookie')], [200, 'image/png', null])
  const plain = clientIdIn(await register(kora, system, site))
  const without = await RelyingParty.discover({
    issuer: kora.issuer,
    clientId: plain,
    redirectUri: 'http://localhost:4999/callback',
    scope: 'openid profile',
    auth: oidc.None()
  })
  t.notMatch(
    (await without.visit(kora.newBrowser(), await without.start())).text,
    'class="rp-logo"',
    'no picture, no room for one'
  )
})

t.test('two edit at once: the second sees both and loses nothing', async (t) => {
  const [one, two] = [await signInAs(kora, 'system'), await signInAs(kora, 'system')]
  const clientId = clientIdIn(await register(kora, one, site))
  const address = `${kora.issuer}/admin/clients/${clientId}`
  const form = { form: posts(`/clients/${clientId}`) }
  const [mine, theirs] = [await one.browser.go(address), await two.browser.go(address)]
  await two.browser.submit(theirs, { unit: '甲单位', reason: 'x' }, form)
  const conflict = await one.browser.submit(mine, { unit: '乙单位', owner: '次仁', reason: 'y' }, form)
  t.equal(conflict.status, 412)
  t.match(words(conflict.text), /甲单位.*乙单位/)
  t.match(await findClient(kora.inside.services.db, clientId), { version: 2, policy: { unit: '甲单位' } })
  const again = await one.browser.submit(conflict, {}, form)
  t.match(words(again.text), said('console.done.api_changed'))
  t.match(await findClient(kora.inside.services.db, clientId), {
    version: 3,
    policy: { unit: '乙单位', owner: '次仁' }
  })
  t.match(words((await one.browser.go(`${address}/history`)).text), /甲单位 → 乙单位/)
})

t.test('address tester, failures of late, and one click to put it right', async (t) => {
  const { browser } = await signInAs(kora, 'system')
  const { db } = kora.inside.services
  const clientId = clientIdIn(await register(kora, { browser }, { ...site, redirect_uris: 'https://a.gov.cn/cb' }))
  const address = `${kora.issuer}/admin/clients/${clientId}/addresses`
  const request = `${kora.issuer}/oidc/auth?client_id=${clientId}&redirect_uri=${encodeURIComponent('https://a.gov.cn/cb/')}&response_type=code&scope=openid`
  const tested = await browser.submit(await browser.go(address), { pasted: request }, { form: posts('/test') })
  t.match(
    words(tested.text),
    /不匹配。 https:\/\/a\.gov\.cn\/cb\/.*最接近的登记地址 https:\/\/a\.gov\.cn\/cb .*结尾的 \/ 不同/
  )
  t.match(
    words(
      (await browser.submit(await browser.go(address), { pasted: 'https://a.gov.cn/cb' }, { form: posts('/test') }))
        .text
    ),
    said('console.clients.tester.match')
  )
  t.match(
    words(
      (await browser.submit(await browser.go(address), { pasted: 'http://a.gov.cn/<b>' }, { form: posts('/test') }))
        .text
    ),
    said('console.clients.tester.no_match')
  )

  // what the provider counts, another process's flush brings to the page
  const usage = createClientUsage({ db, log: { warn () {} } as never, intervalMs: 600_000 })
  usage.observe({
    on: (event: string, listener: (ctx: unknown, error: unknown) => void) => {
      if (event === 'authorization.error') {
        listener(
          { oidc: { client: { clientId }, params: { redirect_uri: 'https://a.gov.cn/cb/' } } },
          { error: 'invalid_redirect_uri' }
        )
      }
    }
  } as never)
  await usage.stop()
  const page = await browser.go(address)
  t.match(words(page.text), /回调地址没有登记 https:\/\/a\.gov\.cn\/cb\//)
  const add = /href="([^"]*addresses\/add[^"]*)"/.exec(page.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
  const done = await browser.submit(
    await browser.go(kora.issuer + add),
    { reason: '对方的地址' },
    { form: posts('/add') }
  )
  t.equal(pathOf(done), `/admin/clients/${clientId}/addresses`)
  t.same((await findClient(db, clientId))?.metadata.redirect_uris, ['https://a.gov.cn/cb', 'https://a.gov.cn/cb/'])
  const dismiss = await browser.submit(
    await browser.go(`${address}/dismiss?code=redirect_uri&address=${encodeURIComponent('https://a.gov.cn/cb/')}`),
    { reason: 'x' },
    { form: posts('/dismiss') }
  )
  t.match(words(dismiss.text), said('console.clients.failures.none'))
})

t.test('S8: nobody alone gets the secret of a client with a power', async (t) => {
  const { browser } = await signInAs(kora, 'system')
  const { db } = kora.inside.services
  const clientId = clientIdIn(
    await register(kora, { browser }, { ...site, scope_identity: 'on', purpose_identity: '核对' })
  )
  const [asked] = await db.selectFrom('pendingChange').select('id').where('subject', '=', clientId).execute()
  await approveAs(kora, asked?.id ?? '')
  t.equal((await findClient(db, clientId))?.metadata.scope, 'openid profile identity')
  const rotate = async (): Promise<Answer> =>
    await browser.submit(
      await browser.go(`${kora.issuer}/admin/clients/${clientId}/credentials/rotate`),
      { reason: '每年一次' },
      { form: posts('/rotate') }
    )
  const before = await listSecrets(db, clientId)
  const page = await rotate()
  const secret = onceOf(page)
  t.match(secret, /^[\w-]{43}$/)
  t.same(await listSecrets(db, clientId), before, 'not valid yet')
  const waiting = /\/admin\/approvals\/chg_[\w-]+/.exec(page.text)?.[0] ?? ''
  t.equal(pathOf(await rotate()), waiting, 'one waits at a time')
  await approveAs(kora, waiting)
  const after = await listSecrets(db, clientId)
  t.same(
    after.map(({ hint }) => hint),
    [before[0]?.hint, secret.slice(-4)]
  )
  t.ok(after[0]?.expiresAt, 'the former one ends')
})

t.test('secrets, keys, picture, preview', async (t) => {
  const { browser } = await signInAs(kora, 'system')
  const { db } = kora.inside.services
  const clientId = clientIdIn(
    await register(kora, { browser }, { ...site, subjects_organization: 'on', roles_agent: 'on' })
  )
  const at = `${kora.issuer}/admin/clients/${clientId}`
  const rotate = await browser.submit(
    await browser.go(`${at}/credentials/rotate`),
    { reason: '每年一次' },
    { form: posts('/rotate') }
  )
  t.match(rotate.text, /id="once"[^>]*value="[\w-]{43}"|value="[\w-]{43}"/)
  const third = await browser.submit(
    await browser.go(`${at}/credentials/rotate`),
    { reason: '再来' },
    { form: posts('/rotate') }
  )
  t.match(screen(third.text).notices, ['console.done.client_two_secrets'])
  const ending = /href="([^"]*credentials\/sec_[\w-]+\/end)"/.exec(third.text)?.[1] ?? ''
  await browser.submit(await browser.go(kora.issuer + ending), { reason: '换完了' }, { form: posts('/end') })
  const page = await browser.go(`${at}/credentials`)
  t.equal(page.text.match(/\/end"/g)?.length, 1)
  const keyed = await browser.submit(
    page,
    {
      auth_method: 'private_key_jwt',
      jwks: '{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"very-secret"}]}',
      reason: 'x'
    },
    { form: posts('/credentials') }
  )
  t.equal(keyed.status, 422)
  t.match(words(keyed.text), /这里面有私钥/)
  t.equal(
    (
      await browser.submit(
        page,
        { auth_method: 'private_key_jwt', jwks: 'not json', reason: 'x' },
        { form: posts('/credentials') }
      )
    ).status,
    422
  )

  const csrf = page.forms.find(posts('/credentials'))?.fields['csrf'] as string
  const upload = async (bytes: Buffer): Promise<Answer> => {
    const body = new FormData()
    body.set('csrf', csrf)
    body.set('reason', '图标')
    body.set('logo', new Blob([new Uint8Array(bytes)]), 'logo.png')
    return await browser.go(`${at}/logo`, { method: 'POST', body, headers: { origin: kora.issuer } })
  }
  t.match(words((await upload(Buffer.from('<svg/>'))).text), said('console.clients.logo.not_a_picture'))
  const shown = await upload(PNG.sync.write(new PNG({ width: 300, height: 300 })))
  const logo = /src="(\/client-logo\/logo_[\w-]+)"/.exec(shown.text)?.[1] ?? ''
  t.equal((await browser.request(kora.issuer + logo)).headers.get('content-type'), 'image/png')

  const code = await browser.go(`${at}/snippets`)
  t.match(words(code.text), new RegExp(`${clientId}.*OIDC_CLIENT_SECRET`))
  t.match(code.text, `${kora.issuer}/oidc/token`)

  const preview = await browser.go(`${at}/test?as=agent`)
  t.match(words(preview.text), /"role": "agent".*"name": "扎西顿珠"/)
  const frameOf = (page: Answer): string =>
    (/srcdoc="([^"]*)"/.exec(page.text)?.[1] ?? '')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll('&#39;', "'")
      .replaceAll('&amp;', '&')
  t.match(preview.text, /<iframe class="narrow" sandbox="allow-same-origin"/, 'it runs and posts nothing')
  const drawn = frameOf(preview)
  t.match(
    drawn,
    /<html lang="zh-CN"[^]*class="rp-logo"[^]*\*\*\*珠[^]*显示姓名[^]*name="decision" value="grant"/,
    'the page itself'
  )
  t.notMatch(drawn, '<script')
  const other = await browser.go(`${at}/test?person=anna&in=bo&width=wide`)
  t.match(other.text, /<iframe class="wide"/)
  t.match(frameOf(other), /<html lang="bo"[^]*\*L<\/dd>/)
  t.match(
    (await browser.go(`${at}/test?person=nobody&as=king&in=xx&width=9`)).text,
    /<iframe class="narrow"/,
    'anything else is the first of each'
  )
  t.notMatch(preview.text, /540102199003072515/, 'the number is not within its scopes')
  for (const tab of ['', '/addresses', '/permissions', '/credentials', '/experience', '/test', '/history']) {
    t.equal((await browser.go(`${at}${tab}?lang=en`)).status, 200, tab)
  }
  const saved = await browser.submit(
    await browser.go(`${at}/permissions?lang=zh-CN`),
    { functions: 'tax.filing 纳税申报', aliases: 'name userName', reason: 'x' },
    { form: posts('/permissions') }
  )
  t.match(words(saved.text), said('console.done.api_changed'))
  t.match(await findClient(db, clientId), {
    policy: {
      functions: [{ code: 'tax.filing', name: '纳税申报' }],
      aliases: { name: 'userName' },
      subjectKinds: ['person', 'organization']
    }
  })
  const level = await browser.submit(
    await browser.go(`${at}/experience`),
    { minimum_level: '3', reason: 'x' },
    { form: posts('/experience') }
  )
  t.match(words(level.text), said('console.done.api_changed'))
  t.match(await findClient(db, clientId), { policy: { minimumLevel: 3, logo: /^logo_/ } })
})

t.test('a second save while a request waits is not lost; the superseded one says so', async (t) => {
  const [system, security] = [await signInAs(kora, 'system'), await signInAs(kora, 'security')]
  const { db } = kora.inside.services
  const clientId = clientIdIn(await register(kora, system, site))
  const live = await system.browser.submit(
    await system.browser.go(`${kora.issuer}/admin/clients/${clientId}/status/live`),
    { reason: '上线' },
    { form: posts('/status/live') }
  )
  await approveAs(kora, pathOf(live))
  const add = async (address: string): Promise<Answer> => {
    const query = new URLSearchParams({ code: 'redirect_uri', address }).toString()
    const page = await system.browser.go(`${kora.issuer}/admin/clients/${clientId}/addresses/add?${query}`)
    return await system.browser.submit(page, { reason: '新地址' }, { form: posts('/addresses/add') })
  }
  const waiting = async (): Promise<Array<{ id: string; state: string }>> =>
    await db
      .selectFrom('pendingChange')
      .select(['id', 'state'])
      .where('subject', '=', clientId)
      .where('kind', '=', 'client.change')
      .orderBy('createdAt')
      .execute()
  const first = pathOf(await add('https://one.gov.cn/cb'))
  t.equal(pathOf(await add('https://one.gov.cn/cb')), first, 'the same again waits already')
  const second = pathOf(await add('https://two.gov.cn/cb'))
  t.not(second, first)
  t.same(
    (await waiting()).map(({ state }) => state),
    ['superseded', 'pending'],
    'superseded at once'
  )
  t.match((await system.browser.go(kora.issuer + first)).text, `data-superseded-by="${second.split('/').at(-1)}"`)
  const successor = await security.browser.go(kora.issuer + second)
  t.match(successor.text, `data-replaces="${first.split('/').at(-1)}"`)
  await security.browser.submit(successor, { reason: '同意' }, { form: posts('/approve') })
  t.same((await findClient(db, clientId))?.metadata.redirect_uris, [
    'http://localhost:4999/callback',
    'https://two.gov.cn/cb',
    'https://one.gov.cn/cb'
  ])
})

t.test('requests of two people about one client wait at once; what is overtaken says so to both', async (t) => {
  const [first, second, security] = [
    await signInAs(kora, 'system'),
    await signInAs(kora, 'system'),
    await signInAs(kora, 'security')
  ]
  const { db } = kora.inside.services
  const clientId = clientIdIn(await register(kora, first, site))
  const live = await first.browser.submit(
    await first.browser.go(`${kora.issuer}/admin/clients/${clientId}/status/live`),
    { reason: '上线' },
    { form: posts('/status/live') }
  )
  await approveAs(kora, pathOf(live))
  const add = async ({ browser }: { browser: Browser }, code: string, address: string): Promise<string> => {
    const query = new URLSearchParams({ code, address }).toString()
    const page = await browser.go(`${kora.issuer}/admin/clients/${clientId}/addresses/add?${query}`)
    return pathOf(await browser.submit(page, { reason: '新地址' }, { form: posts('/addresses/add') }))
  }
  const approve = async (path: string): Promise<Answer> =>
    await security.browser.submit(
      await security.browser.go(kora.issuer + path),
      { reason: '同意' },
      { form: posts('/approve') }
    )
  const stateOf = async (path: string): Promise<string> =>
    (
      await db
        .selectFrom('pendingChange')
        .select('state')
        .where('id', '=', path.split('/').at(-1) ?? '')
        .executeTakeFirstOrThrow()
    ).state

  const login = await add(first, 'redirect_uri', 'https://one.gov.cn/cb')
  const logout = await add(second, 'post_logout_redirect_uri', 'https://two.gov.cn/out')
  t.not(logout, login)
  t.same([await stateOf(login), await stateOf(logout)], ['pending', 'pending'], 'of different members')
  await approve(login)
  t.equal(await stateOf(logout), 'pending', 'the other one goes on waiting')
  await approve(logout)
  t.match((await findClient(db, clientId))?.metadata, {
    redirect_uris: ['http://localhost:4999/callback', 'https://one.gov.cn/cb'],
    post_logout_redirect_uris: ['https://two.gov.cn/out']
  })

  const another = await signInAs(kora, 'security')
  for (let round = 0; round < 4; round++) {
    const one = await add(first, 'redirect_uri', `https://one.gov.cn/${round}`)
    const two = await add(second, 'post_logout_redirect_uri', `https://two.gov.cn/${round}`)
    await Promise.all([
      approve(one),
      another.browser
        .go(kora.issuer + two)
        .then(async (page) => await another.browser.submit(page, { reason: '同意' }, { form: posts('/approve') }))
    ])
    t.same([await stateOf(one), await stateOf(two)], ['approved', 'approved'], 'decided at once')
  }

  const mine = await add(first, 'redirect_uri', 'https://three.gov.cn/cb')
  const theirs = await add(second, 'redirect_uri', 'https://four.gov.cn/cb')
  t.same(
    [await stateOf(mine), await stateOf(theirs)],
    ['pending', 'pending'],
    'nobody ends what another one asked for'
  )
  const seen = await security.browser.go(kora.issuer + theirs)
  await approve(mine)
  t.equal(await stateOf(theirs), 'superseded', 'what it starts from was changed')
  const late = await security.browser.submit(seen, { reason: '同意' }, { form: posts('/approve') })
  t.equal(late.status, 422)
  t.match(late.text, 'data-superseded-by="change"', 'who decides reads why')
  t.match((await second.browser.go(kora.issuer + theirs)).text, 'data-superseded-by="change"', 'and so does who asked')
  t.match(
    await db
      .selectFrom('auditEvent')
      .select('details')
      .where('type', '=', 'change.superseded')
      .orderBy('id', 'desc')
      .executeTakeFirst(),
    { details: { changeId: theirs.split('/').at(-1), subject: clientId } }
  )
  t.notOk((await findClient(db, clientId))?.metadata.redirect_uris?.includes('https://four.gov.cn/cb'))
})

t.test('an address is added to what was seen; a conflict is told as a conflict', async (t) => {
  const { browser } = await signInAs(kora, 'system')
  const clientId = clientIdIn(await register(kora, { browser }, site))
  const query = new URLSearchParams({ code: 'redirect_uri', address: 'https://one.gov.cn/cb' }).toString()
  const seen = await browser.go(`${kora.issuer}/admin/clients/${clientId}/addresses/add?${query}`)
  await browser.submit(
    await browser.go(`${kora.issuer}/admin/clients/${clientId}`),
    { unit: '新单位', reason: 'x' },
    { form: posts(`/clients/${clientId}`) }
  )
  const conflict = await browser.submit(seen, { reason: '新地址' }, { form: posts('/addresses/add') })
  t.equal(conflict.status, 412)
  const { db } = kora.inside.services
  t.same((await findClient(db, clientId))?.metadata.redirect_uris, ['http://localhost:4999/callback'])
  await browser.submit(conflict, {}, { form: posts('/addresses/add') })
  t.same((await findClient(db, clientId))?.metadata.redirect_uris, [
    'http://localhost:4999/callback',
    'https://one.gov.cn/cb'
  ])
})
