import t from 'tap'
import { parseResidentId } from '../../../src/domain/identity/resident-id.ts'
import { demoOrganizations } from '../../../src/simulators/demo-organizations.ts'
import { demoPassword, demoPeople } from '../../../src/simulators/demo-people.ts'
import { startKora } from '../../support/driver/index.ts'

const kora = await startKora(t)
const { sandbox } = kora
type Json = Record<string, any>
const get = async (path: string): Promise<Json> => (await sandbox.call<Json>('GET', path)).body

t.test('accounts: everything needed to log in as each', async (t) => {
  const { persons } = await get('/accounts')
  t.same(
    persons.map(({ handle }: Json) => handle),
    demoPeople.map(({ handle }) => handle)
  )
  for (const person of persons) {
    t.match(
      person,
      {
        person_id: /^per_/,
        cert_type: 'resident_id',
        phone: /^1\d{10}$/,
        register: { name: person.name, status: 'match' },
        card: { valid_from: /^\d{4}-/ }
      },
      person.handle
    )
    t.ok(parseResidentId(person.cert_no, '2026-11-22').ok, 'a valid number')
    t.equal(person.password, person.state === 'unactivated' ? null : demoPassword)
    t.equal(person.card.valid_to === null, person.card.term === 'long')
  }
  t.match(persons.find(({ handle }: Json) => handle === 'zhuoma').now, {
    status: 'active',
    assurance_level: 3,
    face_verified: true
  })
})

t.test('organizations: everything needed to log in for each, and what will happen', async (t) => {
  const { persons, organizations } = await get('/accounts')
  t.same(
    organizations.map(({ uscc }: Json) => uscc),
    demoOrganizations.map(({ uscc }) => uscc)
  )
  const handles = persons.map(({ handle }: Json) => handle)
  for (const organization of organizations) {
    const demo = demoOrganizations.find(({ uscc }) => uscc === organization.uscc)!
    t.match(
      organization,
      {
        handle: demo.handle,
        type: demo.uscc.slice(0, 2),
        legal_representative: { handle: demo.legalRepresentative },
        register: { name: demo.name, status: demo.status },
        legal_representative_login: /\./
      },
      demo.handle
    )
    t.equal(organization.password, demo.account ? demoPassword : null)
    t.equal(organization.status, demo.account ? demo.status : null)
    t.same(
      organization.delegations.map(({ agent, state, functions, client_ids: sites }: Json) => [
        agent.handle,
        state,
        functions,
        sites
      ]),
      demo.delegations.map((one) => [one.agent, one.state, one.functions, one.clientIds])
    )
    for (const delegation of organization.delegations) {
      t.match(delegation, { delegation_id: /^dlg_/, version: 1, valid_from: /^\d{4}-/, valid_to: /^\d{4}-/ })
      t.ok(handles.includes(delegation.agent.handle))
      t.equal(
        /^Logs in/.test(delegation.login),
        delegation.state === 'active' && demo.status === 'active',
        delegation.login
      )
    }
  }
  const company = organizations.find(({ handle }: Json) => handle === 'gongsi')
  t.match(company.delegations[0].login, /asked which agent .* because there are 2; .* dawa/)
  t.match(
    organizations.find(({ handle }: Json) => handle === 'lvsuo'),
    { organization_id: null, legal_representative_login: /no account/ }
  )
})

