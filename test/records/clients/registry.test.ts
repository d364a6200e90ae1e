import t from 'tap'
import { sql } from 'kysely'
import { write } from '../../../src/database/transaction.ts'
import { loadClient } from '../../../src/oidc/client-store.ts'
import {
  changeClient,
  clientHistory,
  createClient,
  deleteDraft,
  endClientSecret,
  findClient,
  listClients,
  listSecrets,
  rotateSecret,
  setClientStatus
} from '../../../src/records/clients/index.ts'
import { eachDatabase } from '../../support/database.ts'
import { act, input, made, registryOn } from './support.ts'

const epochOf = async (db: Parameters<typeof loadClient>[0]): Promise<number> =>
  Number(
    (await sql<{ epoch: number }>`select epoch from cache_epoch where name = 'clients'`.execute(db as never)).rows[0]
      ?.epoch
  )

eachDatabase(t, 'a client is made in one act: row, secret, history, audit event, epoch', async (t, database) => {
  const services = registryOn(database)
  const { db } = services
  const before = await epochOf(db)
  const { client, secret } = await made(services, 'fund')
  t.match(client, {
    clientId: 'fund',
    kind: 'server',
    status: 'test',
    version: 1,
    metadata: { token_endpoint_auth_method: 'client_secret_basic' }
  })
  t.equal(Buffer.from(secret?.secret ?? '', 'base64url').length, 32)
  t.ok((await epochOf(db)) > before)
  t.match(await loadClient(db, 'fund'), {
    metadata: { redirect_uris: ['https://a.gov.cn/cb'] },
    secrets: [{ id: secret?.id }]
  })
  t.match(await clientHistory(db, { clientId: 'fund', after: null, limit: 10 }), [
    { act: 'created', actor: 'admin:a1', reason: '新应用接入', version: 1 }
  ])
  t.match(
    await db
      .selectFrom('auditEvent')
      .select(['type', 'actor', 'clientId', 'reason', 'traceId'])
      .orderBy('id')
      .execute(),
    [{ type: 'client.created', actor: 'admin:a1', clientId: 'fund', reason: '新应用接入', traceId: 'trace-1' }]
  )

  t.match(await write(services, createClient, { act, content: input(), clientId: 'fund' }), { outcome: 'taken' })
  t.match(
    await write(services, createClient, {
      act,
      content: input({ redirect_uris: ['http://x'] }),
      clientId: 'X Y'
    }),
    {
      outcome: 'invalid',
      faults: [{ field: '/client_id' }, { field: '/metadata/redirect_uris/0' }]
    }
  )
  t.match(
    await write(services, createClient, {
      act,
      content: input({ scope: 'openid identity' }, { purposes: { identity: '核对' } })
    }),
    {
      outcome: 'approval_needed',
      reasons: ['high_scope']
    }
  )
  t.match(await write(services, createClient, { act, content: input({}, { trusted: true, introspects: ['*'] }) }), {
    outcome: 'approval_needed',
    reasons: ['consent_skipped', 'introspects_all']
  })
  await t.rejects(
    write(services, createClient, {
      act: { ...act, reason: ' ' },
      content: input()
    }),
    { code: 'reason_required' }
  )
  t.match(await made(services, 'app', input({ redirect_uris: ['cn.gov.example.app:/cb'] }, {}, 'native')), {
    secret: null
  })
  t.equal((await db.selectFrom('client').select('clientId').execute()).length, 2, 'nothing half made')
})

eachDatabase(t, 'a change names the version it was made from; the later one sees both', async (t, database) => {
  const services = registryOn(database)
  await made(services, 'fund')
  const renamed = (name: string) => input({}, { names: { 'zh-CN': name } })
  // five connections, so that the changes really meet
  const outcomes = await Promise.all(
    ['甲', '乙', '丙', '丁'].map(
      async (name) =>
        await write(services, changeClient, {
          act,
          clientId: 'fund',
          version: 1,
          content: renamed(name)
        })
    )
  )
  t.same(outcomes.map(({ outcome }) => outcome).sort(), ['changed', 'conflict', 'conflict', 'conflict'])
  const stored = await findClient(services.db, 'fund')
  t.equal(stored?.version, 2)
  for (const one of outcomes) {
    if (one.outcome === 'conflict') {
      t.same(
        [one.current.policy.names['zh-CN'], one.diff[0]?.field],
        [stored?.policy.names['zh-CN'], '/policy/names/zh-CN']
      )
    }
  }
  t.match(
    await write(services, changeClient, {
      act,
      clientId: 'fund',
      version: 2,
      content: {
        ...renamed(stored?.policy.names['zh-CN'] ?? ''),
        metadata: stored?.metadata
      }
    }),
    { outcome: 'unchanged' }
  )
  t.match(
    await write(services, changeClient, {
      act,
      clientId: 'fund',
      version: 2,
      content: input({ redirect_uris: [] })
    }),
    { outcome: 'invalid' }
  )
  t.match(
    await write(services, changeClient, {
      act,
      clientId: 'nobody',
      version: 1,
      content: input()
    }),
    { outcome: 'not_found' }
  )
  t.equal((await clientHistory(services.db, { clientId: 'fund', after: null, limit: 10 })).length, 2)
})

