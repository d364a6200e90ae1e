/** A database of the version before migration 0016, with rows in every state, becomes one of this version. */
import { sql, type Kysely } from 'kysely'
import t from 'tap'
import { checkDatabase } from '../../src/cli/doctor/database.ts'
import { loadConfig } from '../../src/config.ts'
import { findUnvalidated } from '../../src/database/constraints.ts'
import { checkOldRows, migrate, pendingMigrations } from '../../src/database/migrator.ts'
import { eachDatabase } from '../support/database.ts'
import { readColumns, readPrimaryKeys, readVocabularies } from './catalog.ts'
import { emptyDatabase } from './empty.ts'
import { fill, insertRow } from './fill.ts'

const former = '0015_reveal_applications'

const formerPerson = (id: string, certNoIndex: string, status = 'unactivated'): Record<string, unknown> => ({
  id,
  sub: id,
  status,
  name_enc: 'x',
  cert_type: 'resident_id',
  cert_no_enc: 'x',
  cert_no_index: certNoIndex
})

const soon = (seconds: number): Date => new Date(Date.now() + seconds * 1000)

const loginOf = (site: string): Record<string, unknown> => ({
  state_hash: site,
  site,
  browser_hash: 'b',
  nonce: 'n',
  verifier_enc: 'x',
  return_to: '/',
  expires_at: soon(60)
})

/** Every row of every table, as JSON without the columns that came since. */
async function readRows (db: Kysely<any>, columns: Map<string, string[]>): Promise<Map<string, unknown[]>> {
  const keys = await readPrimaryKeys(db)
  const found = new Map<string, unknown[]>()
  for (const [table, names] of columns) {
    const { rows } = await sql<{ row: unknown }>`
      select to_jsonb(part) as row from (select ${sql.join(names.map((name) => sql.ref(name)))} from ${sql.table(table)}
        order by ${sql.join((keys.get(table) ?? []).map((name) => sql.ref(name)))}) part`.execute(db)
    found.set(table, rows.map(({ row }) => row))
  }
  return found
}

await eachDatabase(t, 'nothing of a former database is lost', async (t, present) => {
  const { db } = await emptyDatabase(t, present)
  await migrate(db, former)
  t.strictSame((await pendingMigrations(db))[0], '0016_person_identity_state')
  const counts = await fill(db, present.db)
  for (const [id, index, status] of [
    ['p_draft', 'registration:abc'],
    ['p_left', 'registration:def', 'disabled'],
    ['p_gone', 'nobody:p_gone', 'disabled']
  ] as const) {
    await insertRow(db, 'person', formerPerson(id, index, status))
  }
  const columns = new Map<string, string[]>()
  for (const { table, column } of await readColumns(db)) columns.set(table, [...(columns.get(table) ?? []), column])
  t.ok([...columns.keys()].every((table) => table === 'audit_head' || (counts.get(table) ?? 0) > 0), 'all are filled')
  const before = await readRows(db, columns)

  t.strictSame(await migrate(db), [
    '0016_person_identity_state',
    '0017_closed_vocabularies',
    '0018_foreign_key_indexes',
    '0019_superseded_requests',
    '0020_api_grants',
    '0021_own_sites',
    '0022_audit_events_once',
    '0023_audit_recorded_in_time',
    '0025_verified_phones',
    '0030_register_faults',
    '0031_outbox_tries'
  ])

  const after = await readRows(db, columns)
  for (const [table, rows] of before) {
    const expected =
      table === 'person'
        ? (rows as Array<Record<string, unknown>>).map((row) =>
            /^(registration|nobody):/.test(String(row['cert_no_index'])) ? { ...row, cert_no_index: null } : row)
        : rows
    t.strictSame(after.get(table), expected, table)
  }
  const { rows: persons } = await sql`
    select id, identity_state from person where id in ('p_draft', 'p_left', 'p_gone') order by id`.execute(db)
  t.strictSame(persons, [
    { id: 'p_draft', identityState: 'provisional' },
    { id: 'p_gone', identityState: 'erased' },
    { id: 'p_left', identityState: 'provisional' }
  ])
  const established = await sql`
    select from person where identity_state = 'established' and cert_no_index is not null`.execute(db)
  t.equal(established.rows.length, counts.get('person'))
  t.strictSame(await findUnvalidated(db), [], 'every old row keeps the new rules')

  await insertRow(db, 'own_site_login', loginOf('console'))
  for (const where of (await readVocabularies(db)).keys()) {
    const [table, column] = where.split('.') as [string, string]
    // a table that is new has no row yet
    if (!before.has(table)) continue
    await t.rejects(
      sql`update ${sql.table(table)} set ${sql.ref(column)} = 'unheard-of'`.execute(db),
      /audit|role of an administrator|check constraint/,
      `${where} takes no other word`
    )
  }
})

