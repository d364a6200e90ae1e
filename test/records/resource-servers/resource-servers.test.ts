/** Resource servers on both databases: making, changing, using, ending; what happens at once; what one may not do. */
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { inTransaction, write } from '../../../src/database/transaction.ts'
import { changeClient, deleteDraft, findClient, type ApprovalWanted } from '../../../src/records/clients/index.ts'
import { findApiAccess, findRequestedApis } from '../../../src/records/resource-servers/access.ts'
import {
  applyResourceServers,
  changeResourceServer,
  createResourceServer,
  deleteResourceServer,
  findResourceServer,
  findResourceServerById,
  listGrantedClients,
  listIntrospectors,
  listResourceServerChanges,
  listResourceServers,
  planResourceServers,
  setResourceServerStatus
} from '../../../src/records/resource-servers/index.ts'
import { eachDatabase, type TestDatabase } from '../../support/database.ts'
import { act, input, made, registryOn } from '../clients/support.ts'

const identifier = 'https://api.example.gov.cn/fund'
const content = {
  names: { 'zh-CN': '公积金接口', bo: 'བོད', en: 'Fund' },
  scopes: {
    'fund:read': { 'zh-CN': '查询您的公积金账户', en: 'Read your account' },
    'fund:write': { 'zh-CN': '为您提取公积金' }
  }
}

async function grant (
  database: TestDatabase,
  clientId: string,
  resources: Record<string, { scopes?: string[]; machineScopes?: string[] }>
): Promise<string> {
  const deps = registryOn(database)
  const { kind, metadata, policy } = (await findClient(database.db, clientId)) ?? { kind: '', metadata: {}, policy: {} }
  const changed = await write(deps, changeClient, {
    act,
    clientId,
    version: null,
    content: { kind, metadata, policy: { ...policy, resources } },
    approved: true
  })
  return changed.outcome === 'invalid' ? (changed.faults[0]?.code ?? '') : changed.outcome
}

