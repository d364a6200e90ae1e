/**
 * S4: a client gets tokens for an API only as far as it was granted, people see what it may do there, and a grant that
 * is taken away is dead at once everywhere. On PGlite and, where there is one, on PostgreSQL.
 */
import { sql } from 'kysely'
import * as oidc from 'openid-client'
import t, { type Test } from 'tap'
import { write } from '../../src/database/transaction.ts'
import { changeClient, findClient } from '../../src/records/clients/index.ts'
import { setResourceServerStatus } from '../../src/records/resource-servers/index.ts'
import { registryOn } from '../records/clients/support.ts'
import { testPostgres, type TestDatabase } from '../support/database.ts'
import {
  addClient,
  arrivedAt,
  at,
  chooseIdentity,
  demoParty,
  errorOf,
  RelyingParty,
  startKora,
  startProcesses,
  submitPassword,
  type Answer,
  type Browser,
  type Kora,
  type Started
} from '../support/driver/index.ts'
import { withPostgres } from '../support/needs.ts'

const password = 'Snow-lion-2026'
const ronghe = { account: '15100151000', password }
const zhuoma = { account: '13900139000', password }
const opaqueApi = 'urn:kora:demo:property'
const jwtApi = 'urn:kora:demo:property:jwt'
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

await t.test('PGlite', async (t) => {
  await attacks(t, await startKora(t))
})
await withPostgres(t, 'PostgreSQL', async (t, url) => {
  const database = await testPostgres(t, url)
  await attacks(t, await startKora(t, { databaseUrl: database.url ?? '' }))
})
await withPostgres(t, 'PostgreSQL, two processes', async (t, url) => {
  await attackTwoProcesses(t, await testPostgres(t, url))
})

