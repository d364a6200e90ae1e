import t from 'tap'
import { demoPeople } from '../../../src/simulators/demo-people.ts'
import { startKora } from '../../support/driver/index.ts'
import { AdminApi } from './support.ts'

const zhuoma = demoPeople.find(({ handle }) => handle === 'zhuoma')
if (zhuoma === undefined) throw new Error('no zhuoma')

t.test('people: found by a body, masked, locked and given back with a reason', async (t) => {
  const kora = await startKora(t)
  const api = await AdminApi.open(kora)
  const found = await api.call('POST', '/people/search', { text: zhuoma.phone })
  t.equal(found.status, 200)
  t.equal(found.body.items.length, 1)
  t.notMatch(
    JSON.stringify(found.body),
    new RegExp(`${zhuoma.name}|${zhuoma.certNo}|${zhuoma.phone}`),
    'nothing that is not masked'
  )
  const { id } = found.body.items[0]
  t.equal((await api.call('GET', `/people/${String(id)}`)).body.sub.length, 27)
  t.equal((await api.call('POST', `/people/${String(id)}/lock`, { reason: '本人报失' })).body.outcome, 'done')
  t.equal(
    (await api.call('POST', `/people/${String(id)}/lock`)).body.outcome,
    'unchanged',
    'a body is not needed when the header says why'
  )
  t.equal((await api.call('GET', `/people/${String(id)}`)).body.status, 'locked')
  t.ok((await api.call('GET', '/people?status=locked')).body.items.some((person: { id: string }) => person.id === id))
  for (const act of ['unlock', 'logout', 'reset-face-tries', 'reset-password-tries']) {
    t.equal((await api.call('POST', `/people/${String(id)}/${act}`, {})).status, 200, act)
  }
  t.equal((await api.call('POST', `/people/${String(id)}/lock`, {}, { 'kora-reason': ' ' })).status, 422)
  t.equal((await api.call('POST', '/people/per_0000000000000000000000/lock', {})).status, 404)
  for (const body of [
    {},
    { text: 7 },
    { text: '' },
    { text: 'x'.repeat(300) },
    { text: '卓玛' },
    { text: '卓玛', last_four: '1' },
    { text: null },
    { text: ['a'] }
  ]) {
    const bad = await api.call('POST', '/people/search', body)
    t.equal(bad.status, 422, JSON.stringify(body).slice(0, 40))
    t.notMatch(JSON.stringify(bad.body), /卓玛|xxx/, 'what was typed is not repeated')
  }
  const { db } = kora.inside.services
  const events = await db
    .selectFrom('auditEvent')
    .select(['type', 'actor', 'reason', 'details'])
    .where('actor', '=', 'client:demo-admin')
    .orderBy('id')
    .execute()
  t.ok(events.some(({ type, reason }) => type === 'person.locked' && reason === '本人报失'))
  t.notMatch(
    JSON.stringify(events) + kora.logs().join(''),
    new RegExp(`${zhuoma.phone}|${zhuoma.certNo}`),
    'neither the trail nor the log knows what was typed'
  )
  t.same(api.faults, [])
})

t.test('organizations and delegations: found, stopped, never given', async (t) => {
  const kora = await startKora(t)
  const api = await AdminApi.open(kora)
  const page = await api.call('POST', '/organizations/search', { status: 'active', limit: 1 })
  t.equal(page.body.items.length, 1)
  t.equal(
    (await api.call('POST', '/organizations/search', { status: 'active', limit: 1, after: page.body.next })).status,
    200
  )
  const delegation = await kora.inside.services.db
    .selectFrom('delegation')
    .select(['id', 'organizationId'])
    .where('state', '=', 'active')
    .executeTakeFirstOrThrow()
  t.equal((await api.call('GET', `/organizations/${delegation.organizationId}`)).status, 200)
  const list = await api.call('GET', `/delegations?organization_id=${delegation.organizationId}&state=active`)
  t.ok(list.body.items.some(({ id }: { id: string }) => id === delegation.id))
  t.equal((await api.call('GET', '/delegations')).status, 400, 'of whom?')
  t.equal(
    (await api.call('POST', `/delegations/${delegation.id}/approve`, {})).status,
    404,
    "approving is the legal representative's"
  )
  t.equal(
    (await api.call('POST', `/delegations/${delegation.id}/suspend`, {}, { 'idempotency-key': 'suspend-1' })).body
      .outcome,
    'done'
  )
  t.equal(
    (await api.call('POST', `/delegations/${delegation.id}/suspend`, {}, { 'idempotency-key': 'suspend-1' })).body
      .outcome,
    'done',
    'the same answer again'
  )
  t.equal((await api.call('POST', `/delegations/${delegation.id}/revoke`, {})).body.outcome, 'done')
  t.equal((await api.call('GET', `/delegations/${delegation.id}`)).body.state, 'revoked')
  t.equal((await api.call('POST', `/organizations/${delegation.organizationId}/suspend`, {})).body.outcome, 'done')
  t.equal((await api.call('GET', `/organizations/${delegation.organizationId}`)).body.held, true)
  t.equal((await api.call('POST', '/organizations/org_x/suspend', {})).status, 404)
  t.equal((await api.call('POST', '/organizations/search', { status: 'odd', text: '%_\'"' })).status, 200)
  t.same(api.faults, [])
})