t.test('company register: what is changed is what Kora hears, at once', async (t) => {
  const { companies } = kora.inside.services
  const put = async (uscc: string, body: object): Promise<Json> =>
    await sandbox.call<Json>('PUT', `/companies/${uscc}`, body)
  const organization = async (handle: string): Promise<Json> =>
    (await get('/accounts'))['organizations'].find((one: Json) => one['handle'] === handle)
  const uscc = '91540102MA6T1A2BXK'
  t.match((await get('/companies'))['companies'][0], {
    uscc,
    account: true,
    available: true,
    legal_representative: { handle: 'zhuoma' }
  })
  const before = await organization('gongsi')

  const changed = await put(uscc.toLowerCase(), { legal_representative: 'gesang' })
  t.match(changed, {
    status: 200,
    body: { uscc, applied: true, legal_representative: { handle: 'gesang', name: '格桑' } }
  })
  const after = await organization('gongsi')
  t.match(after, {
    legal_representative: { handle: 'gesang' },
    register: { legal_representative: { handle: 'gesang' } }
  })
  t.same(
    after['delegations'].map(({ state }: Json) => state),
    ['suspended', 'suspended', 'revoked'],
    'the agents of the former one'
  )
  t.notSame(before['delegations'], after['delegations'])

  t.match(
    await put(uscc, { legal_representative: 'zhuoma', version: 5 }),
    { status: 200, body: { applied: true, legal_representative: { handle: 'gesang' } } },
    'news that come late'
  )
  t.match(await organization('gongsi'), { legal_representative: { handle: 'gesang' } })

  t.match(
    await put(uscc, {
      name: '西藏新名有限公司',
      status: 'suspended',
      legal_representative: { name: '新人', cert_no: '110101199003070134' }
    }),
    { status: 200, body: { applied: true } }
  )
  t.match(await organization('gongsi'), {
    name: '西藏新名有限公司',
    status: 'suspended',
    legal_representative: { handle: null, name: '新人', cert_no: '110101199003070134' }
  })
  t.match(
    (await get('/population'))['population'].find((one: Json) => one['cert_no'] === '110101199003070134'),
    { name: '新人', status: 'match' },
    'somebody new can pass the identity check'
  )

  await put(uscc, { available: false })
  t.match(
    await companies.lookup(uscc).then(
      () => 'answered',
      (error: Error) => error.name
    ),
    'RegisterUnavailable'
  )
  await put(uscc, { available: true })
  t.match(await companies.lookup(uscc), { found: true, status: 'suspended' })

  t.match(await put('92540202MA6T9XYW1N', {}), { status: 200, body: { applied: true } }, 'no change')
  t.match(await put('915401007100006540', { name: '新公司' }), { status: 404, body: { code: 'unknown_company' } })
  t.match(await put('915401007100006540', { name: '新公司', legal_representative: 'zhaxi' }), {
    status: 200,
    body: { account: false, status: 'active' }
  })
  t.match(
    await companies.verify({
      uscc: '915401007100006540',
      name: '新公司',
      legalRepresentative: { certType: 'resident_id', certNo: '540102199003072515', name: '扎西顿珠' }
    }),
    { certain: true, nameMatches: true, isLegalRepresentative: true }
  )
  t.match(await put('91540102MA6T1A2BXX', { name: 'x' }), { status: 400, body: { code: 'invalid_uscc' } })
  t.match(await put(uscc, { legal_representative: 'nobody' }), { status: 404, body: { code: 'unknown_person' } })
  t.match(await put(uscc, { legal_representative: { name: 'x', cert_no: '540102199003072510' } }), {
    status: 400,
    body: { code: 'invalid_cert_no' }
  })
})

t.test('clients: enough to configure any OpenID Connect library', async (t) => {
  const { issuer, discovery, clients, resource_servers: servers } = await get('/clients')
  t.equal(issuer, kora.issuer)
  t.equal((await fetch(discovery)).status, 200)
  const site = clients.find((client: Json) => client['client_id'] === 'demo-site')
  t.match(site, {
    client_secret: /^demo-site-secret/,
    token_endpoint_auth_method: 'client_secret_basic',
    redirect_uris: [`${kora.site}/callback`],
    scope: /openid/,
    policy: { trusted: true },
    note: /./
  })
  t.equal(clients.find((client: Json) => client['client_id'] === 'demo-public').client_secret, null)
  t.match(servers, [{ identifier: /^urn:/, token_format: 'opaque' }, { token_format: 'jwt' }])
})

