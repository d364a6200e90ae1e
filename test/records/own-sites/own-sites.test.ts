/** Authorization requests and sessions of the sites of Kora itself, as they are stored. */
import { sql } from 'kysely'
import t from 'tap'
import {
  countAccountSessions,
  countSiteSessions,
  deleteExpired,
  endAccountSessions,
  endSession,
  extendSession,
  findSession,
  hashSecret,
  hasUsedBrowser,
  listAccountSessions,
  openSession,
  refreshAuthentication,
  saveLogin,
  takeLogin,
  type StoredSession
} from '../../../src/records/own-sites/index.ts'
import { eachDatabase, type TestDatabase } from '../../support/database.ts'

const personal = { idleSeconds: 1800, absoluteSeconds: null, keptDays: 0 }
const administrative = { idleSeconds: 900, absoluteSeconds: 1200, keptDays: 30 }

async function addSubjects ({ db }: TestDatabase): Promise<void> {
  await sql`insert into person (id, sub, status, name_enc, cert_type, cert_no_enc, cert_no_index)
    values ('p1', 's1', 'active', 'x', 'resident_id', 'x', 'i1')`.execute(db)
  await sql`insert into admin_account (id, login_name, display_name, role, status, created_by)
    values ('adm_1', 'one', 'One', 'system', 'active', 'test')`.execute(db)
}

const open = async ({ db }: TestDatabase, site: 'console' | 'user-center', browserHash = 'b'): Promise<string> =>
  await openSession(db, {
    site,
    browserHash,
    subject:
      site === 'console'
        ? { accountId: 'adm_1', method: 'passkey', browserLabel: 'label' }
        : { personId: 'p1', clientSessionId: 'c1' },
    lifetime: site === 'console' ? administrative : personal
  })

eachDatabase(t, 'an authorization request is answered once, at its site, by its browser', async (t, database) => {
  const { db } = database
  const login = await saveLogin(database, { site: 'console', browserHash: 'b', returnTo: '/admin/keys' })
  const { state } = login
  const [row] = await db.selectFrom('ownSiteLogin').selectAll().execute()
  t.notMatch(JSON.stringify(row), new RegExp(`${login.state}|${login.verifier}`), 'neither is stored as it is')

  t.equal(await takeLogin(database, { site: 'user-center', state, browserHash: 'b' }), null, 'another site')
  t.equal(await takeLogin(database, { site: 'console', state, browserHash: 'other' }), null, 'another browser')
  const answers = await Promise.all(
    [1, 2, 3].map(async () => await takeLogin(database, { site: 'console', state, browserHash: 'b' }))
  )
  const { nonce, verifier } = login
  t.strictSame(answers.filter((answer) => answer !== null), [{ nonce, verifier, returnTo: '/admin/keys' }])

  const late = await saveLogin(database, { site: 'console', browserHash: 'b', returnTo: '/admin' })
  await db.updateTable('ownSiteLogin').set({ expiresAt: new Date(0) }).execute()
  t.equal(await takeLogin(database, { site: 'console', state: late.state, browserHash: 'b' }), null, 'too old')
})

eachDatabase(t, 'a session is found by its secret, at its site, in its browser', async (t, database) => {
  const { db } = database
  await addSubjects(database)
  const [ofPerson, ofAdministrator] = [await open(database, 'user-center'), await open(database, 'console')]
  const find = async (site: 'console' | 'user-center', secret: string, browserHash = 'b') =>
    await findSession(db, { site, secret, browserHash })

  const person = { personId: 'p1', clientSessionId: 'c1', accountId: null, method: null }
  t.match(await find('user-center', ofPerson), person)
  const administrator = { accountId: 'adm_1', method: 'passkey', personId: null, clientSessionId: null }
  t.match(await find('console', ofAdministrator), administrator)
  t.equal(await find('console', ofPerson), null, "the other site's secret")
  t.equal(await find('user-center', ofAdministrator), null)
  t.equal(await find('console', ofAdministrator, 'other'), null, 'another browser')
  for (const wrong of ['', 'x', hashSecret(ofPerson), `${ofPerson}x`]) t.equal(await find('user-center', wrong), null)
  t.strictSame([await countSiteSessions(db, 'console'), await countSiteSessions(db, 'user-center')], [1, 1])

  await endSession(db, hashSecret(ofPerson))
  t.equal(await find('user-center', ofPerson), null, 'ended')
  t.ok(await find('console', ofAdministrator), 'and no other session')
})

