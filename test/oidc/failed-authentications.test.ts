import t from 'tap'
import { createFailedAuthentications } from '../../src/oidc/failed-authentications.ts'
import { createAudit } from '../../src/records/audit/index.ts'
import { eachDatabase, type TestDatabase } from '../support/database.ts'
import { clientCredentials, post, registerSite, startProvider, type Site } from './rig.ts'

const listEvents = async ({ db }: TestDatabase) =>
  await db
    .selectFrom('auditEvent')
    .select(['clientId', 'actor', 'outcome', 'details'])
    .where('type', '=', 'client.authentication-failed')
    .orderBy('id')
    .execute()

eachDatabase(
  t,
  'failed client authentication: the first is recorded at once, further ones as a number a minute',
  async (t, database) => {
    const failed = createFailedAuthentications(
      { db: database.db, audit: createAudit(database), log: { warn () {} } },
      { intervalMs: 3_600_000 }
    )
    t.teardown(() => failed.stop())
    const rig = await startProvider(t, database, {}, (provider) => {
      failed.observe(provider)
    })
    const site = await registerSite(database, 'site')
    const other = await registerSite(database, 'other')
    const wrong = async (client: Site, path = '/token'): Promise<number> =>
      (
        await post(rig, path, { ...client, secret: 'wrong' }, { grant_type: 'client_credentials', token: 'a' })
      ).status

    t.equal((await clientCredentials(rig, site)).status, 200)
    t.same(await listEvents(database), [], 'nothing has failed')
    t.equal(await wrong(site), 401)
    t.match(await listEvents(database), [
      { clientId: 'site', actor: 'anonymous', outcome: 'failure', details: { failures: 1 } }
    ])

    for (const path of ['/token', '/token', '/token/introspection', '/token/revocation', '/request']) {
      t.equal(await wrong(site, path), 401, path)
    }
    t.equal(await wrong(other), 401)
    for (let n = 0; n < 30; n++) t.equal(await wrong({ clientId: `nobody-${n}`, secret: '' }), 401)
    t.match(
      (await listEvents(database)).map(({ clientId }) => clientId),
      ['site', 'other', null],
      'names that are no client share one entry'
    )
    await failed.flush()
    t.match(
      (await listEvents(database)).slice(3).map(({ clientId, details }) => [clientId, details]),
      [
        ['site', { failures: 5 }],
        [null, { failures: 29 }]
      ]
    )
    await failed.flush()
    t.equal((await listEvents(database)).length, 5, 'a quiet minute has no event')
    t.equal(await wrong(site), 401)
    t.equal((await listEvents(database)).length, 6, 'and after it the first is recorded at once again')
  }
)
