import t from 'tap'
import { startKora } from '../../support/driver/index.ts'
import { approve } from '../console/support.ts'
import { AdminApi } from './support.ts'

const site = (more: object = {}, policy: object = {}): object => ({
  kind: 'server',
  metadata: { redirect_uris: ['https://a.gov.cn/cb'], scope: 'openid profile', ...more },
  policy: { names: { 'zh-CN': '公积金查询' }, purposes: { profile: '显示姓名' }, ...policy }
})

t.test('a client from its registration to its end, every answer as described', { timeout: 120_000 }, async (t) => {
  const kora = await startKora(t)
  const api = await AdminApi.open(kora)
  const made = await api.call('POST', '/clients', { client_id: 'gjj', ...site() })
  t.equal(made.status, 201)
  t.equal(made.headers.get('location'), '/admin/api/v1/clients/gjj')
  t.match(made.body.secret.secret, /^[\w-]{43}$/)
  t.equal(made.body.client.status, 'test')
  t.equal((await api.call('POST', '/clients', { client_id: 'gjj', ...site() })).status, 409)

  const shown = await api.call('GET', '/clients/gjj')
  t.equal(shown.headers.get('etag'), '"1"')
  t.same(shown.body, made.body.client)
  t.equal((await api.call('PATCH', '/clients/gjj', { policy: { unit: '中心' } })).status, 428)
  const patched = await api.call('PATCH', '/clients/gjj', { policy: { unit: '中心' } }, { 'if-match': '"1"' })
  t.equal(patched.status, 200)
  t.equal(patched.body.policy.unit, '中心')
  const late = await api.call('PATCH', '/clients/gjj', { policy: { unit: '别的' } }, { 'if-match': '"1"' })
  t.equal(late.status, 412)
  t.equal(late.body.current.policy.unit, '中心')
  t.equal(late.body.yours.policy.unit, '别的')
  t.same(
    late.body.diff.map(({ field }: { field: string }) => field),
    ['/policy/unit']
  )
  const taken = await api.call('PATCH', '/clients/gjj', { policy: { unit: null } }, { 'if-match': '"2"' })
  t.notOk('unit' in taken.body.policy, 'null takes a member away')

  const put = await api.call(
    'PUT',
    '/clients/gjj',
    site({ redirect_uris: ['https://a.gov.cn/cb', 'https://b.gov.cn/cb'] }),
    { 'if-match': '"3"' }
  )
  t.equal(put.status, 200, 'a client in test changes its addresses at once')
  const live = await api.call('POST', '/clients/gjj/status', { status: 'live' }, { 'if-match': '"4"' })
  t.equal(live.status, 202, 'S8: nobody brings a client live alone')
  t.equal((await api.call('GET', '/clients/gjj')).body.status, 'test')
  await approve(kora, live.body.id)
  t.equal((await api.call('GET', '/clients/gjj')).body.status, 'live')
  t.equal((await api.call('POST', '/clients/gjj/status', { status: 'draft' }, { 'if-match': '"5"' })).status, 409)

  const asked = await api.call('PUT', '/clients/gjj', site(), { 'if-match': '"5"' })
  t.equal(asked.status, 202, 'a live one asks a second administrator')
  const change = await api.call('GET', `/changes/${asked.body.id}`)
  t.match(change.body, { kind: 'client.change', subject: 'gjj', state: 'pending', reason: 'test' })
  t.equal((await api.call('GET', '/clients/gjj')).body.version, 5, 'nothing has changed yet')
  t.equal(
    (await api.call('PUT', '/clients/gjj', site(), { 'if-match': '"5"' })).body.code,
    'change_waiting',
    'the same waits already'
  )
  const other = await api.call('PUT', '/clients/gjj', site({ redirect_uris: ['https://c.gov.cn/cb'] }), {
    'if-match': '"5"'
  })
  t.equal(other.status, 202, 'another one is not lost')
  t.equal((await api.call('GET', `/changes/${asked.body.id}`)).body.state, 'superseded', 'the first one says so')

  t.same(
    (
      await api.call('POST', '/clients/gjj/redirect-test', { address: 'https://a.gov.cn/cb/' })
    ).body.nearest.differences.map(({ name }: { name: string }) => name),
    ['trailing_slash']
  )
  const second = await api.call('POST', '/clients/gjj/secrets', { grace_seconds: 60 })
  t.equal(second.status, 201)
  t.ok(second.body.previous)
  t.equal((await api.call('POST', '/clients/gjj/secrets', {})).status, 409, 'two are alive')
  const secrets = await api.call('GET', '/clients/gjj/secrets')
  t.equal(secrets.body.items.length, 2)
  t.equal((await api.call('DELETE', `/clients/gjj/secrets/${String(secrets.body.items[0].id)}`)).status, 204)
  t.equal((await api.call('DELETE', `/clients/gjj/secrets/${String(secrets.body.items[0].id)}`)).status, 404)
  t.equal((await api.call('GET', '/clients/gjj/failures')).status, 200)
  t.same(
    (await api.call('GET', '/clients/gjj/history?limit=2')).body.items.map(({ act }: { act: string }) => act),
    ['secret_ended', 'secret_created']
  )

  t.equal((await api.call('DELETE', '/clients/gjj', undefined, { 'if-match': '"5"' })).status, 409)
  t.equal((await api.call('POST', '/clients', { client_id: 'draft-one', status: 'draft', ...site() })).status, 201)
  t.equal((await api.call('DELETE', '/clients/draft-one', undefined, { 'if-match': '"9"' })).status, 412)
  t.equal((await api.call('DELETE', '/clients/draft-one', undefined, { 'if-match': '"1"' })).status, 204)
  t.equal((await api.call('GET', '/clients/draft-one')).status, 404)
  t.equal(
    (await api.call('PATCH', '/clients/kora-user-centre', { policy: { unit: 'x' } }, { 'if-match': '"1"' })).status >=
      400,
    true
  )

  const events = await kora.inside.services.db
    .selectFrom('auditEvent')
    .select(['type', 'actor', 'reason'])
    .where('clientId', 'in', ['gjj', 'draft-one'])
    .orderBy('id')
    .execute()
  t.same(
    events
      .filter(({ type }) => type !== 'client.enabled')
      .filter(({ actor, reason }) => actor !== 'client:demo-admin' || reason !== 'test'),
    []
  )
  t.match(
    events.filter(({ type }) => type === 'client.enabled'),
    [{ actor: /^admin:/, reason: /client:demo-admin/ }],
    'by who approved it, for who asked'
  )
  t.same([...new Set(events.map(({ type }) => type))].sort(), [
    'client.created',
    'client.deleted',
    'client.enabled',
    'client.secret-created',
    'client.secret-revoked',
    'client.updated'
  ])
  t.same(api.faults, [])
})

