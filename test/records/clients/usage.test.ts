import t from 'tap'
import { write } from '../../../src/database/transaction.ts'
import { clientFailures, createClientUsage, dismissFailure, listClients } from '../../../src/records/clients/index.ts'
import { keptAddress } from '../../../src/records/clients/usage.ts'
import { sql } from 'kysely'
import { sweepClientFailures } from '../../../src/records/clients/failures.ts'
import { eachDatabase, type TestDatabase } from '../../support/database.ts'
import { clientCredentials, registerSite, startProvider } from '../../oidc/rig.ts'
import { act, made, registryOn } from './support.ts'

const warnings: unknown[] = []
const log = {
  warn: (...given: unknown[]) => {
    warnings.push(given)
  }
}

const listUse = async (db: TestDatabase['db']) =>
  await db.selectFrom('clientUse').select(['successes', 'errors']).where('clientId', '=', 'site').execute()

eachDatabase(t, 'use and failures are sums, written now and then', async (t, database) => {
  const services = registryOn(database)
  const { db } = services
  const rig = await startProvider(t, database)
  const usage = createClientUsage({ db, log, intervalMs: 600_000 })
  t.teardown(() => usage.stop())
  usage.observe(rig.provider)
  const site = await registerSite(database, 'site')
  const authorize = async (redirectUri: string): Promise<number> =>
    (
      await fetch(
        `${rig.issuer}/auth?${new URLSearchParams({ client_id: 'site', response_type: 'code', scope: 'openid', redirect_uri: redirectUri, code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' }).toString()}`,
        { redirect: 'manual' }
      )
    ).status
  for (let i = 0; i < 3; i++) t.equal(await authorize('http://127.0.0.1:9/cb/?state=secret#frag'), 400)
  t.equal(await authorize('https://a.gov.cn/u/540102199001011234/cb'), 400)
  t.equal((await clientCredentials(rig, site)).status, 200)
  t.equal((await clientCredentials(rig, { ...site, secret: 'wrong' })).status, 401)
  await fetch(`${rig.issuer}/auth?client_id=nobody&redirect_uri=https://x.example/`)

  t.same(await clientFailures(db, 'site'), [], 'requests write nothing')
  await Promise.all([usage.flush(), usage.flush()])
  const failures = await clientFailures(db, 'site')
  t.same(failures.map(({ code, address, count }) => `${code} ${address} ${count}`).sort(), [
    'invalid_client  1',
    'redirect_uri http://127.0.0.1:9/cb/ 3',
    'redirect_uri https://a.gov.cn/u/…/cb 1'
  ])
  t.match(await listUse(db), [{ successes: 1, errors: 5 }])
  t.match(await listClients(db, { filters: { text: 'site' }, after: null, limit: 1 }), [
    { errors: 5, lastUsedAt: Date }
  ])
  await authorize('http://127.0.0.1:9/cb/')
  await usage.flush()
  t.equal((await clientFailures(db, 'site')).find(({ address }) => address.endsWith('/cb/'))?.count, 4)
  t.same(warnings, [])

  t.equal(
    await write(services, dismissFailure, {
      act,
      clientId: 'site',
      failure: { code: 'redirect_uri', address: 'http://127.0.0.1:9/cb/' }
    }),
    true
  )
  t.equal(
    await write(services, dismissFailure, {
      act,
      clientId: 'site',
      failure: { code: 'redirect_uri', address: 'http://127.0.0.1:9/cb/' }
    }),
    false
  )
  t.equal((await clientFailures(db, 'site')).length, 2)
})

eachDatabase(t, 'whoever tries many addresses fills only so many rows', async (t, database) => {
  const services = registryOn(database)
  const { db } = services
  await made(services, 'site')
  const listeners: Array<(ctx: never, error: unknown) => void> = []
  const usage = createClientUsage({ db, log, intervalMs: 600_000 })
  t.teardown(() => usage.stop())
  usage.observe({
    on: (event: string, listener: (typeof listeners)[number]) => {
      if (event === 'authorization.error') listeners.push(listener)
    }
  } as never)
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 100; i++) {
      listeners[0]?.(
        {
          oidc: { client: { clientId: 'site' }, params: { redirect_uri: `https://x${round}.example/${i}` } }
        } as never,
        { error: 'invalid_redirect_uri' }
      )
    }
    listeners[0]?.({ oidc: { client: { clientId: 'gone' }, params: {} } } as never, { error: 'invalid_scope' })
    await usage.flush()
  }
  t.equal((await clientFailures(db, 'site')).length, 50)
  t.equal((await listUse(db))[0]?.errors, 300)
  await sql`update client_failure set last_at = now() - interval '31 days' where address like '%/1%'`.execute(db)
  t.equal(await sweepClientFailures(db, 500), 11)
})

t.test('what is kept of an address', async (t) => {
  for (const [given, kept] of [
    ['https://a.gov.cn/cb?code=1#x', 'https://a.gov.cn/cb'],
    ['https://u:p@a.gov.cn:8443/cb', 'https://a.gov.cn:8443/cb'],
    ['cn.gov.app:/cb?x', 'cn.gov.app:/cb'],
    ['not an address?x', 'notanaddress'],
    ['https://a.gov.cn/13800138000', 'https://a.gov.cn/…'],
    ['https://a.gov.cn/次仁', 'https://a.gov.cn/'],
    ['', '']
  ] as const) {
    t.equal(keptAddress(given), kept)
  }
})
