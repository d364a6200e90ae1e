import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { command } from '../../src/cli/doctor.ts'
import { checkDatabase, clockFinding } from '../../src/cli/doctor/database.ts'
import { checkIssuer, dateFinding, judgeCertificate, judgeDiscovery } from '../../src/cli/doctor/issuer.ts'
import { checkMachine, checkSettings } from '../../src/cli/doctor/machine.ts'
import { checkSites, checkVendors, isInside } from '../../src/cli/doctor/outside.ts'
import { checkAudit, checkKeys, checkMasterKey, checkOutbox } from '../../src/cli/doctor/service.ts'
import type { Finding } from '../../src/cli/doctor/finding.ts'
import { loadConfig } from '../../src/config.ts'
import { createFieldCrypto, openDatabase } from '../../src/database/index.ts'
import { createAudit, sealBatch } from '../../src/records/audit/index.ts'
import { publishNext } from '../../src/records/keys/index.ts'
import { ensureSigningKeys } from '../../src/tokens/signing-keys.ts'
import { eachDatabase, testPostgres } from '../support/database.ts'
import { freePort, startKora } from '../support/driver/index.ts'
import { withPostgres } from '../support/needs.ts'

const act = { actor: 'operator:lhamo', reason: 'test', address: null, traceId: null } as const
const statuses = (findings: Finding[]): Record<string, string> =>
  Object.fromEntries(findings.map(({ check, status }) => [check, status]))
const config = (env: Record<string, string> = {}): ReturnType<typeof loadConfig> =>
  loadConfig({ NODE_ENV: 'test', ...env }, 2)

t.test('machine and settings', async (t) => {
  const machine = { version: '24.1.0', threads: undefined, cpus: 4 }
  t.same(statuses(checkMachine(config(), machine)), { node: 'ok', threads: 'ok' })
  t.match(checkMachine(config({ HASH_CONCURRENCY: '8' }), { ...machine, threads: '4' })[1], {
    status: 'warn',
    advice: /6/
  })
  t.same(statuses(checkSettings(config())), { cookies: 'warn', proxy: 'ok', sandbox: 'warn' })
  t.same(
    statuses(checkSettings(config({ ISSUER: 'https://sso.example', SANDBOX: 'off' }))),
    { cookies: 'ok', proxy: 'warn' },
    'whoever ends TLS must be believed'
  )
  t.same(
    statuses(checkSettings(config({ ISSUER: 'https://sso.example', SANDBOX: 'off', TRUSTED_PROXIES: '10.0.0.0/8' }))),
    { cookies: 'ok', proxy: 'ok' }
  )
  t.equal(statuses(checkSettings(config({ ISSUER: 'http://sso.example' })))['cookies'], 'fail')
  for (const finding of checkSettings(config())) t.ok(finding.status === 'ok' || finding.advice, 'says what to do')
})

t.test('what relying sites see', async (t) => {
  const issuer = 'https://sso.example'
  const document = { issuer, token_endpoint: `${issuer}/oidc/token`, jwks_uri: `${issuer}/oidc/jwks` }
  t.equal(judgeDiscovery(issuer, document)[0]?.status, 'ok')
  t.match(judgeDiscovery(issuer, { ...document, issuer: `${issuer}/` })[0], {
    status: 'fail',
    message: /calls itself https:\/\/sso.example\//
  })
  t.match(judgeDiscovery(issuer, { ...document, jwks_uri: 'http://sso.example/oidc/jwks' })[0], {
    status: 'fail',
    message: /jwks_uri/
  })
  t.match(judgeDiscovery(issuer, { ...document, token_endpoint: `${issuer}/token` })[0], { status: 'warn' })

  const now = Date.parse('2026-06-01T00:00:00Z')
  const ends = (date: string): { valid_to: string } => ({ valid_to: date })
  t.match(judgeCertificate(ends('Jul  1 00:00:00 2026 GMT'), null, now), { status: 'ok', message: /30 more days/ })
  t.match(judgeCertificate(ends('Jun 10 00:00:00 2026 GMT'), null, now), { status: 'warn', message: /9 days/ })
  t.match(judgeCertificate(ends('May 30 00:00:00 2026 GMT'), 'CERT_HAS_EXPIRED', now), {
    status: 'fail',
    message: /2 days ago/
  })
  t.match(judgeCertificate(ends('Jul  1 00:00:00 2026 GMT'), 'SELF_SIGNED_CERT_IN_CHAIN', now), {
    status: 'fail',
    message: /SELF_SIGNED/
  })

  t.equal(
    dateFinding('Mon, 01 Jun 2026 00:00:00 GMT', now + 900, now + 950)[0]?.status,
    'ok',
    'whole seconds are no difference'
  )
  t.equal(dateFinding('Mon, 01 Jun 2026 00:00:04 GMT', now, now + 100)[0]?.status, 'warn')
  t.equal(dateFinding('Mon, 01 Jun 2026 00:00:00 GMT', now + 60_000, now + 60_100)[0]?.status, 'fail')
  t.same(dateFinding(null, now, now), [])
  t.equal(clockFinding('clock', 5000, 'x').status, 'fail')

  t.match((await checkIssuer(`http://127.0.0.1:${await freePort()}`))[0], { status: 'fail', message: /ECONNREFUSED/ })
  const other = await server(t, 'hello', 200)
  t.match((await checkIssuer(other))[0], { status: 'fail', message: /no JSON/ })
  t.match((await checkIssuer(await server(t, '', 301, 'https://elsewhere.example/')))[0], {
    status: 'fail',
    message: /301 to https:\/\/elsewhere/
  })
})