t.test('the OpenAPI document lists every route, and every route is there', async (t) => {
  const response = await fetch(`${kora.issuer}/sandbox/openapi.json`)
  t.match(response.headers.get('content-type'), 'application/json')
  const document = (await response.json()) as Json
  t.match(document['openapi'], /^3\.1\./)
  const described = Object.entries(document['paths'] as Json)
    .flatMap(([path, methods]) => Object.keys(methods as Json).map((method) => `${method.toUpperCase()} ${path}`))
    .sort()
  const served = kora.inside.kora.app.printRoutes({ commonPrefix: false, includeHooks: false })
  t.match(served, 'sandbox')
  // /sandbox/api itself is the page for people
  const routes = routesOf(served).filter((route) => /^\w+ \/sandbox\/api\//.test(route))
  t.same(described, routes.map((route) => route.replace(/:(\w+)/, '{$1}')).sort())
  const ids = Object.values(document['paths'] as Json).flatMap((methods) =>
    Object.values(methods as Json).map((operation) => (operation as Json)['operationId'])
  )
  t.equal(new Set(ids).size, ids.length, 'operation ids are unique')
  t.equal(
    document['paths']['/sandbox/api/phone/journeys'].post.requestBody.content['application/json'].schema.properties
      .identity.properties.outcome.enum.length,
    5
  )
})

/** 'GET /a/b' from the router's tree. */
function routesOf (tree: string): string[] {
  const stack: string[] = []
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', part = '', methods = ''] = /^([│ ├└─]*)(\S*)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? []
    const depth = Math.floor(indent.length / 4)
    stack.length = depth
    stack[depth] = part
    return methods === ''
      ? []
      : methods
        .split(', ')
        .filter((method) => method !== 'HEAD')
        .map((method) => `${method} ${stack.join('')}`)
  })
}

t.test('bad requests are problems that say what is wrong, and do not repeat it', async (t) => {
  const bad: Array<[string, string, unknown]> = [
    ['POST', '/phone/journeys', {}],
    ['POST', '/phone/journeys', { payload: 'x', person: 'zhaxi', faec: 'pass' }],
    ['POST', '/phone/journeys', { payload: 'x', person: 'zhaxi', face: 'secret-value' }],
    ['POST', '/phone/scan', { payload: 'x'.repeat(513), person: 'zhaxi' }],
    ['POST', '/phone/confirm', { journey: '../../etc' }],
    ['PUT', '/face', { outcomes: Array(101).fill('pass') }],
    ['PUT', '/population/zhaxi', { status: 'perhaps' }],
    ['GET', '/sms?fone=1', undefined],
    ['PUT', '/companies/91540102MA6T1A2BXK', { status: 'gone' }],
    ['PUT', '/companies/91540102MA6T1A2BXK', { legal_representative: { name: 'secret-value' } }],
    ['PUT', '/companies/91540102MA6T1A2BXK', { version: 0 }],
    ['POST', '/counter-codes', []]
  ]
  for (const [method, path, body] of bad) {
    const answer = await sandbox.call<Json>(method, path, body)
    t.match(
      answer,
      { status: 400, body: { status: 400, code: 'invalid_request', detail: /./, trace_id: /^[0-9a-f]+$/ } },
      `${method} ${path}`
    )
    t.notMatch(JSON.stringify(answer.body), 'secret-value')
  }
  const form = await fetch(`${kora.issuer}/sandbox/api/counter-codes`, {
    method: 'POST',
    body: new URLSearchParams({ person: 'zhaxi' })
  })
  t.match(
    [form.status, form.headers.get('content-type')],
    [415, 'application/problem+json'],
    'a form of a foreign page gets nowhere'
  )
  const broken = await fetch(`${kora.issuer}/sandbox/api/counter-codes`, {
    method: 'POST',
    body: '{',
    headers: { 'content-type': 'application/json' }
  })
  t.equal(broken.status, 400)
  t.equal((await sandbox.call('GET', '/nothing')).status, 404)
})

t.test('face outcomes: the next of anybody, or those of one person', async (t) => {
  const put = async (body: object): Promise<Json> => (await sandbox.call<Json>('PUT', '/face', body)).body
  t.match(await put({ outcomes: ['mismatch', 'pass'] }), { next: ['mismatch', 'pass'], persons: [] })
  t.match(await put({ outcomes: ['liveness'], person: 'zhaxi' }), {
    next: ['mismatch', 'pass'],
    persons: [{ person: 'zhaxi', outcome: 'liveness' }]
  })
  t.match(await put({ outcomes: ['down'], person: 'laoren' }), {
    persons: [{ person: 'zhaxi' }, { person: 'laoren', outcome: 'down' }]
  })
  t.match((await put({ outcomes: [], person: 'zhaxi' })).persons, [{ person: 'laoren' }])
  t.match(await put({ outcomes: [] }), { next: [], persons: [] }, 'everything is forgotten')
  t.match(await get('/face'), { next: [], persons: [], outcomes: ['pass'] })
  t.equal((await sandbox.call('PUT', '/face', { outcomes: ['pass'], person: 'nobody' })).status, 404)
})

