/** S18, J22: an operator changes the master key. Nobody is signed out, nobody becomes somebody else. */
import { randomBytes } from 'node:crypto'
import * as oidc from 'openid-client'
import t from 'tap'
import { command as keys } from '../../src/cli/keys.ts'
import { verifyChain } from '../../src/records/audit/index.ts'
import { demoParty, startKora, type Kora } from '../support/driver/index.ts'
import { testPostgres } from '../support/database.ts'
import { withPostgres } from '../support/needs.ts'
import { until } from '../support/until.ts'

await withPostgres(t, 'S18: three starts, two keys, one person', async (t, url) => {
  const { url: databaseUrl } = await testPostgres(t, url)
  const [first, second] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')]
  const start = async (env: Record<string, string>): Promise<Kora> =>
    await startKora(t, { databaseUrl: databaseUrl!, env })
  const site = async (kora: Kora) => await demoParty(kora, 'demo-site', { scope: 'openid profile offline_access' })

  let kora = await start({ MASTER_KEY: first, MASTER_KEY_PREVIOUS: `k2:${second}` })
  const person = await kora.sandbox.account('zhuoma')
  const byNumber = { account: person.cert_no, password: person.password }
  const byPhone = { account: person.phone, password: person.password }
  let party = await site(kora)
  const before = await party.login(kora.newBrowser(), byNumber)
  const sub = before.claims()?.sub
  t.ok(sub)
  await kora.stop()

  kora = await start({ MASTER_KEY: second, MASTER_KEY_ID: 'k2', MASTER_KEY_PREVIOUS: `k1:${first}` })
  party = await site(kora)
  const during = await oidc.refreshTokenGrant(party.config, before.refresh_token!)
  t.ok(during.access_token, 'what was issued before goes on')
  t.equal((await party.login(kora.newBrowser(), byPhone)).claims()?.sub, sub)
  const lines: string[] = []
  const code = await keys.run(['reencrypt', '--reason', 'yearly', '--json'], kora.inside.services, (line) =>
    lines.push(line)
  )
  t.equal(code, 0)
  t.match(JSON.parse(lines[0]!), { complete: true, unreadable: {} })
  t.equal((await party.login(kora.newBrowser(), byNumber)).claims()?.sub, sub, 'beside it')
  await kora.stop()

  kora = await start({ MASTER_KEY: second, MASTER_KEY_ID: 'k2' })
  party = await site(kora)
  for (const credentials of [byNumber, byPhone]) {
    t.equal((await party.login(kora.newBrowser(), credentials)).claims()?.sub, sub, 'the former key is gone')
  }
  const after = await oidc.refreshTokenGrant(party.config, during.refresh_token ?? before.refresh_token!)
  t.ok(after.access_token)
  const { db, crypto } = kora.inside.services
  await until(async () => (await verifyChain(db, crypto)).unsealed === 0)
  t.match(await verifyChain(db, crypto), { ok: true })
  await kora.stop()

  await t.rejects(start({ MASTER_KEY: first }), { name: 'MasterKeyMismatch' }, 'and does not come back')
})
