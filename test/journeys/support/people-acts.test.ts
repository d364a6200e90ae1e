import t from 'tap'
import { sql } from 'kysely'
import {
  endAllSessions,
  endDevice,
  endPersonSession,
  lockPerson,
  personDetail,
  resetPersonFaceTries,
  resetPasswordTries,
  listPersonSessions,
  unlockPerson
} from '../../../src/journeys/support/index.ts'
import { registerAppKey } from '../../../src/records/devices/index.ts'
import { createThrottle, personIdentifier } from '../../../src/records/throttle/index.ts'
import {
  events,
  left,
  signedIn,
  told,
  times,
  wholeSession,
  world,
  type World
} from '../../records/organizations/delegations/support.ts'
import { eachDatabase } from '../../support/database.ts'
import { act, counted } from './support.ts'

const statusOf = async ({ services: { db } }: World, id: string): Promise<string> =>
  (await db.selectFrom('person').select('status').where('id', '=', id).executeTakeFirstOrThrow()).status

const shortMessages = async ({ services: { db } }: World): Promise<number> =>
  (await db.selectFrom('outbox').select('id').where('topic', '=', 'sms').execute()).length

const gone = { session: false, site: false, token: false, logout: true }

eachDatabase(
  t,
  'lock: every session in every capacity ends with it, sites are told, the person is told; unlock gives back what it ' +
    'was',
  async (t, database) => {
    const w = await world(database)
    const [own, represented, others] = [
      await signedIn(w, w.lr, 'self'),
      await signedIn(w, w.lr, `lr:${w.organizationId}`),
      await signedIn(w, w.agent, 'self')
    ]
    t.equal(await lockPerson(w.services, act('疑似盗用'), w.lr), 'done')
    t.equal(await statusOf(w, w.lr), 'locked')
    t.same(await left(w, own), gone)
    t.same(await left(w, represented), gone)
    t.same(await left(w, others), wholeSession)
    t.match(await events(w, 'person.locked'), [
      { actor: 'admin:adm_1', personId: w.lr, reason: '疑似盗用', details: { sites: 2 } }
    ])
    t.match(await events(w, 'session.ended'), [{ personId: w.lr, reason: 'person_locked' }])
    t.same(await told(w, w.lr), ['security-account-locked'])
    t.equal(await shortMessages(w), 1)
    t.equal(await lockPerson(w.services, act(), w.lr), 'unchanged')
    t.equal(await unlockPerson(w.services, act(), w.lr), 'done')
    t.equal(await statusOf(w, w.lr), 'active')
    t.equal(await unlockPerson(w.services, act(), w.lr), 'unchanged')
    t.same(await left(w, own), gone, 'nothing comes back')
    t.same(await told(w, w.lr), ['security-account-locked', 'security-account-unlocked'])
  }
)

eachDatabase(
  t,
  'lock: an account that was not activated does not become active by it; a disabled one stays; unknown; no reason, ' +
    'no act',
  async (t, database) => {
    const w = await world(database)
    const { db } = database
    await db.updateTable('person').set({ status: 'unactivated' }).where('id', '=', w.lr).execute()
    await db.updateTable('person').set({ status: 'disabled' }).where('id', '=', w.agent).execute()
    t.equal(await lockPerson(w.services, act(), w.lr), 'done')
    t.equal(await unlockPerson(w.services, act(), w.lr), 'done')
    t.equal(await statusOf(w, w.lr), 'unactivated')
    t.equal(await lockPerson(w.services, act(), w.agent), 'unchanged')
    t.equal(await unlockPerson(w.services, act(), w.agent), 'unchanged')
    t.equal(await statusOf(w, w.agent), 'disabled')
    t.equal(await lockPerson(w.services, act(), 'per_nobody'), 'unknown')
    await t.rejects(lockPerson(w.services, act(' \0 '), w.lr), { code: 'reason_required' })
    t.equal(await statusOf(w, w.lr), 'unactivated')
  }
)

