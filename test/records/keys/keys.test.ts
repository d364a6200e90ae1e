import t from 'tap'
import { pino } from 'pino'
import { sql } from 'kysely'
import { createAudit } from '../../../src/records/audit/index.ts'
import {
  emergencyRemoval,
  listKeys,
  publishNext,
  removeRetired,
  rotateNow,
  runKeySchedule,
  type ScheduledStep
} from '../../../src/records/keys/index.ts'
import { ensureSigningKeys } from '../../../src/tokens/signing-keys.ts'
import { publicMaxAge } from '../../../src/tokens/signing-keys.ts'
import { openDatabase } from '../../../src/database/connection.ts'
import { eachDatabase, patient, testPostgres, type TestDatabase } from '../../support/database.ts'
import { withPostgres } from '../../support/needs.ts'

const act = { actor: 'operator:lhamo', reason: 'yearly drill', address: null, traceId: 'abc' } as const
const quiet = pino({ level: 'silent' })
const servicesOf = (database: TestDatabase): Parameters<typeof runKeySchedule>[0] => ({
  db: database.db,
  crypto: database.crypto,
  audit: createAudit(database),
  log: quiet,
  config: { keyRotationDays: 90 }
})
const states = async (database: TestDatabase): Promise<string[]> =>
  (await listKeys(database.db)).map(({ alg, state }) => `${alg} ${state}`)
const events = async ({ db }: TestDatabase): Promise<string[]> =>
  (await db.selectFrom('auditEvent').select(['type', 'actor']).orderBy('id').execute()).map(
    ({ type, actor }) => `${type} ${actor}`
  )
const age = async (
  { db }: TestDatabase,
  column: 'created_at' | 'activated_at' | 'retired_at',
  state: string,
  seconds: number
): Promise<void> => {
  await sql`update signing_key set ${sql.id(column)} = now() - make_interval(secs => ${seconds})
    where state = ${state}`.execute(db)
}
const steps = (done: ScheduledStep[]): string[] => done.map(({ step, alg }) => `${step} ${alg}`)

eachDatabase(
  t,
  'the schedule keeps a successor published, rotates an old key and takes it out a day later',
  async (t, database) => {
    const services = servicesOf(database)
    await ensureSigningKeys(database.db, database.crypto, { algs: ['ES256'] })
    t.same(steps(await runKeySchedule(services)), ['published ES256'])
    t.same(await states(database), ['ES256 active', 'ES256 pre-published'])
    t.same(await runKeySchedule(services), [], 'nothing is due')

    await age(database, 'activated_at', 'active', 90 * 86_400 + 1)
    t.same(await runKeySchedule(services), [], 'sites cannot know the successor yet')
    await age(database, 'created_at', 'pre-published', 7_199)
    t.same(await runKeySchedule(services), [], 'a second too early')
    await age(database, 'created_at', 'pre-published', 7_201)
    t.same(steps(await runKeySchedule(services)), ['rotated ES256', 'published ES256'])
    t.same(await states(database), ['ES256 active', 'ES256 pre-published', 'ES256 retired'])

    await age(database, 'retired_at', 'retired', 86_399)
    t.same(await runKeySchedule(services), [])
    await age(database, 'retired_at', 'retired', 86_401)
    t.same(steps(await runKeySchedule(services)), ['removed ES256'])
    const removed = (await listKeys(database.db)).find(({ state }) => state === 'removed')
    t.same(
      removed?.history.map(({ state, by, reason }) => [state, by, reason]),
      [
        ['active', 'system', 'first_start'],
        ['retired', 'system', 'schedule'],
        ['removed', 'system', 'schedule']
      ]
    )
    t.ok(
      removed?.history.every(({ at }) => Math.abs(Date.parse(at) - Date.now()) < 60_000),
      'each step has its time'
    )
    t.same(await events(database), [
      'signing-key.created system',
      'signing-key.activated system',
      'signing-key.retired system',
      'signing-key.created system',
      'signing-key.removed system'
    ])
  }
)

