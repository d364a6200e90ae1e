// Begin and verdict: limits under parallel starts, faults of the provider that are no tries, verdicts settled once.
import t from 'tap'
import { sql } from 'kysely'
import { createFaceHttpProvider } from '../../../src/adapters/face-http/index.ts'
import {
  beginFaceCheck,
  faceTriesLeft,
  faceVerdict,
  useFaceVerdict,
  type BeginHooks,
  type FaceBinding
} from '../../../src/records/face-checks/index.ts'
import { hmacKey, rogue, signed } from '../../adapters/face-http/support.ts'
import { eachDatabase } from '../../support/database.ts'
import { codeOf, consent, events, faceOf, sandboxOf, times, world, type World } from '../scan-tickets/support.ts'

const sandbox = await sandboxOf(t)
const hooks: BeginHooks = { begun: async () => true, exhausted: async () => true }
const silent = { passed: async () => {}, failed: async () => {} }
let count = 0
const about = (w: World, extra: Partial<FaceBinding> = {}): FaceBinding => ({
  personId: w.personId,
  purpose: 'login',
  binding: `login-attempt:${++count}`,
  scanTicketId: `st_${count}`,
  ...extra
})
const begin = async (w: World, binding: FaceBinding, extra: object = {}) =>
  await beginFaceCheck(
    w.services,
    { ...binding, channel: 'h5', locale: 'zh-CN', consent, circumstances: {}, ...extra },
    hooks
  )
const begun = async (w: World, binding: FaceBinding) => {
  const result = await begin(w, binding)
  if (!result.ok) throw new Error(result.code)
  return result.begun
}
const pull = async (w: World, id: string, binding: FaceBinding) =>
  await faceVerdict(w.services, id, binding, {}, silent)
const check = async (w: World, id: string) =>
  await w.services.db.selectFrom('faceCheck').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
const left = async (w: World, binding: FaceBinding) => await faceTriesLeft(w.services.db, binding)
const clear = async (w: World) => {
  await sql`delete from face_check`.execute(w.services.db)
}