t.test('high scopes wait for a second administrator; the rest is made at once', async (t) => {
  const kora = await startKora(t)
  const api = await AdminApi.open(kora)
  const high = site({ scope: 'openid profile identity' }, { purposes: { profile: '姓名', identity: '核验' } })
  t.same((await api.call('POST', '/clients/validate', high)).body.second_administrator, ['high_scope'])
  const made = await api.call('POST', '/clients', { client_id: 'high-one', ...high })
  t.equal(made.status, 201)
  t.equal(made.body.client.metadata.scope, 'openid profile')
  t.match(made.body.change, /^\/admin\/api\/v1\/changes\/chg_/)
  const trusted = site({}, { trusted: true, introspects: ['*'], representationRequests: false })
  t.same((await api.call('POST', '/clients/validate', trusted)).body.second_administrator, [
    'consent_skipped',
    'introspects_all'
  ])
  t.match((await api.call('POST', '/clients', { client_id: 'trusted-one', ...trusted })).body, {
    client: { policy: { trusted: false, introspects: [], representationRequests: false } },
    change: /changes\/chg_/
  })
  t.equal((await api.call('GET', String(made.body.change).replace('/admin/api/v1', ''))).body.state, 'pending')
  t.same(api.faults, [])
})

t.test('nobody gives themselves rights here', async (t) => {
  const kora = await startKora(t)
  const api = await AdminApi.open(kora)
  const machine = {
    kind: 'machine',
    metadata: { jwks_uri: 'https://a.gov.cn/jwks' },
    policy: { names: { 'zh-CN': '机器' }, adminScopes: ['kora.clients:read'] }
  }
  t.equal((await api.call('POST', '/clients', machine)).status, 403)
  const { version } = (await api.call('GET', '/clients/demo-machine')).body
  t.equal(
    (
      await api.call(
        'PATCH',
        '/clients/demo-machine',
        { policy: { adminScopes: ['kora.people:read'] } },
        { 'if-match': `"${String(version)}"` }
      )
    ).body.code,
    'console_only'
  )
  for (const [method, path, body] of [
    ['PATCH', '/clients/demo-admin', { policy: { unit: 'x' } }],
    ['POST', '/clients/demo-admin/status', { status: 'disabled' }],
    ['POST', '/clients/demo-admin/secrets', {}],
    ['PUT', '/clients/demo-admin', site()]
  ] as const) {
    t.equal((await api.call(method, path, body, { 'if-match': '"1"' })).body.code, 'console_only', `${method} ${path}`)
  }
  t.same(api.faults, [])
})

