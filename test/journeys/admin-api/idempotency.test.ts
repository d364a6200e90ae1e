import t, { type Test } from 'tap'
import { startKora } from '../../support/driver/index.ts'
import { withPostgres } from '../../support/needs.ts'
import { testPostgres } from '../../support/database.ts'
import { AdminApi } from './support.ts'

const site = {
  kind: 'server',
  metadata: { redirect_uris: ['https://a.gov.cn/cb'], scope: 'openid' },
  policy: { names: { 'zh-CN': '网站' } }
}

async function twenty (t: Test, databaseUrl?: string): Promise<void> {
  const kora = await startKora(t, databaseUrl === undefined ? {} : { databaseUrl })
  const api = await AdminApi.open(kora)
  const answers = await Promise.all(
    Array.from(
      { length: 20 },
      async () => await api.call('POST', '/clients', site, { 'idempotency-key': 'ticket-4711' })
    )
  )
  t.same([...new Set(answers.map(({ status }) => status))], [201])
  const first = answers.filter(({ headers }) => !headers.has('idempotency-replayed'))
  t.equal(first.length, 1, 'one acted')
  t.match(first[0]?.body.secret.secret, /^[\w-]{43}$/)
  for (const { body, headers } of answers) {
    if (headers.has('idempotency-replayed')) {
      t.same(
        body,
        { ...first[0]?.body, secret: { ...first[0]?.body.secret, secret: null } },
        'the others say the same, without the secret'
      )
    }
    t.equal(headers.get('location'), first[0]?.headers.get('location'))
    t.equal(headers.get('etag'), '"1"')
  }
  const { db } = kora.inside.services
  t.equal((await db.selectFrom('client').select('clientId').where('clientId', 'like', 'site-%').execute()).length, 1)
  t.equal((await db.selectFrom('auditEvent').select('id').where('type', '=', 'client.created').execute()).length, 1)
  const rows = JSON.stringify(await db.selectFrom('adminApiRequest').selectAll().execute())
  t.notMatch(rows, /ticket-4711|a\.gov\.cn/, 'neither key, request nor answer is stored in clear')
  t.notMatch(rows, new RegExp(first[0]?.body.secret.secret))

  const other = await api.call(
    'POST',
    '/clients',
    { ...site, policy: { names: { 'zh-CN': '另一个' } } },
    { 'idempotency-key': 'ticket-4711' }
  )
  t.equal(other.body.code, 'idempotency_key_reused')
  t.equal(other.status, 409)
  t.equal(
    (await api.call('POST', '/keys/rotate', { alg: 'ES256' }, { 'idempotency-key': 'ticket-4711' })).status,
    409,
    'another address neither'
  )

  const refused = await api.call('POST', '/clients', { ...site, kind: 'odd' }, { 'idempotency-key': 'ticket-4712' })
  t.equal(refused.status, 422)
  t.equal(
    (await api.call('POST', '/clients', site, { 'idempotency-key': 'ticket-4712' })).status,
    201,
    'what was refused is not remembered'
  )
  t.equal((await api.call('POST', '/clients', site, { 'idempotency-key': 'x' })).status, 400)

  const change = await Promise.all(
    Array.from(
      { length: 5 },
      async () => await api.call('POST', '/keys/rotate', { alg: 'ES256' }, { 'idempotency-key': 'rotate-1' })
    )
  )
  t.same(
    [...new Set(change.map(({ status, body }) => `${status} ${String(body.id)}`))].length,
    1,
    'a change is asked for once'
  )
  t.equal(change[0]?.status, 202)
  await db
    .updateTable('adminApiRequest')
    .set({ expiresAt: new Date(Date.now() - 1000) })
    .execute()
  t.equal(
    (
      await api.call(
        'POST',
        '/clients',
        { ...site, policy: { names: { 'zh-CN': '次日' } } },
        { 'idempotency-key': 'ticket-4711' }
      )
    ).status,
    201,
    'after a day the key is free'
  )
  t.same(api.faults, [])
}

t.test('T100: twenty at once with one key act once (embedded database)', { timeout: 120_000 }, async (t) => {
  await twenty(t)
})
await withPostgres(t, 'T100: the same on PostgreSQL', async (t, url) => {
  const database = await testPostgres(t, url)
  await twenty(t, database.url ?? '')
})

t.test('of two changes from one version one wins, the other sees both', async (t) => {
  const kora = await startKora(t)
  const api = await AdminApi.open(kora)
  await api.call('POST', '/clients', { client_id: 'raced', ...site })
  const answers = await Promise.all(
    Array.from(
      { length: 10 },
      async (_, n) =>
        await api.call('PATCH', '/clients/raced', { policy: { unit: `单位${n}` } }, { 'if-match': '"1"' })
    )
  )
  t.equal(answers.filter(({ status }) => status === 200).length, 1)
  const winner = answers.find(({ status }) => status === 200)
  for (const { status, body } of answers.filter((answer) => answer !== winner)) {
    t.equal(status, 412)
    t.equal(body.current.policy.unit, winner?.body.policy.unit)
  }
  t.same(api.faults, [])
})
