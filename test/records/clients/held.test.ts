import { sql } from 'kysely'
import t from 'tap'
import { holdClient } from '../../../src/records/clients/repository.ts'
import { eachDatabase } from '../../support/database.ts'

await eachDatabase(t, 'logins at a client go on while it is being changed', async (t, { db, kind }) => {
  if (kind === 'pglite') {
    t.pass('one connection: nobody is beside it')
    return
  }
  await sql`insert into client (client_id, status, metadata, policy) values ('c', 'live', '{}', '{}')`.execute(db)
  await sql`insert into person (id, sub, status, name_enc, cert_type, cert_no_enc, cert_no_index)
    values ('p', 'p', 'active', 'x', 'resident_id', 'x', 'x')`.execute(db)
  await db.transaction().execute(async (trx) => {
    t.ok(await holdClient(trx, 'c'))
    await db.insertInto('representationChoice').values({ personId: 'p', clientId: 'c', contextId: 'self' }).execute()
  })
  t.equal((await db.selectFrom('representationChoice').selectAll().execute()).length, 1)
})