t.test('population register: what is changed is what the adapter hears', async (t) => {
  const { population } = kora.inside.services
  const ask = async (): Promise<string> => {
    try {
      return await population.verify({ certType: 'resident_id', certNo: '540102199003072515', name: '扎西顿珠' })
    } catch (error) {
      return (error as Error).name
    }
  }
  const put = async (id: string, body: object): Promise<Json> =>
    (await sandbox.call<Json>('PUT', `/population/${encodeURIComponent(id)}`, body)).body
  t.equal(await ask(), 'match')
  t.match(await put('zhaxi', { name: '扎西' }), { handle: 'zhaxi', name: '扎西', status: 'match', available: true })
  t.equal(await ask(), 'mismatch', 'he has another name there')
  await put('zhaxi', { name: '扎西顿珠' })
  for (const status of ['mismatch', 'no_record', 'match']) {
    await put('540102199003072515', { status })
    t.equal(await ask(), status)
  }
  await put((await sandbox.account('zhaxi')).person_id, { available: false })
  t.equal(await ask(), 'RegisterUnavailable')
  t.match((await get('/accounts'))['persons'][0].register, { status: 'match' })
  await put('zhaxi', { available: true })
  t.equal(await ask(), 'match')
  t.match(
    await put('110101199003070134', { name: '新人' }),
    { handle: null, cert_no: '110101199003070134', name: '新人', status: 'match' },
    'somebody new'
  )
  t.match((await get('/population'))['population'].at(-1), { name: '新人' })
  t.match(await put('nobody', { name: 'x' }), { status: 404, code: 'unknown_person' })
})

t.test('messages, newest first, of one phone or of all', async (t) => {
  const { sms } = kora.inside.services
  await sms.send({
    phone: '+8613800138000',
    template: 'verification-code',
    parameters: { code: '123456' },
    messageId: 'one'
  })
  await sms.send({ phone: '+8613900139000', template: 'notice', parameters: { text: 'x' }, messageId: 'two' })
  t.match(await get('/sms'), {
    messages: [
      { message_id: 'two', phone: '+8613900139000' },
      { message_id: 'one', template: 'verification-code', parameters: { code: '123456' }, at: /^\d{4}-.*Z$/ }
    ]
  })
  for (const phone of ['13800138000', '%2B8613800138000']) {
    t.same((await get(`/sms?phone=${phone}`))['messages'].length, 1)
  }
  t.same(await get('/sms?phone=13700137000'), { messages: [] })
  t.same(await get('/sms?phone=nothing'), { messages: [] })
})

t.test('counter codes: by the real feature, with its audit event', async (t) => {
  const { status, body } = await sandbox.call<Json>('POST', '/counter-codes', { person: 'zhuoma' })
  t.match({ status, body }, { status: 200, body: { code: /^\d{8}$/, expires_at: /Z$/ } })
  const row = await kora.inside.services.db
    .selectFrom('auditEvent')
    .select('actor')
    .where('type', '=', 'counter-code.issued')
    .orderBy('id')
    .executeTakeFirstOrThrow()
  t.equal(row.actor, 'staff:sandbox')
  t.match(await sandbox.call('POST', '/counter-codes', { person: 'tingyong' }), {
    status: 409,
    body: { code: 'account_disabled' }
  })
  t.match(await sandbox.call('POST', '/counter-codes', { person: 'nobody' }), { status: 404 })
})

t.test('nothing personal in the log of all this', async (t) => {
  t.notMatch(kora.logs().join('\n'), /540102199003072515|110101199003070134|13800138000|扎西|格桑|新人/)
})
