import { sql } from 'kysely'
import t from 'tap'
import * as openid from 'openid-client'
import { command } from '../../../src/cli/registration-token.ts'
import { startKora, type Kora } from '../../support/driver/index.ts'

const site = {
  client_name: '公积金查询',
  redirect_uris: ['https://gjj.example.gov.cn/cb'],
  scope: 'openid profile',
  kora_purposes: { profile: '显示姓名' }
}

async function tokenFor (kora: Kora, ...args: string[]): Promise<string> {
  const lines: string[] = []
  const code = await command.run(['--json', '--reason', 'test', ...args], kora.inside.services, (line) => {
    lines.push(line)
  })
  if (code !== 0) throw new Error(`exit ${code}`)
  return (JSON.parse(lines.join('')) as { token: string }).token
}

const send = async (
  address: string,
  token: string | null,
  method = 'POST',
  body?: unknown
): Promise<{ status: number; headers: Headers; body: any }> => {
  const response = await fetch(address, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' })
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) })
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) }
}

t.test('off unless it is switched on', async (t) => {
  const kora = await startKora(t)
  t.equal(
    (
      await fetch(`${kora.issuer}/connect/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(site)
      })
    ).status,
    404
  )
  const discovery = (await (await fetch(`${kora.issuer}/.well-known/openid-configuration`)).json()) as object
  t.notOk('registration_endpoint' in discovery)
})

t.test(
  'RFC 7591 and 7592: a standard library registers, the site keeps its client, and goes',
  { timeout: 120_000 },
  async (t) => {
    const kora = await startKora(t, { env: { DYNAMIC_REGISTRATION: 'on' } })
    const token = await tokenFor(kora, '--host', 'gjj.example.gov.cn', '--scope', 'profile', '--uses', '2')
    const registered = await openid.dynamicClientRegistration(new URL(kora.issuer), site, openid.ClientSecretBasic(), {
      initialAccessToken: token,
      execute: [openid.allowInsecureRequests]
    })
    const made = registered.clientMetadata() as Record<string, any>
    t.match(made['client_secret'], /^[\w-]{43}$/)
    t.equal(made['client_secret_expires_at'], 0)
    const { db } = kora.inside.services
    t.equal(
      (
        await db
          .selectFrom('client')
          .select('status')
          .where('clientId', '=', String(made['client_id']))
          .executeTakeFirst()
      )?.status,
      'test'
    )
    const asked = await fetch(`${kora.issuer}/oidc/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${String(made['client_id'])}:${String(made['client_secret'])}`)}` },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: 'x',
        redirect_uri: site.redirect_uris[0] ?? '',
        code_verifier: 'x'.repeat(43)
      })
    })
    t.match(await asked.json(), { error: 'invalid_grant' }, 'it is a client that may authenticate')

    const address = String(made['registration_client_uri'])
    const own = String(made['registration_access_token'])
    const read = await send(address, own, 'GET')
    t.match(read.body, {
      client_id: made['client_id'],
      'client_name#zh-CN': '公积金查询',
      redirect_uris: site.redirect_uris
    })
    t.notOk('client_secret' in read.body)
    await db
      .updateTable('client')
      .set({ policy: sql`jsonb_set(policy, '{minimumLevel}', '3')` })
      .where('clientId', '=', String(made['client_id']))
      .execute()
    const changed = await send(address, own, 'PUT', {
      ...site,
      client_id: made['client_id'],
      redirect_uris: ['https://gjj.example.gov.cn/other']
    })
    t.equal(changed.status, 200)
    t.same(changed.body.redirect_uris, ['https://gjj.example.gov.cn/other'])
    t.match(
      (
        await db
          .selectFrom('client')
          .select('policy')
          .where('clientId', '=', String(made['client_id']))
          .executeTakeFirst()
      )?.policy,
      { minimumLevel: 3 },
      'what an administrator has set stays'
    )
    t.equal((await send(address, own, 'PUT', site)).status, 400, 'it must say which client it is')
    t.equal(
      (
        await send(address, own, 'PUT', {
          ...site,
          client_id: made['client_id'],
          redirect_uris: ['https://evil.example.com/cb']
        })
      ).body.error,
      'invalid_redirect_uri',
      'the limits go on'
    )
    for (const [what, wrong] of [
      ['the token it was made with', token],
      ['another', 'y'.repeat(43)],
      ['none', null]
    ] as const) {
      for (const method of ['GET', 'DELETE']) t.equal((await send(address, wrong, method)).status, 401, what)
    }
    t.equal((await send(`${kora.issuer}/connect/register/demo-site`, own, 'GET')).status, 401, "nobody else's client")
    t.equal((await send(address, own, 'DELETE')).status, 204)
    t.equal((await send(address, own, 'GET')).status, 401)
    t.equal(
      (
        await db
          .selectFrom('client')
          .select('status')
          .where('clientId', '=', String(made['client_id']))
          .executeTakeFirst()
      )?.status,
      'disabled'
    )
    const events = await db
      .selectFrom('auditEvent')
      .select(['type', 'actor'])
      .where('clientId', '=', String(made['client_id']))
      .orderBy('id')
      .execute()
    t.same(
      events.filter(({ type }) => type.startsWith('client.')).map(({ type }) => type),
      ['client.created', 'client.updated', 'client.disabled']
    )
  }
)

