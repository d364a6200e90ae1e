/**
 * Requests that issue in the same turn share a statement, and nothing else: none is used twice, none waits for
 * another's row.
 */
import { sql } from 'kysely'
import t from 'tap'
import { queryCounter } from '../../src/database/query-counter.ts'
import {
  artifactId,
  consumeAndInsert,
  consumeArtifact,
  findArtifact,
  insertArtifact,
  insertUnder,
  insertUnderSession,
  type ArtifactRow
} from '../../src/tokens/artifact-repository.ts'
import { insertSession } from '../../src/tokens/session-repository.ts'
import { eachDatabase } from '../support/database.ts'

const row = (model: string, name: string, more: Partial<ArtifactRow> = {}): ArtifactRow => ({
  model,
  id: artifactId(model, name),
  payload: { kind: model, name, odd: 'a\0b "雪' },
  grantHash: null,
  sessionUid: null,
  accountId: 'a',
  clientId: 'site',
  contextId: null,
  userCode: null,
  keepSeconds: 60,
  ...more
})
const source = (model: string, name: string) => ({ model, id: artifactId(model, name), grantHash: '' })
const names = Array.from({ length: 12 }, (_, at) => `n${at}`)

async function counted<T> (work: () => Promise<T>): Promise<{ queries: number; result: T }> {
  const counter = { queries: 0 }
  const result = await queryCounter.run(counter, work)
  return { queries: counter.queries, result }
}

await eachDatabase(t, 'codes of one turn are used and their tokens inserted by one statement', async (t, { db }) => {
  const insert = await counted(
    async () =>
      await Promise.all(
        names.map(async (name) => {
          await insertArtifact(db, row('AuthorizationCode', name))
        })
      )
  )
  t.equal(insert.queries, 1)
  await consumeArtifact(db, source('AuthorizationCode', 'n3'))
  await db
    .updateTable('oidcArtifact')
    .set({ expiresAt: sql`now() - interval '1 second'` })
    .where('id', '=', artifactId('', 'n4'))
    .execute()
  await db.deleteFrom('oidcArtifact').where('id', '=', artifactId('', 'n5')).execute()

  const { queries, result } = await counted(
    async () =>
      await Promise.all(
        [...names, 'n0', 'n1'].map(
          async (name, at) =>
            await consumeAndInsert(db, source('AuthorizationCode', name), row('AccessToken', `token ${at}`))
        )
      )
  )
  t.strictSame(
    names.slice(2).filter((_, at) => result[at + 2] !== true),
    ['n3', 'n4', 'n5']
  )
  t.equal(Number(result[0]) + Number(result[12]), 1, 'the same code twice: one of them')
  t.equal(Number(result[1]) + Number(result[13]), 1)
  t.ok(queries <= 1 + 3 + 2 + 2, 'together, and by themselves those that are refused or come twice')
  const tokens = await db.selectFrom('oidcArtifact').select('id').where('model', '=', 'AccessToken').execute()
  t.strictSame(
    new Set(tokens.map(({ id }) => id)),
    new Set(result.flatMap((won, at) => (won ? [artifactId('', `token ${at}`)] : [])))
  )
  t.match(await findArtifact(db, 'AccessToken', artifactId('', 'token 7')), { name: 'token 7', odd: 'ab "雪' })
  t.type((await findArtifact(db, 'AuthorizationCode', artifactId('', 'n7')))?.['consumed'], 'number')
})

await eachDatabase(t, 'what is inserted under a row or a session that is gone is not inserted', async (t, { db }) => {
  for (const uid of ['u0', 'u1', 'u2']) {
    await insertSession(
      db,
      { id: artifactId('Session', uid), uid, payload: { uid, accountId: uid === 'u2' ? 'another' : 'a' } as never },
      { keepSeconds: 60, absoluteSeconds: 600 }
    )
  }
  const under = await counted(
    async () =>
      await Promise.all(
        ['u0', 'u1', 'u2', 'u3'].map(
          async (uid) => await insertUnderSession(db, uid, row('AuthorizationCode', uid, { sessionUid: uid }))
        )
      )
  )
  t.strictSame(under.result, [true, true, false, false], 'not of another account, not without a session')
  t.equal(under.queries, 3)
  const tokens = await Promise.all(
    ['u0', 'u1', 'u3'].map(
      async (name) => await insertUnder(db, source('AuthorizationCode', name), row('RefreshToken', name))
    )
  )
  t.strictSame(tokens, [true, true, false])
})

await eachDatabase(t, 'a row that somebody else holds holds up its own request only', async (t, { db, kind }) => {
  if (kind === 'pglite') {
    t.pass('one connection: nobody else can hold anything')
    return
  }
  for (const name of names) await insertArtifact(db, row('RefreshToken', name))
  const { promise: held, resolve: nowHeld } = Promise.withResolvers<void>()
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const revocation = db.transaction().execute(async (trx) => {
    await trx.deleteFrom('oidcArtifact').where('id', '=', artifactId('', 'n6')).execute()
    nowHeld()
    await released
  })
  await held
  const waiting = names.map(
    async (name) => await consumeAndInsert(db, source('RefreshToken', name), row('AccessToken', name))
  )
  const others = await Promise.all(waiting.filter((_, at) => at !== 6))
  t.ok(others.every(Boolean), 'while the revocation is still under way')
  release()
  await revocation
  t.equal(await waiting[6], false, 'revoked first: nothing was issued')
  t.equal(await findArtifact(db, 'AccessToken', artifactId('', 'n6')), undefined)
})
