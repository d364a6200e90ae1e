import t from 'tap'
import { parseResidentId } from '../../../src/domain/resident-id.ts'
import { demoPassword, demoPeople } from '../../../src/simulators/demo-people.ts'
import { startKora } from '../../support/driver/index.ts'

const kora = await startKora(t)
const { sandbox } = kora
type Json = Record<string, any>
const get = async (path: string): Promise<Json> => (await sandbox.call<Json>('GET', path)).body

t.test('accounts: everything needed to log in as each', async (t) => {
  const { persons, organizations } = await get('/accounts')
  t.same(organizations, [])
  t.same(persons.map(({ handle }: Json) => handle), demoPeople.map(({ handle }) => handle))
  for (const person of persons) {
    t.match(person, { person_id: /^per_/, cert_type: 'resident_id', phone: /^1\d{10}$/, register: { name: person.name, status: 'match' }, card: { valid_from: /^\d{4}-/ } }, person.handle)
    t.ok(parseResidentId(person.cert_no, '2026-11-22').ok, 'a valid number')
    t.equal(person.password, person.state === 'unactivated' ? null : demoPassword)
    t.equal(person.card.valid_to === null, person.card.term === 'long')
  }
  t.match(persons.find(({ handle }: Json) => handle === 'zhuoma').now, { status: 'active', assurance_level: 3, face_verified: true })
})

t.test('clients: enough to configure any OpenID Connect library', async (t) => {
  const { issuer, discovery, clients, resource_servers: servers } = await get('/clients')
  t.equal(issuer, kora.issuer)
  t.equal((await fetch(discovery)).status, 200)
  const site = clients.find((client: Json) => client['client_id'] === 'demo-site')
  t.match(site, { client_secret: /^demo-site-secret/, token_endpoint_auth_method: 'client_secret_basic', redirect_uris: [`${kora.site}/callback`], scope: /openid/, policy: { trusted: true }, note: /./ })
  t.equal(clients.find((client: Json) => client['client_id'] === 'demo-public').client_secret, null)
  t.match(servers, [{ identifier: /^urn:/, token_format: 'opaque' }, { token_format: 'jwt' }])
})

t.test('the OpenAPI document lists every route, and every route is there', async (t) => {
  const response = await fetch(`${kora.issuer}/sandbox/openapi.json`)
  t.match(response.headers.get('content-type'), 'application/json')
  const document = await response.json() as Json
  t.match(document['openapi'], /^3\.1\./)
  const described = Object.entries(document['paths'] as Json).flatMap(([path, methods]) => Object.keys(methods as Json).map((method) => `${method.toUpperCase()} ${path}`)).sort()
  const served = kora.inside.kora.app.printRoutes({ commonPrefix: false, includeHooks: false })
  t.match(served, 'sandbox')
  // /sandbox/api itself is the page for people
  const routes = routesOf(served).filter((route) => /^\w+ \/sandbox\/api\//.test(route))
  t.same(described, routes.map((route) => route.replace(/:(\w+)/, '{$1}')).sort())
  const ids = Object.values(document['paths'] as Json).flatMap((methods) => Object.values(methods as Json).map((operation) => (operation as Json)['operationId']))
  t.equal(new Set(ids).size, ids.length, 'operation ids are unique')
  t.equal(document['paths']['/sandbox/api/phone/journeys'].post.requestBody.content['application/json'].schema.properties.identity.properties.outcome.enum.length, 5)
})

/** 'GET /a/b' from the router's tree. */
function routesOf (tree: string): string[] {
  const stack: string[] = []
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', part = '', methods = ''] = /^([│ ├└─]*)(\S*)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? []
    const depth = Math.floor(indent.length / 4)
    stack.length = depth
    stack[depth] = part
    return methods === '' ? [] : methods.split(', ').filter((method) => method !== 'HEAD').map((method) => `${method} ${stack.join('')}`)
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
    ['POST', '/counter-codes', []]
  ]
  for (const [method, path, body] of bad) {
    const answer = await sandbox.call<Json>(method, path, body)
    t.match(answer, { status: 400, body: { status: 400, code: 'invalid_request', detail: /./, trace_id: /^[0-9a-f]+$/ } }, `${method} ${path}`)
    t.notMatch(JSON.stringify(answer.body), 'secret-value')
  }
  const form = await fetch(`${kora.issuer}/sandbox/api/counter-codes`, { method: 'POST', body: new URLSearchParams({ person: 'zhaxi' }) })
  t.match([form.status, form.headers.get('content-type')], [415, 'application/problem+json'], 'a form of a foreign page gets nowhere')
  const broken = await fetch(`${kora.issuer}/sandbox/api/counter-codes`, { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } })
  t.equal(broken.status, 400)
  t.equal((await sandbox.call('GET', '/nothing')).status, 404)
})