async function server (t: Test, body: string, status: number, location?: string): Promise<string> {
  const http = createServer((_request, response) => {
    response.writeHead(status, location === undefined ? {} : { location }).end(body)
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    http.close()
  })
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`
}

eachDatabase(t, 'what is in the database', async (t, database) => {
  const { db, crypto, kind } = database
  const services = { db, crypto, audit: createAudit({ crypto }) }
  const found = statuses(await checkDatabase(db, kind, config()))
  t.match(
    found,
    {
      database: 'ok',
      migrations: 'ok',
      'clock-database': 'ok',
      ...(kind === 'pglite' ? { durability: 'warn' } : { durability: 'fail', connections: 'ok', role: 'warn' })
    },
    'the test server waits for no disk, and its role is a superuser'
  )

  t.equal((await checkMasterKey(db, crypto)).status, 'ok')
  const stranger = createFieldCrypto({ masterKey: Buffer.alloc(32, 'other'), keyId: 'test', cipher: 'aes-256-gcm' })
  t.match(await checkMasterKey(db, stranger), { status: 'fail', advice: /Set the former key/ })

  t.match(await checkKeys(db, crypto, { rotationDays: 90, now: Date.now() }), [
    { status: 'warn', message: /none yet/ }
  ])
  await ensureSigningKeys(db, crypto)
  t.match(await checkKeys(db, crypto, { rotationDays: 90, now: Date.now() }), [
    { status: 'warn', message: /ES256.*no successor/ },
    { status: 'warn', message: /RS256/ }
  ])
  await publishNext(services, act, 'ES256')
  t.match((await checkKeys(db, crypto, { rotationDays: 90, now: Date.now() }))[0], { status: 'ok' })
  t.match((await checkKeys(db, crypto, { rotationDays: 90, now: Date.now() + 92 * 86_400_000 }))[0], {
    status: 'warn',
    message: /92 days, 90 are planned/
  })
  await sql`update signing_key set state = 'retired', retired_at = now() where alg = 'RS256'`.execute(db)
  t.match((await checkKeys(db, crypto, { rotationDays: 90, now: Date.now() }))[1], {
    status: 'fail',
    message: 'RS256: no key signs'
  })
  await sql`insert into removed_key_use (kid, client_id, place, uses) select kid, 'tax', 'id_token_hint', 3
    from signing_key limit 1`.execute(db)
  t.match((await checkKeys(db, crypto, { rotationDays: 90, now: Date.now() })).at(-1), {
    check: 'removed-keys',
    status: 'warn',
    message: /tax/
  })

  t.match(await checkAudit(db, crypto), { status: 'ok' })
  await sealBatch(db, crypto)
  t.match(await checkAudit(db, crypto), { status: 'ok', message: /last 1 events/ })
  await sql`alter table audit_event disable trigger all`.execute(db)
  await sql`update audit_event set at = at - interval '2 minutes', sequence = null, previous_hash = null,
    hash = null`.execute(db)
  await sql`update audit_event set reason = 'nothing'`.execute(db)
  t.match(await checkAudit(db, crypto), { status: 'fail', advice: /kora audit verify/ })

  t.match(await checkOutbox(db), { status: 'ok' })
  await sql`insert into outbox (topic, payload_enc, dead_at) values ('x', 'x', now())`.execute(db)
  t.match(await checkOutbox(db), { status: 'warn' })
  await sql`insert into outbox (topic, payload_enc, run_at) values ('x', 'x', now() - interval '11 minutes')`.execute(
    db
  )
  t.match(await checkOutbox(db), { status: 'fail', message: /1 messages are late/ })

  const site = new URL(await server(t, '', 405))
  const add = async (clientId: string, status: 'live' | 'test', address: string): Promise<void> => {
    await db
      .insertInto('client')
      .values({ clientId, status, metadata: JSON.stringify({ backchannel_logout_uri: address }), policy: '{}' })
      .execute()
  }
  t.match(await checkSites(db, []), [{ status: 'ok', message: /no live site/ }])
  await add('near', 'live', `${site.origin}/logout`)
  const gone = `127.0.0.1:${await freePort()}`
  await add('gone', 'live', `http://${gone}/logout`)
  await add('tested', 'test', 'http://192.168.1.1/logout')
  t.match(await checkSites(db, []), [
    { status: 'fail', message: /gone.*private network/ },
    { status: 'fail', message: /near/, advice: /EGRESS_ALLOWED/ }
  ])
  t.match(
    await checkSites(db, [site.host, gone]),
    [
      { status: 'ok', message: /1 of 2/ },
      { status: 'warn', message: /gone backchannel_logout_uri.*ECONNREFUSED/ }
    ],
    'a refusal of GET is an answer'
  )
})