t.test('keys and the trail', async (t) => {
  const kora = await startKora(t)
  const api = await AdminApi.open(kora)
  const keys = (await api.call('GET', '/keys')).body.items
  t.ok(keys.length > 0)
  t.notMatch(JSON.stringify(keys), /"d":|PRIVATE/)
  t.equal((await api.call('GET', '/keys/removed-uses')).status, 200)
  t.ok([201, 409].includes((await api.call('POST', '/keys', { alg: 'ES256' })).status))
  t.equal((await api.call('POST', '/keys', { alg: 'ES256' })).body.code, 'key_published')
  t.equal((await api.call('POST', '/keys', { alg: 'none' })).body.faults[0].pointer, '/alg')
  const rotated = await api.call('POST', '/keys/rotate', { alg: 'ES256' })
  t.equal(rotated.status, 202, 'a second administrator decides')
  t.equal(rotated.headers.get('location'), rotated.body.change)
  t.equal((await api.call('POST', '/keys/rotate', { alg: 'ES256' })).body.code, 'change_waiting')

  const events = await api.call('GET', '/audit/events?actor=client:demo-admin&limit=1')
  t.equal(events.body.items.length, 1)
  const next = await api.call('GET', `/audit/events?actor=client:demo-admin&limit=1&after=${String(events.body.next)}`)
  t.not(next.body.items[0].id, events.body.items[0].id)
  t.equal((await api.call('GET', `/audit/events/${String(events.body.items[0].id)}`)).body.genuine, true)
  t.equal((await api.call('GET', '/audit/events/x')).status, 404)
  t.equal(
    (
      await api.call(
        'GET',
        '/audit/events?from=2026-01-01&to=2027-01-01T00:00:00Z&type=change.&outcome=success&address=127.'
      )
    ).status,
    200
  )
  for (const query of [
    'from=yesterday',
    'from=2026-13-01',
    'from=2026-02-31T99:00:00Z',
    'from=0000-01-01',
    'to=9999-12-31T23:00:00-12:00',
    'address=x',
    'type=%25',
    'after=bm90LWEtbnVtYmVy'
  ]) {
    t.equal((await api.call('GET', `/audit/events?${query}`)).status, 400, query)
  }
  t.ok(
    await kora.inside.services.db
      .selectFrom('auditEvent')
      .select('id')
      .where('type', '=', 'audit.searched')
      .where('actor', '=', 'client:demo-admin')
      .orderBy('id')
      .executeTakeFirst(),
    'searches are in the trail'
  )
  t.equal((await api.call('GET', '/changes/chg_nothing')).status, 404)
  t.same(api.faults, [])
})

t.test('the reference page is whole without script', async (t) => {
  const kora = await startKora(t)
  for (const language of ['zh-CN', 'en']) {
    const page = await kora.newBrowser({ language }).go(`${kora.issuer}/admin/api/v1/docs`)
    t.equal(page.status, 200)
    for (const words of [
      '/admin/api/v1/clients/{client_id}',
      'kora.people:write',
      'idempotency_key_reused',
      'ClientMetadata'.slice(0, 6)
    ]) {
      t.ok(page.text.includes(words), words)
    }
    t.notMatch(page.text, /<script[^>]+src="https?:/)
  }
})