eachDatabase(t, 'draft → test → live → disabled; what is live needs a second administrator', async (t, database) => {
  const services = registryOn(database)
  const { db } = services
  await made(services, 'fund', input(), 'draft')
  t.equal(await loadClient(db, 'fund'), undefined)
  t.match(
    await write(services, setClientStatus, {
      act,
      clientId: 'fund',
      version: 1,
      status: 'disabled'
    }),
    { outcome: 'forbidden', from: 'draft' }
  )
  t.match(
    await write(services, setClientStatus, {
      act,
      clientId: 'fund',
      version: 1,
      status: 'test'
    }),
    { outcome: 'changed', client: { version: 2 } }
  )
  t.match(await write(services, setClientStatus, { act, clientId: 'fund', version: 1, status: 'live' }), {
    outcome: 'conflict',
    current: { status: 'test' }
  })
  t.match(
    await write(services, setClientStatus, {
      act,
      clientId: 'fund',
      version: 2,
      status: 'live'
    }),
    { outcome: 'approval_needed', reasons: ['goes_live'] },
    'S8: one person alone brings nothing live'
  )
  t.match(
    await write(services, setClientStatus, {
      act,
      clientId: 'fund',
      version: 2,
      status: 'live',
      approved: true
    }),
    { outcome: 'changed' }
  )
  t.equal(await write(services, deleteDraft, { act, clientId: 'fund' }), 'not_a_draft')

  const moved = input({ redirect_uris: ['https://b.gov.cn/cb'] })
  t.match(await write(services, changeClient, { act, clientId: 'fund', version: 3, content: moved }), {
    outcome: 'approval_needed',
    reasons: ['redirect_change']
  })
  await db
    .insertInto('oidcArtifact')
    .values({
      model: 'AccessToken',
      id: 'x',
      payload: '{}',
      clientId: 'fund',
      expiresAt: new Date(Date.now() + 60_000)
    })
    .execute()
  t.match(await write(services, setClientStatus, { act, clientId: 'fund', version: 3, status: 'disabled' }), {
    outcome: 'changed',
    client: { status: 'disabled' }
  })
  t.same(
    await db.selectFrom('oidcArtifact').select('id').where('clientId', '=', 'fund').execute(),
    [],
    'its tokens ended with it'
  )
  t.match(
    await write(services, changeClient, { act, clientId: 'fund', version: 4, content: moved }),
    { outcome: 'approval_needed' },
    'disabling is no way around'
  )
  t.match(
    await write(services, changeClient, {
      act,
      clientId: 'fund',
      version: 4,
      content: moved,
      approved: true
    }),
    { outcome: 'changed' }
  )

  // a client written past the registry is checked when it is to be used again
  await db
    .updateTable('client')
    .set({ metadata: JSON.stringify({ redirect_uris: ['http://10.0.0.1/cb'] }) })
    .where('clientId', '=', 'fund')
    .execute()
  t.match(
    await write(services, setClientStatus, {
      act,
      clientId: 'fund',
      version: 5,
      status: 'live'
    }),
    { outcome: 'invalid' }
  )

  await made(services, 'sketch', input(), 'draft')
  t.equal(await write(services, deleteDraft, { act, clientId: 'sketch' }), 'deleted')
  t.equal(await write(services, deleteDraft, { act, clientId: 'sketch' }), 'not_found')
  t.match(await clientHistory(db, { clientId: 'sketch', after: null, limit: 10 }), [
    { act: 'deleted' },
    { act: 'created' }
  ])
})

eachDatabase(t, 'S24 what was issued in the shadow of a disabling is dead for good', async (t, database) => {
  const { db } = database
  const services = registryOn(database)
  await made(services, 'fund')
  const set = async (status: 'disabled' | 'live'): Promise<void> => {
    const change = { act, clientId: 'fund', version: null, status, approved: true }
    const done = await write(services, setClientStatus, change)
    t.equal(done.outcome, 'changed')
  }
  /** As another process, whose memory still has the client. */
  const issue = async (model: 'AccessToken' | 'RefreshToken' | 'AuthorizationCode'): Promise<void> => {
    await db
      .insertInto('oidcArtifact')
      .values({ model, id: model, payload: '{}', clientId: 'fund', expiresAt: new Date(Date.now() + 60_000) })
      .execute()
  }
  const left = async (): Promise<number> =>
    (await db.selectFrom('oidcArtifact').select('id').where('clientId', '=', 'fund').execute()).length
  for (const model of ['AccessToken', 'RefreshToken', 'AuthorizationCode'] as const) await issue(model)
  await set('disabled')
  t.equal(await left(), 0)
  for (const model of ['AccessToken', 'RefreshToken', 'AuthorizationCode'] as const) await issue(model)
  await set('live')
  t.equal(await left(), 0, 'nothing of the shadow lives again')
})

