/** Every way to register a client registers kiosks, by the one validation; and each of them can ask for a code. */
import t from 'tap'
import * as oidc from 'openid-client'
import { command as clientCommand } from '../../../src/cli/client.ts'
import { command as tokenCommand } from '../../../src/cli/registration-token.ts'
import { startKora, words, type Answer } from '../../support/driver/index.ts'
import { AdminApi } from '../admin-api/support.ts'
import { signInAs } from '../console/support.ts'

const grantType = 'urn:ietf:params:oauth:grant-type:device_code'
const kora = await startKora(t, { env: { DYNAMIC_REGISTRATION: 'on' } })
const { services } = kora.inside

async function asks (clientId: string, secret: string | null = null): Promise<object> {
  const config = await oidc.discovery(
    new URL(kora.issuer),
    clientId,
    undefined,
    secret === null ? oidc.None() : oidc.ClientSecretBasic(secret),
    { execute: [oidc.allowInsecureRequests] }
  )
  return await oidc.initiateDeviceAuthorization(config, { scope: 'openid profile' })
}

const answered = { verification_uri: `${kora.issuer}/device`, interval: 5 }

t.test('the console', async (t) => {
  const { browser } = await signInAs(kora, 'system')
  const posts = (form: { action: string; method: string }): boolean =>
    form.method === 'post' && form.action.endsWith('/admin/clients/new')
  let page: Answer = await browser.go(`${kora.issuer}/admin/clients/new`)
  t.match(words(page.text), '自助机、电视')
  let questions = 0
  for (; questions < 5 && page.forms.some(posts); questions++) {
    page = await browser.submit(
      page,
      {
        kind: 'device',
        name_zh: '大厅自助机',
        scope_profile: 'on',
        purpose_profile: '显示姓名',
        grants_refresh_token: 'on',
        reason: '工单 1'
      },
      { form: posts }
    )
  }
  t.equal(questions, 3, 'a kiosk is asked for no addresses')
  t.match(words(page.text), /大厅自助机 已建立/)
  const clientId = /\/admin\/clients\/([\w-]+)"/.exec(page.text)?.[1] ?? ''
  t.match(await asks(clientId), answered)
  const code = await browser.go(`${kora.issuer}/admin/clients/${clientId}/snippets`)
  t.match(code.text, 'initiateDeviceAuthorization')
  t.match(code.text, clientId)
  t.match(code.text, `${kora.issuer}/oidc/device-authorization`)
  t.notMatch(code.text, `${kora.issuer}/oidc/device<`)
  for (const tail of ['', '/addresses', '/permissions', '/credentials', '/experience', '/test', '/history']) {
    t.equal((await browser.go(`${kora.issuer}/admin/clients/${clientId}${tail}`)).status, 200, tail)
  }
  t.match((await browser.go(`${kora.issuer}/admin/clients?kind=device`)).text, clientId)
})

t.test('the admin API', async (t) => {
  const api = await AdminApi.open(kora)
  const made = await api.call('POST', '/clients', {
    client_id: 'api-kiosk',
    kind: 'device',
    metadata: { scope: 'openid profile', token_endpoint_auth_method: 'client_secret_basic' },
    policy: { names: { 'zh-CN': '自助机' }, purposes: { profile: '显示姓名' } }
  })
  t.equal(made.status, 201)
  t.same(made.body.client.metadata.grant_types, [grantType])
  t.match(await asks('api-kiosk', made.body.secret.secret), answered)
  const wrong = await api.call('POST', '/clients', {
    client_id: 'odd-kiosk',
    kind: 'device',
    metadata: { redirect_uris: ['https://a.gov.cn/cb'], grant_types: [grantType, 'authorization_code'] },
    policy: { names: { 'zh-CN': '自助机' } }
  })
  t.equal(wrong.status, 422)
  t.match(JSON.stringify(wrong.body), /redirect_uris.*not_for_this_kind|not_for_this_kind.*redirect_uris/)
})

t.test('the command line', async (t) => {
  const lines: string[] = []
  const code = await clientCommand.run(
    ['create', '--name', '自助机', '--kind', 'device', '--scope', 'openid', '--reason', 'test', '--json'],
    services as never,
    (line: string) => {
      lines.push(line)
    }
  )
  t.equal(code, 0, lines.join('\n'))
  const { client_id: clientId } = JSON.parse(lines.join('\n')) as { client_id: string }
  t.match(
    await oidc.initiateDeviceAuthorization(
      await oidc.discovery(new URL(kora.issuer), clientId, undefined, oidc.None(), {
        execute: [oidc.allowInsecureRequests]
      }),
      { scope: 'openid' }
    ),
    answered
  )
})

t.test('dynamic registration (RFC 7591)', async (t) => {
  const tokenOf = async (...args: string[]): Promise<string> => {
    const lines: string[] = []
    await tokenCommand.run(['--json', '--reason', 'test', '--scope', 'profile', ...args], services, (line) => {
      lines.push(line)
    })
    return (JSON.parse(lines.join('')) as { token: string }).token
  }
  const kiosk = {
    client_name: '自助机',
    grant_types: [grantType],
    response_types: [],
    token_endpoint_auth_method: 'none',
    application_type: 'native',
    scope: 'openid profile',
    kora_purposes: { profile: '显示姓名' }
  }
  const register = async (token: string): Promise<{ status: number; body: Record<string, unknown> }> => {
    const response = await fetch(`${kora.issuer}/connect/register`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(kiosk)
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const refused = await register(await tokenOf())
  t.match(
    refused,
    { status: 400, body: { error: 'invalid_client_metadata', error_description: /kind: not_allowed/ } },
    'a token for sites registers no kiosks'
  )
  const made = await register(await tokenOf('--kind', 'device'))
  t.equal(made.status, 201, JSON.stringify(made.body))
  t.match(await asks(String(made.body['client_id'])), answered)
})
