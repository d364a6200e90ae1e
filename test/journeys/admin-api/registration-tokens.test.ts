/** Initial access tokens of dynamic registration over the API: shown once, listed without the secret, ended. */
import t from 'tap'
import { startKora } from '../../support/driver/index.ts'
import { AdminApi, tokenOf } from './support.ts'

const register = async (endpoint: string, token: string): Promise<number> =>
  (
    await fetch(endpoint, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ client_name: '查询', redirect_uris: ['https://gjj.example.gov.cn/cb'] })
    })
  ).status

t.test('made, used, listed, ended', async (t) => {
  const kora = await startKora(t, { env: { DYNAMIC_REGISTRATION: 'on' } })
  const api = await AdminApi.open(kora)
  const path = '/registration-tokens'
  const made = await api.call(
    'POST',
    path,
    { hosts: ['GJJ.example.gov.cn'], uses: 3, days: 2, reason: 'ticket 4714' },
    { 'idempotency-key': 'ticket-4714' }
  )
  t.equal(made.status, 201)
  const { id, secret, registration_endpoint: endpoint } = made.body
  t.match(secret, /^[\w-]{43}$/)
  const again = await api.call(
    'POST',
    path,
    { hosts: ['GJJ.example.gov.cn'], uses: 3, days: 2, reason: 'ticket 4714' },
    { 'idempotency-key': 'ticket-4714' }
  )
  t.match(again.body, { id, secret: null }, 'made once, and its secret is shown once')
  t.equal(await register(endpoint, secret), 201)
  const list = await api.call('GET', path)
  t.match(list.body.items, [
    {
      id,
      uses_left: 2,
      clients: 1,
      kinds: ['server'],
      hosts: ['gjj.example.gov.cn'],
      created_by: 'client:demo-admin',
      reason: 'ticket 4714',
      live: true
    }
  ])
  t.notMatch(JSON.stringify(list.body), secret)

  const open = await api.call('POST', path, {})
  t.equal(open.status, 201)
  t.equal(await register(endpoint, open.body.secret), 400, 'S21: without hosts no address is allowed')
  const first = await api.call('GET', `${path}?limit=1`)
  const second = await api.call('GET', `${path}?limit=1&after=${String(first.body.next)}`)
  t.same([first.body.items.length, second.body.items[0].id, second.body.next], [1, id, null])

  t.equal(
    (await api.call('DELETE', `${path}/${String(id)}`, undefined, { 'kora-reason': '' })).body.code,
    'reason_required'
  )
  t.equal((await api.call('DELETE', `${path}/${String(id)}`)).body.outcome, 'done')
  t.equal((await api.call('DELETE', `${path}/${String(id)}`)).body.outcome, 'unchanged')
  t.equal((await api.call('DELETE', `${path}/iat_nothing`)).status, 404)
  t.equal(await register(endpoint, secret), 401, 'nothing more is registered with it')
  t.equal((await api.call('GET', `${path}?limit=1&after=${String(first.body.next)}`)).body.items[0].live, false)

  for (const [body, pointer] of [
    [{ scopes: ['everything'] }, '/scopes/0'],
    [{ uses: 0 }, '/uses'],
    [{ days: 91 }, '/days'],
    [{ kinds: ['toaster'] }, '/kinds/0'],
    [{ hosts: ['https://x'] }, '/hosts/0']
  ] as const) {
    const bad = await api.call('POST', path, body)
    t.match([bad.status, bad.body.faults?.[0]?.pointer], [422, pointer], pointer)
  }
  const reader = api.as(await tokenOf(kora, 'kora.clients:read'))
  t.equal((await reader.call('GET', path)).status, 200)
  t.equal((await reader.call('POST', path, {})).body.code, 'insufficient_scope')
  t.equal((await reader.call('DELETE', `${path}/${String(id)}`)).body.code, 'insufficient_scope')
  const events = await kora.inside.services.db
    .selectFrom('auditEvent')
    .select('details')
    .where('type', '=', 'configuration.applied')
    .orderBy('id')
    .execute()
  const about = events.map(({ details }) => JSON.stringify(details)).filter((text) => text.includes(String(id)))
  t.equal(about.length, 2, 'made and ended are in the trail')
  t.notMatch(about.join(), secret)
  t.same(api.faults, [])
})

t.test('not there while dynamic registration is off', async (t) => {
  const kora = await startKora(t)
  const api = await AdminApi.open(kora)
  t.equal((await api.call('GET', '/registration-tokens')).status, 404)
  t.equal((await api.call('POST', '/registration-tokens', {})).status, 404)
  t.equal((await api.call('DELETE', '/registration-tokens/iat_x')).status, 404)
  t.same(api.faults, [])
})
