import t from 'tap'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { createHash, randomUUID } from 'node:crypto'
import * as openid from 'openid-client'
import { write } from '../../../src/database/transaction.ts'
import { adminApiResource, adminScopes } from '../../../src/domain/administration/admin-scopes.ts'
import { changeClient, findClient, setClientStatus } from '../../../src/records/clients/index.ts'
import { demoResource } from '../../../src/simulators/demo-clients.ts'
import { demoParty, startKora } from '../../support/driver/index.ts'
import { AdminApi, administrator, configurationOf, tokenOf } from './support.ts'

const act = { actor: 'operator:test' as const, reason: 'test', address: null, traceId: null }

t.test('T081: every route × no token, another audience, each single scope', { timeout: 240_000 }, async (t) => {
  const kora = await startKora(t)
  const api = await AdminApi.open(kora)
  const table = kora.inside.kora.adminTable.filter(({ kind }) => kind === 'api')
  const described = Object.entries(api.description.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(
      (method) => `${method.toUpperCase()} /admin/api/v1${path.replaceAll(/\{(\w+)\}/g, ':$1')}`
    )
  )
  t.same(
    table.map(({ method, path }) => `${method} ${path}`).sort(),
    described.sort(),
    'the matrix, the router and the description say the same'
  )

  const { clients } = (await (await fetch(`${kora.issuer}/sandbox/api/clients`)).json()) as {
    clients: Array<{ client_id: string; client_secret: string }>
  }
  const machine = clients.find(({ client_id: id }) => id === 'demo-machine')
  const other = await openid.discovery(
    new URL(kora.issuer),
    'demo-machine',
    undefined,
    openid.ClientSecretBasic(machine?.client_secret ?? ''),
    { execute: [openid.allowInsecureRequests] }
  )
  const elsewhere = (await openid.clientCredentialsGrant(other, { resource: demoResource, scope: 'property:read' }))
    .access_token
  const strangers: Array<[string, string | null]> = [
    ['nobody', null],
    ['another audience', elsewhere],
    ['a made-up token', 'x'.repeat(43)]
  ]
  const scoped: Array<[string, string]> = []
  for (const scope of adminScopes) scoped.push([scope, await tokenOf(kora, scope)])
  const none = await tokenOf(kora, '')

  for (const { method, path, scope: needed } of table) {
    // the whole matrix is more than one client may ask for in a minute
    await kora.inside.services.db.deleteFrom('throttle').where('count', '>', 200).execute()
    const inside = path.replace('/admin/api/v1', '').replace(/:\w+/g, 'no-such-one')
    const body = method === 'GET' || method === 'DELETE' ? undefined : {}
    await Promise.all(
      strangers.map(async ([who, token]) => {
        const answer = await api.as(token).call(method, inside, body)
        if (answer.status !== 401 || !answer.headers.get('www-authenticate')?.startsWith('Bearer realm=')) {
          t.fail(`${who}: ${method} ${path}: ${answer.status}`)
        }
      })
    )
    await Promise.all(
      [...scoped, ['', none] as const].map(async ([scope, token]) => {
        const one = api.as(token)
        const answer = await one.call(method, inside, body, { 'if-match': '"1"' })
        const may = needed === 'any' || needed === scope
        if (may === (answer.status === 403) || answer.status === 401 || answer.status >= 500) {
          t.fail(`${scope}: ${method} ${path}: ${answer.status}`)
        }
        if (
          !may &&
          answer.headers.get('www-authenticate') !==
            `Bearer realm="kora-admin", error="insufficient_scope", scope="${String(needed)}"`
        ) {
          t.fail(`${method} ${path}: which scope is not said`)
        }
        if (one.faults.length > 0) t.fail(one.faults.join('\n'))
      })
    )
  }
  const denied = await kora.inside.services.db
    .selectFrom('auditEvent')
    .select('actor')
    .where('type', '=', 'staff.access-denied')
    .orderBy('id')
    .execute()
  t.equal(denied.length, 20, 'refusals are in the trail, and a flood of them does not fill it')
  t.ok(denied.every(({ actor }) => actor === 'client:demo-admin'))
})

