import t from 'tap'
import { errors, type AdapterPayload } from 'oidc-provider'
import { sql } from 'kysely'
import { artifactId } from '../../src/tokens/artifact-repository.ts'
import { deleteExpired, deleteExpiredAttempts, deleteExpiredTickets } from '../../src/tokens/artifact-cleanup.ts'
import { sweepThrottle } from '../../src/records/throttle/index.ts'
import { noteUse } from '../../src/tokens/replay.ts'
import { createStorageAdapter } from '../../src/oidc/storage-adapter.ts'
import { systemClock } from '../../src/ports/clock.ts'
import { DomainError } from '../../src/domain/errors.ts'
import { eachDatabase, type TestDatabase } from '../support/database.ts'

const limits = { sessionIdleSeconds: 1800, sessionAbsoluteSeconds: 43_200, clockToleranceSeconds: 15 }
const log = { info () {}, warn () {} }
const adapterOf = ({ db, crypto }: TestDatabase) =>
  createStorageAdapter({ db, crypto, clock: systemClock, limits, log })
/** Opens every connection of the pool: else the first statement is over before the others begin. */
const connected = ({ db }: TestDatabase) => Promise.all(Array.from({ length: 5 }, () => sql`select 1`.execute(db)))
const twenty = Array.from({ length: 20 }, (_, i) => i)
const seconds = (): number => Math.floor(Date.now() / 1000)
const databaseTime = async ({ db }: TestDatabase): Promise<number> =>
  (await sql<{ at: number }>`select extract(epoch from clock_timestamp())::float8 as at`.execute(db)).rows[0]?.at ??
  NaN
const token = (kind: string, more: AdapterPayload = {}): AdapterPayload => ({
  kind,
  iat: seconds(),
  exp: seconds() + 60,
  clientId: 'site',
  accountId: 'sub-1',
  grantId: 'grant-1',
  sessionUid: 'session-1',
  ...more
})

const outcomes = async (work: Promise<unknown>[]) => {
  const settled = await Promise.allSettled(work)
  return {
    done: settled.filter(({ status }) => status === 'fulfilled').length,
    errors: settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []))
  }
}

eachDatabase(t, 'a code is consumed once, and its second use ends everything of the grant', async (t, database) => {
  const adapter = adapterOf(database)
  await adapter('AuthorizationCode').upsert('the-code', token('AuthorizationCode', { jti: 'the-code' }), 60)
  await adapter('AccessToken').upsert('another-grant', token('AccessToken', { grantId: 'grant-2' }), 60)

  await connected(database)
  const { done, errors: refused } = await outcomes(twenty.map(() => adapter('AuthorizationCode').consume('the-code')))
  t.equal(done, 1)
  t.ok(refused.every((error) => error instanceof errors.InvalidGrant))
  t.equal(await adapter('AuthorizationCode').find('the-code'), undefined)
  t.ok(await adapter('AccessToken').find('another-grant'))
})

eachDatabase(t, 'a consumed artifact says so', async (t, database) => {
  const adapter = adapterOf(database)('RefreshToken')
  await adapter.upsert('rt', token('RefreshToken'), 60)
  t.notOk('consumed' in ((await adapter.find('rt')) ?? {}))
  const before = seconds()
  await adapter.consume('rt')
  const found = await adapter.find('rt')
  t.ok(Number(found?.consumed) >= before - 1 && Number(found?.consumed) <= seconds() + 1)
  t.match(found, { jti: 'rt', clientId: 'site', kind: 'RefreshToken' })
})

eachDatabase(t, 'a pushed request is used once', async (t, database) => {
  const adapter = adapterOf(database)('PushedAuthorizationRequest')
  await adapter.upsert('par', { kind: 'PushedAuthorizationRequest', request: 'jwt' }, 60)
  const { done, errors: refused } = await outcomes(twenty.map(() => adapter.consume('par')))
  t.equal(done, 1)
  t.ok(refused.every((error) => error instanceof errors.InvalidRequestUri))
})