eachDatabase(t, 'two secrets, seven days together', async (t, database) => {
  const services = registryOn(database)
  const { secret: first } = await made(services, 'fund')
  const second = await write(services, rotateSecret, { act, clientId: 'fund' })
  t.match(second, { outcome: 'created', previous: { id: first?.id } })
  if (second.outcome !== 'created' || second.previous === null) return
  t.ok(Math.abs(second.previous.endsAt.getTime() - Date.now() - 7 * 86_400_000) < 60_000)
  t.match(await listSecrets(services.db, 'fund'), [
    { id: first?.id, lastUsedOn: null },
    { id: second.id, expiresAt: null }
  ])
  t.match(await write(services, rotateSecret, { act, clientId: 'fund' }), { outcome: 'too_many' })
  t.equal(await write(services, endClientSecret, { act, clientId: 'fund', secretId: first?.id ?? '' }), 'ended')
  t.equal(await write(services, endClientSecret, { act, clientId: 'fund', secretId: first?.id ?? '' }), 'not_found')
  t.match(
    await write(services, rotateSecret, {
      act,
      clientId: 'fund',
      grace: 0
    }),
    { outcome: 'created', previous: null }
  )
  t.equal((await listSecrets(services.db, 'fund')).length, 1)
  await made(services, 'spa', input({}, {}, 'spa'))
  t.match(await write(services, rotateSecret, { act, clientId: 'spa' }), { outcome: 'no_secret' })
  t.match(await write(services, rotateSecret, { act, clientId: 'nobody' }), { outcome: 'not_found' })
  t.notMatch(
    JSON.stringify(await clientHistory(services.db, { clientId: 'fund', after: null, limit: 10 })),
    second.secret
  )
  t.match(
    await write(services, changeClient, {
      act,
      clientId: 'fund',
      version: 1,
      content: input({ jwks_uri: 'https://a.gov.cn/jwks', token_endpoint_auth_method: 'private_key_jwt' })
    }),
    { outcome: 'changed' }
  )
  t.same(await listSecrets(services.db, 'fund'), [], 'a client with keys has no secret')
})

eachDatabase(t, 'the list: every filter, in pages', async (t, database) => {
  const services = registryOn(database)
  const { db } = services
  await made(services, 'aa-fund', input({ grant_types: ['authorization_code', 'refresh_token'] }))
  await made(
    services,
    'bb-tax',
    input(
      { redirect_uris: ['https://tax.gov.cn:8443/cb', 'https://a.gov.cn/x'], scope: 'openid phone' },
      { unit: '税务局', owner: '次仁', names: { 'zh-CN': '电子_税务', en: 'Tax' }, purposes: { phone: '联系' } }
    ),
    'live'
  )
  await made(services, 'cc-app', input({}, {}, 'spa'))
  await db
    .insertInto('client')
    .values({
      clientId: 'dd-old',
      status: 'disabled',
      metadata: JSON.stringify({ grant_types: ['client_credentials'] }),
      policy: '{}'
    })
    .execute()
  await sql`insert into client_use (client_id, day, errors, successes, last_used_at)
    values ('aa-fund', current_date, 3, 9, now()), ('aa-fund', current_date - 9, 50, 1, now() - interval '9 days'),
      ('bb-tax', current_date - 40, 0, 1, now() - interval '40 days')`.execute(db)
  const ids = async (filters: object, after: string | null = null, limit = 50): Promise<string> =>
    (await listClients(db, { filters, after, limit })).map(({ clientId }) => clientId.slice(0, 2)).join(' ')
  const table: Array<[object, string]> = [
    [{}, 'aa bb cc dd'],
    [{ text: '税务' }, 'bb'],
    [{ text: 'TAX' }, 'bb'],
    [{ text: '_' }, 'bb'],
    [{ text: '%' }, ''],
    [{ status: 'live' }, 'bb'],
    [{ status: 'nonsense' }, ''],
    [{ kind: 'spa' }, 'cc'],
    [{ kind: 'machine' }, 'dd'],
    [{ type: 'public' }, 'cc'],
    [{ type: 'confidential' }, 'aa bb dd'],
    [{ grant: 'refresh_token' }, 'aa'],
    [{ scope: 'phone' }, 'bb'],
    [{ scope: 'profile' }, 'aa cc'],
    [{ host: 'tax.gov.cn' }, 'bb'],
    [{ host: 'a.gov.cn' }, 'aa bb cc'],
    [{ host: 'gov.cn' }, ''],
    [{ unit: '次仁' }, 'bb'],
    [{ unit: '公积金' }, 'aa cc'],
    [{ unusedDays: '30' }, 'bb cc dd'],
    [{ unusedDays: '30', status: 'live', text: 'tax' }, 'bb'],
    [{ unusedDays: "1' or" }, 'aa bb cc dd'],
    [{ text: "'; drop table client" }, '']
  ]
  for (const [filters, expected] of table) t.equal(await ids(filters), expected, JSON.stringify(filters))
  t.equal(await ids({}, 'aa-fund', 2), 'bb cc')
  t.match(await listClients(db, { filters: { text: 'aa-' }, after: null, limit: 5 }), [
    { name: '公积金查询', errors: 3, confidential: true, hosts: ['a.gov.cn'], lastUsedAt: Date }
  ])
})
