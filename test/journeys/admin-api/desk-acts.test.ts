/** What the console's desk can do, over the API: organizations, emergency removal of a key, pictures, long lists. */
import { sql } from 'kysely'
import { PNG } from 'pngjs'
import t from 'tap'
import { RegisterUnavailable } from '../../../src/ports/registry.ts'
import { startKora } from '../../support/driver/index.ts'
import { administrator, AdminApi, tokenOf } from './support.ts'

t.test('an organization is released and looked up anew', async (t) => {
  const kora = await startKora(t)
  const api = await AdminApi.open(kora)
  const { services } = kora.inside
  const { organizationId: id } = await services.db
    .selectFrom('delegation')
    .select('organizationId')
    .where('state', '=', 'active')
    .executeTakeFirstOrThrow()
  await api.call('POST', `/organizations/${id}/suspend`, {})
  t.equal((await api.call('POST', `/organizations/${id}/release`, { reason: '已核实' })).body.outcome, 'done')
  t.equal((await api.call('GET', `/organizations/${id}`)).body.held, false)
  t.equal((await api.call('POST', `/organizations/${id}/release`, {})).body.outcome, 'unchanged')
  t.match((await api.call('POST', `/organizations/${id}/recheck`, {})).body, {
    found: true,
    status: 'active',
    legal_representative: true
  })
  for (const act of ['release', 'recheck']) {
    t.equal((await api.call('POST', `/organizations/org_nothing/${act}`, {})).status, 404)
    t.equal(
      (await api.call('POST', `/organizations/${id}/${act}`, {}, { 'kora-reason': '' })).body.code,
      'reason_required'
    )
  }
  const lookup = services.companies.lookup
  services.companies.lookup = async () => {
    throw new RegisterUnavailable('scripted')
  }
  t.teardown(() => {
    services.companies.lookup = lookup
  })
  for (const act of ['release', 'recheck']) {
    t.equal((await api.call('POST', `/organizations/${id}/${act}`, {})).body.code, 'register_unavailable')
  }
  // no transaction of the key is open while the register is asked
  const description = api.description.paths['/organizations/{organization_id}/recheck']?.['post'] as
    { parameters?: Array<{ $ref?: string }> } | undefined
  t.notOk(description?.parameters?.some(({ $ref }) => $ref?.endsWith('/IdempotencyKey')))
  const reader = api.as(await tokenOf(kora, 'kora.organizations:read'))
  t.equal((await reader.call('POST', `/organizations/${id}/release`, {})).body.code, 'insufficient_scope')
  const event = await services.db
    .selectFrom('auditEvent')
    .select(['actor', 'reason'])
    .where('reason', '=', '已核实')
    .orderBy('id')
    .executeTakeFirst()
  t.same(event, { actor: 'client:demo-admin', reason: '已核实' })
  t.same(api.faults, [])
})

t.test('delegations come in pages, whatever their times', async (t) => {
  const kora = await startKora(t)
  const api = await AdminApi.open(kora)
  const { db } = kora.inside.services
  const { organizationId } = await db
    .selectFrom('delegation')
    .select(['organizationId', ({ fn }) => fn.countAll<number>().as('n')])
    .where('state', '<>', 'draft')
    .groupBy('organizationId')
    .orderBy('n', 'desc')
    .limit(1)
    .executeTakeFirstOrThrow()
  // all at one moment: the order must be whole without the time
  await sql`update delegation set created_at = '2026-01-01T00:00:00.123456Z'`.execute(db)
  const walk = async (filter: string): Promise<string[]> => {
    const seen: string[] = []
    for (let next = ''; ;) {
      const page = await api.call('GET', `/delegations?${filter}&limit=1${next}`)
      t.equal(page.status, 200)
      t.ok(page.body.items.length <= 1)
      seen.push(...page.body.items.map(({ id, version }: { id: string; version: number }) => `${id}:${version}`))
      if (page.body.next === null) return seen
      next = `&after=${String(page.body.next)}`
    }
  }
  const rows = await db
    .selectFrom('delegation')
    .select(['id', 'version', 'agentId', 'state'])
    .where('organizationId', '=', organizationId)
    .where('state', '<>', 'draft')
    .execute()
  t.ok(rows.length > 1)
  const seen = await walk(`organization_id=${organizationId}`)
  t.same([...seen].sort(), rows.map(({ id, version }) => `${id}:${version}`).sort(), 'each once')
  const whole = await api.call('GET', `/delegations?organization_id=${organizationId}`)
  t.same(
    whole.body.items.map(({ id, version }: { id: string; version: number }) => `${id}:${version}`),
    seen,
    'in the same order'
  )
  t.equal(whole.body.next, null)
  const agent = rows[0]?.agentId ?? ''
  const ofAgent = await db.selectFrom('delegation').select('id').where('agentId', '=', agent).execute()
  t.equal((await walk(`agent_id=${agent}`)).length, ofAgent.length)
  t.equal(
    (await walk(`organization_id=${organizationId}&state=active`)).length,
    rows.filter(({ state }) => state === 'active').length
  )
  for (const after of [
    'bm90LWEtY3Vyc29y',
    Buffer.from('a:b').toString('base64url'),
    Buffer.from('dlg_x:99999999999').toString('base64url'),
    '%27'
  ]) {
    t.equal(
      (await api.call('GET', `/delegations?organization_id=${organizationId}&after=${after}`)).status,
      400,
      after
    )
  }
  t.same(api.faults, [])
})