eachDatabase(t, 'identifiers that somebody holds are not in the table', async (t, database) => {
  const adapter = adapterOf(database)
  const secret = (name: string): string => `secret-value-of-${name}`
  for (const model of [
    'AuthorizationCode',
    'AccessToken',
    'RefreshToken',
    'ClientCredentials',
    'PushedAuthorizationRequest'
  ]) {
    await adapter(model).upsert(secret(model), { ...token(model), jti: secret(model) }, 60)
  }
  await adapter('Session').upsert(
    secret('Session'),
    { kind: 'Session', uid: 'uid-1', accountId: 'sub-1', jti: secret('Session'), exp: seconds() + 60 },
    60
  )
  await adapter('DeviceCode').upsert(
    secret('DeviceCode'),
    { kind: 'DeviceCode', userCode: 'ABCD', jti: secret('DeviceCode') },
    60
  )
  const interaction = {
    kind: 'Interaction',
    jti: secret('Interaction'),
    returnTo: `https://issuer.example/oidc/auth/${secret('Interaction')}`,
    session: { uid: 'uid-1', accountId: 'sub-1', cookie: secret('Session') },
    deviceCode: secret('DeviceCode')
  }
  await adapter('Interaction').upsert(secret('Interaction'), interaction as AdapterPayload, 60)

  const { rows } = await sql<{ row: string }>`select oidc_artifact::text as row from oidc_artifact`.execute(
    database.db
  )
  t.equal(rows.length, 8)
  t.ok(rows.every(({ row }) => !row.includes('secret-value')))

  const { cookie: _cookie, ...session } = interaction.session
  t.same(await adapter('Interaction').find(secret('Interaction')), { ...interaction, session })
  t.match(await adapter('DeviceCode').findByUserCode('ABCD'), { jti: secret('DeviceCode'), userCode: 'ABCD' })
  t.match(await adapter('DeviceCode').find(secret('DeviceCode')), { jti: secret('DeviceCode') })
  t.notOk('sealed' in ((await adapter('DeviceCode').find(secret('DeviceCode'))) ?? {}))
})

eachDatabase(t, "expiry is the database's clock", async (t, database) => {
  const adapter = adapterOf(database)
  const fifth = async (model: string): Promise<void> => {
    await sql`update oidc_artifact set expires_at = now() - interval '1 millisecond' where model = ${model}`.execute(
      database.db
    )
  }
  const before = await databaseTime(database)
  await adapter('AccessToken').upsert('at', token('AccessToken', { exp: seconds() + 600 }), 600)
  const after = await databaseTime(database)
  t.ok(await adapter('AccessToken').find('at'))
  const {
    rows: [row]
  } = await sql<{ end: number }>`select extract(epoch from expires_at)::float8 as end from oidc_artifact`.execute(
    database.db
  )
  t.ok((row?.end ?? 0) >= before + 615 && (row?.end ?? 0) <= after + 615, 'kept for its life and the clock tolerance')
  await fifth('AccessToken')
  t.equal(await adapter('AccessToken').find('at'), undefined)

  await adapter('AuthorizationCode').upsert('code', token('AuthorizationCode'), 60)
  await fifth('AuthorizationCode')
  await t.rejects(adapter('AuthorizationCode').consume('code'), errors.InvalidGrant)

  await adapter('Session').upsert('nobody', { kind: 'Session', uid: 'nobody', exp: seconds() + 600 }, 600)
  t.equal(await adapter('Session').find('nobody'), undefined, 'a session that says nothing is not kept')
  await adapter('Session').upsert(
    'cookie',
    { kind: 'Session', uid: 'uid', accountId: 'sub-1', exp: seconds() + 600 },
    600
  )
  t.match(await adapter('Session').find('cookie'), { uid: 'uid', jti: 'cookie' })
  t.match(await adapter('Session').findByUid('uid'), { uid: 'uid' })
  await fifth('Session')
  t.equal(await adapter('Session').find('cookie'), undefined)
  t.equal(await adapter('Session').findByUid('uid'), undefined)
})

eachDatabase(t, 'a session ends at its absolute end, however it is used', async (t, database) => {
  const adapter = adapterOf(database)('Session')
  const end = async (): Promise<number> => {
    const {
      rows: [row]
    } = await sql<{
      end: number
    }>`select extract(epoch from expires_at)::float8 as end from oidc_artifact where model = 'Session'`.execute(
      database.db
    )
    return row?.end ?? NaN
  }
  const before = await databaseTime(database)
  const session = (): AdapterPayload => ({ kind: 'Session', uid: 'uid', accountId: 'sub-1', exp: seconds() + 1800 })
  await adapter.upsert('cookie', session(), 1800)
  const after = await databaseTime(database)
  t.ok((await end()) > before + 1800 && (await end()) <= after + 1815)
  const absolute = Math.floor(await databaseTime(database)) + 100
  await sql`update oidc_artifact set payload = payload || jsonb_build_object('startedAt',
    ${absolute - 43_200}::bigint)`.execute(database.db)
  await adapter.upsert('cookie', session(), 1800)
  t.equal(await end(), absolute, 'the idle time slides to the absolute end only')
  t.ok(Number((await adapter.find('cookie'))?.exp) <= absolute, 'and the library is told so')
})