await eachDatabase(t, 'what waited before the requests of several people could wait at once', async (t, present) => {
  const { db } = await emptyDatabase(t, present)
  await migrate(db, '0018_foreign_key_indexes')
  const request = async (id: string, more: Record<string, unknown> = {}): Promise<void> => {
    await insertRow(db, 'pending_change', {
      id,
      kind: 'client.change',
      payload_enc: 'p',
      digest: 'd',
      subject: id,
      reason: 'r',
      requested_by: 'admin:a',
      approvers: '{security}',
      state: 'pending',
      expires_at: new Date(Date.now() + 86_400_000),
      ...more
    })
  }
  await request('mine')
  await request('endorsed', { requested_by: 'client:ops', vouched_by: 'admin:b' })
  await request('alone', { kind: 'keys.rotate' })
  await request('decided', { state: 'withdrawn' })
  await migrate(db)
  const { rows } = await sql`select id, dedupe_key from pending_change order by id`.execute(db)
  t.strictSame(rows, [
    { id: 'alone', dedupeKey: '' },
    { id: 'decided', dedupeKey: '' },
    { id: 'endorsed', dedupeKey: 'endorsed' },
    { id: 'mine', dedupeKey: 'admin:a' }
  ])
  await request('another', { subject: 'mine', requested_by: 'admin:b', dedupe_key: 'admin:b' })
  await t.rejects(request('twice', { subject: 'mine', dedupe_key: 'admin:b' }), { code: '23505' })
  await t.rejects(request('second', { subject: 'alone', kind: 'keys.rotate' }), { code: '23505' }, 'one at a time')
})

