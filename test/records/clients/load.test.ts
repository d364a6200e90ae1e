import t from 'tap'
import { validateClient } from '../../../src/domain/client/metadata.ts'
import { clientRules } from '../../../src/records/clients/index.ts'
import { createClientCache } from '../../../src/oidc/client-store.ts'
import { systemClock } from '../../../src/ports/clock.ts'
import { describeClient } from '../../../src/journeys/user-center/site.ts'
import { ensureOwnClient } from '../../../src/oidc/own-client.ts'
import { demoClients } from '../../../src/simulators/demo-clients.ts'
import { eachDatabase } from '../../support/database.ts'
import { startProvider } from '../../oidc/rig.ts'
import { made, registryOn } from './support.ts'

eachDatabase(t, 'a stored client that does not validate is refused and named in the log', async (t, database) => {
  const services = registryOn(database)
  const { db, config } = services
  const rig = await startProvider(t, database, { scopes: ['openid', 'profile', 'offline_access'] })
  const told: object[] = []
  createClientCache({
    db,
    clock: systemClock,
    log: {
      warn: (about: object) => {
        told.push(about)
      }
    } as never,
    ttlMs: 0,
    check: (content) => {
      const checked = validateClient(content, clientRules(config))
      return checked.ok ? [] : checked.faults
    }
  }).connect(rig.provider)
  await made(services, 'fund')
  t.ok(await rig.provider.Client.find('fund'))
  const store = async (metadata: object): Promise<void> => {
    await db
      .updateTable('client')
      .set({ metadata: JSON.stringify(metadata) })
      .where('clientId', '=', 'fund')
      .execute()
    rig.clients.invalidate()
  }
  await store({ redirect_uris: ['http://10.0.0.1/cb'], scope: 'openid' })
  t.equal(await rig.provider.Client.find('fund'), undefined)
  t.match(told.pop(), {
    client: 'fund',
    faults: ['/metadata/redirect_uris/0: not_https', '/policy/purposes/profile: not_in_scope']
  })
  // the library's own rules
  await store({ redirect_uris: ['https://a.gov.cn/cb'], response_types: ['nonsense'] })
  const answer = await fetch(
    `${rig.issuer}/auth?client_id=fund&redirect_uri=https://a.gov.cn/cb&response_type=code&scope=openid`
  )
  t.equal(answer.status, 400)
  t.match(await answer.json(), { error: 'invalid_client' })
})

eachDatabase(t, 'the clients that Kora makes itself are valid', async (t, database) => {
  const services = registryOn(database)
  const sandbox = registryOn(database, { SANDBOX: 'on', ISSUER: 'http://localhost:3000' })
  for (const { clientId, metadata, policy } of demoClients('http://localhost:3001')) {
    t.match(
      validateClient(JSON.parse(JSON.stringify({ metadata, policy })), clientRules(sandbox.config)),
      { ok: true },
      clientId
    )
  }
  for (const one of [services, sandbox]) {
    await ensureOwnClient({ db: one.db, crypto: database.crypto }, describeClient(one.config.issuer))
    const { metadata, policy } = await one.db
      .selectFrom('client')
      .select(['metadata', 'policy'])
      .where('clientId', '=', 'kora-user-centre')
      .executeTakeFirstOrThrow()
    t.match(validateClient({ metadata, policy }, { ...clientRules(one.config), ownService: true }), { ok: true })
    t.match(
      validateClient({ metadata, policy }, clientRules(one.config)),
      { ok: false, faults: [{ code: 'own_origin' }, { code: 'own_origin' }, { field: '/policy/ownService' }] },
      'nobody else may say so, or be there'
    )
  }
})