await eachDatabase(t, 'begin', async (t, database) => {
  const w = await world(database, sandbox)

  await t.test('no consent, no start', async (t) => {
    const binding = about(w)
    t.equal(
      codeOf((await begin(w, binding, { consent: { given: false, version: consent.version } })) as never),
      'consent_required'
    )
    t.equal((await w.services.db.selectFrom('faceCheck').select('id').execute()).length, 0)
  })

  await t.test('twenty starts at once are one check', async (t) => {
    const binding = about(w)
    const all = await times(20, async () => await begun(w, binding))
    t.equal(new Set(all.map((one) => one.checkId)).size, 1)
    t.equal(new Set(all.map((one) => one.url)).size, 1, 'the provider was given one id, and gave one page')
    t.match(all[0]?.checkId, /^[0-9a-f]{32}$/, 'what every vendor takes as an order number')
    t.equal(await events(w, 'face-check.started'), 1)
    t.match(await check(w, all[0]!.checkId), { state: 'pending', counted: true, provider: 'face-http' })
  })

  await t.test('twenty attempts of one person at once are five tries', async (t) => {
    await clear(w)
    const results = await times(20, async () => await begin(w, about(w)))
    t.equal(results.filter((result) => result.ok).length, 5)
    t.ok(results.every((result) => result.ok || result.code === 'face_exhausted'))
    t.equal((await w.services.db.selectFrom('faceCheck').select('id').execute()).length, 5)
  })

  await t.test('the day is that of Shanghai', async (t) => {
    await clear(w)
    const binding = about(w)
    sandbox.script(['mismatch', 'mismatch'])
    for (let i = 0; i < 2; i++) await pull(w, (await begun(w, binding)).checkId, binding)
    t.same(await left(w, binding), { attempt: 1, day: 3 })
    await sql`update face_check set started_at = (date_trunc('day',
      (now() at time zone 'UTC') + interval '8 hours') - interval '8 hours') at time zone 'UTC' - interval
        '1 second'`.execute(w.services.db)
    t.same(await left(w, binding), { attempt: 1, day: 5 }, "yesterday's tries count for their attempt only")
  })

  await t.test('passes are no tries: who logs in often is not locked out', async (t) => {
    await clear(w)
    for (let i = 0; i < 7; i++) {
      const binding = about(w)
      sandbox.script(['pass'])
      t.match(await pull(w, (await begun(w, binding)).checkId, binding), { status: 'passed' })
    }
    t.same(await left(w, about(w)), { attempt: 3, day: 5 })
  })

  await t.test('a check nobody asked about in time was a try', async (t) => {
    await clear(w)
    const binding = about(w)
    const first = await begun(w, binding)
    t.same(await left(w, binding), { attempt: 3, day: 5 }, 'while it is open its try is still left')
    await sql`update face_check set expires_at = now() - interval '1 second'`.execute(w.services.db)
    t.same(await left(w, binding), { attempt: 2, day: 4 })
    const second = await begun(w, binding)
    t.not(second.checkId, first.checkId)
    t.equal(second.triesLeft, 2)
    t.match(await check(w, first.checkId), { state: 'expired', counted: true })
    t.match(await pull(w, first.checkId, binding), { status: 'failed', reason: 'EXPIRED' })
  })

  await t.test('starts that come to nothing are bounded as well', async (t) => {
    await clear(w)
    await sql`insert into face_check (id, person_id, purpose, binding, provider, state, counted, expires_at)
              select 'old-' || n, ${w.personId}, 'login', 'x' || n, 'test', 'error', false, now()
                from generate_series(1, 20) n`.execute(w.services.db)
    t.match(await begin(w, about(w)), { code: 'too_many_requests' })
  })

  await t.test('what it is for may refuse, and nothing happened', async (t) => {
    await clear(w)
    const result = await beginFaceCheck(
      w.services,
      { ...about(w), channel: 'h5', locale: 'zh-CN', consent, circumstances: {} },
      { ...hooks, begun: async () => false }
    )
    t.match(result, { code: 'wrong_state' })
    t.equal((await w.services.db.selectFrom('faceCheck').select('id').execute()).length, 0)
  })
})

