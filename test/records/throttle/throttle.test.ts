import t from 'tap'
import { sql } from 'kysely'
import { createThrottle, sweepThrottle, type Throttle, type Turn } from '../../../src/records/throttle/index.ts'
import { throttleRules } from '../../../src/domain/login/throttle.ts'
import { openDatabase } from '../../../src/database/connection.ts'
import { eachDatabase, patient, type TestDatabase } from '../../support/database.ts'

const identifier = 'cert_no:11010519491231002X'
const strangers = (index: number): string => `198.51.${index >> 8}.${index & 255}`

interface Tried {
  allowed: boolean
  reason?: string
  remaining?: number
  retryAfterSeconds?: number
}
/** One try from beginning to end. */
async function attempt (
  throttle: Throttle,
  source: string,
  right: boolean,
  { of = identifier, knownBrowser = false } = {}
): Promise<Tried> {
  const turn = await throttle.begin({ identifier: of, source, knownBrowser })
  if (!turn.allowed) return turn
  await turn.settle(right)
  return { allowed: true, remaining: turn.remaining }
}
const wrong = async (throttle: Throttle, source: string, options = {}): Promise<Tried> =>
  await attempt(throttle, source, false, options)
const right = async (throttle: Throttle, source: string, options = {}): Promise<Tried> =>
  await attempt(throttle, source, true, options)

/** The database's time moves on. */
async function later ({ db }: TestDatabase, seconds: number): Promise<void> {
  await sql`update throttle set window_ends_at = window_ends_at - make_interval(secs => ${seconds}),
    blocked_until = blocked_until - make_interval(secs => ${seconds})`.execute(db)
}

eachDatabase(t, 'of fifty wrong tries at once five are evaluated (T045)', async (t, database) => {
  const throttle = createThrottle(database)
  let evaluated = 0
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      const turn = await throttle.begin({ identifier, source: 'a', knownBrowser: false })
      if (turn.allowed) {
        evaluated++
        await turn.settle(false)
      }
    })
  )
  t.equal(evaluated, 5)
  const refused = await right(throttle, 'a')
  t.match(refused, { allowed: false, reason: 'pair' }, 'even the right password')
  t.ok(refused.retryAfterSeconds! > 800 && refused.retryAfterSeconds! <= 900)
  t.match(await right(throttle, 'b'), { allowed: true }, 'another source is free')
  t.match(await right(throttle, 'a'), { allowed: false }, 'whose success frees nobody else')
  t.match(await right(throttle, 'a', { of: 'phone:+8613800138000' }), { allowed: true }, 'another identifier too')
  await later(database, 901)
  t.match(await wrong(throttle, 'a'), { allowed: true, remaining: 4 }, 'and it passes')
})

eachDatabase(t, 'tries are counted down; a success clears the own source only', async (t, database) => {
  const throttle = createThrottle(database)
  for (const remaining of [4, 3, 2, 1]) t.match(await wrong(throttle, 'a'), { allowed: true, remaining })
  for (const remaining of [4, 3]) t.match(await wrong(throttle, 'b'), { allowed: true, remaining })
  t.match(await right(throttle, 'a'), { allowed: true, remaining: 0 })
  t.match(await wrong(throttle, 'a'), { remaining: 4 })
  t.match(await wrong(throttle, 'b'), { remaining: 2 })
})

eachDatabase(t, 'a pause begins with the fifth wrong try, not with the first', async (t, database) => {
  const throttle = createThrottle(database)
  for (let i = 0; i < 4; i++) await wrong(throttle, 'a')
  await later(database, 800)
  t.match(await wrong(throttle, 'a'), { allowed: true })
  await later(database, 800)
  t.match(await right(throttle, 'a'), { allowed: false })
})

eachDatabase(t, 'one process counts what another saw, and a restart forgets nothing (T050)', async (t, database) => {
  const first = createThrottle(database)
  for (let i = 0; i < 3; i++) await wrong(first, 'a')
  const other =
    database.url === null
      ? null
      : await openDatabase({ databaseUrl: database.url, dataDir: '', poolSize: 1, timeouts: patient })
  if (other !== null) t.teardown(other.close)
  const second = createThrottle({ db: other?.db ?? database.db, crypto: database.crypto })
  t.match(await wrong(second, 'a'), { remaining: 1 })
  t.match(await wrong(first, 'a'), { remaining: 0 })
  t.match(await right(second, 'a'), { allowed: false })
})