eachDatabase(t, 'lock: no audit event, no lock', async (t, database) => {
  const w = await world(database)
  const session = await signedIn(w, w.lr, 'self')
  const record: typeof w.services.audit.record = async (trx, event) => {
    if (event.type === 'person.locked') throw new Error('the trail is full')
    await w.services.audit.record(trx, event)
  }
  const full = { ...w.services, audit: { ...w.services.audit, record } }
  await t.rejects(lockPerson(full, act(), w.lr), { message: 'the trail is full' })
  t.equal(await statusOf(w, w.lr), 'active')
  t.same(await left(w, session), wholeSession)
})

eachDatabase(t, 'twenty at once: one lock, one unlock, one event and one message of each', async (t, database) => {
  const w = await world(database)
  await signedIn(w, w.lr, 'self')
  t.same(counted(await times(20, async () => await lockPerson(w.services, act(), w.lr))), { done: 1, unchanged: 19 })
  t.same(counted(await times(20, async () => await unlockPerson(w.services, act(), w.lr))), { done: 1, unchanged: 19 })
  const mixed = await times(20, async (n) =>
    n % 2 === 0
      ? `lock ${await lockPerson(w.services, act(), w.lr)}`
      : `unlock ${await unlockPerson(w.services, act(), w.lr)}`
  )
  const [locked, unlocked] = [await events(w, 'person.locked'), await events(w, 'person.unlocked')]
  t.equal(locked.length - 1, mixed.filter((one) => one === 'lock done').length)
  t.equal(unlocked.length - 1, mixed.filter((one) => one === 'unlock done').length)
  t.equal(await statusOf(w, w.lr), locked.length > unlocked.length ? 'locked' : 'active')
  t.equal((await told(w, w.lr)).length, locked.length + unlocked.length)
})

eachDatabase(
  t,
  'sessions: listed without identifiers; one ended, all ended; told once; nothing left is nothing done',
  async (t, database) => {
    const w = await world(database)
    const [one, two, others] = [
      await signedIn(w, w.lr, 'self'),
      await signedIn(w, w.lr, 'self'),
      await signedIn(w, w.agent, 'self')
    ]
    const { sub } = await w.services.db
      .selectFrom('person')
      .select('sub')
      .where('id', '=', w.lr)
      .executeTakeFirstOrThrow()
    const listed = await listPersonSessions(w.services, sub)
    t.match(listed, [{ sites: ['tax'] }, { sites: ['tax'] }])
    t.notMatch(JSON.stringify(listed), one.uid)
    const [first] = listed
    t.equal(await endPersonSession(w.services, act(), w.agent, first?.mark ?? ''), 'unchanged', "somebody else's")
    t.equal(await endPersonSession(w.services, act(), w.lr, first?.mark ?? ''), 'done')
    t.equal([await left(w, one), await left(w, two)].filter(({ session }) => session).length, 1)
    t.same(counted(await times(20, async () => await endAllSessions(w.services, act(), w.lr))), {
      done: 1,
      unchanged: 19
    })
    t.same([await left(w, one), await left(w, two)], [gone, gone])
    t.same(await left(w, others), wholeSession)
    t.same(await told(w, w.lr), ['security-sessions-ended', 'security-sessions-ended'])
    t.match(await events(w, 'person.sessions-ended'), [{ personId: w.lr, details: { sites: 1 } }])
  }
)