t.test('T077: tokens of people, ID tokens, secrets and codes open nothing', { timeout: 120_000 }, async (t) => {
  const kora = await startKora(t)
  const api = await AdminApi.open(kora)
  const config = await demoParty(kora, 'demo-site')
  t.ok(config)
  for (const name of ['demo-machine', 'demo-site']) {
    const { clients } = (await (await fetch(`${kora.issuer}/sandbox/api/clients`)).json()) as {
      clients: Array<{ client_id: string; client_secret: string }>
    }
    const secret = clients.find(({ client_id: id }) => id === name)?.client_secret ?? ''
    const refused = await fetch(`${kora.issuer}/oidc/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${name}:${secret}`)}` },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        resource: adminApiResource(kora.issuer),
        scope: 'kora.clients:read'
      })
    })
    t.equal(refused.status, 400, `${name} gets no token for the admin API`)
  }
  const citizen = await kora
    .newBrowser()
    .request(
      `${kora.issuer}/oidc/auth?${new URLSearchParams({ client_id: 'demo-site', response_type: 'code', scope: 'openid', redirect_uri: `${kora.site}/callback`, code_challenge: 'x'.repeat(43), code_challenge_method: 'S256', resource: adminApiResource(kora.issuer) }).toString()}`
    )
  t.match(citizen.headers.get('location'), /error=invalid_target/, 'nor may a login ask for one')
  const { privateKey } = await generateKeyPair('ES256')
  const jwt = await new SignJWT({ scope: 'kora.clients:read', client_id: 'demo-admin' })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
    .setIssuer(kora.issuer)
    .setAudience(adminApiResource(kora.issuer))
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(privateKey)
  for (const authorization of [
    `Bearer ${jwt}`,
    'Bearer',
    'Bearer a b',
    'Basic ZGVtbw==',
    'Bearer \u00e9',
    `bearer ${'x'.repeat(5000)}`
  ]) {
    const answer = await fetch(`${kora.issuer}/admin/api/v1/clients`, { headers: { authorization } })
    t.equal(answer.status, 401, authorization.slice(0, 30))
  }
  t.equal(
    (await fetch(`${kora.issuer}/admin/api/v1/clients?access_token=${String(api.token)}`)).status,
    401,
    'never in the address'
  )
  t.equal(
    (await fetch(`${kora.issuer}/admin/api/v1/clients`, { headers: { authorization: `bearer ${String(api.token)}` } }))
      .status,
    200,
    'the scheme is compared without case (RFC 9110 §11.1)'
  )
  const preflight = await fetch(`${kora.issuer}/admin/api/v1/clients`, {
    method: 'OPTIONS',
    headers: { origin: 'https://evil.example', 'access-control-request-method': 'GET' }
  })
  t.notOk(preflight.headers.has('access-control-allow-origin'))
})

t.test('a client that is disabled or loses a scope is refused at the next request', async (t) => {
  const kora = await startKora(t)
  const { services } = kora.inside
  const key = await administrator(kora, 'ops', ['kora.clients:read', 'kora.keys:read'])
  const api = await AdminApi.open(
    kora,
    await tokenOf(kora, 'kora.clients:read kora.keys:read kora.people:read', 'ops', key)
  )
  t.equal((await api.call('GET', '/clients')).status, 200)
  t.equal((await api.call('GET', '/people')).status, 403, 'a scope that the client has not is not in the token')
  const client = await findClient(services.db, 'ops')
  if (client === null) throw new Error('no client')
  const { kind, metadata, policy } = client
  t.equal(
    (
      await write(services, changeClient, {
        act,
        clientId: 'ops',
        version: 1,
        content: {
          kind,
          metadata,
          policy: { ...policy, adminScopes: ['kora.keys:read'] }
        }
      })
    ).outcome,
    'changed',
    'taking a scope away needs nobody else'
  )
  t.equal((await api.call('GET', '/clients')).status, 403)
  t.equal((await api.call('GET', '/keys')).status, 200)
  const more = await write(services, changeClient, {
    act,
    clientId: 'ops',
    version: 2,
    content: { kind, metadata, policy }
  })
  t.match(more, { outcome: 'approval_needed', reasons: ['admin_scope'] }, 'giving one does')
  const jwks = { keys: [{ ...(await exportJWK((await generateKeyPair('ES256')).publicKey)), kid: 'other' }] }
  t.match(
    await write(services, changeClient, {
      act,
      clientId: 'ops',
      version: 2,
      content: {
        kind,
        metadata: { ...metadata, jwks },
        policy: { ...policy, adminScopes: ['kora.keys:read'] }
      }
    }),
    { outcome: 'approval_needed', reasons: ['keys_changed'] },
    'and so do other keys'
  )
  t.match(
    await write(services, changeClient, {
      act,
      clientId: 'ops',
      version: 2,
      content: { kind: 'machine', metadata: {}, policy }
    }),
    { outcome: 'invalid', faults: [{ field: '/policy/adminScopes/0', code: 'needs' }] },
    'no admin scope with a secret'
  )
  t.equal((await write(services, setClientStatus, {
    act,
    clientId: 'ops',
    version: 2,
    status: 'disabled'
  })).outcome, 'changed')
  t.equal((await api.call('GET', '/keys')).status, 401)
  // another process may issue tokens until it has looked (a second at most): they open nothing
  const late = await tokenOf(kora, 'kora.keys:read', 'ops', key).catch(() => null)
  t.equal((await api.as(late).call('GET', '/keys')).status, 401)
})

t.test('a token bound to a key needs a proof of it, once, for this request (RFC 9449)', async (t) => {
  const kora = await startKora(t)
  const config = await configurationOf(kora)
  const pair = await generateKeyPair('ES256', { extractable: true })
  const { access_token: token, token_type: type } = await openid.clientCredentialsGrant(
    config,
    { scope: 'kora.keys:read', resource: adminApiResource(kora.issuer) },
    { DPoP: openid.getDPoPHandle(config, pair as never) }
  )
  t.equal(type, 'dpop')
  const address = `${kora.issuer}/admin/api/v1/keys`
  const jwk = await exportJWK(pair.publicKey)
  t.ok(await calculateJwkThumbprint(jwk))
  const proof = async (claims: object = {}, by = pair.privateKey, shown: object = jwk): Promise<string> =>
    await new SignJWT({
      htm: 'GET',
      htu: address,
      jti: randomUUID(),
      ath: createHash('sha256').update(token).digest('base64url'),
      ...claims
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: shown as never })
      .setIssuedAt()
      .sign(by)
  const call = async (scheme: string, dpop: string | null): Promise<Response> =>
    await fetch(address, { headers: { authorization: `${scheme} ${token}`, ...(dpop === null ? {} : { dpop }) } })
  const good = await proof()
  t.equal((await call('DPoP', good)).status, 200)
  t.equal((await call('DPoP', good)).status, 401, 'once')
  t.equal((await call('Bearer', await proof())).status, 401, 'not as a bearer token')
  t.equal(
    (await call('DPoP', null)).headers.get('www-authenticate'),
    'DPoP error="invalid_dpop_proof", algs="ES256 EdDSA"'
  )
  const foreign = await generateKeyPair('ES256', { extractable: true })
  const wrong: Array<[string, Promise<string>]> = [
    ['another method', proof({ htm: 'POST' })],
    ['another address', proof({ htu: `${address}/x` })],
    ['another token', proof({ ath: 'x' })],
    ['another key', proof({}, foreign.privateKey, await exportJWK(foreign.publicKey))],
    ['a false key', proof({}, foreign.privateKey)],
    ['no id', proof({ jti: undefined })]
  ]
  for (const [what, made] of wrong) t.equal((await call('DPoP', await made)).status, 401, what)
  const bearer = await tokenOf(kora, 'kora.keys:read')
  t.equal(
    (await fetch(address, { headers: { authorization: `DPoP ${bearer}`, dpop: await proof() } })).status,
    401,
    'a bearer token is not bound by saying so'
  )
})