await eachDatabase(t, 'nobody is signed out when the sites get one pair of tables', async (t, present) => {
  const { db } = await emptyDatabase(t, present)
  await migrate(db, '0020_api_grants')
  await insertRow(db, 'person', formerPerson('p1', 'i1', 'active'))
  await insertRow(db, 'organization', { id: 'o1', uscc: 'u', name: 'n', type: 't', status: 'active' })
  await sql`insert into admin_account (id, login_name, display_name, role, status, created_by)
    values ('adm_1', 'one', 'One', 'system', 'active', 'test')`.execute(db)
  const ofPerson = (id: string, seconds: number): Record<string, unknown> => ({
    id_hash: id,
    browser_hash: `browser of ${id}`,
    person_id: 'p1',
    client_session_id: 'c1',
    expires_at: soon(seconds)
  })
  const ofAdministrator = (id: string, seconds: number): Record<string, unknown> => ({
    id_hash: id,
    account_id: 'adm_1',
    browser_hash: `browser of ${id}`,
    browser_label: 'label',
    method: 'password',
    expires_at: soon(900),
    ends_at: soon(seconds)
  })
  const live = async (): Promise<string[]> => {
    const { rows } = await sql<{ idHash: string }>`
      select id_hash from own_site_session where expires_at > now() order by id_hash`.execute(db)
    return rows.map(({ idHash }) => idHash)
  }
  await insertRow(db, 'user_centre_session', ofPerson('a person', 1800))
  await insertRow(db, 'user_centre_session', ofPerson('an idle person', -60))
  await insertRow(db, 'admin_session', ofAdministrator('an administrator', 28_800))
  await insertRow(db, 'admin_session', ofAdministrator('signed out', -60))
  await insertRow(db, 'organization_password_draft', {
    session_hash: 'a person',
    id: 'draft',
    organization_id: 'o1',
    password_hash: 'x',
    expires_at: soon(600)
  })

  await migrate(db)
  const { rows } = await sql`
    select id_hash, site, browser_hash, browser_label, person_id, client_session_id, account_id, method,
      ends_at is null as never_ends from own_site_session order by id_hash`.execute(db)
  const person = { site: 'user-center', personId: 'p1', clientSessionId: 'c1', accountId: null, method: null }
  const administrator = { site: 'console', personId: null, clientSessionId: null, accountId: 'adm_1' }
  t.match(rows, [
    { idHash: 'a person', ...person, browserHash: 'browser of a person', browserLabel: null, neverEnds: true },
    { idHash: 'an administrator', ...administrator, method: 'password', browserLabel: 'label', neverEnds: false },
    { idHash: 'an idle person', ...person },
    { idHash: 'signed out', ...administrator }
  ])
  t.strictSame(await live(), ['a person', 'an administrator'])

  // a process of the former version signs people in and out, beside this one
  await insertRow(db, 'user_centre_session', ofPerson('another person', 1800))
  await insertRow(db, 'admin_session', ofAdministrator('another administrator', 28_800))
  t.strictSame(await live(), ['a person', 'an administrator', 'another administrator', 'another person'])
  await sql`update admin_session set ends_at = now() where id_hash = 'another administrator'`.execute(db)
  await sql`delete from user_centre_session where id_hash = 'a person'`.execute(db)
  t.strictSame(await live(), ['an administrator', 'another person'])
  const drafts = await sql`select from organization_password_draft`.execute(db)
  t.equal(drafts.rows.length, 0, 'what waited in the session went with it')

  // what ends here has ended there; what goes on here is not ended by the clean-up there
  await sql`update own_site_session set expires_at = now() where id_hash = 'an administrator'`.execute(db)
  const ended = await sql`select from admin_session where ends_at <= now() and id_hash = 'an administrator'`.execute(db)
  t.equal(ended.rows.length, 1)
  await sql`update user_centre_session set expires_at = now() - interval '1 second'`.execute(db)
  await sql`update own_site_session set expires_at = now() + interval '10 minutes' where id_hash = 'another person'`
    .execute(db)
  await sql`delete from user_centre_session where expires_at < now()`.execute(db)
  t.strictSame(await live(), ['another person'])

  await insertRow(db, 'own_site_login', loginOf('user-center'))
  await t.rejects(insertRow(db, 'own_site_login', loginOf('elsewhere')), { code: '23514' })
  const nobody = { id_hash: 'x', site: 'console', browser_hash: 'b', expires_at: soon(60) }
  await t.rejects(insertRow(db, 'own_site_session', nobody), { code: '23514' }, 'a session is of somebody')
})

await eachDatabase(t, 'a process of the former version may serve beside the new tables', async (t, { db }) => {
  await insertRow(db, 'person', formerPerson('p1', 'registration:abc'))
  await insertRow(db, 'person', formerPerson('p2', 'registration:def'))
  await sql`update person set cert_no_index = 'nobody:p2', status = 'disabled' where id = 'p2'`.execute(db)
  await insertRow(db, 'person', formerPerson('p3', 'i3'))
  const rows = await db.selectFrom('person').select(['id', 'certNoIndex', 'identityState']).orderBy('id').execute()
  t.strictSame(rows, [
    { id: 'p1', certNoIndex: null, identityState: 'provisional' },
    { id: 'p2', certNoIndex: null, identityState: 'erased' },
    { id: 'p3', certNoIndex: 'i3', identityState: 'established' }
  ])
})