eachDatabase(t, 'face tries of today begin anew; those of others and of yesterday stay', async (t, database) => {
  const w = await world(database)
  const { db } = database
  const check = async (
    id: string,
    personId: string,
    startedAt: ReturnType<typeof sql<Date>>,
    state: 'failed' | 'pending' = 'failed'
  ): Promise<void> => {
    await db
      .insertInto('faceCheck')
      .values({
        id,
        personId,
        purpose: 'login',
        binding: `login-attempt:${id}`,
        scanTicketId: null,
        provider: 'p',
        providerTxn: null,
        state,
        reason: null,
        counted: true,
        score: null,
        consentId: null,
        startedAt: startedAt as never,
        expiresAt: sql<Date>`now() + interval '5 minutes'`
      })
      .execute()
  }
  for (let n = 0; n < 5; n++) await check(`fc_${n}`, w.lr, sql<Date>`now()`)
  await check('fc_before', w.lr, sql<Date>`now() - interval '2 days'`)
  await check('fc_other', w.agent, sql<Date>`now()`)
  await check('fc_open', w.agent, sql<Date>`now()`, 'pending')
  t.match((await personDetail(w.services, act(), w.lr))?.faceTries, { left: 0 })
  t.equal(await resetPersonFaceTries(w.services, act(), w.lr), 'done')
  t.match((await personDetail(w.services, act(), w.lr))?.faceTries, { left: 5 })
  t.match((await personDetail(w.services, act(), w.agent))?.faceTries, { left: 4 })
  t.equal(await resetPersonFaceTries(w.services, act(), w.lr), 'unchanged')
  t.same(
    (await db.selectFrom('faceCheck').select('id').where('counted', '=', true).orderBy('id').execute()).map(
      ({ id }) => id
    ),
    ['fc_before', 'fc_open', 'fc_other']
  )
  t.same(await told(w, w.lr), ['security-face-tries-reset'])
  t.match(await events(w, 'person.face-tries-reset'), [{ details: { tries: 5 } }])
})

eachDatabase(t, 'password tries: the person\'s password is free again', async (t, database) => {
  const w = await world(database)
  const throttle = createThrottle(w.services)
  const [own, other] = [personIdentifier(w.lr), personIdentifier('somebody else')]
  for (const identifier of [own, other]) {
    for (let n = 0; n < 25; n++) {
      const turn = await throttle.begin({ identifier, source: `10.0.${n}`, knownBrowser: false })
      if (turn.allowed) await turn.settle(false)
    }
  }
  const remaining = async (identifier: string): Promise<number> => {
    const turn = await throttle.begin({ identifier, source: '10.9.9', knownBrowser: false })
    if (!turn.allowed) return -1
    await turn.release()
    return turn.remaining
  }
  const slowed = await remaining(own)
  t.equal(await resetPasswordTries(w.services, act(), w.lr), 'done')
  const free = await remaining('cert_no:nobody')
  t.ok(slowed < free)
  t.equal(await remaining(own), free)
  t.equal(await remaining(other), slowed, "somebody else's")
  t.same(await told(w, w.lr), ['security-password-tries-reset'])
})

eachDatabase(t, "a device: only the person's own, once, for good", async (t, database) => {
  const w = await world(database)
  const key = { kty: 'EC', crv: 'P-256', x: 'x'.repeat(43), y: 'y'.repeat(43) }
  const made = await registerAppKey(w.services, { publicJwk: key, label: '手机' })
  if (!made.ok) throw new Error(made.code)
  await database.db
    .updateTable('device')
    .set({ personId: w.lr, boundAt: sql<Date>`now()` })
    .execute()
  t.match((await personDetail(w.services, act(), w.lr))?.devices, [{ id: made.device.id, label: '手机' }])
  t.equal(await endDevice(w.services, act(), w.agent, made.device.id), 'unchanged')
  t.equal(await endDevice(w.services, act(), w.lr, made.device.id), 'done')
  t.equal(await endDevice(w.services, act(), w.lr, made.device.id), 'unchanged')
  t.match(await registerAppKey(w.services, { publicJwk: key, label: '手机' }), { ok: false, code: 'key_revoked' })
  t.same(await told(w, w.lr), ['security-device-ended'])
  t.match(await events(w, 'person.device-ended'), [{ personId: w.lr, actor: 'admin:adm_1' }])
})