await eachDatabase(t, 'faults of the provider', async (t, database) => {
  const w = await world(database, sandbox)
  const hasty: World = { ...w, services: { ...w.services, face: faceOf(sandbox, 150) } }

  await t.test('at the start: the try is given back', async (t) => {
    const binding = about(w)
    for (const fault of ['down', 'garbage', 'forged', 'timeout'] as const) {
      sandbox.outage(fault)
      t.match(await begin(hasty, binding), { code: 'face_unavailable' }, fault)
    }
    sandbox.outage(null)
    t.same(await left(w, binding), { attempt: 3, day: 5 })
    t.same(
      await w.services.db.selectFrom('faceCheck').select(['state', 'counted', 'reason']).execute(),
      Array(4).fill({ state: 'error', counted: false, reason: 'UPSTREAM' })
    )
    t.equal(await events(w, 'face-check.unavailable'), 4)
    t.equal((await begin(w, binding)).ok, true)
  })

  await t.test('at the verdict: said, not counted, and over when the provider is back', async (t) => {
    await clear(w)
    for (const fault of ['down', 'garbage', 'forged', 'timeout'] as const) {
      const binding = about(w)
      sandbox.script(['pass'])
      const { checkId } = await begun(w, binding)
      sandbox.outage(fault)
      t.match(await pull(hasty, checkId, binding), { status: 'unavailable', retryAfterSeconds: 5 }, fault)
      t.match(await check(w, checkId), { state: 'pending' }, 'no pass, no failure')
      t.same(await left(w, binding), { attempt: 3, day: 5 })
      sandbox.outage(null)
      t.match(await pull(w, checkId, binding), { status: 'passed' })
    }
  })

  await t.test('a check that lapses during an outage is no try', async (t) => {
    await clear(w)
    const binding = about(w)
    const { checkId } = await begun(w, binding)
    sandbox.outage('down')
    await pull(w, checkId, binding)
    sandbox.outage(null)
    await sql`update face_check set expires_at = now() - interval '1 second'`.execute(w.services.db)
    t.match(await pull(w, checkId, binding), { status: 'failed', reason: 'EXPIRED' })
    t.same(await left(w, binding), { attempt: 3, day: 5 })
  })

  await t.test('going on with an unfinished check while the line is down keeps it', async (t) => {
    await clear(w)
    const binding = about(w)
    sandbox.script(['pass'])
    const { checkId } = await begun(w, binding)
    sandbox.outage('down')
    t.match(await begin(w, binding), { code: 'face_unavailable' })
    sandbox.outage(null)
    t.match(await check(w, checkId), { state: 'pending', counted: true }, 'its try may have been made')
    t.match(await pull(w, checkId, binding), { status: 'passed' })
  })

  await t.test('a start that the provider takes for another one: a new check, and the old try is spent', async (t) => {
    await clear(w)
    const binding = about(w)
    const first = await begin(w, binding, { clientMeta: 'one' })
    const second = await begin(w, binding, { clientMeta: 'two' })
    if (!first.ok || !second.ok) {
      t.fail('refused')
      return
    }
    t.not(second.begun.checkId, first.begun.checkId)
    t.match(
      await check(w, first.begun.checkId),
      { state: 'expired', counted: true },
      'else changing it would be free guesses'
    )
    t.equal(second.begun.triesLeft, 2)
  })

  await t.test('answers that are signed and still no pass', async (t) => {
    await clear(w)
    let verdict: object = {}
    const server = await rogue(t, (request, response) => {
      const body = server.requests.at(-1)
      const start = body?.method === 'POST' ? (JSON.parse(body.body) as { attemptId: string }) : null
      if (start !== null) attemptId = start.attemptId
      signed(
        request,
        response,
        JSON.stringify(
          start !== null
            ? {
                transactionId: 'transaction-1',
                attemptId,
                expiresAt: new Date(Date.now() + 60_000).toISOString(),
                method: 'sdkToken',
                token: 'x'
              }
            : { transactionId: 'transaction-1', attemptId, ...verdict }
        )
      )
    })
    let attemptId = ''
    const rogueWorld = {
      ...w,
      services: {
        ...w.services,
        face: createFaceHttpProvider({
          baseUrl: server.baseUrl,
          ...hmacKey,
          timeoutMs: 1000,
          breaker: { failures: 1000 }
        })
      }
    }
    const pass = { status: 'passed', liveness: true, verifiedAt: new Date().toISOString(), score: 99 }
    const rows: Array<[string, object, object]> = [
      ['no score', { ...pass, score: undefined }, { status: 'unavailable' }],
      ['score as text', { ...pass, score: '99' }, { status: 'unavailable' }],
      ['score above the range', { ...pass, score: 101 }, { status: 'unavailable' }],
      ['no liveness', { ...pass, liveness: undefined }, { status: 'unavailable' }],
      ['not alive', { ...pass, liveness: false }, { status: 'failed', reason: 'LIVENESS_RISK' }],
      ['low score', { ...pass, score: 69.9 }, { status: 'failed', reason: 'NOT_SAME_PERSON' }],
      ['somebody else', { ...pass, boundDocNoHash: 'b'.repeat(64) }, { status: 'failed', reason: 'NAME_ID_MISMATCH' }],
      ['a real pass', pass, { status: 'passed' }]
    ]
    for (const [name, answer, expected] of rows) {
      await clear(w)
      const binding = about(w)
      verdict = answer
      const { checkId, method, token } = await begun(rogueWorld, binding)
      t.match({ method, token }, { method: 'sdkToken', token: 'x' })
      t.match(await pull(rogueWorld, checkId, binding), expected, name)
      await sql`update face_check set provider_txn = null`.execute(w.services.db)
    }
    t.notMatch(
      JSON.stringify(server.requests.map((request) => request.body)),
      /10\.9\.9\.9/,
      'the provider learns no address'
    )
  })
})