eachDatabase(t, 'a session ends when it is idle, and at its absolute end', async (t, database) => {
  const { db } = database
  await addSubjects(database)
  const secret = await open(database, 'console')
  const find = async (): Promise<StoredSession> => {
    const session = await findSession(db, { site: 'console', secret, browserHash: 'b' })
    if (session === null) throw new Error('no session')
    return session
  }
  const idHash = hashSecret(secret)
  const leave = async (seconds: number): Promise<void> => {
    await sql`update own_site_session set expires_at = now() + make_interval(secs => ${seconds})
      where id_hash = ${idHash}`.execute(db)
  }
  const readEnd = async (): Promise<number> =>
    (await db.selectFrom('ownSiteSession').select('expiresAt').executeTakeFirstOrThrow()).expiresAt.getTime()

  await leave(850)
  const before = await readEnd()
  await extendSession(db, await find(), administrative)
  t.equal(await readEnd(), before, 'not written for every request')
  await leave(600)
  await extendSession(db, await find(), administrative)
  t.ok((await find()).secondsLeft > 850)
  await sql`update own_site_session set ends_at = now() + interval '700 seconds', expires_at = now() + interval '600
    seconds'`.execute(db)
  await extendSession(db, await find(), administrative)
  const { secondsLeft } = await find()
  t.ok(secondsLeft > 600 && secondsLeft <= 700, 'never later than the absolute end')

  const found = await find()
  await endSession(db, idHash)
  await extendSession(db, { ...found, secondsLeft: 1 }, administrative)
  t.equal(await findSession(db, { site: 'console', secret, browserHash: 'b' }), null, 'it is not brought back')
})

eachDatabase(t, "an administrator's sessions", async (t, database) => {
  const { db } = database
  await addSubjects(database)
  const [here, elsewhere] = [await open(database, 'console', 'here'), await open(database, 'console', 'elsewhere')]
  await open(database, 'user-center')
  t.equal((await listAccountSessions(db, 'adm_1')).length, 2)
  t.match(await listAccountSessions(db, 'adm_1'), [{ browserLabel: 'label', method: 'passkey' }])
  t.equal(await countAccountSessions(db, 'adm_1'), 2)

  await sql`update own_site_session set authenticated_at = now() - interval '1 hour'`.execute(db)
  await refreshAuthentication(db, hashSecret(here))
  const seconds = async (secret: string, browserHash: string): Promise<number> =>
    (await findSession(db, { site: 'console', secret, browserHash }))?.authenticatedSecondsAgo ?? -1
  t.ok((await seconds(here, 'here')) < 60)
  t.ok((await seconds(elsewhere, 'elsewhere')) >= 3600)

  await endAccountSessions(db, 'adm_1', hashSecret(here))
  t.strictSame((await listAccountSessions(db, 'adm_1')).map(({ idHash }) => idHash), [hashSecret(here)])
  t.equal(await countSiteSessions(db, 'user-center'), 1, 'nobody else is signed out')
  t.ok(await hasUsedBrowser(db, 'adm_1', 'elsewhere'), 'a session that ended still tells the browser')
  t.notOk(await hasUsedBrowser(db, 'adm_1', 'b'))
})

eachDatabase(t, 'the clean-up keeps ended sessions of the console for their days', async (t, database) => {
  const { db } = database
  await addSubjects(database)
  for (const site of ['console', 'user-center'] as const) {
    await open(database, site)
    await saveLogin(database, { site, browserHash: 'b', returnTo: '/' })
  }
  const sweep = async (site: 'console' | 'user-center', keptDays: number): Promise<number> =>
    await deleteExpired(db, { site, keptDays, limit: 500 })
  t.equal((await sweep('console', 30)) + (await sweep('user-center', 0)), 0, 'nothing has expired')

  await sql`update own_site_login set expires_at = now() - interval '1 minute'`.execute(db)
  await sql`update own_site_session set expires_at = now() - interval '29 days'`.execute(db)
  t.equal(await sweep('user-center', 0), 2)
  t.equal(await sweep('console', 30), 1, 'the request alone')
  await sql`update own_site_session set expires_at = now() - interval '31 days'`.execute(db)
  t.equal(await sweep('console', 30), 1)
  t.strictSame(await db.selectFrom('ownSiteSession').select('idHash').execute(), [])
})