await eachDatabase(t, 'the life of an API', async (t: Test, database) => {
  const { db } = database
  const deps = registryOn(database)
  await made(deps, 'fund')
  await made(deps, 'fund-api', input({ redirect_uris: [], scope: undefined }, { purposes: {} }, 'resource'))
  const invalid = await write(deps, createResourceServer, { act, identifier: 'x', content: {} })
  t.match(invalid, { outcome: 'invalid', faults: [{ field: '/identifier' }, {}, {}] })
  const unknown = { act, identifier, content, introspectors: ['nobody'] }
  t.match(await write(deps, createResourceServer, unknown), {
    outcome: 'invalid',
    faults: [{ code: 'unknown_client' }]
  })
  t.equal(await findResourceServer(db, identifier), null, 'all or nothing')
  t.match(await grant(database, 'fund', { [identifier]: { scopes: ['fund:read'] } }), 'unknown_resource')

  const created = await write(deps, createResourceServer, { act, identifier, content, introspectors: ['fund-api'] })
  t.match(created, {
    outcome: 'created',
    server: { identifier, version: 1, status: 'active', names: content.names, scopes: content.scopes }
  })
  t.match(await write(deps, createResourceServer, { act, identifier, content }), { outcome: 'taken' })
  t.strictSame(await listIntrospectors(db, identifier), ['fund-api'])
  t.strictSame((await findClient(db, 'fund-api'))?.policy.introspects, [identifier])
  const id = (await findResourceServer(db, identifier))?.id ?? ''
  t.equal((await findResourceServerById(db, id))?.identifier, identifier)
  for (const odd of ['', 'api_', '\0', 'api_00000000000000000000']) t.equal(await findResourceServerById(db, odd), null)

  t.equal(await findApiAccess(db, 'fund', identifier), null, 'nothing is granted by itself')
  t.equal(await grant(database, 'fund', { [identifier]: { scopes: ['fund:sell'] } }), 'not_one_of')
  t.equal(await grant(database, 'fund', { [identifier]: { scopes: ['fund:read'] } }), 'changed')
  t.match(await findApiAccess(db, 'fund', identifier), { personScopes: ['fund:read'], machineScopes: [] })
  for (const [client, resource] of [
    ['fund', 'urn:nobody'],
    ['fund-api', identifier],
    ['fund', `${identifier}\0`],
    ['fund\nx', identifier],
    ['', identifier]
  ] as const) {
    t.equal(await findApiAccess(db, client, resource), null)
  }
  const request = { resource: [identifier, 'urn:x'], scope: 'openid fund:read fund:write' }
  t.match(await findRequestedApis(db, 'fund', request), [
    { identifier, scopes: [{ name: 'fund:read', texts: content.scopes['fund:read'] }] }
  ])
  t.strictSame(await findRequestedApis(db, 'fund', { scope: 'fund:read' }), [])
  t.strictSame(await listGrantedClients(db, identifier), [
    { clientId: 'fund', name: '公积金查询', scopes: ['fund:read'], machineScopes: [] }
  ])
  t.match(await listResourceServers(db, { text: '公积金', limit: 10 }), [{ identifier, clients: 1 }])
  t.strictSame(await listResourceServers(db, { text: 'x%_\\', limit: 10 }), [])

  // a change from a version, and what it may not do
  const change = async (more: object, version: number | null = null, approved = false) =>
    await write(deps, changeResourceServer, { act, identifier, version, content: { ...content, ...more }, approved })
  t.match(await change({}), { outcome: 'unchanged' })
  t.match(await change({ scopes: { 'fund:write': content.scopes['fund:write'] } }), {
    outcome: 'invalid',
    faults: [{ field: '/scopes/fund:read', code: 'in_use', received: 'fund' }]
  })
  t.match(await change({ minimumLevel: 3 }), { outcome: 'changed', server: { version: 2, minimumLevel: 3 } })
  t.match(await change({}, 1), { outcome: 'conflict', current: { version: 2 } })
  t.match(await change({ minimumLevel: 2 }), { outcome: 'approval_needed', reasons: ['level_lowered'] })
  t.match(await change({ minimumLevel: 2 }, 2, true), { outcome: 'changed', server: { version: 3 } })
  t.match(await write(deps, changeResourceServer, { act, identifier: 'urn:x', version: null, content }), {
    outcome: 'not_found'
  })
  t.match(
    await write(deps, changeResourceServer, {
      act,
      identifier,
      version: null,
      content: { ...content, minimumLevel: 2 },
      introspectors: []
    }),
    { outcome: 'changed' }
  )
  t.strictSame(await listIntrospectors(db, identifier), [])

  const move = async (status: 'active' | 'disabled') =>
    await write(deps, setResourceServerStatus, { act, identifier, version: null, status })
  t.match(await move('disabled'), { outcome: 'changed' })
  t.match(await move('disabled'), { outcome: 'unchanged' })
  t.equal(await findApiAccess(db, 'fund', identifier), null)
  t.match(await move('active'), { outcome: 'changed' })

  t.match(await write(deps, deleteResourceServer, { act, identifier }), { outcome: 'in_use', clients: ['fund'] })
  await t.rejects(sql`delete from resource_server`.execute(db), { code: '23503' }, 'nor by hand')
  t.equal(await grant(database, 'fund', {}), 'changed')
  t.match(await write(deps, deleteResourceServer, { act, identifier, version: 1 }), { outcome: 'conflict' })
  t.match(await write(deps, deleteResourceServer, { act, identifier }), { outcome: 'deleted' })
  t.match(await write(deps, deleteResourceServer, { act, identifier }), { outcome: 'not_found' })
  const history = await listResourceServerChanges(db, identifier, { after: null, limit: 20 })
  t.strictSame(
    history.map((row) => row.act),
    ['deleted', 'status', 'status', 'changed', 'changed', 'changed', 'created']
  )
  const events = await db
    .selectFrom('auditEvent')
    .select('type')
    .where('type', 'like', 'resource-server.%')
    .orderBy('id')
    .execute()
  t.strictSame(
    events.map(({ type }) => type.slice('resource-server.'.length)),
    ['created', 'updated', 'updated', 'updated', 'updated', 'updated', 'deleted']
  )
  await t.rejects(write(deps, createResourceServer, { act: { ...act, reason: ' ' }, identifier, content }), {
    code: 'reason_required'
  })
})