await eachDatabase(t, 'rows that break a rule stay, and are named until they are mended', async (t, present) => {
  const { db, kind } = await emptyDatabase(t, present)
  await migrate(db, former)
  for (const id of ['p1', 'p2', 'p3']) await insertRow(db, 'person', formerPerson(id, id, 'active'))
  await insertRow(db, 'organization', { id: 'o1', uscc: 'u', name: 'n', type: 't', status: 'active' })
  const delegation = {
    id: 'd1',
    version: 1,
    organization_id: 'o1',
    agent_id: 'p1',
    state: 'active',
    valid_from: '2026-01-01',
    valid_to: '2027-01-01',
    created_by: 'p1'
  }
  await insertRow(db, 'delegation', delegation)
  await insertRow(db, 'representation_choice', { person_id: 'p1', client_id: 'gone', context_id: 'self' })

  await migrate(db)
  const broken = [
    { table: 'delegation', name: 'delegation_approved_check' },
    { table: 'representation_choice', name: 'representation_choice_client_id_fkey' }
  ]
  t.match(await findUnvalidated(db), broken)
  t.equal((await findUnvalidated(db)).length, 2)
  const config = loadConfig({ NODE_ENV: 'test' }, 2)
  const finding = async () =>
    (await checkDatabase(db, kind, config)).find(({ check }) => check === 'constraints') ?? t.fail('no finding')
  t.match(await finding(), { status: 'warn', message: /delegation_approved_check.*representation_choice_client_id_fkey/ })

  await t.rejects(insertRow(db, 'delegation', { ...delegation, id: 'd2', agent_id: 'p2' }), { code: '23514' })
  await t.rejects(
    insertRow(db, 'delegation', { ...delegation, id: 'd2', agent_id: 'p2', approver_id: 'p2', decided_at: new Date() }),
    { code: '23514' },
    'nobody approves their own'
  )
  await insertRow(db, 'delegation', { ...delegation, id: 'd2', agent_id: 'p2', state: 'submitted' })
  await sql`update delegation set state = 'revoked' where id = 'd1'`.execute(db)
  await sql`delete from representation_choice`.execute(db)
  t.strictSame(await checkOldRows(db), [])
  t.match(await finding(), { status: 'ok' })
})

await eachDatabase(t, 'S4 a client is granted the APIs that it holds tokens for, and no other', async (t, present) => {
  const { db } = await emptyDatabase(t, present)
  await migrate(db, '0019_superseded_requests')
  const api = { name: 'n', scopes: 'a:read a:write', token_format: 'opaque', ttl_seconds: 600 }
  for (const identifier of ['urn:a', 'urn:b']) await insertRow(db, 'resource_server', { ...api, identifier })
  const unbounded = { ...api, token_format: 'jwt', ttl_seconds: 86_400, minimum_level: 7 }
  await insertRow(db, 'resource_server', { ...unbounded, identifier: 'urn:unbounded' })
  await insertRow(db, 'resource_server', { ...api, identifier: 'urn:kora:demo:property' })
  for (const clientId of ['demo-machine', 'demo-site', 'holder', 'machine', 'other']) {
    await insertRow(db, 'client', { client_id: clientId, status: 'live', metadata: '{}', policy: '{}' })
  }
  let made = 0
  const hold = async (model: string, clientId: string, payload: object, expires = '2100-01-01'): Promise<void> => {
    await insertRow(db, 'oidc_artifact', {
      model,
      id: `t${++made}`,
      payload: JSON.stringify(payload),
      client_id: clientId,
      expires_at: expires
    })
  }
  await hold('RefreshToken', 'holder', { resource: ['urn:a', 'urn:c'], scope: 'openid a:read profile' })
  await hold('AccessToken', 'holder', { aud: 'urn:a', scope: 'a:write' })
  await hold('ClientCredentials', 'machine', { aud: 'urn:b', scope: 'a:read' })
  await hold('AccessToken', 'other', { aud: 'urn:a', scope: 'a:read' }, '2026-01-01')
  await hold('AccessToken', 'other', { scope: 'openid a:read' })

  await migrate(db)
  const { rows } = await sql`
    select client_id, resource, scopes, machine_scopes from client_resource order by client_id`.execute(db)
  const [all, demo] = [['a:read', 'a:write'], 'urn:kora:demo:property']
  t.strictSame(rows, [
    { clientId: 'demo-machine', resource: demo, scopes: [], machineScopes: all },
    { clientId: 'demo-site', resource: demo, scopes: all, machineScopes: [] },
    { clientId: 'holder', resource: 'urn:a', scopes: ['a:read', 'a:write'], machineScopes: [] },
    { clientId: 'machine', resource: 'urn:b', scopes: [], machineScopes: ['a:read'] }
  ])
  const { rows: history } = await sql`
    select client_id, diff from client_change where actor = 'operator:migration' and client_id not like 'demo-%' order by client_id`.execute(db)
  t.match(history, [
    { clientId: 'holder', diff: [{ after: { 'urn:a': { scopes: ['a:read', 'a:write'], machineScopes: [] } } }] },
    { clientId: 'machine' }
  ])
  const { rows: bounded } = await sql`
    select ttl_seconds, minimum_level from resource_server where identifier = 'urn:unbounded'`.execute(db)
  t.strictSame(bounded, [{ ttlSeconds: 600, minimumLevel: 4 }])
  t.strictSame(await findUnvalidated(db), [])
})
