import t from 'tap'
import { createHash, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose'
import { watchEpochs } from '../../src/tokens/cache-epoch.ts'
import { createKeyRing, rawSignature } from '../../src/oidc/key-ring.ts'
import { ensureSigningKeys, loadKeys, makeKey, removeKey, rotate } from '../../src/tokens/signing-keys.ts'
import { prePublish } from '../support/signing-keys.ts'
import { createFieldCrypto } from '../../src/database/field-crypto.ts'
import { eachDatabase, testCrypto, type TestDatabase } from '../support/database.ts'
import { Browser, logOut, registerSite, signIn, startProvider, type Rig } from '../oidc/rig.ts'

const states = async ({ db }: TestDatabase): Promise<[string, string][]> =>
  (await db.selectFrom('signingKey').select(['alg', 'state']).orderBy('alg').orderBy('state').execute()).map(
    ({ alg, state }) => [alg, state]
  )
const jwks = async ({ issuer }: Rig): Promise<JSONWebKeySet> =>
  (await (await fetch(`${issuer}/jwks`)).json()) as JSONWebKeySet

t.test('no kid begins with - or _: people pass it on a command line', async (t) => {
  const kids = await Promise.all(Array.from({ length: 500 }, async () => (await makeKey(testCrypto(), 'ES256')).kid))
  t.same(
    kids.filter((kid) => !/^[A-Za-z0-9][\w-]{42}$/.test(kid)),
    []
  )
})

eachDatabase(t, 'five processes that start at once agree on one key of each algorithm', async (t, database) => {
  const { db, crypto } = database
  await Promise.all(Array.from({ length: 5 }, () => ensureSigningKeys(db, crypto, { algs: ['ES256'] })))
  t.same(await states(database), [['ES256', 'active']])
  await ensureSigningKeys(db, crypto)
  t.same(await states(database), [
    ['ES256', 'active'],
    ['RS256', 'active']
  ])

  const keys = await loadKeys(db, crypto)
  t.same(
    keys.map(({ alg, publicKey }) => [
      alg,
      publicKey.asymmetricKeyDetails?.namedCurve ?? publicKey.asymmetricKeyDetails?.modulusLength
    ]),
    [
      ['ES256', 'prime256v1'],
      ['RS256', 3072]
    ]
  )
  const data = Buffer.from('data')
  for (const signer of (await createKeyRing({ db, crypto })).jwks.keys) {
    const signature = await signer.sign(data)
    const dsaEncoding = signer.alg === 'ES256' ? ({ dsaEncoding: 'ieee-p1363' } as const) : {}
    t.ok(verify('sha256', data, { key: signer.keyObject(), ...dsaEncoding }, signature), `${signer.alg}`)
  }
  const rows = JSON.stringify(await db.selectFrom('signingKey').selectAll().execute())
  t.notMatch(rows, /PRIVATE KEY|"d":/)
  const stranger = createFieldCrypto({ masterKey: Buffer.alloc(32, 'other'), keyId: 'test', cipher: 'aes-256-gcm' })
  await t.rejects(createKeyRing({ db, crypto: stranger }), { code: 'not_authentic' })
})

eachDatabase(
  t,
  'rotation in two processes: every token verifies, with the keys either of them publishes',
  async (t, database) => {
    const { db, crypto } = database
    const one = await startProvider(t, database)
    const two = await startProvider(t, database)
    const site = await registerSite(database, 'site')
    const verifies = async (idToken: string, ...rigs: Rig[]): Promise<string> => {
      for (const rig of rigs) await jwtVerify(idToken, createLocalJWKSet(await jwks(rig)))
      return String(decodeProtectedHeader(idToken).kid)
    }
    const before = await signIn(one, new Browser(), site)
    const first = await verifies(before.id_token, one, two)

    const next = await prePublish(db, crypto, 'ES256')
    t.equal((await loadKeys(db, crypto))[1]?.privateKey, null)
    await t.rejects(
      db.transaction().execute((trx) => rotate(trx, { alg: 'ES256' })),
      { code: 'signing_key_too_young' }
    )
    await t.rejects(
      db.transaction().execute((trx) => rotate(trx, { alg: 'RS256' })),
      { code: 'signing_key_missing' }
    )
    const published = await startProvider(t, database)
    t.same(
      (await jwks(published)).keys.map(({ kid }) => kid),
      [first, next]
    )
    t.equal(
      await verifies((await signIn(published, new Browser(), site)).id_token, one, two, published),
      first,
      'published first, not signing yet'
    )

    const rotations = await Promise.allSettled(
      Array.from({ length: 3 }, () =>
        db.transaction().execute((trx) => rotate(trx, { alg: 'ES256', publishedSeconds: 0 }))
      )
    )
    t.equal(rotations.filter(({ status }) => status === 'fulfilled').length, 1, 'one rotation for one published key')
    t.same(await states(database), [
      ['ES256', 'active'],
      ['ES256', 'retired']
    ])
    const rotated = await startProvider(t, database)
    t.equal(await verifies((await signIn(rotated, new Browser(), site)).id_token, published, rotated), next)
    t.equal(
      await verifies((await signIn(one, new Browser(), site)).id_token, published, rotated),
      first,
      'a process that has not noticed yet signs validly'
    )
    t.equal((await loadKeys(db, crypto)).find(({ kid }) => kid === first)?.privateKey, null)
    t.equal(
      (await db.selectFrom('signingKey').select('privateEnc').where('kid', '=', first).executeTakeFirst())?.privateEnc,
      '',
      'erased'
    )

    const browser = new Browser()
    const here = await signIn(rotated, browser, site)
    t.equal((await logOut(rotated, browser, true, here.id_token)).status, 303)

    await t.rejects(
      db.transaction().execute((trx) => removeKey(trx, { kid: first })),
      { code: 'signing_key_in_use' },
      'retired too shortly'
    )
    await t.rejects(
      db.transaction().execute((trx) => removeKey(trx, { kid: next, retiredSeconds: 0 })),
      { code: 'signing_key_in_use' },
      'active'
    )
    await db.transaction().execute((trx) => removeKey(trx, { kid: first, retiredSeconds: 0 }))
    const removed = await startProvider(t, database)
    await t.rejects(jwtVerify(before.id_token, createLocalJWKSet(await jwks(removed))), {
      code: 'ERR_JWKS_NO_MATCHING_KEY'
    })
  }
)

eachDatabase(t, 'key rings notice', async (t, { db, crypto }) => {
  await ensureSigningKeys(db, crypto, { algs: ['ES256'] })
  const mine = await createKeyRing({ db, crypto })
  const theirs = await createKeyRing({ db, crypto })
  const seen: string[] = []
  const warnings: unknown[] = []
  const watch = watchEpochs({
    db,
    log: {
      warn: (...all: unknown[]) => {
        warnings.push(all)
      }
    } as never,
    intervalMs: 60_000,
    changed: {
      clients: () => {
        seen.push('clients')
      },
      'signing-keys': async () => {
        if (await theirs.reload()) seen.push('keys')
      }
    }
  })
  t.teardown(() => watch.stop())
  await watch.check()
  t.same(seen, ['clients'], 'the first look tells of everything; the ring knows that nothing changed')
  await watch.check()
  t.same(seen, ['clients'])

  const next = await prePublish(db, crypto, 'ES256')
  await db.transaction().execute((trx) => rotate(trx, { alg: 'ES256', publishedSeconds: 0 }))
  await watch.check()
  t.same(seen, ['clients', 'keys'])
  t.equal(theirs.jwks.keys[0]?.kid, next)
  const retired = theirs.jwks.keys[1]
  t.equal(retired?.kid, mine.jwks.keys[0]?.kid)
  await t.rejects(async () => {
    await retired?.sign(Buffer.from('data'))
  }, /retired: it does not sign/)

  const broken = watchEpochs({
    db,
    log: {
      warn: () => {
        warnings.push('broken')
      }
    } as never,
    intervalMs: 60_000,
    changed: {
      'signing-keys': () => {
        throw new Error('later')
      }
    }
  })
  t.teardown(() => broken.stop())
  await broken.check()
  await broken.check()
  t.same(warnings, ['broken', 'broken'], 'a callback that fails is called again')
})

t.test('a watch looks by itself', async (t) => {
  const { testDatabase } = await import('../support/database.ts')
  const { db } = await testDatabase(t)
  await new Promise<void>((resolve) => {
    const watch = watchEpochs({
      db,
      log: { warn () {} } as never,
      intervalMs: 1,
      changed: {
        clients: () => {
          t.teardown(() => watch.stop())
          resolve()
        }
      }
    })
  })
  t.pass('looked')
})

t.test('DER to the form of JWS, whatever the numbers begin with', async (t) => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const lengths = new Set<number>()
  for (let i = 0; i < 600; i++) {
    const data = createHash('sha256').update(String(i)).digest()
    const der = sign('sha256', data, privateKey)
    lengths.add(der.length)
    if (!verify('sha256', data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, rawSignature(der))) {
      t.fail(`signature of ${i}`)
    }
  }
  t.ok(lengths.size >= 3, 'short and long numbers were among them')
  t.ok(createPublicKey(privateKey))
})