async function attacks (t: Test, kora: Kora): Promise<void> {
  const { db } = kora.inside.services
  const redirectUri = `${kora.site}/callback`
  const web = {
    application_type: 'web',
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: [redirectUri],
    scope: 'openid profile'
  }
  const api = await demoParty(kora, 'demo-resource')
  let made = 0
  /** A confidential client of its own for each case. */
  async function newParty (
    { resources, metadata = {}, policy = {} }: Pick<Parameters<typeof addClient>[1], 'resources'> & {
      metadata?: Record<string, unknown>
      policy?: Record<string, unknown>
    }
  ): Promise<{ clientId: string; party: RelyingParty }> {
    const clientId = `api-client-${++made}`
    const secret = `secret-of-${clientId}-for-tests-only-0123456789`
    await addClient(kora, {
      clientId,
      secret,
      metadata: { ...web, token_endpoint_auth_method: 'client_secret_basic', ...metadata },
      policy,
      ...(resources === undefined ? {} : { resources })
    })
    const party = await RelyingParty.discover({
      issuer: kora.issuer,
      clientId,
      secret,
      redirectUri,
      scope: 'openid profile'
    })
    return { clientId, party }
  }
  async function signIn (party: RelyingParty, browser: Browser, started: Started): Promise<Answer> {
    const page = await party.visit(browser, started)
    return party.arrived(new URL(page.url)) ? page : await submitPassword(browser, page, ronghe, party.arrived)
  }
  async function apiTokens (party: RelyingParty, resource: string, scope: string): Promise<{
    access_token: string
    refresh_token?: string
    scope?: string
  }> {
    const started = await party.start({ resource, scope })
    const arrival = arrivedAt(party, await signIn(party, kora.newBrowser(), started))
    return await party.redeem(started, arrival, {}, { resource })
  }
  const revoke = async (clientId: string, resource: string): Promise<void> => {
    await sql`delete from client_resource where client_id = ${clientId} and resource = ${resource}`.execute(db)
  }
  const errorIn = async (promise: Promise<unknown>): Promise<string> =>
    await promise.then(
      () => 'none',
      (error: { error?: string }) => error.error ?? String(error)
    )
  const introspect = async (token: string): Promise<oidc.IntrospectionResponse> =>
    await oidc.tokenIntrospection(api.config, token)
  const minimumLevel = async (level: number | null): Promise<void> => {
    await sql`update resource_server set minimum_level = ${level} where identifier = ${opaqueApi}`.execute(db)
  }

  await t.test('S4 a public client gets no token for an API that nobody granted to it', async (t) => {
    await addClient(kora, {
      clientId: 'stranger',
      metadata: { ...web, token_endpoint_auth_method: 'none', scope: 'openid' }
    })
    const stranger = await RelyingParty.discover({ issuer: kora.issuer, clientId: 'stranger', redirectUri })
    for (const resource of [jwtApi, opaqueApi, 'urn:nobody']) {
      const browser = kora.newBrowser()
      const started = await stranger.start({ resource, scope: 'openid property:write' })
      t.equal(errorOf(stranger, await signIn(stranger, browser, started)), 'invalid_target', resource)
    }
  })

  await t.test('S4 nor by client credentials, by a pushed request, or with a device code', async (t) => {
    const { party } = await newParty({ metadata: { grant_types: ['authorization_code', 'client_credentials'] } })
    for (const resource of [jwtApi, opaqueApi]) {
      const asked = oidc.clientCredentialsGrant(party.config, { resource, scope: 'property:write' })
      t.equal(await errorIn(asked), 'invalid_target', resource)
    }
    const pushed = oidc.buildAuthorizationUrlWithPAR(party.config, {
      redirect_uri: redirectUri,
      scope: 'openid property:write',
      resource: jwtApi,
      code_challenge: await oidc.calculatePKCECodeChallenge(oidc.randomPKCECodeVerifier()),
      code_challenge_method: 'S256'
    })
    t.equal(await errorIn(pushed), 'invalid_target')
    const kiosk = await newParty({
      metadata: {
        application_type: 'native',
        grant_types: [deviceGrant],
        response_types: [],
        redirect_uris: []
      }
    })
    const scope = 'openid property:read'
    const device = oidc.initiateDeviceAuthorization(kiosk.party.config, { scope, resource: jwtApi })
    t.equal(await errorIn(device), 'invalid_target')
  })

  await t.test('S4 a client gets the granted scopes and is refused the others by name', async (t) => {
    const { party } = await newParty({
      metadata: { grant_types: ['authorization_code', 'refresh_token', 'client_credentials'] },
      resources: { [opaqueApi]: { scopes: ['property:read'] } }
    })
    const tokens = await apiTokens(party, opaqueApi, 'openid property:read')
    t.match(await introspect(tokens.access_token), { active: true, scope: 'property:read', aud: opaqueApi })
    const started = await party.start({ resource: opaqueApi, scope: 'openid property:read property:write' })
    t.equal(errorOf(party, await signIn(party, kora.newBrowser(), started)), 'invalid_scope')
    t.equal(
      await errorIn(oidc.clientCredentialsGrant(party.config, { resource: opaqueApi, scope: 'property:read' })),
      'invalid_target',
      'what it may do for a person who is there is nothing that it may do by itself'
    )
  })

  await t.test('S4 a grant for the client itself is none in the name of people', async (t) => {
    const { party } = await newParty({
      metadata: { grant_types: ['authorization_code', 'client_credentials'] },
      resources: { [jwtApi]: { machineScopes: ['property:read'] } }
    })
    const token = await oidc.clientCredentialsGrant(party.config, { resource: jwtApi, scope: 'property:read' })
    t.equal(token.scope, 'property:read')
    t.equal(
      await errorIn(oidc.clientCredentialsGrant(party.config, { resource: jwtApi, scope: 'property:write' })),
      'invalid_scope'
    )
    const started = await party.start({ resource: jwtApi, scope: 'openid property:read' })
    t.equal(errorOf(party, await signIn(party, kora.newBrowser(), started)), 'invalid_target')
  })

  await t.test('S4 people see the API and what may be done there, and say no', async (t) => {
    const { party } = await newParty({
      policy: { trusted: false },
      resources: { [opaqueApi]: { scopes: ['property:read', 'property:write'] } }
    })
    const browser = kora.newBrowser()
    const started = await party.start({ resource: opaqueApi, scope: 'openid property:read' })
    const page = await signIn(party, browser, started)
    t.match(at(page), /\/consent$/)
    t.match(page.text, /data-api="urn:kora:demo:property"/)
    t.match(page.text, /data-api-scope="property:read"/)
    t.notMatch(page.text, /data-api-scope="property:write"/, 'only what is asked for')
    const denied = await browser.submit(page, { decision: 'deny' }, { stop: party.arrived })
    t.equal(errorOf(party, denied), 'access_denied')

    await signIn(party, browser, await party.start({ scope: 'openid' }))
    const silent = await party.start({ resource: opaqueApi, scope: 'openid property:read', prompt: 'none' })
    t.equal(errorOf(party, await party.visit(browser, silent)), 'consent_required')

    const forged = await party.visit(browser, await party.start({ resource: opaqueApi, scope: 'openid property:read' }))
    const write = `${opaqueApi} property:write`
    const unchanged = await browser.submit(forged, { decision: 'grant', api: write }, { stop: party.arrived })
    t.match(at(unchanged), /\/consent$/, 'what was shown was not agreed to, so it is asked again')
    const { rows } = await sql`select from consent where scope = ${write}`.execute(db)
    t.equal(rows.length, 0, 'and what was not shown is not recorded')

    const again = await party.start({ resource: opaqueApi, scope: 'openid property:read' })
    const asked = await party.visit(browser, again)
    const back = await browser.submit(asked, { decision: 'grant' }, { stop: party.arrived })
    const tokens = await party.redeem(again, arrivedAt(party, back), {}, { resource: opaqueApi })
    t.match(await introspect(tokens.access_token), { active: true, scope: 'property:read' })

    const quiet = await party.start({ resource: opaqueApi, scope: 'openid property:read', prompt: 'none' })
    t.equal(errorOf(party, await party.visit(browser, quiet)), null, 'what was agreed to is not asked again')
    const more = await party.start({ resource: opaqueApi, scope: 'openid property:write', prompt: 'none' })
    t.equal(errorOf(party, await party.visit(browser, more)), 'consent_required', 'another scope is')
  })

  await t.test('S4 a device names the API on the page where its code is typed in', async (t) => {
    const { party } = await newParty({
      metadata: { application_type: 'native', grant_types: [deviceGrant], response_types: [], redirect_uris: [] },
      resources: { [opaqueApi]: { scopes: ['property:read'] } }
    })
    const asked = await oidc.initiateDeviceAuthorization(party.config, {
      scope: 'openid property:read',
      resource: opaqueApi
    })
    const page = await kora.newBrowser().go(asked.verification_uri_complete ?? '')
    t.match(page.text, /data-api="urn:kora:demo:property"/)
    t.match(page.text, /data-api-scope="property:read"/)
  })

  await t.test('S4 a device gets what its person agreed to, and nothing when the grant is gone', async (t) => {
    const { party, clientId } = await newParty({
      metadata: { application_type: 'native', grant_types: [deviceGrant], response_types: [], redirect_uris: [] },
      policy: { trusted: false },
      resources: { [opaqueApi]: { scopes: ['property:read'] } }
    })
    const ask = async (): Promise<oidc.DeviceAuthorizationResponse> =>
      await oidc.initiateDeviceAuthorization(party.config, { scope: 'openid property:read', resource: opaqueApi })
    const browser = kora.newBrowser()
    const allow = async (asked: oidc.DeviceAuthorizationResponse): Promise<Answer> => {
      const confirm = await browser.go(asked.verification_uri_complete ?? '')
      return await browser.submit(confirm, { decision: 'allow' })
    }
    const collect = async (asked: oidc.DeviceAuthorizationResponse) =>
      await oidc.pollDeviceAuthorizationGrant(party.config, { ...asked, interval: 0.001 }, { resource: opaqueApi })
    const first = await ask()
    const consent = await submitPassword(browser, await allow(first), ronghe)
    t.match(at(consent), /\/consent$/)
    t.match(consent.text, /data-api-scope="property:read"/)
    t.match(at(await browser.submit(consent, { decision: 'grant' })), /\/device\/done$/)
    const tokens = await collect(first)
    t.match(await introspect(tokens.access_token), { active: true, scope: 'property:read', aud: opaqueApi })

    const second = await ask()
    t.match(at(await chooseIdentity(browser, await allow(second), 'self')), /\/device\/done$/)
    await revoke(clientId, opaqueApi)
    t.equal(await errorIn(collect(second)), 'invalid_target')
    t.notOk((await introspect(tokens.access_token)).active)
  })

  await t.test('S4 an API that is named again and again is read and shown once', async (t) => {
    const { party } = await newParty({
      policy: { trusted: false },
      resources: { [opaqueApi]: { scopes: ['property:read'] }, [jwtApi]: { scopes: ['property:read'] } }
    })
    const started = await party.start({ scope: 'openid property:read' })
    for (const resource of Array.from({ length: 60 }, (_, n) => (n % 2 === 0 ? opaqueApi : jwtApi))) {
      started.url.searchParams.append('resource', resource)
    }
    const page = await signIn(party, kora.newBrowser(), started)
    t.same([...page.text.matchAll(/data-api="([^"]+)"/g)].map(([, name]) => name), [opaqueApi, jwtApi])
  })

  await t.test('S4 the minimum level of an API is asked for, and refused where nobody can be asked', async (t) => {
    const { party } = await newParty({ resources: { [opaqueApi]: { scopes: ['property:read'] } } })
    const browser = kora.newBrowser()
    const before = await party.start({ resource: opaqueApi, scope: 'openid property:read' })
    const arrival = arrivedAt(party, await signIn(party, browser, before))
    const other = await party.start({ resource: opaqueApi, scope: 'openid property:read' })
    const unused = arrivedAt(party, await signIn(party, browser, other))
    const tokens = await party.redeem(before, arrival, {}, { resource: opaqueApi })
    t.match(await introspect(tokens.access_token), { active: true, acr: 'urn:kora:loa:2' })
    await minimumLevel(3)
    t.teardown(async () => await minimumLevel(null))

    t.equal((await introspect(tokens.access_token)).active, false, 'a token of a weaker login')
    const refreshed = oidc.refreshTokenGrant(party.config, tokens.refresh_token ?? '', { resource: opaqueApi })
    t.equal(await errorIn(refreshed), 'invalid_target', 'nor with its refresh token')
    t.equal(await errorIn(party.redeem(other, unused, {}, { resource: opaqueApi })), 'invalid_target', 'nor its code')

    const silent = await party.start({ resource: opaqueApi, scope: 'openid property:read', prompt: 'none' })
    t.match(errorOf(party, await party.visit(browser, silent)) ?? '', /^(interaction|login)_required$/)
    const asked = await party.start({ resource: opaqueApi, scope: 'openid property:read' })
    t.match(at(await party.visit(browser, asked)), /\/i\/[\w-]+\/qr$/, 'the phone is asked for')
    const plain = await party.start({ scope: 'openid profile' })
    t.equal(errorOf(party, await party.visit(browser, plain)), null, 'a login without the API is as before')
  })

  await t.test('S4 a grant that is taken away is dead at once: tokens, refresh tokens, codes', async (t) => {
    const { party, clientId } = await newParty({
      metadata: { grant_types: ['authorization_code', 'refresh_token', 'client_credentials'] },
      resources: { [opaqueApi]: { scopes: ['property:read'], machineScopes: ['property:read'] } }
    })
    const tokens = await apiTokens(party, opaqueApi, 'openid property:read')
    const own = await oidc.clientCredentialsGrant(party.config, { resource: opaqueApi, scope: 'property:read' })
    const started = await party.start({ resource: opaqueApi, scope: 'openid property:read' })
    const arrival = arrivedAt(party, await signIn(party, kora.newBrowser(), started))
    for (const token of [tokens.access_token, own.access_token]) t.ok((await introspect(token)).active)
    await revoke(clientId, opaqueApi)
    for (const token of [tokens.access_token, own.access_token]) t.notOk((await introspect(token)).active)
    t.notOk((await oidc.tokenIntrospection(party.config, tokens.access_token)).active, 'to itself neither')
    const refreshed = oidc.refreshTokenGrant(party.config, tokens.refresh_token ?? '', { resource: opaqueApi })
    t.equal(await errorIn(refreshed), 'invalid_target')
    t.equal(await errorIn(party.redeem(started, arrival, {}, { resource: opaqueApi })), 'invalid_target')
    const again = oidc.clientCredentialsGrant(party.config, { resource: opaqueApi, scope: 'property:read' })
    t.equal(await errorIn(again), 'invalid_target')
    t.ok((await oidc.refreshTokenGrant(party.config, tokens.refresh_token ?? '')).access_token, 'the login goes on')
  })

  await t.test('S4 a scope that is taken away leaves no token that has it', async (t) => {
    const { party, clientId } = await newParty({
      resources: { [opaqueApi]: { scopes: ['property:read', 'property:write'] } }
    })
    const tokens = await apiTokens(party, opaqueApi, 'openid property:read property:write')
    t.equal((await introspect(tokens.access_token)).scope, 'property:read property:write')
    await sql`update client_resource set scopes = '{property:read}' where client_id = ${clientId}`.execute(db)
    t.match(await introspect(tokens.access_token), { active: true, scope: 'property:read' })
    const refreshed = await oidc.refreshTokenGrant(party.config, tokens.refresh_token ?? '', { resource: opaqueApi })
    t.equal(refreshed.scope, 'property:read')
  })

  await t.test('S4 a disabled API has no tokens, and no lifetime is longer than its format allows', async (t) => {
    const { party } = await newParty({ resources: { [opaqueApi]: { scopes: ['property:read'] } } })
    const tokens = await apiTokens(party, opaqueApi, 'openid property:read')
    await sql`update resource_server set status = 'disabled' where identifier = ${opaqueApi}`.execute(db)
    t.teardown(async () => {
      await sql`update resource_server set status = 'active' where identifier = ${opaqueApi}`.execute(db)
    })
    t.notOk((await introspect(tokens.access_token)).active)
    const refreshed = oidc.refreshTokenGrant(party.config, tokens.refresh_token ?? '', { resource: opaqueApi })
    t.equal(await errorIn(refreshed), 'invalid_target')
    for (const [identifier, seconds] of [
      [opaqueApi, 3601],
      [jwtApi, 601],
      [jwtApi, 0]
    ] as const) {
      await t.rejects(
        sql`update resource_server set ttl_seconds = ${seconds} where identifier = ${identifier}`.execute(db),
        { code: '23514' },
        `${seconds} s`
      )
    }
  })

  await t.test('S4 the demo clients keep what they had', async (t) => {
    const machine = await demoParty(kora, 'demo-machine')
    const own = await oidc.clientCredentialsGrant(machine.config, { resource: jwtApi, scope: 'property:write' })
    t.equal(own.scope, 'property:write')
    const site = await demoParty(kora, 'demo-site', { scope: 'openid profile' })
    const started = await site.start({ resource: opaqueApi, scope: 'openid property:write' })
    const page = await submitPassword(
      ...(await (async () => {
        const browser = kora.newBrowser()
        return [browser, await site.visit(browser, started)] as const
      })()),
      zhuoma,
      site.arrived
    )
    const tokens = await site.redeem(started, arrivedAt(site, page), {}, { resource: opaqueApi })
    t.match(await introspect(tokens.access_token), { active: true, scope: 'property:write' })
  })
}

/** The administration acts at neither of them: nothing that a process keeps in memory may decide. */
async function attackTwoProcesses (t: Test, database: TestDatabase): Promise<void> {
  const processes = await startProcesses(t, { instances: 2, databaseUrl: database.url ?? '' })
  const deps = registryOn(database)
  const at = async (clientId: string, instance: number): Promise<oidc.Configuration> => {
    const client = (await processes.sandbox(0).clients()).find((one) => one.client_id === clientId)
    return await oidc.discovery(
      new URL(processes.issuer),
      clientId,
      undefined,
      oidc.ClientSecretBasic(client?.client_secret ?? ''),
      {
        execute: [oidc.allowInsecureRequests],
        [oidc.customFetch]: processes.fetchVia(() => instance) as oidc.CustomFetch
      }
    )
  }
  const machines = [await at('demo-machine', 0), await at('demo-machine', 1)]
  const apis = [await at('demo-resource', 0), await at('demo-resource', 1)]
  const ask = async (machine: oidc.Configuration): Promise<string> =>
    await oidc.clientCredentialsGrant(machine, { resource: opaqueApi, scope: 'property:read' }).then(
      ({ access_token: token }) => token,
      (error: { error?: string }) => error.error ?? String(error)
    )
  const active = async (token: string): Promise<boolean[]> =>
    await Promise.all(apis.map(async (api) => (await oidc.tokenIntrospection(api, token)).active))
  const setGrants = async (resources: object): Promise<void> => {
    const client = await findClient(database.db, 'demo-machine')
    const changed = await write(deps, changeClient, {
      act: { actor: 'operator:test', reason: 'test', address: null, traceId: null },
      clientId: 'demo-machine',
      version: null,
      content: { kind: client?.kind, metadata: client?.metadata, policy: { ...client?.policy, resources } },
      approved: true
    })
    t.equal(changed.outcome, 'changed')
  }
  for (let round = 0; round < 5; round++) {
    const tokens = await Promise.all(machines.map(ask))
    for (const token of tokens) t.strictSame(await active(token), [true, true], 'granted')
    await setGrants({})
    for (const token of tokens) t.strictSame(await active(token), [false, false], 'taken away')
    t.strictSame(await Promise.all(machines.map(ask)), ['invalid_target', 'invalid_target'])
    await setGrants({ [opaqueApi]: { machineScopes: ['property:read'] } })
  }
  const [token = ''] = await Promise.all(machines.map(ask))
  const act = { actor: 'operator:test' as const, reason: 'test', address: null, traceId: null }
  await write(deps, setResourceServerStatus, { act, identifier: opaqueApi, version: null, status: 'disabled' })
  t.strictSame(await active(token), [false, false], 'disabled')
  t.strictSame(await Promise.all(machines.map(ask)), ['invalid_target', 'invalid_target'])
}