t.test('networks that are not called unless allowed', async (t) => {
  for (const address of [
    '127.0.0.1',
    '10.1.2.3',
    '172.31.255.1',
    '192.168.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '::1',
    'fd00::1',
    'fe80::1',
    '::ffff:10.0.0.1'
  ]) {
    t.ok(isInside(address), address)
  }
  for (const address of ['8.8.8.8', '172.32.0.1', '2001:4860:4860::8888']) t.notOk(isInside(address), address)
})

t.test('vendors', async (t) => {
  t.same(
    statuses(await checkVendors(config())),
    { face: 'ok', 'population-register': 'ok', 'company-register': 'ok', sms: 'ok' },
    'simulated'
  )
  const vendor = {
    FACE_URL: await server(t, '', 404),
    FACE_KEY_ID: 'k',
    FACE_SECRET: 's'.repeat(32),
    SMS_URL: await server(t, '', 503),
    SMS_KEY_ID: 'k',
    SMS_SECRET: 's'.repeat(32)
  }
  t.match(statuses(await checkVendors(config({ ...vendor, SANDBOX: 'off', DEMO_DATA: 'off' }))), {
    face: 'ok',
    sms: 'warn',
    'company-register': 'fail'
  })
})

t.test('a database that is not there', async (t) => {
  const { db, close } = await openDatabase({
    databaseUrl: `postgres://kora:x@127.0.0.1:${await freePort()}/x`,
    dataDir: '',
    poolSize: 1
  })
  t.teardown(close)
  t.match(await checkDatabase(db, 'postgres', config()), [
    { status: 'fail', message: /cannot be reached \(ECONNREFUSED\)/ }
  ])
})

await withPostgres(t, 'the whole against a running Kora', async (t, url) => {
  const database = await testPostgres(t, url)
  const kora = await startKora(t, { databaseUrl: database.url! })
  const { config } = kora.inside.services
  const env = {
    NODE_ENV: 'test',
    DATABASE_URL: database.url!,
    PORT: String(config.port),
    RP_PORT: String(config.relyingSitePort),
    MASTER_KEY: config.masterKey!.toString('base64'),
    DATA_DIR: config.dataDir
  }
  const run = async (more: Record<string, string>, ...args: string[]): Promise<{ code: number; out: string[] }> => {
    const out: string[] = []
    return {
      code: await command.runWithoutServices(args, { ...env, ...more }, (line) => {
        out.push(line)
      }),
      out
    }
  }
  const { code, out } = await run({}, '--json')
  const report = JSON.parse(out.join('')) as { ok: boolean; findings: Finding[] }
  t.same(
    report.findings.filter(({ status }) => status === 'fail').map(({ check }) => check),
    ['durability'],
    'the test server waits for no disk'
  )
  t.match(statuses(report.findings), {
    issuer: 'ok',
    'clock-issuer': 'ok',
    database: 'ok',
    'master-key': 'ok',
    audit: 'ok',
    outbox: 'ok',
    sites: 'ok'
  })
  t.equal(code, 1)
  const text = (await run({})).out.join('\n')
  t.match(text, /^ok {4}issuer +http.*\n[\s\S]*fail {2}durability .*\n +→ Set fsync = on/m)
  t.match(text, /\d+ ok, \d+ to look at, 1 failed$/)
  t.match((await run({ MASTER_KEY: Buffer.alloc(32, 'x').toString('base64') })).out.join('\n'), /fail {2}master-key/)
  t.match(
    await run({ PORT: 'x', DATABASE_URL: 'mysql://' }),
    { code: 1, out: [/fail {2}settings +PORT="x"/, /→/, /fail {2}settings +DATABASE_URL/] },
    'every fault of the settings'
  )
  t.capture(console, 'error', () => {})
  t.equal((await run({}, '--nonsense')).code, 2)
})
