import { sql } from 'kysely'
import t from 'tap'
import { write } from '../../../src/database/transaction.ts'
import { AuditUnavailable, createAudit, sealBatch, verifyChain } from '../../../src/records/audit/index.ts'
import { rotateSecret } from '../../../src/records/clients/index.ts'
import { createDelegations } from '../../../src/records/organizations/delegations/index.ts'
import { publishNext } from '../../../src/records/keys/index.ts'
import { grantTo } from '../../../src/database/index.ts'
import { openDatabase, type OpenDatabase } from '../../../src/database/connection.ts'
import { demoParty, startKora, submitPassword, words } from '../../support/driver/index.ts'
import { applicationRole } from '../../support/application-role.ts'
import { patient, testPostgres } from '../../support/database.ts'
import { withPostgres } from '../../support/needs.ts'

await withPostgres(t, 'the application can record and seal, and nothing else (T087)', async (t, url) => {
  const database = await testPostgres(t, url)
  const { role, address } = await applicationRole(t, database)
  const app: OpenDatabase = await openDatabase({ databaseUrl: address, dataDir: '', poolSize: 2, timeouts: patient })
  t.teardown(app.close)
  const audit = createAudit(database)
  await app.db.transaction().execute(async (trx) => {
    await audit.record(trx, { type: 'login.failed' })
  })
  t.match(await sealBatch(app.db, database.crypto), { sealed: 1 })
  t.match(await verifyChain(app.db, database.crypto), { ok: true, checked: 1 })

  const denied = { code: '42501' }
  for (const text of [
    "update audit_event set reason = 'x'",
    'delete from audit_event',
    'truncate audit_event',
    "update audit_checkpoint set hash = 'x'",
    'delete from audit_checkpoint',
    'delete from audit_head',
    'update audit_head set first_sequence = 2',
    "update audit_head set first_previous_hash = 'x'",
    'alter table audit_event disable trigger all',
    'alter table audit_event drop column reason',
    'drop trigger audit_event_keep on audit_event',
    'drop table audit_event',
    'create table elsewhere (x text)',
    'create rule quiet as on insert to audit_event do instead nothing',
    'set session_replication_role = replica',
    'delete from kysely_migration',
    "create or replace function audit_keep() returns trigger language plpgsql as 'begin return old; end'"
  ]) {
    await t.rejects(sql.raw(text).execute(app.db), denied, text)
  }
  await t.rejects(sql`update audit_event set hash = 'x'`.execute(app.db), { code: 'KA001' }, 'sealed once')
  await t.rejects(sql`update audit_head set sequence = 0`.execute(app.db), { code: 'KA001' }, 'never set back')

  t.same(await grantTo(database.db, 'nobody_at_all'), { ok: false, code: 'no_such_role' })
  t.same(await grantTo(database.db, new URL(database.url!).username), { ok: false, code: 'is_superuser' })
  await sql.raw(`create role ${role}_owner`).execute(database.db)
  await sql.raw(`alter table audit_event owner to ${role}_owner`).execute(database.db)
  t.same(await grantTo(database.db, `${role}_owner`), { ok: false, code: 'is_owner' })
  // who may become the owner (SET ROLE) is the owner, inherited or not
  await sql.raw(`create role ${role}_member noinherit in role ${role}_owner`).execute(database.db)
  t.same(await grantTo(database.db, `${role}_member`), { ok: false, code: 'is_owner' })
  await sql.raw(`drop role ${role}_member`).execute(database.db)
  await sql.raw(`alter table audit_event owner to ${new URL(database.url!).username}`).execute(database.db)
  await sql.raw(`drop owned by ${role}_owner`).execute(database.db)
  await sql.raw(`drop role ${role}_owner`).execute(database.db)
})

await withPostgres(t, 'Kora runs as that role; without an audit event nothing happens (T089)', async (t, url) => {
  const database = await testPostgres(t, url)
  const { role, address } = await applicationRole(t, database)
  const kora = await startKora(t, { databaseUrl: address, env: { ISSUER: '' } })
  const { db } = database
  const { services } = kora.inside
  const state = async (): Promise<unknown> =>
    (
      await sql`select (select count(*) from audit_event) as events, (select count(*) from client_secret) as secrets,
    (select count(*) from signing_key) as keys, (select count(*) from oidc_artifact
      where account_id is not null) as artifacts`.execute(db)
    ).rows[0]
  const person = await kora.sandbox.account('zhuoma')
  const party = await demoParty(kora, 'demo-site', { scope: 'openid profile' })
  const credentials = { account: person.cert_no, password: person.password }
  const browser = kora.newBrowser()
  t.ok((await party.login(browser, credentials)).access_token, "a whole login with the application's own role")
  const delegation = await db
    .selectFrom('delegation')
    .innerJoin('organization', 'organization.id', 'delegation.organizationId')
    .select(['delegation.id', 'legalRepresentativeId'])
    .where('delegation.state', '=', 'active')
    .executeTakeFirstOrThrow()
  const act = { actor: 'operator:lhamo', reason: 'test', address: null, traceId: null } as const
  const revoke = async (): Promise<boolean> =>
    await createDelegations(services).revoke(delegation.id, 'test', {
      personId: String(delegation.legalRepresentativeId),
      address: '',
      traceId: ''
    })

  await sql.raw(`revoke insert on audit_event from ${role}`).execute(db)
  const before = await state()
  const started = await party.start({ prompt: 'login' })
  const other = kora.newBrowser()
  let page = await party.visit(other, started)
  if (page.status === 200) page = await submitPassword(other, page, credentials, party.arrived)
  t.equal(page.status, 503, 'login')
  t.match(words(page.text), /暂时/)
  t.notMatch(page.text, /permission denied|audit_event|\b42501\b/)
  t.equal(page.headers.get('retry-after'), '5')
  const out = await browser.go(`${kora.issuer}/oidc/logout`)
  const ended = await browser.submit(out, { logout: 'yes' }, { form: (form) => 'xsrf' in form.fields })
  t.equal(ended.status, 503, 'logout')
  t.notMatch(ended.text, /permission denied|audit_event|\b42501\b/)
  await t.rejects(write(services, rotateSecret, { act, clientId: 'demo-site', approved: true }), AuditUnavailable)
  await t.rejects(publishNext(services, act, 'ES256'), AuditUnavailable)
  await t.rejects(revoke(), AuditUnavailable)
  t.same(await state(), before, 'nothing was done')
  t.equal(
    (await db.selectFrom('delegation').select('state').where('id', '=', delegation.id).executeTakeFirst())?.state,
    'active'
  )
  t.match(kora.logs().join(''), /AuditUnavailable/, 'the log says why')

  await sql.raw(`grant insert on audit_event to ${role}`).execute(db)
  t.ok((await party.login(kora.newBrowser(), credentials)).access_token, 'and works again')
  t.equal(await revoke(), true)
})
