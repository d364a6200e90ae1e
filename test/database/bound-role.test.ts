/** S9: which roles production serves with. */
import { sql } from 'kysely'
import t from 'tap'
import { openDatabase } from '../../src/database/connection.ts'
import { assertBoundRole, findUnboundRole } from '../../src/database/index.ts'
import { applicationRole } from '../support/application-role.ts'
import { patient, testPostgres } from '../support/database.ts'
import { withPostgres } from '../support/needs.ts'

await withPostgres(t, 'S9: neither a superuser, nor the owner, nor who may become one of them', async (t, url) => {
  const database = await testPostgres(t, url)
  const { db } = database
  const { role, address } = await applicationRole(t, database)
  const app = await openDatabase({ databaseUrl: address, dataDir: '', poolSize: 1, timeouts: patient })
  t.teardown(app.close)
  await assertBoundRole(app.db)
  t.pass('its own role')

  t.match(await findUnboundRole(db), { why: 'superuser' })
  await t.rejects(assertBoundRole(db), { name: 'RoleNotBound', message: /kora migrate --grant-to/ })
  await sql.raw(`set role ${role}`).execute(db)
  t.match(await findUnboundRole(db), { why: 'superuser' }, 'who can return to what it was')
  await sql.raw('reset role').execute(db)

  await sql.raw(`alter role ${role} createrole`).execute(db)
  t.same(await findUnboundRole(app.db), { role, why: 'creates_roles' })
  await sql.raw(`alter role ${role} nocreaterole`).execute(db)

  const owner = `${role}_owner`
  await sql.raw(`create role ${owner}`).execute(db)
  const { rows: [was] } = await sql<{ name: string }>`select current_user as name`.execute(db)
  await sql.raw(`alter table audit_event owner to ${owner}`).execute(db)
  await sql.raw(`grant ${owner} to ${role}`).execute(db)
  t.same(await findUnboundRole(app.db), { role, why: 'owner' }, 'a member of the owner')
  await sql.raw(`alter table audit_event owner to ${was!.name}`).execute(db)
  await sql.raw(`drop owned by ${owner}`).execute(db)
  await sql.raw(`drop role ${owner}`).execute(db)
  t.equal(await findUnboundRole(app.db), null)
})
