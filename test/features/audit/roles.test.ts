import t from 'tap'
import { readFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { createAudit, sealBatch, verifyChain } from '../../../src/features/audit/index.ts'
import { openDatabase } from '../../../src/database/connection.ts'
import { testPostgres } from '../../support/database.ts'

const url = process.env['TEST_DATABASE_URL'] ?? ''

t.test('with the rights of the documentation the application can record and seal, and nothing else', { skip: url === '' && 'TEST_DATABASE_URL not set' }, async (t) => {
  const database = await testPostgres(t, url)
  const role = `kora_app_${randomBytes(4).toString('hex')}`
  const rights = /```sql\n([\s\S]+?)```/.exec(readFileSync(new URL('../../../docs/decisions/0002-audit-chain.md', import.meta.url), 'utf8'))?.[1]
  await sql.raw(`create role ${role} login password 'test'`).execute(database.db)
  for (const statement of rights!.split(';').filter((text) => text.trim() !== '')) await sql.raw(statement.replaceAll('kora_app', role)).execute(database.db)

  const address = new URL(database.url!)
  address.username = role
  address.password = 'test'
  const app = await openDatabase({ databaseUrl: address.href, dataDir: '', poolSize: 2 })
  t.teardown(async () => {
    await app.close()
    await sql.raw(`drop owned by ${role}`).execute(database.db)
    await sql.raw(`drop role ${role}`).execute(database.db)
  })
  const audit = createAudit(database)
  await app.db.transaction().execute(async (trx) => { await audit.record(trx, { type: 'login.failed' }) })
  t.match(await sealBatch(app.db, database.crypto), { sealed: 1 })
  t.match(await verifyChain(app.db, database.crypto), { ok: true, checked: 1 })

  const denied = { code: '42501' }
  await t.rejects(sql`update audit_event set reason = 'x'`.execute(app.db), denied)
  await t.rejects(sql`truncate audit_event`.execute(app.db), denied)
  await t.rejects(sql`update audit_checkpoint set hash = 'x'`.execute(app.db), denied)
  await t.rejects(sql`delete from audit_head`.execute(app.db), denied)
  await t.rejects(sql`alter table audit_event disable trigger all`.execute(app.db), denied)
  await t.rejects(sql`drop table audit_event`.execute(app.db), denied)
  await t.rejects(sql`set session_replication_role = replica`.execute(app.db), denied)
  await t.rejects(sql`create or replace function audit_keep() returns trigger language plpgsql as 'begin return old; end'`.execute(app.db), denied)
  await t.rejects(sql`delete from audit_event`.execute(app.db), { code: 'KA001' })
})
