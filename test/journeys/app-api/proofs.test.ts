import t from 'tap'
import { randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { testDatabase } from '../../support/database.ts'
import { sandboxOf, world } from '../../records/scan-tickets/support.ts'
import { issuer, Phone, serve, type Asked } from './support.ts'

t.test("a proof of the device's key", async (t) => {
  const database = await testDatabase(t)
  const here = await world(database, await sandboxOf(t))
  const base = await serve(t, here)
  const phone = await Phone.make(base, here)
  const second = Math.floor(here.services.clock.now() / 1000)
  const me = '/app/v1/devices/me'
  const refusals = async (): Promise<string[]> =>
    (
      await database.db
        .selectFrom('auditEvent')
        .select('reason')
        .where('type', '=', 'device.proof-refused')
        .orderBy('id')
        .execute()
    ).map(({ reason }) => reason ?? '')

  await t.test('registers the key once, and is the device from then on', async (t) => {
    const unknown = await phone.ask(me)
    t.match(unknown, { status: 401, body: { code: 'device_unknown', status: 401, trace_id: /^[0-9a-f]{12}$/ } })
    t.match(unknown.headers.get('www-authenticate') ?? '', /^DPoP error="invalid_dpop_proof"/)
    t.match(unknown.headers.get('content-type') ?? '', /^application\/problem\+json/)
    const label = '扎西的手机\u0000'
    const named = await phone.ask('/app/v1/devices', { body: { label, person_id: here.personId } })
    t.equal(named.status, 400, 'nobody is named in the body')
    const made = await phone.ask('/app/v1/devices', { body: { label } })
    t.match(made, { status: 201, body: { label: '扎西的手机', bound: false, person: null } })
    t.same(
      await phone
        .ask('/app/v1/devices', { body: { label: 'again' } })
        .then(({ status, body }) => [status, body.device_id]),
      [200, made.body.device_id]
    )
    t.match(await phone.ask(me), { status: 200, body: { device_id: made.body.device_id, bound: false } })
    const row = await database.db.selectFrom('device').selectAll().executeTakeFirstOrThrow()
    t.equal(row.keyThumbprint, await phone.thumbprint())
    t.equal(row.personId, null, 'it belongs to nobody yet')
    t.same(Object.keys(row.publicJwk ?? {}).sort(), ['crv', 'kty', 'x', 'y'])
  })

  await t.test('must be made for this very request', async (t) => {
    const cases: Array<[string, Asked, string]> = [
      ['none', { proof: null }, 'proof_missing'],
      ['no JWS', { proof: 'abc' }, 'proof_malformed'],
      [
        'two proofs',
        { proof: `${await phone.proof('GET', me, null)}, ${await phone.proof('GET', me, null)}` },
        'proof_malformed'
      ],
      [
        'far too long',
        { proof: await phone.proof('GET', me, null, { claims: { filler: 'x'.repeat(5000) } }) },
        'proof_malformed'
      ],
      ['other type', { header: { typ: 'JWT' } }, 'proof_malformed'],
      ['other method', { claims: { htm: 'DELETE' } }, 'proof_target_mismatch'],
      ['lower-case method', { claims: { htm: 'get' } }, 'proof_target_mismatch'],
      ['other path', { claims: { htu: `${issuer}/app/v1/devices` } }, 'proof_target_mismatch'],
      ['other host', { claims: { htu: `http://evil.example${me}` } }, 'proof_target_mismatch'],
      ['the address it was sent to is not our name', { claims: { htu: base + me } }, 'proof_target_mismatch'],
      ['with a query', { claims: { htu: `${issuer}${me}?a=1` } }, 'proof_target_mismatch'],
      ['no address', { claims: { htu: 7 } }, 'proof_target_mismatch'],
      ['a minute and a bit old', { claims: { iat: second - 62 } }, 'proof_outdated'],
      ['from the future', { claims: { iat: second + 62 } }, 'proof_outdated'],
      ['no time', { claims: { iat: undefined } }, 'proof_malformed'],
      ['time as text', { claims: { iat: String(second) } }, 'proof_malformed'],
      ['expired by its own claim', { claims: { exp: second - 10 } }, 'proof_outdated'],
      ['jti too short', { claims: { jti: 'abcdefghijkl' } }, 'proof_malformed'],
      ['no jti', { claims: { jti: undefined } }, 'proof_malformed'],
      ['body hash of some body', { claims: { bdh: 'x'.repeat(43) } }, 'proof_body_mismatch']
    ]
    for (const [name, asked, code] of cases) t.match(await phone.ask(me, asked), { status: 401, body: { code } }, name)
    for (const iat of [second - 59, second + 59]) {
      t.match(await phone.ask(me, { claims: { iat } }), { status: 200 }, 'a clock that is a minute off')
    }
    t.match(await phone.ask(`${me}?x=1`), { status: 200 }, 'the query of the request is no part of htu')
  })

  await t.test('the key in it must be a public P-256 key, and the one that signed', async (t) => {
    const other = await Phone.make(base, here)
    const privateJwk = await exportJWK(phone.privateKey)
    const cases: Array<[string, Record<string, unknown>, string]> = [
      ['another key signed', { jwk: other.publicJwk }, 'proof_signature_invalid'],
      ['private member', { jwk: privateJwk }, 'proof_key_invalid'],
      ['no key', { jwk: undefined }, 'proof_key_invalid'],
      ['not on the curve', { jwk: { ...phone.publicJwk, x: 'A'.repeat(43) } }, 'proof_key_invalid'],
      ['symmetric', { jwk: { kty: 'oct', k: 'c2VjcmV0' } }, 'proof_key_invalid'],
      ['coordinates too short', { jwk: { ...phone.publicJwk, y: 'abc' } }, 'proof_key_invalid']
    ]
    for (const [name, header, code] of cases) {
      t.match(await phone.ask(me, { header }), { status: 401, body: { code } }, name)
    }
    const { privateKey, publicKey } = await generateKeyPair('ES384', { extractable: true })
    const foreign = await new SignJWT({
      htm: 'GET',
      htu: issuer + me,
      iat: second,
      jti: randomBytes(16).toString('base64url')
    })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES384', jwk: await exportJWK(publicKey) })
      .sign(privateKey)
    t.match(
      await phone.ask(me, { proof: foreign }),
      { status: 401, body: { code: 'proof_malformed' } },
      'another algorithm'
    )
    const [head = '', payload = ''] = (await phone.proof('GET', me, null)).split('.')
    const none = Buffer.from(
      JSON.stringify({ ...JSON.parse(Buffer.from(head, 'base64url').toString()), alg: 'none' })
    ).toString('base64url')
    t.match(
      await phone.ask(me, { proof: `${none}.${payload}.` }),
      { status: 401, body: { code: 'proof_malformed' } },
      'no algorithm'
    )
  })

  await t.test('works once, in all processes together', async (t) => {
    const elsewhere = await serve(t, here)
    const proof = await phone.proof('GET', me, null)
    t.match(await phone.ask(me, { proof }), { status: 200 })
    t.match(await phone.ask(me, { proof }), { status: 401, body: { code: 'proof_replayed' } })
    t.match(await phone.at(elsewhere).ask(me, { proof }), { status: 401, body: { code: 'proof_replayed' } })
    const raced = await phone.proof('GET', me, null)
    const answers = await Promise.all(
      [base, elsewhere, base, elsewhere].map(async (process) => await phone.at(process).ask(me, { proof: raced }))
    )
    t.equal(answers.filter(({ status }) => status === 200).length, 1)
    const { expiresAt } = await database.db
      .selectFrom('oidcArtifact')
      .select('expiresAt')
      .where('model', '=', 'ReplayDetection')
      .executeTakeFirstOrThrow()
    t.ok(expiresAt !== null && expiresAt.getTime() - Date.now() < 4 * 60_000, 'remembered for a bounded time')
  })

  await t.test('binds the body', async (t) => {
    const path = '/app/v1/devices'
    const body = JSON.stringify({ label: 'honest' })
    const proof = async (): Promise<string> => await phone.proof('POST', path, body)
    t.match(await phone.ask(path, { proof: await proof(), raw: body }), { status: 200 })
    t.match(await phone.ask(path, { proof: await proof(), raw: '{"label":"changed"}' }), {
      status: 401,
      body: { code: 'proof_body_mismatch' }
    })
    t.match(
      await phone.ask(path, { proof: await proof(), raw: `${body} ` }),
      { status: 401, body: { code: 'proof_body_mismatch' } },
      'every byte counts'
    )
    t.match(
      await phone.ask(path, { claims: { bdh: undefined }, raw: body }),
      { status: 401, body: { code: 'proof_body_mismatch' } },
      'a post needs the hash'
    )
    t.match(
      await phone.ask('/app/v1/scans/reject', { method: 'POST', claims: { bdh: undefined } }),
      { status: 401, body: { code: 'proof_body_mismatch' } },
      'of nothing, too'
    )
  })

  await t.test('refusals are audited, a flood of them is not', async (t) => {
    const before = await refusals()
    t.ok(before.length <= 20, `${before.length} events`)
    t.ok(before.includes('device_unknown') && before.includes('proof_missing'))
    await database.db.deleteFrom('throttle').execute()
    for (let n = 0; n < 25; n++) await phone.ask(me, { proof: null })
    t.equal((await refusals()).length - before.length, 20)
  })

  await t.test('a revoked key proves nothing', async (t) => {
    t.match(await phone.ask(me, { method: 'DELETE' }), { status: 204, body: null })
    t.match(await phone.ask(me), { status: 401, body: { code: 'device_unknown' } })
    t.match(await phone.ask('/app/v1/devices', { body: { label: 'back again' } }), {
      status: 403,
      body: { code: 'key_revoked' }
    })
  })

  await t.test('one network cannot register without end', async (t) => {
    await database.db.updateTable('throttle').set({ count: 300 }).where('key', 'like', 'hit:%').execute()
    t.match(await (await Phone.make(base, here)).ask('/app/v1/devices', { body: { label: 'one more' } }), {
      status: 429,
      body: { code: 'too_many_requests' }
    })
  })
})