t.test('face outcomes: the next of anybody, or those of one person', async (t) => {
  const put = async (body: object): Promise<Json> => (await sandbox.call<Json>('PUT', '/face', body)).body
  t.match(await put({ outcomes: ['mismatch', 'pass'] }), { next: ['mismatch', 'pass'], persons: [] })
  t.match(await put({ outcomes: ['liveness'], person: 'zhaxi' }), { next: ['mismatch', 'pass'], persons: [{ person: 'zhaxi', outcome: 'liveness' }] })
  t.match(await put({ outcomes: ['down'], person: 'laoren' }), { persons: [{ person: 'zhaxi' }, { person: 'laoren', outcome: 'down' }] })
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
  const put = async (id: string, body: object): Promise<Json> => (await sandbox.call<Json>('PUT', `/population/${encodeURIComponent(id)}`, body)).body
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
  t.match(await put('110101199003070134', { name: '新人' }), { handle: null, cert_no: '110101199003070134', name: '新人', status: 'match' }, 'somebody new')
  t.match((await get('/population'))['population'].at(-1), { name: '新人' })
  t.match(await put('nobody', { name: 'x' }), { status: 404, code: 'unknown_person' })
})

t.test('messages, newest first, of one phone or of all', async (t) => {
  const { sms } = kora.inside.services
  await sms.send({ phone: '+8613800138000', template: 'verification-code', parameters: { code: '123456' }, messageId: 'one' })
  await sms.send({ phone: '+8613900139000', template: 'notice', parameters: { text: 'x' }, messageId: 'two' })
  t.match(await get('/sms'), { messages: [{ message_id: 'two', phone: '+8613900139000' }, { message_id: 'one', template: 'verification-code', parameters: { code: '123456' }, at: /^\d{4}-.*Z$/ }] })
  for (const phone of ['13800138000', '%2B8613800138000']) t.same((await get(`/sms?phone=${phone}`))['messages'].length, 1)
  t.same(await get('/sms?phone=13700137000'), { messages: [] })
  t.same(await get('/sms?phone=nothing'), { messages: [] })
})

t.test('counter codes: by the real feature, with its audit event', async (t) => {
  const { status, body } = await sandbox.call<Json>('POST', '/counter-codes', { person: 'zhuoma' })
  t.match({ status, body }, { status: 200, body: { code: /^\d{8}$/, expires_at: /Z$/ } })
  const row = await kora.inside.services.db.selectFrom('auditEvent').select('actor').where('type', '=', 'counter-code.issued').executeTakeFirstOrThrow()
  t.equal(row.actor, 'staff:sandbox')
  t.match(await sandbox.call('POST', '/counter-codes', { person: 'tingyong' }), { status: 409, body: { code: 'account_disabled' } })
  t.match(await sandbox.call('POST', '/counter-codes', { person: 'nobody' }), { status: 404 })
})

t.test('nothing personal in the log of all this', async (t) => {
  t.notMatch(kora.logs().join('\n'), /540102199003072515|13800138000|扎西/)
})
