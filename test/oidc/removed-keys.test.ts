import t from 'tap'
import { Registry } from 'prom-client'
import { SignJWT, decodeProtectedHeader, exportJWK, generateKeyPair, importPKCS8 } from 'jose'
import { createAudit } from '../../src/records/audit/index.ts'
import { emergencyRemoval, listRemovedKeyUses } from '../../src/records/keys/index.ts'
import { createRemovedKeys } from '../../src/oidc/removed-keys.ts'
import { eachDatabase } from '../support/database.ts'
import {
  Browser,
  clientCredentials,
  jwtApi,
  logOut,
  post,
  redeem,
  authorize,
  registerSite,
  signIn,
  startProvider
} from './rig.ts'

const act = { actor: 'operator:lhamo', reason: 'leaked', address: null, traceId: null } as const

eachDatabase(
  t,
  'who still uses what a removed key signed is counted, and only who really does',
  async (t, database) => {
    const { db, crypto } = database
    const audit = createAudit(database)
    const registry = new Registry()
    const warnings: unknown[] = []
    const removed = createRemovedKeys(
      {
        db,
        audit,
        log: {
          warn: (...all: unknown[]) => {
            warnings.push(all[0])
          }
        },
        metrics: { registry }
      },
      { intervalMs: 3_600_000 }
    )
    t.teardown(() => removed.stop())
    const before = await startProvider(t, database)
    const site = await registerSite(database, 'site')
    const api = await registerSite(database, 'api')
    const idToken = (await signIn(before, new Browser(), site)).id_token
    const code = (await authorize(before, new Browser(), site, { resource: jwtApi, scope: 'openid read' })).get('code')
    const accessToken = (await redeem(before, site, code, { resource: jwtApi })).access_token
    const { kid } = decodeProtectedHeader(idToken)
    t.equal(decodeProtectedHeader(accessToken).kid, kid, 'a JWT access token of the same key')

    const row = await db
      .selectFrom('signingKey')
      .select('privateEnc')
      .where('kid', '=', String(kid))
      .executeTakeFirstOrThrow()
    const leaked = await importPKCS8(
      crypto.decrypt('signing_key', 'private_enc', String(kid), row.privateEnc),
      'ES256'
    )
    await emergencyRemoval({ db, crypto, audit }, act, String(kid))
    const after = await startProvider(t, database, {}, (provider) => {
      removed.observe(provider)
    })
    await removed.reload()

    const bearer = (token: string): Promise<Response> =>
      fetch(`${after.issuer}/me`, { headers: { authorization: `Bearer ${token}` } })
    await removed.flush()
    t.same(await listRemovedKeyUses(db), [], 'nothing yet')
    t.equal((await logOut(after, new Browser(), true, idToken)).status, 400, 'refused at logout')
    await post(after, '/token/introspection', api, { token: accessToken })
    t.equal((await bearer(accessToken)).status, 401)
    t.equal((await bearer(accessToken)).status, 401)

    // not ours: other keys under this kid, tampered with, no token at all
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    t.ok(await exportJWK(publicKey))
    await bearer(
      await new SignJWT({ aud: 'site' }).setProtectedHeader({ alg: 'ES256', kid: String(kid) }).sign(privateKey)
    )
    await bearer(accessToken.slice(0, -4) + 'AAAA')
    await bearer(`${accessToken.split('.').slice(0, 2).join('.')}.AA`)
    await bearer('a.b.c')
    await bearer(Buffer.from('{"kid":1}').toString('base64url') + '.e30.e30')
    await clientCredentials(after, site)
    // somebody who has the key writes names of clients that do not exist
    for (const aud of ['x1', 'x2']) {
      await bearer(
        await new SignJWT({ client_id: aud }).setProtectedHeader({ alg: 'ES256', kid: String(kid) }).sign(leaked)
      )
    }

    await removed.flush()
    const uses = (await listRemovedKeyUses(db)).map(({ kid, clientId, place, uses }) => [kid, clientId, place, uses])
    t.same(
      new Set(uses.map(String)),
      new Set(
        [
          [kid, 'site', 'id_token_hint', 1],
          [kid, 'site', 'access_token', 3],
          [kid, '', 'access_token', 2]
        ].map(String)
      )
    )
    t.match(await registry.metrics(), /removed_key_uses_total\{place="access_token"\} 5/)
    const events = (): Promise<{ clientId: string | null; details: unknown }[]> =>
      db
        .selectFrom('auditEvent')
        .select(['clientId', 'details'])
        .where('type', '=', 'signing-key.removed-used')
        .orderBy('id')
        .execute()
    t.equal((await events()).length, 3, 'one event for each pair')

    await bearer(accessToken)
    await removed.flush()
    await removed.flush()
    t.equal(
      (await listRemovedKeyUses(db)).find(({ clientId, place }) => clientId === 'site' && place === 'access_token')
        ?.uses,
      4,
      'added up'
    )
    t.equal((await events()).length, 3, 'no event again')
    t.equal(warnings.length, 2, 'the log says so once for each round with uses')
  }
)