eachDatabase(t, 'nobody locks out somebody else: the known browser', async (t, database) => {
  const throttle = createThrottle(database)
  const known = { knownBrowser: true }
  for (let source = 0; source < 150; source++) await wrong(throttle, strangers(source))
  t.match(await right(throttle, strangers(500)), { allowed: false, reason: 'suspended' }, 'strangers are at an end')
  t.match(await right(throttle, 'home', known), { allowed: true, remaining: 4 })
  t.match(await right(throttle, strangers(3), known), { allowed: true }, 'even from an address that a stranger used')

  for (let i = 0; i < 6; i++) await wrong(throttle, 'office')
  for (let i = 0; i < 25; i++) await wrong(throttle, 'office', { of: `cert_no:${i}` })
  t.match(await right(throttle, 'office'), { allowed: false })
  t.match(await right(throttle, 'office', known), { allowed: true }, 'even from an address that is paused')
})

eachDatabase(t, 'nobody locks out somebody else: a new browser, up to what NIST demands', async (t, database) => {
  const throttle = createThrottle(database)
  for (let source = 0; source < 60; source++) for (let i = 0; i < 3; i++) await wrong(throttle, strangers(source))
  t.match(
    await wrong(throttle, strangers(0)),
    { allowed: false, reason: 'identifier' },
    'a stranger has one try left at each address'
  )
  t.match(
    await right(throttle, 'hotel'),
    { allowed: true, remaining: 0 },
    'the person, anywhere new, too: with the right password'
  )
})

eachDatabase(t, "the known browser's own tries are limited as well", async (t, database) => {
  const throttle = createThrottle(database)
  const known = { knownBrowser: true }
  for (let i = 0; i < 5; i++) await wrong(throttle, strangers(i), known)
  t.match(
    await right(throttle, 'home', known),
    { allowed: false, reason: 'pair' },
    'a stolen cookie gains nothing by changing address'
  )
  t.match(await right(throttle, 'home'), { allowed: true }, 'and does not lock out the person elsewhere')
})

eachDatabase(t, 'no more than a hundred wrong passwords in a row, also in small parts', async (t, database) => {
  const throttle = createThrottle(database)
  let evaluated = 0
  for (let source = 0; source < 130; source++) if ((await wrong(throttle, strangers(source))).allowed) evaluated++
  t.equal(evaluated, 100)
  t.match(await right(throttle, 'new'), { allowed: false, reason: 'suspended' })
  await later(database, 2 * 86400)
  t.match(await right(throttle, 'new'), { allowed: false, reason: 'suspended' }, 'time alone does not help soon')
  await throttle.lift(database.db, identifier)
  t.match(await wrong(throttle, 'other'), { allowed: true, remaining: 4 }, 'a new password does')
})

eachDatabase(t, 'a success ends the row', async (t, database) => {
  const throttle = createThrottle(database, { ...throttleRules, consecutive: { limit: 4, windowSeconds: 3600 } })
  for (let i = 0; i < 3; i++) await wrong(throttle, strangers(i))
  await right(throttle, 'home')
  for (let i = 10; i < 14; i++) t.match(await wrong(throttle, strangers(i)), { allowed: true })
  t.match(await wrong(throttle, strangers(20)), { allowed: false, reason: 'suspended', suspensionBegins: true })
  t.match(await wrong(throttle, strangers(21)), { suspensionBegins: false }, 'it begins once')
})

eachDatabase(t, 'spraying many identifiers pauses the source, and only it (T047)', async (t, database) => {
  const throttle = createThrottle(database)
  let evaluated = 0
  for (let i = 0; i < 60; i++) if ((await wrong(throttle, 'sprayer', { of: `cert_no:${i}` })).allowed) evaluated++
  t.equal(evaluated, 20)
  const refused = await wrong(throttle, 'sprayer', { of: 'cert_no:3' })
  t.match(refused, { allowed: false, reason: 'source' }, 'also those begun before')
  t.ok(refused.retryAfterSeconds! > 800)
  t.match(await right(throttle, 'elsewhere', { of: 'cert_no:3' }), { allowed: true })
  await later(database, 901)
  t.match(await wrong(throttle, 'sprayer', { of: 'cert_no:99' }), { allowed: true })
})

eachDatabase(t, 'spraying all at once evaluates no more', async (t, database) => {
  const throttle = createThrottle(database)
  const tried = await Promise.all(
    Array.from({ length: 60 }, async (_, i) => await wrong(throttle, 'sprayer', { of: `cert_no:${i}` }))
  )
  t.equal(tried.filter((one) => one.allowed).length, 20)
})

