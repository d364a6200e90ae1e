import t from 'tap'
import { sql } from 'kysely'
import { watchEpochs } from '../../src/tokens/cache-epoch.ts'
import { createSecret, endSecret, verifySecret, type StoredSecret } from '../../src/tokens/client-secrets.ts'
import { loadClient } from '../../src/oidc/client-store.ts'
import { eachDatabase, type TestDatabase } from '../support/database.ts'
import { Browser, clientCredentials, registerSite, signIn, startProvider, type Site } from './rig.ts'
import { incrementEpoch } from '../../src/tokens/cache-epoch.ts'
import { SignJWT, exportJWK, generateKeyPair } from 'jose'

const newSecret = ({ db }: TestDatabase, clientId: string) =>
  db.transaction().execute((trx) => createSecret(trx, clientId))

eachDatabase(t, 'a client is usable while it is in test or live', async (t, database) => {
  const { db } = database
  await registerSite(database, 'site')
  for (const [status, usable] of [
    ['draft', false],
    ['test', true],
    ['live', true],
    ['disabled', false]
  ] as const) {
    await db.updateTable('client').set({ status }).where('clientId', '=', 'site').execute()
    t.equal((await loadClient(db, 'site')) !== undefined, usable, status)
  }
  t.equal(await loadClient(db, 'nobody'), undefined)
})

eachDatabase(t, 'metadata and policy reach the library, no secret does', async (t, database) => {
  const { db } = database
  const site = await registerSite(database, 'site', 'client_secret_post', {
    client_secret: 'stored by mistake',
    contacts: ['a@example.cn']
  })
  const rig = await startProvider(t, database)
  const client = (await rig.provider.Client.find('site')) as unknown as Record<string, unknown>
  t.match(client, { clientId: 'site', tokenEndpointAuthMethod: 'client_secret_post', contacts: ['a@example.cn'] })
  t.same(client['kora_policy'], { names: { 'zh-CN': 'site' } })
  t.notMatch(JSON.stringify(client), /stored by mistake/)
  t.notMatch(JSON.stringify(client), site.secret ?? 'no secret')
  const rows = JSON.stringify(await db.selectFrom('clientSecret').selectAll().execute())
  t.notMatch(rows, site.secret ?? 'no secret')
  t.equal(
    (await loadClient(db, (await registerSite(database, 'app', 'none')).clientId))?.metadata.client_secret,
    undefined
  )

  const guess = String(client['clientSecret'])
  t.match(
    await post(rig.issuer, 'site', guess),
    { status: 401, error: 'invalid_client' },
    'what the schema is satisfied with is no secret'
  )
  t.match(await post(rig.issuer, 'site', site.secret ?? ''), { status: 200 })
})

eachDatabase(t, 'two secrets live; either of them; no third', async (t, database) => {
  const { db } = database
  const rig = await startProvider(t, database)
  const site = await registerSite(database, 'site')
  await registerSite(database, 'empty')
  await t.rejects(newSecret(database, 'nobody'), { code: 'client_not_found' })
  await sql`delete from client_secret`.execute(db)
  // five open connections, or the first transaction is over before the others begin
  await Promise.all(Array.from({ length: 5 }, () => sql`select 1`.execute(db)))
  const made = await Promise.all(Array.from({ length: 6 }, () => newSecret(database, 'site')))
  const created = made.filter((one) => one.outcome === 'created')
  t.equal(created.length, 2)
  const [first, second] = created
  if (first === undefined || second === undefined) return
  t.equal(Buffer.from(first.secret, 'base64url').length, 32)
  t.equal(first.hint, first.secret.slice(-4))
  const tries = async (secret: string): Promise<number> => (await clientCredentials(rig, { ...site, secret })).status
  t.same(
    await Promise.all([first.secret, second.secret, `${first.secret}x`, 'x', first.id].map(tries)),
    [200, 200, 401, 401, 401]
  )

  t.equal(
    await db.transaction().execute((trx) => endSecret(trx, { clientId: 'empty', id: first.id })),
    false,
    "another client's"
  )
  t.equal(await db.transaction().execute((trx) => endSecret(trx, { clientId: 'site', id: first.id })), true)
  t.equal(await db.transaction().execute((trx) => endSecret(trx, { clientId: 'site', id: first.id })), false)
  rig.clients.invalidate()
  t.same(await Promise.all([first.secret, second.secret].map(tries)), [401, 200])
  t.equal(
    await db.transaction().execute((trx) => endSecret(trx, { clientId: 'site', id: second.id, seconds: 3600 })),
    true,
    'later'
  )
  t.equal((await newSecret(database, 'site')).outcome, 'created')
  t.equal((await newSecret(database, 'site')).outcome, 'too_many')
  await sql`update client_secret set expires_at = now() - interval '1 second' where id = ${second.id}`.execute(db)
  rig.clients.invalidate()
  t.equal(await tries(second.secret), 401)
})

