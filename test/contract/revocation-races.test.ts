/**
 * An insert that is under way while what it comes from is revoked. The transactions are held open here, so
 * that the two really meet.
 */
import t from 'tap'
import { sql } from 'kysely'
import {
  consumeAndInsert,
  insertArtifact,
  insertUnder,
  insertUnderSession,
  type ArtifactRow,
  type Connection
} from '../../src/tokens/artifact-repository.ts'
import { revokeAccount, revokeContext, revokeGrantHash, revokeSession } from '../../src/tokens/revocation.ts'
import { insertSession } from '../../src/tokens/session-repository.ts'
import { eachDatabase, type TestDatabase } from '../support/database.ts'

const row = (model: string, id: string): ArtifactRow => ({
  model,
  id,
  payload: { kind: model },
  grantHash: 'grant',
  sessionUid: 'uid',
  accountId: 'sub-1',
  clientId: 'site',
  contextId: 'self',
  userCode: null,
  keepSeconds: 60
})
const source = { model: 'AuthorizationCode', id: 'code', grantHash: 'grant' }

async function prepare ({ db }: TestDatabase): Promise<void> {
  await insertSession(
    db,
    { id: 'session', uid: 'uid', payload: { uid: 'uid', accountId: 'sub-1', authorizations: {} } },
    { keepSeconds: 60, absoluteSeconds: 600 }
  )
  await insertArtifact(db, row('AuthorizationCode', 'code'))
}

/** True when another connection to this database waits for a lock. */
async function somebodyWaits (trx: Connection): Promise<boolean> {
  const { rows } = await sql`select 1 from pg_locks waiting where not granted and exists (select from pg_locks held
    where held.pid = waiting.pid and held.database = (select oid from pg_database
      where datname = current_database()))`.execute(trx)
  return rows.length > 0
}

const inserts: Record<string, (trx: Connection) => Promise<boolean>> = {
  'a token from its code': (trx) => insertUnder(trx, source, row('AccessToken', 'new')),
  'a token with the consumption of its code': (trx) => consumeAndInsert(trx, source, row('AccessToken', 'new')),
  'a code from its session': (trx) => insertUnderSession(trx, 'uid', row('AuthorizationCode', 'new'))
}
const revocations: Record<string, (trx: Connection) => Promise<unknown>> = {
  grant: (trx) => revokeGrantHash(trx, 'grant'),
  session: (trx) => revokeSession(trx, 'uid'),
  account: (trx) => revokeAccount(trx, 'sub-1'),
  context: (trx) => revokeContext(trx, 'self')
}

for (const [inserted, insert] of Object.entries(inserts)) {
  for (const [revoked, revoke] of Object.entries(revocations)) {
    // a code does not come from a grant or a context: those who end them look at the person's standing when it is
    // redeemed
    if (inserted === 'a code from its session' && (revoked === 'grant' || revoked === 'context')) continue

    eachDatabase(t, `${inserted}, while the ${revoked} is revoked`, async (t, database) => {
      const { db, kind } = database
      await prepare(database)
      const state = { over: false }
      let revocation: Promise<unknown> = Promise.resolve()
      await db.transaction().execute(async (trx) => {
        t.equal(await insert(trx), true)
        revocation = db
          .transaction()
          .execute(revoke)
          .finally(() => {
            state.over = true
          })
        // the embedded engine has one connection: there the revocation simply comes after
        if (kind === 'postgres') while (!state.over && !(await somebodyWaits(trx)));
      })
      await revocation
      const left = await db
        .selectFrom('oidcArtifact')
        .select(['model', 'id'])
        .where('model', '<>', 'Session')
        .execute()
      t.same(left, [])
    })

    eachDatabase(t, `${inserted}, after the ${revoked} was revoked`, async (t, database) => {
      await prepare(database)
      await database.db.transaction().execute(revoke)
      t.equal(await insert(database.db), false)
    })
  }
}