eachDatabase(t, 'a result is written once', async (t, database) => {
  const adapter = adapterOf(database)('Interaction')
  const interaction = {
    kind: 'Interaction',
    exp: seconds() + 900,
    params: { client_id: 'site' },
    returnTo: 'https://issuer.example/x'
  } as AdapterPayload
  await adapter.upsert('uid', interaction, 900)
  await adapter.upsert('uid', interaction, 900)
  const submit = (accountId: string): Promise<unknown> =>
    adapter.upsert('uid', { ...interaction, result: { login: { accountId } } }, 900)

  await connected(database)
  const { done, errors: refused } = await outcomes(twenty.map((i) => submit(`person-${i}`)))
  t.equal(done, 1)
  t.ok(refused.every((error) => error instanceof DomainError && error.code === 'interaction_gone'))
  const winner = (await adapter.find('uid'))?.result as { login: { accountId: string } }
  await t.resolves(submit(winner.login.accountId), 'saving the same result again changes nothing')
  await t.rejects(adapter.upsert('uid', interaction, 900), { code: 'interaction_gone' }, 'a result is not taken back')
  t.same((await adapter.find('uid'))?.result, winner)

  const resumed = await outcomes(twenty.map(() => adapter.destroy('uid')))
  t.equal(resumed.done, 1, 'one request resumes it')
  t.ok(resumed.errors.every((error) => error instanceof errors.SessionNotFound))
  await t.rejects(submit('person-1'), { code: 'interaction_gone' }, 'and it is not brought back')
  t.equal(await adapter.find('uid'), undefined)
})

eachDatabase(t, 'a replay is seen by all', async (t, database) => {
  const { db } = database
  await connected(database)
  const firsts = await Promise.all(twenty.map(() => noteUse(db, 'jti', 60)))
  t.equal(firsts.filter(Boolean).length, 1)
  await sql`update oidc_artifact set expires_at = now() - interval '1 second'`.execute(db)
  t.equal(await noteUse(db, 'jti', 60), true, 'an expired row that was not cleaned up yet does not count')
  t.equal(await noteUse(db, 'jti', 60), false)

  const adapter = adapterOf(database)('ReplayDetection')
  const { done } = await outcomes(twenty.map(() => adapter.upsert('other', { kind: 'ReplayDetection' }, 60)))
  t.equal(done, 1)
})

eachDatabase(t, 'a device code is decided once', async (t, database) => {
  const adapter = adapterOf(database)('DeviceCode')
  const code = token('DeviceCode', { userCode: 'BCDF', jti: 'device' })
  const { accountId: _accountId, grantId: _grantId, sessionUid: _sessionUid, ...open } = code
  await adapter.upsert('device', open, 600)
  await connected(database)
  const typed = await outcomes(twenty.map(() => adapter.upsert('device', { ...open, inFlight: true }, 600)))
  t.equal(typed.done, 1, 'one browser takes it up')
  const decided = await outcomes(
    twenty.map((i) =>
      adapter.upsert('device', { ...open, inFlight: true, accountId: `person-${i}`, grantId: 'g' }, 600)
    )
  )
  t.equal(decided.done, 1, 'one person approves it')
  t.equal((await outcomes(twenty.map(() => adapter.consume('device')))).done, 1)
})

eachDatabase(t, 'clean-up is bounded and leaves the living alone', async (t, database) => {
  const { db } = database
  const adapter = adapterOf(database)('AccessToken')
  for (const i of twenty) await adapter.upsert(`at-${i}`, token('AccessToken'), 600)
  await adapter.upsert('living', token('AccessToken'), 600)
  await sql`update oidc_artifact set expires_at = now() - interval '1 second'
    where id <> ${artifactId('AccessToken', 'living')}`.execute(db)
  t.equal(await deleteExpired(db, 15), 15)
  t.equal(await deleteExpired(db, 15), 5)
  t.equal(await deleteExpired(db, 15), 0)
  t.ok(await adapter.find('living'))

  for (const [uid, age] of [
    ['old', '25 hours'],
    ['recent', '23 hours']
  ]) {
    await sql`insert into login_attempt (uid, browser_hash, client_id, request, expires_at)
      values (${uid}, 'b', 'site', '{}', now() - ${age}::interval)`.execute(db)
  }
  t.equal(await deleteExpiredAttempts(db), 1)
  t.same(
    (await db.selectFrom('loginAttempt').select('uid').execute()).map(({ uid }) => uid),
    ['recent']
  )
  t.equal(await deleteExpiredTickets(db), 0)

  await db
    .insertInto('throttle')
    .values([
      { key: 'over', count: 1, windowEndsAt: new Date(Date.now() - 60_000) },
      {
        key: 'blocked',
        count: 9,
        windowEndsAt: new Date(Date.now() - 60_000),
        blockedUntil: new Date(Date.now() + 60_000)
      },
      { key: 'running', count: 1, windowEndsAt: new Date(Date.now() + 60_000) }
    ])
    .execute()
  t.equal(await sweepThrottle(db), 1)
  t.same(
    (await db.selectFrom('throttle').select('key').orderBy('key').execute()).map(({ key }) => key),
    ['blocked', 'running']
  )
})