eachDatabase(t, 'the use of a secret is written once a day', async (t, database) => {
  const rig = await startProvider(t, database)
  const site = await registerSite(database, 'site')
  const statements = async (): Promise<number> => {
    rig.statements()
    t.equal((await clientCredentials(rig, site)).status, 200)
    return rig.statements()
  }
  t.equal(await statements(), 4, 'the client (twice), the use, the token')
  t.equal(await statements(), 1, 'the token')
  const today = new Date().toISOString().slice(0, 10)
  const used = async () =>
    (await database.db.selectFrom('clientSecret').select('lastUsedOn').executeTakeFirstOrThrow()).lastUsedOn
  t.equal(await used(), today)
  rig.clients.invalidate()
  t.equal(await statements(), 3, 'noted today already')
  await sql`update client_secret set last_used_on = current_date - 2`.execute(database.db)
  rig.clients.invalidate()
  t.equal(await statements(), 4)
  t.equal(await used(), today)
})

eachDatabase(t, 'a change of a client is noticed by other processes', async (t, database) => {
  const { db } = database
  const site = await registerSite(database, 'site')
  const rig = await startProvider(t, database)
  const watch = watchEpochs({
    db,
    log: { warn () {} },
    intervalMs: 60_000,
    changed: {
      clients: () => {
        rig.clients.invalidate()
      }
    }
  })
  t.teardown(() => watch.stop())
  await watch.check()
  t.equal((await clientCredentials(rig, site)).status, 200)
  await db.transaction().execute(async (trx) => {
    await trx.updateTable('client').set({ status: 'disabled' }).where('clientId', '=', 'site').execute()
    await incrementEpoch(trx, 'clients')
  })
  t.equal((await clientCredentials(rig, site)).status, 200, 'still believed')
  await watch.check()
  t.match(await clientCredentials(rig, site), { status: 401, error: 'invalid_client' })
})

eachDatabase(t, 'a client assertion is used once, whichever process it meets', async (t, database) => {
  const rigs = [await startProvider(t, database), await startProvider(t, database)]
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  await registerSite(database, 'signed', 'none', {
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    jwks: { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig' }] }
  })
  const assertion = await new SignJWT({})
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer('signed')
    .setSubject('signed')
    .setAudience(rigs.map(({ issuer }) => issuer))
    .setJti('one')
    .setIssuedAt()
    .setExpirationTime('1 minute')
    .sign(privateKey)
  const answers = await Promise.all(
    Array.from({ length: 10 }, async (_, i) => {
      const response = await fetch(`${rigs[i % 2]?.issuer}/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: 'signed',
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: assertion
        })
      })
      return { status: response.status, ...((await response.json()) as { error?: string }) }
    })
  )
  t.equal(answers.filter(({ status }) => status === 200).length, 1)
  t.equal(answers.filter(({ status, error }) => status === 401 && error === 'invalid_client').length, 9)
})

eachDatabase(t, 'a browser part does not look the client up again', async (t, database) => {
  const rig = await startProvider(t, database)
  const site: Site = await registerSite(database, 'site')
  t.equal((await signIn(rig, new Browser(), site)).status, 200)
  t.equal(await rig.provider.Client.find('site'), await rig.provider.Client.find('site'))
  t.equal(await rig.provider.Client.find(''), undefined)
  t.equal(await rig.provider.Client.find('nobody'), undefined)
})

t.test('comparing secrets', async (t) => {
  const { hash } = await import('node:crypto')
  const stored = (secret: string, expiresAt: number | null): StoredSecret => ({
    id: secret,
    hash: hash('sha256', secret, 'base64url'),
    expiresAt,
    lastUsedOn: null
  })
  const secrets = [stored('one', null), stored('two', 100)]
  t.equal(verifySecret(secrets, 'one', 99)?.id, 'one')
  t.equal(verifySecret(secrets, 'two', 99)?.id, 'two')
  t.equal(verifySecret(secrets, 'two', 100), null)
  for (const wrong of ['', 'three', undefined, null, 1, ['one'], hash('sha256', 'one', 'base64url')]) {
    t.equal(verifySecret(secrets, wrong, 0), null)
  }
  t.equal(verifySecret([stored('', null)], '', 0), null)
  t.equal(verifySecret([], 'one', 0), null)
})

async function post (issuer: string, clientId: string, secret: string): Promise<{ status: number }> {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: secret })
  })
  return { status: response.status, ...((await response.json()) as object) }
}