t.test('a key that leaked is removed at once', async (t) => {
  const kora = await startKora(t)
  const api = await AdminApi.open(kora)
  const active = async (): Promise<string> =>
    (await api.call('GET', '/keys')).body.items.find(
      ({ alg, state }: { alg: string; state: string }) => alg === 'ES256' && state === 'active'
    ).kid
  const kid = await active()
  t.equal((await api.call('DELETE', `/keys/${kid}`, undefined, { 'kora-reason': '' })).body.code, 'reason_required')
  t.equal(
    (await api.as(await tokenOf(kora, 'kora.keys:read')).call('DELETE', `/keys/${kid}`)).body.code,
    'insufficient_scope'
  )
  const gone = await api.call('DELETE', `/keys/${kid}`)
  t.match(gone.body, { kid, was: 'active', active: /^[\w-]+$/ })
  t.equal(await active(), gone.body.active)
  t.equal((await api.call('DELETE', `/keys/${kid}`)).status, 404, 'it is gone')
  t.equal((await api.call('DELETE', '/keys/none')).status, 404)
  const events = await kora.inside.services.db
    .selectFrom('auditEvent')
    .select('type')
    .where('actor', '=', 'client:demo-admin')
    .where('type', 'like', 'signing-key.%')
    .orderBy('id')
    .execute()
  t.ok(events.some(({ type }) => type === 'signing-key.removed'))
  t.same(api.faults, [])
})

t.test('the picture of a client', async (t) => {
  const kora = await startKora(t)
  const api = await AdminApi.open(kora)
  const picture = PNG.sync.write(new PNG({ width: 8, height: 8 }))
  const put = async (
    path: string,
    body: Uint8Array | string,
    headers: Record<string, string>
  ): Promise<{ status: number; body: any; etag: string }> => {
    const response = await fetch(`${kora.issuer}/admin/api/v1${path}`, {
      method: 'PUT',
      body: body as never,
      headers: {
        authorization: `Bearer ${api.token ?? ''}`,
        'kora-reason': 'test',
        'content-type': 'image/png',
        ...headers
      }
    })
    return { status: response.status, body: await response.json(), etag: response.headers.get('etag') ?? '' }
  }
  const first = await api.call('GET', '/clients/demo-site')
  const etag = first.headers.get('etag') ?? ''
  const path = '/clients/demo-site/logo'
  t.equal((await put(path, picture, {})).body.code, 'version_required')
  t.equal((await put(path, picture, { 'if-match': '"999999"' })).body.code, 'version_conflict')
  t.equal((await put(path, picture, { 'if-match': etag, 'kora-reason': '' })).body.code, 'reason_required')
  t.equal((await put(path, '{}', { 'if-match': etag, 'content-type': 'application/json' })).status, 415)
  t.equal((await put(path, '<svg/>', { 'if-match': etag, 'content-type': 'image/svg+xml' })).status, 415)
  t.equal(
    (await put('/clients/demo-site', picture, { 'if-match': etag })).status,
    415,
    'a picture where JSON is wanted'
  )
  t.match(await put(path, 'no picture', { 'if-match': etag }), {
    status: 422,
    body: { faults: [{ code: 'not_a_picture' }] }
  })
  t.equal((await put(path, Buffer.alloc(600 * 1024), { 'if-match': etag })).status, 413)
  t.equal((await put('/clients/nothing/logo', picture, { 'if-match': etag })).status, 404)
  t.equal(
    (await put('/clients/demo-admin/logo', picture, { 'if-match': etag })).body.code,
    'console_only',
    'not of clients with rights here'
  )
  const stored = await put(path, picture, { 'if-match': etag })
  t.equal(stored.status, 200)
  const shown = await fetch(`${kora.issuer}/client-logo/${String(stored.body.policy.logo)}`)
  t.equal(shown.headers.get('content-type'), 'image/png')
  t.equal((await put(path, picture, { 'if-match': etag })).status, 412, 'changed meanwhile')
  const removed = await api.call('DELETE', path, undefined, { 'if-match': stored.etag })
  t.equal(removed.status, 200)
  t.notOk('logo' in removed.body.policy)
  t.ok(
    await kora.inside.services.db
      .selectFrom('clientChange')
      .select('clientId')
      .where('clientId', '=', 'demo-site')
      .where('actor', '=', 'client:demo-admin')
      .executeTakeFirst(),
    'in the history'
  )
  const reader = await administrator(kora, 'reader', ['kora.clients:read'])
  t.equal(
    (
      await api
        .as(await tokenOf(kora, 'kora.clients:read', 'reader', reader))
        .call('DELETE', path, undefined, { 'if-match': removed.headers.get('etag') ?? '' })
    ).body.code,
    'insufficient_scope'
  )
  t.same(api.faults, [])
})
