// Devices: keys and cookies that prove a phone, whose it is, and how that ends.
import t from 'tap'
import { sql } from 'kysely'
import {
  bindDevice,
  bindWebDevice,
  deviceBySecret,
  deviceByThumbprint,
  listDevices,
  registerAppKey,
  revokeDevice
} from '../../../src/records/devices/index.ts'
import { eachDatabase } from '../../support/database.ts'
import { appKey, events, pema, person, sandboxOf, times, world, type World } from '../scan-tickets/support.ts'

const sandbox = await sandboxOf(t)
const transaction = async <T>(w: World, work: (trx: Parameters<typeof bindDevice>[0]) => Promise<T>): Promise<T> =>
  await w.services.db.transaction().execute(work)

await eachDatabase(t, 'app keys', async (t, database) => {
  const w = await world(database, sandbox)
  const { db } = w.services
  const { publicJwk } = await appKey()

  await t.test('made known once', async (t) => {
    const results = await times(
      10,
      async () => await registerAppKey(w.services, { publicJwk, label: ` ${'长'.repeat(80)} ` })
    )
    t.equal(results.filter((result) => result.ok && result.created).length, 1)
    t.equal(new Set(results.map((result) => result.ok && result.device.id)).size, 1)
    t.equal(await events(w, 'device.registered'), 1)
    const row = await db.selectFrom('device').selectAll().executeTakeFirstOrThrow()
    t.match(row, { kind: 'app', personId: null, label: '长'.repeat(64), publicJwk: { kty: 'EC', crv: 'P-256' } })
    t.match(await deviceByThumbprint(db, row.keyThumbprint!), {
      id: row.id,
      kind: 'app',
      personId: null,
      publicJwk: { x: publicJwk.x }
    })
    t.equal(await deviceByThumbprint(db, 'x'), null)
  })

  await t.test('other keys, and private parts, are not kept', async (t) => {
    for (const key of [
      { kty: 'RSA', n: 'x', e: 'AQAB' },
      { ...publicJwk, crv: 'P-384' },
      { kty: 'EC', crv: 'P-256', x: 'short', y: publicJwk.y! },
      {},
      { kty: 'oct', k: 'x' }
    ]) {
      t.match(await registerAppKey(w.services, { publicJwk: key, label: 'x' }), { ok: false, code: 'key_invalid' })
    }
    const fresh = (await appKey()).publicJwk
    await registerAppKey(w.services, { publicJwk: { ...fresh, d: 'private', kid: 'x' }, label: 'x' })
    t.notMatch(JSON.stringify(await db.selectFrom('device').select('publicJwk').execute()), /private|kid/)
  })

  await t.test('bound to one person, kept, taken back', async (t) => {
    const other = await person(w.services, pema)
    const device = await db
      .selectFrom('device')
      .select(['id', 'keyThumbprint'])
      .where('label', 'like', '长%')
      .executeTakeFirstOrThrow()
    const bind = async (personId: string) =>
      await transaction(w, async (trx) => await bindDevice(trx, w.services, { deviceId: device.id, personId }))
    t.equal(await bind(w.personId), 'bound')
    t.equal(await bind(w.personId), 'kept')
    t.equal(await bind(other.id), 'refused', 'its owner must let go first')
    t.match(await listDevices(db, w.personId), [{ id: device.id, kind: 'app' }])
    t.equal(await events(w, 'device.bound'), 1)
    t.equal(await revokeDevice(w.services, { deviceId: device.id, personId: other.id }), false, 'not his')
    t.equal(await revokeDevice(w.services, { deviceId: device.id, personId: w.personId }), true)
    t.equal(await revokeDevice(w.services, { deviceId: device.id, personId: w.personId }), false)
    t.equal(await deviceByThumbprint(db, device.keyThumbprint!), null)
    t.equal(await bind(w.personId), 'refused')
    t.match(await registerAppKey(w.services, { publicJwk, label: 'x' }), { ok: false, code: 'key_revoked' })
    t.same(await listDevices(db, w.personId), [])
  })

  await t.test('two persons at once: one gets it', async (t) => {
    const made = await registerAppKey(w.services, { publicJwk: (await appKey()).publicJwk, label: 'x' })
    if (!made.ok) throw new Error(made.code)
    const [one, two] = await Promise.all(
      ['a', 'b'].map(
        async (_, at) => await person(w.services, { certNo: `54010219900307${at}000`, name: `甲${'乙'.repeat(at)}` })
      )
    )
    const results = await times(
      10,
      async (at) =>
        await transaction(
          w,
          async (trx) =>
            await bindDevice(trx, w.services, { deviceId: made.device.id, personId: (at % 2 === 0 ? one : two)!.id })
        )
    )
    t.equal(results.filter((result) => result === 'bound').length, 1)
    t.equal(results.filter((result) => result === 'refused').length, 5)
  })
})

await eachDatabase(t, 'phone browsers', async (t, database) => {
  const w = await world(database, sandbox)
  const { db } = w.services
  const { deviceId, secret } = await transaction(
    w,
    async (trx) => await bindWebDevice(trx, w.services, { personId: w.personId, label: 'Safari' })
  )
  t.match(secret, /^[\w-]{43}$/, '256 bits')
  t.match(await deviceBySecret(db, secret), { id: deviceId, kind: 'web', personId: w.personId, label: 'Safari' })
  t.notMatch(JSON.stringify(await db.selectFrom('device').selectAll().execute()), secret)
  for (const no of ['', 'x', secret.slice(1), `${secret}=`, secret.toUpperCase()]) {
    t.equal(await deviceBySecret(db, no), null)
  }
  await sql`update device set bound_at = now() - interval '29 days'`.execute(db)
  t.ok(await deviceBySecret(db, secret))
  await sql`update device set bound_at = now() - interval '30 days 1 second'`.execute(db)
  t.equal(await deviceBySecret(db, secret), null, 'after thirty days')
  t.same(await listDevices(db, w.personId), [])
  t.equal(
    await transaction(w, async (trx) => await bindDevice(trx, w.services, { deviceId, personId: w.personId })),
    'kept'
  )
  t.ok(await deviceBySecret(db, secret), 'a new face check begins the time again')
  t.equal(await revokeDevice(w.services, { deviceId, personId: w.personId, reason: 'lost' }), true)
  t.equal(await deviceBySecret(db, secret), null)
  t.equal(await events(w, 'device.revoked'), 1)
})