eachDatabase(t, 'rotation by hand: reasons and refusals', async (t, database) => {
  const { db } = database
  const services = servicesOf(database)
  await ensureSigningKeys(db, database.crypto, { algs: ['ES256'] })
  const first = (await listKeys(db))[0]!.kid
  const rotation = async (): ReturnType<typeof rotateNow> =>
    await db.transaction().execute(async (trx) => await rotateNow(trx, services, act, 'ES256'))
  await t.rejects(rotation(), { code: 'signing_key_missing' })
  const next = await publishNext(services, act, 'ES256')
  await t.rejects(publishNext(services, act, 'ES256'), { code: 'signing_key_published' })
  await t.rejects(rotation(), { code: 'signing_key_too_young' })
  await age(database, 'created_at', 'pre-published', 7_201)
  t.same(await rotation(), { active: next, retired: first, removedAfterSeconds: 86_400 })
  await t.rejects(
    db.transaction().execute(async (trx) => {
      await removeRetired(trx, { keyServices: services, act, kid: first })
    }),
    { code: 'signing_key_in_use' }
  )
  await age(database, 'retired_at', 'retired', 86_401)
  await db.transaction().execute(async (trx) => {
    await removeRetired(trx, { keyServices: services, act, kid: first })
  })
  t.same(
    await events(database),
    ['created', 'activated', 'retired', 'removed'].map((what) => `signing-key.${what} operator:lhamo`),
    'what was refused is not recorded as done'
  )
  t.same(await db.selectFrom('auditEvent').select(['reason', 'traceId']).distinct().execute(), [
    { reason: 'yearly drill', traceId: 'abc' }
  ])
})

eachDatabase(t, 'a leaked key is out at once, whatever its state', async (t, database) => {
  const { db } = database
  const services = servicesOf(database)
  await ensureSigningKeys(db, database.crypto, { algs: ['ES256'] })
  const [leaked] = await listKeys(db)
  const alone = await emergencyRemoval(services, act, leaked!.kid)
  t.match(
    alone,
    { removed: leaked!.kid, was: 'active', successorKnown: false, sitesMayTrustForSeconds: publicMaxAge },
    'no successor was published: a new key signs, and sites must fetch it'
  )
  t.same(await states(database), ['ES256 active', 'ES256 removed'])
  t.equal((await listKeys(db))[0]?.kid, alone.active)

  const published = await publishNext(services, act, 'ES256')
  t.match(await emergencyRemoval(services, act, published), { was: 'pre-published', active: null })
  t.same((await listKeys(db))[0]?.kid, alone.active, 'who signs goes on')

  const next = await publishNext(services, act, 'ES256')
  await age(database, 'created_at', 'pre-published', 7_201)
  t.match(await emergencyRemoval(services, act, alone.active!), { was: 'active', active: next, successorKnown: true })
  await t.rejects(emergencyRemoval(services, act, alone.active!), { code: 'signing_key_unknown' }, 'once')
  await t.rejects(emergencyRemoval(services, act, 'unknown'), { code: 'signing_key_unknown' })
  t.equal(
    Number(
      (
        await sql<{
          n: number
        }>`select count(*) as n from signing_key where state = 'removed' and private_enc <> ''`.execute(db)
      ).rows[0]?.n
    ),
    0,
    'private parts are erased'
  )
  t.equal(
    (
      await db
        .selectFrom('auditEvent')
        .select('id')
        .where(sql<boolean>`details->>'emergency' = 'true' and type = 'signing-key.removed'`)
        .execute()
    ).length,
    3
  )
})

await withPostgres(t, 'five processes with one schedule: each step once', async (t, url) => {
  const database = await testPostgres(t, url)
  await ensureSigningKeys(database.db, database.crypto, { algs: ['ES256'] })
  const processes = await Promise.all(
    Array.from(
      { length: 5 },
      async () => await openDatabase({ databaseUrl: database.url, dataDir: '', timeouts: patient, poolSize: 2 })
    )
  )
  t.teardown(async () => {
    await Promise.all(
      processes.map(async ({ close }) => {
        await close()
      })
    )
  })
  const round = async (): Promise<string[]> =>
    (await Promise.all(processes.map(async ({ db }) => await runKeySchedule({ ...servicesOf(database), db }))))
      .flatMap(steps)
      .sort()
  t.same(await round(), ['published ES256'])
  await age(database, 'activated_at', 'active', 91 * 86_400)
  await age(database, 'created_at', 'pre-published', 7_201)
  // who is late publishes the next one, or finds it published
  t.equal((await round()).filter((step) => step === 'rotated ES256').length, 1)
  await round()
  await age(database, 'retired_at', 'retired', 86_401)
  t.same(await round(), ['removed ES256'])
  t.same(await states(database), ['ES256 active', 'ES256 pre-published', 'ES256 removed'])
  t.equal((await events(database)).filter((event) => event === 'signing-key.activated system').length, 1)
})