await eachDatabase(t, 'verdict', async (t, database) => {
  const w = await world(database, sandbox)

  await t.test('pulled twenty times at once: settled once', async (t) => {
    const binding = about(w)
    sandbox.script(['mismatch'])
    const { checkId } = await begun(w, binding)
    let told = 0
    const results = await times(
      20,
      async () =>
        await faceVerdict(
          w.services,
          checkId,
          binding,
          {},
          {
            ...silent,
            failed: async () => {
              told++
            }
          }
        )
    )
    t.ok(results.every((result) => result.ok && result.status === 'failed'))
    t.equal(told, 1)
    t.equal(await events(w, 'face-check.failed'), 1)
    t.same(await left(w, binding), { attempt: 2, day: 4 })
  })

  await t.test('is nothing to another person, purpose, thing or ticket', async (t) => {
    const binding = about(w)
    sandbox.script(['pass'])
    const { checkId } = await begun(w, binding)
    for (const other of [
      { personId: 'per_x' },
      { purpose: 'recover' as const },
      { binding: 'login-attempt:x' },
      { scanTicketId: 'st_x' },
      { scanTicketId: null }
    ]) {
      t.match(await pull(w, checkId, { ...binding, ...other }), { code: 'not_found' }, JSON.stringify(other))
    }
    t.match(await pull(w, checkId, binding), { status: 'passed' })
    const use = async (extra: object = {}) =>
      await w.services.db
        .transaction()
        .execute(async (trx) => await useFaceVerdict(trx, checkId, { ...binding, ...extra }))
    for (const other of [
      { personId: 'per_x' },
      { purpose: 'recover' as const },
      { binding: 'login-attempt:x' },
      { scanTicketId: 'st_x' }
    ]) {
      t.equal(await use(other), false)
    }
    t.equal((await times(20, async () => await use())).filter(Boolean).length, 1, 'used once')
    t.match(await pull(w, checkId, binding), { status: 'passed' }, 'the answer stays the same')
  })

  await t.test('a pass that comes too late is none', async (t) => {
    const binding = about(w)
    sandbox.script(['pass'])
    const { checkId } = await begun(w, binding)
    await sql`update face_check set expires_at = now() - interval '1 second' where id = ${checkId}`.execute(
      w.services.db
    )
    t.match(await pull(w, checkId, binding), { status: 'failed', reason: 'EXPIRED' })
    t.match(await check(w, checkId), { state: 'expired', usedAt: null })
  })

  await t.test('a verdict is used within five minutes or not at all', async (t) => {
    const binding = about(w)
    sandbox.script(['pass'])
    const { checkId } = await begun(w, binding)
    await pull(w, checkId, binding)
    const use = async () =>
      await w.services.db.transaction().execute(async (trx) => await useFaceVerdict(trx, checkId, binding))
    const { expiresAt } = await check(w, checkId)
    t.ok(Math.abs(expiresAt.getTime() - Date.now() - 300_000) < 30_000)
    await sql`update face_check set expires_at = now() - interval '1 second' where id = ${checkId}`.execute(
      w.services.db
    )
    t.equal(await use(), false)
    await sql`update face_check set expires_at = now() + interval '1 minute', state = 'failed'
      where id = ${checkId}`.execute(w.services.db)
    t.equal(await use(), false)
  })

  await t.test('keeps a score bucket in the audit trail and nothing of the person', async (t) => {
    const rows = await w.services.db
      .selectFrom('auditEvent')
      .selectAll()
      .where('type', 'like', 'face-check.%')
      .orderBy('id')
      .execute()
    t.ok(rows.some((row) => row.details['scoreBucket'] === 90 && row.details['thresholdVersion'] === '2026-01'))
    t.notMatch(JSON.stringify(rows), /扎西|5401021990|5401\*|93\.7/)
  })
})