await eachDatabase(t, 'a draft takes its grants with it', async (t, database) => {
  const deps = registryOn(database)
  await write(deps, createResourceServer, { act, identifier, content })
  await made(deps, 'draft', input({}, { resources: { [identifier]: { scopes: ['fund:read'] } } }), 'draft')
  t.equal((await listGrantedClients(database.db, identifier)).length, 1)
  t.equal(await write(deps, deleteDraft, { act, clientId: 'draft' }), 'deleted')
  t.strictSame(await listGrantedClients(database.db, identifier), [])
})

await eachDatabase(t, 'S4 an API is not deleted while a client is granted it, in any order', async (t, database) => {
  const deps = registryOn(database)
  const { db } = database
  await Promise.all(
    Array.from({ length: 8 }, async (_, n) => {
      const name = `urn:api:${n}`
      await write(deps, createResourceServer, { act, identifier: name, content })
      await made(deps, `client-${n}`)
      const [granted, deleted] = await Promise.all([
        grant(database, `client-${n}`, { [name]: { scopes: ['fund:read'] } }),
        write(deps, deleteResourceServer, { act, identifier: name })
      ])
      const there = (await findResourceServer(db, name)) !== null
      t.equal(granted === 'changed', there, `${granted}, ${deleted.outcome}`)
      t.equal(deleted.outcome === 'deleted', !there)
      t.equal((await listGrantedClients(db, name)).length, there ? 1 : 0)
    })
  )
})

await eachDatabase(t, 'declared APIs: one fault, and nothing is changed', async (t, database) => {
  const deps = registryOn(database)
  const { db } = database
  const plan = async (wanted: object[]) => await planResourceServers(db, deps.config, wanted as never)
  const asked: ApprovalWanted[] = []
  const ask = async (_trx: unknown, one: ApprovalWanted): Promise<string> => `chg_${asked.push(one)}`
  const apply = async (wanted: object[], alone = false) =>
    await inTransaction(db, async (trx) =>
      await applyResourceServers(trx, deps, { act, wanted: wanted as never, ask: alone ? null : ask }))
  const one = { identifier, content }
  t.match(await plan([one]), { ok: true, lines: [{ action: 'create', reasons: [] }] })
  t.match(await apply([one, { identifier: 'urn:off', content, status: 'disabled' }]), { ok: true })
  t.equal((await findResourceServer(db, 'urn:off'))?.status, 'disabled')
  t.match(await plan([one]), { ok: true, lines: [{ action: 'none' }] })
  t.match(await plan([one, one, { identifier: 'urn:c', content: {}, status: 'x' }]), {
    ok: false,
    faults: [
      { field: '/1/identifier', code: 'twice' },
      { field: '/2/status', code: 'not_one_of' },
      { field: '/2/names', code: 'missing' },
      { field: '/2/scopes', code: 'missing' }
    ]
  })
  await made(deps, 'fund', input({}, { resources: { [identifier]: { scopes: ['fund:read'] } } }))
  const longer = { identifier, content: { ...content, ttlSeconds: 900 } }
  t.match(await apply([{ identifier: 'urn:other', content }, longer]), { ok: true, waiting: ['chg_1'] })
  t.match(asked, [{ kind: 'resource-server.change', subject: identifier, payload: { content: { ttlSeconds: 900 } } }])
  t.match(await findResourceServer(db, 'urn:other'), { identifier: 'urn:other' }, 'the rest is done')
  t.not((await findResourceServer(db, identifier))?.ttlSeconds, 900)
  const without = { identifier, content: { ...content, scopes: { 'fund:write': content.scopes['fund:write'] } } }
  t.match(await apply([{ identifier: 'urn:new', content }, without]), {
    ok: false,
    faults: [{ field: '/1/scopes/fund:read', code: 'in_use' }]
  })
  t.equal(await findResourceServer(db, 'urn:new'), null, 'undone')
  t.match(await apply([longer], true), { ok: true, waiting: [] })
  t.match(await listResourceServerChanges(db, identifier, { after: null, limit: 1 }), [{ act: 'changed' }])
  t.equal((await findResourceServer(db, identifier))?.ttlSeconds, 900)
})