eachDatabase(t, 'an office behind one address logs in, slips included', async (t, database) => {
  const throttle = createThrottle(database)
  for (let i = 0; i < 60; i++) {
    const of = `cert_no:${i}`
    if (i % 2 === 0) t.match(await wrong(throttle, 'office', { of }), { allowed: true })
    t.match(await right(throttle, 'office', { of }), { allowed: true })
  }
  const turns: Turn[] = []
  for (let i = 0; i < 25; i++) {
    turns.push(await throttle.begin({ identifier: `cert_no:r${i}`, source: 'office', knownBrowser: false }))
  }
  const over = turns.find((turn) => !turn.allowed)
  t.match(over, { reason: 'source', retryAfterSeconds: 5 }, 'too many at one moment: a moment, not a pause')
  for (const turn of turns) if (turn.allowed) await turn.settle(true)
  t.match(await right(throttle, 'office', { of: 'cert_no:last' }), { allowed: true })
})

eachDatabase(t, 'a try that was not evaluated for our own fault leaves no trace', async (t, database) => {
  const throttle = createThrottle(database)
  for (let i = 0; i < 30; i++) {
    const turn = await throttle.begin({ identifier: `cert_no:${i % 25}`, source: 'a', knownBrowser: false })
    t.ok(turn.allowed)
    if (turn.allowed) {
      await turn.release()
      await turn.release()
      await turn.settle(true)
    }
  }
  const { rows } = await sql<{ count: number }>`select count from throttle`.execute(database.db)
  t.ok(rows.length > 0)
  t.ok(rows.every((row) => row.count === 0))
})

eachDatabase(t, 'what is stored names nobody', async (t, database) => {
  const throttle = createThrottle(database)
  await wrong(throttle, '203.0.113.9')
  await throttle.hit('sms:+8613800138000', 1, 60)
  const dump = JSON.stringify((await sql`select * from throttle`.execute(database.db)).rows)
  t.notMatch(dump, /11010519491231002X|203\.0\.113|13800138000/)
  t.match(dump, /pair:/)
})

eachDatabase(t, 'a general limit: atomic, its refusals do not count, it ends', async (t, database) => {
  const throttle = createThrottle(database)
  const hits = await Promise.all(Array.from({ length: 20 }, async () => await throttle.hit('k', 3, 600)))
  t.equal(hits.filter((hit) => hit.allowed).length, 3)
  t.same(hits.flatMap((hit) => (hit.allowed ? [hit.remaining] : [])).sort(), [0, 1, 2])
  const refused = hits.find((hit) => !hit.allowed)!
  t.ok(!refused.allowed && refused.retryAfterSeconds > 500 && refused.retryAfterSeconds <= 600)
  t.match(await throttle.hit('other', 3, 600), { allowed: true, remaining: 2 })
  await later(database, 601)
  t.match(await throttle.hit('k', 3, 600), { allowed: true, remaining: 2 })
})

eachDatabase(t, 'counters that have passed are swept, others stay', async (t, database) => {
  const throttle = createThrottle(database)
  for (let i = 0; i < 5; i++) await throttle.hit(`old${i}`, 1, 60)
  await later(database, 61)
  await throttle.hit('young', 1, 60)
  t.equal(await sweepThrottle(database.db, 3), 3)
  t.equal(await sweepThrottle(database.db), 2)
  t.equal(await sweepThrottle(database.db), 0)
  t.match(await throttle.hit('young', 1, 60), { allowed: false })
})

eachDatabase(
  t,
  'whoever succeeds several times at once takes back no failures of others from the source',
  async (t, database) => {
    const throttle = createThrottle(database)
    for (let i = 0; i < 18; i++) await wrong(throttle, 'a', { of: `phone:+86138001380${10 + i}` })
    const own = await Promise.all(
      [1, 2, 3].map(async () => await throttle.begin({ identifier, source: 'a', knownBrowser: false }))
    )
    for (const turn of own) if (turn.allowed) await turn.settle(true)
    for (let i = 0; i < 2; i++) {
      t.match(await wrong(throttle, 'a', { of: `phone:+86139001390${10 + i}` }), { allowed: true })
    }
    t.match(
      await wrong(throttle, 'a', { of: 'phone:+8613700137000' }),
      { allowed: false, reason: 'source' },
      'twenty have failed'
    )
  }
)