t.test('limits, uses and bad input', { timeout: 120_000 }, async (t) => {
  const kora = await startKora(t, { env: { DYNAMIC_REGISTRATION: 'on' } })
  const endpoint = `${kora.issuer}/connect/register`
  const token = await tokenFor(kora, '--host', 'gjj.example.gov.cn', '--scope', 'profile')
  const refused: Array<[string, unknown, string]> = [
    ['another host', { ...site, redirect_uris: ['https://other.example.gov.cn/cb'] }, 'invalid_redirect_uri'],
    ['http', { ...site, redirect_uris: ['http://gjj.example.gov.cn/cb'] }, 'invalid_redirect_uri'],
    [
      'a scope too many',
      { ...site, scope: 'openid profile phone', kora_purposes: { profile: 'a', phone: 'b' } },
      'invalid_client_metadata'
    ],
    [
      'the document number',
      { ...site, scope: 'openid identity', kora_purposes: { identity: 'a' } },
      'invalid_client_metadata'
    ],
    ['another kind', { client_name: 'm', grant_types: ['client_credentials'] }, 'invalid_client_metadata'],
    ['a policy of its own', { ...site, policy: { adminScopes: ['kora.clients:write'] } }, 'invalid_client_metadata'],
    ['admin scopes', { ...site, adminScopes: ['kora.clients:write'] }, 'invalid_client_metadata'],
    ['no purpose', { ...site, kora_purposes: undefined }, 'invalid_client_metadata'],
    ['a name that is none', { ...site, client_name: 7 }, 'invalid_client_metadata'],
    [
      'a jwks of private keys',
      { ...site, token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [{ kty: 'oct', k: 'x' }] } },
      'invalid_client_metadata'
    ],
    ['an inside address', { ...site, jwks_uri: 'https://10.0.0.1/jwks' }, 'invalid_client_metadata'],
    ['an array', [], 'invalid_client_metadata'],
    ['no JSON', '{', 'invalid_client_metadata'],
    ['NUL', { ...site, client_name: 'a\0b' }, 'invalid_client_metadata']
  ]
  for (const [what, body, error] of refused) {
    const answer = await send(endpoint, token, 'POST', body)
    t.match(answer, { status: 400, body: { error } }, what)
  }
  const anywhere = await tokenFor(kora, '--scope', 'profile')
  const own = await send(endpoint, anywhere, 'POST', { ...site, redirect_uris: [`${kora.issuer}/me/callback`] })
  t.match(own, { status: 400, body: { error: 'invalid_redirect_uri' } }, "Kora's own address")
  t.match(
    own.body.error_description,
    `own_origin (received ${kora.issuer}/me/callback, expected https://name.example.gov.cn/`
  )
  const none = await send(endpoint, null, 'POST', site)
  t.equal(none.status, 401)
  t.match(none.headers.get('www-authenticate'), /^Bearer .*invalid_token/)
  t.equal(
    (
      await kora.inside.services.db
        .selectFrom('client')
        .select('clientId')
        .where('clientId', 'like', 'site-%')
        .execute()
    ).length,
    0
  )
  const answers = await Promise.all(Array.from({ length: 10 }, async () => await send(endpoint, token, 'POST', site)))
  t.equal(
    answers.filter(({ status }) => status === 201).length,
    1,
    'what was refused spent no use, and the one use is one'
  )
  t.equal(answers.filter(({ status }) => status === 401).length, 9)
  const late = await tokenFor(kora)
  await kora.inside.services.db
    .updateTable('registrationToken')
    .set({ expiresAt: new Date(Date.now() - 1000) })
    .execute()
  t.equal((await send(endpoint, late, 'POST', site)).status, 401, 'outdated')
})