t.test(
  'each field of a client is told apart, in the language asked for; nothing is half saved and nothing is a 500',
  { timeout: 120_000 },
  async (t) => {
    const kora = await startKora(t)
    const api = await AdminApi.open(kora)
    const answer = await api.call(
      'POST',
      '/clients',
      {
        client_id: 'A B',
        ...site(
          { redirect_uris: ['http://a.gov.cn/cb', 'https://*.gov.cn/cb'], subject: 'pairwise' },
          { minimumLevel: 7 }
        )
      },
      { 'accept-language': 'en' }
    )
    t.equal(answer.status, 400, 'S23: one member is unknown')
    t.equal(answer.headers.get('content-language'), 'en')
    t.same(answer.body.faults.map(({ pointer }: { pointer: string }) => pointer).sort(), [
      '/client_id',
      '/metadata/redirect_uris/0',
      '/metadata/redirect_uris/1',
      '/metadata/subject',
      '/policy/minimumLevel'
    ])
    for (const fault of answer.body.faults) t.match(fault, { code: /^\w+$/, message: /\w/ })
    const chinese = await api.call('POST', '/clients', { ...site({ scope: 7 }) }, { 'accept-language': 'zh' })
    t.match(chinese.body.faults[0].message, /[\u4e00-\u9fff]/)

    const junk: unknown[] = [
      null,
      0,
      -1,
      1.5,
      true,
      '',
      'x'.repeat(5000),
      '\0',
      '\ud800',
      [],
      [[]],
      {},
      { a: { b: 1 } },
      [null],
      '<script>',
      'javascript:alert(1)'
    ]
    const fields = [
      'kind',
      'metadata',
      'policy',
      'client_id',
      'status',
      'reason',
      ...[
        'redirect_uris',
        'scope',
        'jwks',
        'jwks_uri',
        'contacts',
        'default_max_age',
        'grant_types',
        'subject_type',
        'token_endpoint_auth_method',
        '__proto__',
        'constructor'
      ].map((name) => `metadata/${name}`),
      ...[
        'names',
        'unit',
        'functions',
        'aliases',
        'purposes',
        'roles',
        'adminScopes',
        'introspects',
        'minimumLevel',
        'trusted',
        'homeUri',
        'logo'
      ].map((name) => `policy/${name}`)
    ]
    let made = 0
    for (const field of fields) {
      for (const value of junk) {
        const body = JSON.parse(JSON.stringify({ status: 'test', ...site() })) as Record<
          string,
          Record<string, unknown>
        >
        const [first = '', second] = field.split('/')
        if (second === undefined) (body as Record<string, unknown>)[first] = value
        else {
          Object.defineProperty(body[first], second, { value, enumerable: true, configurable: true, writable: true })
        }
        const tried = await api.call(
          'POST',
          field === 'client_id' || field === 'status' ? '/clients' : '/clients/validate',
          body
        )
        if (tried.status === 201) made += 1
        if (![200, 201, 400, 403, 422].includes(tried.status)) {
          t.fail(`${field} = ${JSON.stringify(value).slice(0, 60)}: ${tried.status}`)
        }
        if (tried.status === 422 && tried.body.faults.length === 0) t.fail(`${field}: refused without a fault`)
      }
    }
    t.equal(made, 0, 'no bad identifier and no bad status made a client')
    for (const [body, type, status] of [
      ['[]', 'application/json', 400],
      ['{', 'application/json', 400],
      ['{"__proto__": {"x": 1}}', 'application/json', 400],
      ['a=b', 'application/x-www-form-urlencoded', 415],
      [`{"a":"${'x'.repeat(140_000)}"}`, 'application/json', 413]
    ] as const) {
      t.equal(
        (await api.call('POST', '/clients', body, { 'content-type': type })).status,
        status,
        `${type} ${body.slice(0, 20)}`
      )
    }
    for (const query of [
      'limit=0',
      'limit=101',
      'limit=x',
      'after=!!',
      'status=odd',
      'what=1',
      'text=%00',
      'status=live&status=test',
      `text=${'x'.repeat(400)}`
    ]) {
      t.equal((await api.call('GET', `/clients?${query}`)).status, 400, query)
    }
    t.equal((await api.call('GET', '/clients/x%00y')).status, 404)
    t.equal((await api.call('GET', '/clients/..%2f..%2fetc')).status, 404)
    t.equal((await api.call('DELETE', '/clients')).status, 405)
    t.equal((await api.call('GET', '/nothing')).body.code, 'no_such_route')
    t.equal((await api.call('POST', '/clients', site(), { 'kora-reason': '' })).body.code, 'reason_required')
    t.equal(
      (await api.call('POST', '/clients', site(), { 'kora-reason': encodeURIComponent('工单 4711') })).status,
      201
    )
    t.ok(
      await kora.inside.services.db
        .selectFrom('clientChange')
        .select('id')
        .where('reason', '=', '工单 4711')
        .executeTakeFirst(),
      'a reason in any language'
    )
    t.same(api.faults, [])
  }
)

t.test('lists go on by cursor, at most 100; the export is what is declared', async (t) => {
  const kora = await startKora(t)
  const api = await AdminApi.open(kora)
  const all = (await api.call('GET', '/clients?limit=100')).body
  t.equal(all.next, null)
  const ids: string[] = []
  for (let after = ''; ;) {
    const page = (await api.call('GET', `/clients?limit=3${after}`)).body
    ids.push(...page.items.map(({ client_id: id }: { client_id: string }) => id))
    if (page.next === null) break
    after = `&after=${String(page.next)}`
  }
  t.same(
    ids,
    all.items.map(({ client_id: id }: { client_id: string }) => id)
  )
  t.same(
    (await api.call('GET', '/clients?kind=machine')).body.items.map(({ client_id: id }: { client_id: string }) => id),
    ['demo-admin', 'demo-machine']
  )
  const exported = (await api.call('GET', '/client-export')).body.items
  t.same(
    exported.map(({ client_id: id }: { client_id: string }) => id),
    ids
  )
  t.notMatch(JSON.stringify(exported), /"secret"|"d":/)
  t.same(api.faults, [])
})
