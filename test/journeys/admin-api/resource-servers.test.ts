/** APIs over the admin API: every answer is checked against the served description. */
import t from 'tap'
import { startKora } from '../../support/driver/index.ts'
import { signInAs } from '../console/support.ts'
import { AdminApi, tokenOf } from './support.ts'

const api = {
  identifier: 'https://api.example.gov.cn/fund',
  names: { 'zh-CN': '公积金接口', en: 'Housing fund API' },
  scopes: { 'fund:read': { 'zh-CN': '查询您的公积金账户' }, 'fund:write': { 'zh-CN': '提取您的公积金' } }
}

t.test('S4 an API from its registration to its end', { timeout: 60_000 }, async (t) => {
  const kora = await startKora(t)
  const admin = await AdminApi.open(kora)
  const reader = admin.as(await tokenOf(kora, 'kora.clients:read'))
  t.equal((await reader.call('POST', '/resource-servers', api)).status, 403)
  t.match(await admin.call('POST', '/resource-servers', { ...api, identifier: 'fund', scopes: { openid: {} } }), {
    status: 422,
    body: { code: 'invalid_fields', faults: [{ pointer: '/identifier' }, { pointer: '/scopes/openid' }, {}] }
  })
  const made = await admin.call('POST', '/resource-servers', { ...api, introspectors: ['demo-resource'] })
  t.match(made, { status: 201, body: { ...api, status: 'active', clients: [], introspectors: ['demo-resource'] } })
  const { id } = made.body as { id: string }
  const path = `/resource-servers/${id}`
  t.equal(made.headers.get('location'), `/admin/api/v1${path}`)
  t.match(await admin.call('POST', '/resource-servers', api), { status: 409, body: { code: 'taken' } })
  t.match((await reader.call('GET', '/resource-servers?text=fund')).body.items, [{ identifier: api.identifier }])
  t.equal((await reader.call('GET', '/resource-servers?status=gone')).status, 400)
  t.equal((await reader.call('GET', '/resource-servers/api_x')).status, 404)

  const ifMatch = (version: number): Record<string, string> => ({ 'if-match': `"${version}"` })
  t.equal((await admin.call('PATCH', path, { minimumLevel: 3 })).status, 428)
  t.match(await admin.call('PATCH', path, { minimumLevel: 3, ttlSeconds: 300 }, ifMatch(1)), {
    status: 200,
    body: { version: 2, minimumLevel: 3, scopes: api.scopes }
  })
  t.match(await admin.call('PUT', path, { names: api.names, scopes: api.scopes }, ifMatch(1)), {
    status: 412,
    body: { current: { version: 2 }, yours: { minimumLevel: null } }
  })

  // a grant at a client waits for two people, whoever asks
  const grant = { policy: { resources: { [api.identifier]: { scopes: ['fund:read'] } } } }
  const client = await admin.call('GET', '/clients/demo-consent')
  const asked = await admin.call('PATCH', '/clients/demo-consent', grant, ifMatch(client.body.version))
  t.equal(asked.status, 202)
  const stranger = { policy: { resources: { 'urn:nobody': { scopes: ['fund:read'] } } } }
  t.match(await admin.call('PATCH', '/clients/demo-consent', stranger, ifMatch(client.body.version)), {
    status: 422,
    body: { faults: [{ pointer: '/policy/resources/urn:nobody', code: 'unknown_resource' }] }
  })
  t.match((await admin.call('POST', '/clients/validate', { kind: client.body.kind, ...grant })).body.faults, Array)
  const whole = { kind: 'machine', metadata: {}, policy: { names: { 'zh-CN': 'x' } } }
  t.match(
    (
      await admin.call('POST', '/clients/validate', {
        ...whole,
        policy: { ...whole.policy, resources: { 'urn:nobody': { machineScopes: ['a'] } } }
      })
    ).body,
    { valid: false, faults: [{ pointer: '/policy/resources/urn:nobody', code: 'unknown_resource' }] }
  )
  const [system, security] = [await signInAs(kora, 'system'), await signInAs(kora, 'security')]
  const approval = `${kora.issuer}/admin/approvals/${asked.body.id}`
  const read = await system.browser.go(approval)
  await system.browser.submit(read, { reason: 'known' }, { form: (form) => form.action.endsWith('/vouch') })
  const decided = await security.browser.go(approval)
  await security.browser.submit(decided, { reason: 'right' }, { form: (form) => form.action.endsWith('/approve') })
  t.match((await admin.call('GET', path)).body.clients, [{ client_id: 'demo-consent', scopes: ['fund:read'] }])
  t.match((await admin.call('GET', `/changes/${asked.body.id}`)).body, { state: 'approved' })

  // to protect a granted API less, too
  const lowered = await admin.call('PATCH', path, { minimumLevel: null }, ifMatch(2))
  t.equal(lowered.status, 202)
  t.match((await admin.call('GET', path)).body, { version: 2, minimumLevel: 3 })
  t.match(await admin.call('PATCH', path, { scopes: { 'fund:read': null } }, ifMatch(2)), {
    status: 422,
    body: { faults: [{ pointer: '/scopes/fund:read', code: 'in_use' }] }
  })

  t.match(await admin.call('DELETE', path, undefined, ifMatch(2)), { status: 409, body: { code: 'wrong_state' } })
  t.match(await admin.call('POST', `${path}/status`, { status: 'disabled' }, ifMatch(2)), {
    status: 200,
    body: { status: 'disabled', version: 3 }
  })
  t.equal((await admin.call('POST', `${path}/status`, { status: 'active' }, ifMatch(2))).status, 412)
  const unused = await admin.call('POST', '/resource-servers', { ...api, identifier: 'urn:unused' })
  const gone = `/resource-servers/${unused.body.id as string}`
  t.equal((await admin.call('DELETE', gone, undefined, ifMatch(1))).status, 204)
  t.equal((await admin.call('GET', gone)).status, 404)
  const history = await admin.call('GET', `${path}/history?limit=2`)
  t.match(history.body.items, [{ act: 'status' }, { act: 'changed', actor: 'client:demo-admin', reason: 'test' }])
  t.match((await admin.call('GET', `${path}/history?after=${history.body.next as string}`)).body.items, [
    { act: 'created' }
  ])
  t.strictSame([...admin.faults, ...reader.faults], [])
})
