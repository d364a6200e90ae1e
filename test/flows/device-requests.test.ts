/** What a device may ask for beyond scopes, who may answer, and how much of it one address may ask (RFC 8628). */
import * as oidc from 'openid-client'
import t, { type Test } from 'tap'
import { revokeClient } from '../../src/tokens/revocation.ts'
import { representationType } from '../../src/domain/representation/representation-request.ts'
import {
  at,
  chooseIdentity,
  startKora,
  submitPassword,
  words,
  type Answer,
  type Browser,
  type Kora
} from '../support/driver/index.ts'
import { codeOf } from '../support/organizations.ts'

const password = 'Snow-lion-2026'
const uscc = codeOf('gongsi')

async function kiosk (t: Test, env: Record<string, string> = {}) {
  const kora: Kora = await startKora(t, { env })
  const config = await oidc.discovery(new URL(kora.issuer), 'demo-device', undefined, oidc.None(), {
    execute: [oidc.allowInsecureRequests]
  })
  return {
    kora,
    ask: async (parameters: Record<string, string>) => await oidc.initiateDeviceAuthorization(config, parameters),
    allow: async (browser: Browser, userCode: string): Promise<Answer> =>
      await browser.submit(await browser.submit(await browser.go(`${kora.issuer}/device`), { user_code: userCode }), {
        decision: 'allow'
      }),
    collect: async (
      asked: Awaited<ReturnType<typeof oidc.initiateDeviceAuthorization>>,
      parameters?: Record<string, string>
    ) => await oidc.pollDeviceAuthorizationGrant(config, { ...asked, interval: 0.001 }, parameters)
  }
}

t.test('parameters of the request hold as in any other', async (t) => {
  const { kora, ask, allow, collect } = await kiosk(t)
  const browser = kora.newBrowser()
  const zhuoma = { account: '13900139000', password }

  const claims = await ask({
    scope: 'openid profile',
    claims: JSON.stringify({ id_token: { name: { essential: true }, cert_no: null } })
  })
  t.equal(at(await submitPassword(browser, await allow(browser, claims.user_code), zhuoma)), '/device/done')
  const named = (await collect(claims)).claims()
  t.equal(named?.['name'], '次仁卓玛')
  t.notOk('cert_no' in (named ?? {}))

  const inbox = await chooseIdentity(browser, await browser.go(`${kora.issuer}/me/login?to=/me/messages`), 'self')
  t.match(words(inbox.text), '您允许了一台设备登录您的账号', 'the person is told: it may not have been them')
  t.match(
    words(
      (await browser.go(new URL(/href="(\/me\/messages\/msg_[\w-]+)"/.exec(inbox.text)?.[1] ?? '', kora.issuer).href))
        .text
    ),
    /网站 办事大厅自助机/
  )

  const again = await ask({ scope: 'openid', max_age: '0' })
  const relogin = await allow(browser, again.user_code)
  t.match(at(relogin), /\/login$/, 'max_age=0: who is logged in logs in again')
  t.equal(at(await submitPassword(browser, relogin, { account: '', password })), '/device/done')
  t.ok((await collect(again)).claims()?.auth_time)

  const api = await ask({ scope: 'openid property:read', resource: 'urn:kora:demo:property' })
  t.equal(at(await chooseIdentity(browser, await allow(browser, api.user_code), 'self')), '/device/done')
  const tokens = await collect(api, { resource: 'urn:kora:demo:property' })
  const resource = await oidc.discovery(
    new URL(kora.issuer),
    'demo-resource',
    undefined,
    oidc.ClientSecretBasic('demo-resource-secret-for-the-sandbox-only'),
    { execute: [oidc.allowInsecureRequests] }
  )
  t.match(await oidc.tokenIntrospection(resource, tokens.access_token), {
    active: true,
    aud: 'urn:kora:demo:property',
    scope: 'property:read'
  })

  const details = JSON.stringify([
    { type: representationType(kora.issuer), identifier: `USCC:${uscc}`, actions: ['property.query'] }
  ])
  const asked = await ask({ scope: 'openid', authorization_details: details })
  const select = await allow(browser, asked.user_code)
  t.match(at(select), /\/select$/)
  t.equal(at(await chooseIdentity(browser, select, uscc)), '/device/done')
  const acting = await collect(asked)
  t.match(acting.claims(), { representation: { role: 'legal_representative', organization: { uscc } } })
  t.match(acting['authorization_details'], [{ identifier: `USCC:${uscc}`, roles: ['legal_representative'] }])

  // somebody who has nothing to do with that organization
  const other = kora.newBrowser()
  const never = await ask({ scope: 'openid', authorization_details: details })
  const login = await other.go(`${(await allow(other, never.user_code)).url.split('?')[0] ?? ''}?tab=personal`)
  const dead = await submitPassword(other, login, { account: '15100151000', password })
  t.match(at(dead), /\/asked$/)
  t.equal(at(await other.submit(dead, {}, { form: (form) => form.action.endsWith('/asked') })), '/device/refused')
  await t.rejects(collect(never), { error: 'access_denied' } as unknown as Error)
})

t.test('another account than the one that is logged in', async (t) => {
  const { kora, ask, allow, collect } = await kiosk(t)
  const browser = kora.newBrowser()
  const first = await ask({ scope: 'openid' })
  await submitPassword(browser, await allow(browser, first.user_code), { account: '13900139000', password })
  const mine = (await collect(first)).claims()?.sub
  const second = await ask({ scope: 'openid' })
  const select = await allow(browser, second.user_code)
  t.match(words(select.text), '用其他账号登录')
  const login = await browser.go(select.url.replace(/select$/, 'other'))
  t.equal(at(await submitPassword(browser, login, { account: '15100151000', password })), '/device/done')
  const theirs = (await collect(second)).claims()?.sub
  t.ok(theirs)
  t.not(theirs, mine)
})

t.test('people who may not log in let no device in, and are told no more than elsewhere', async (t) => {
  const { kora, ask, allow } = await kiosk(t)
  const asked = await ask({ scope: 'openid' })
  const person = await kora.sandbox.account('tingyong')
  const browser = kora.newBrowser()
  const login = await allow(browser, asked.user_code)
  const page = await submitPassword(browser, login, { account: person.phone, password })
  t.equal(page.status, 403)
  t.match(at(page), /\/login$/)
})

t.test('codes from one address have a limit, told in JSON', async (t) => {
  const { kora, ask } = await kiosk(t, { LOGIN_STARTS_PER_ADDRESS: '3' })
  for (let i = 0; i < 3; i++) await ask({ scope: 'openid' })
  const refused = await fetch(`${kora.issuer}/oidc/device-authorization`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: 'demo-device', scope: 'openid' })
  })
  t.equal(refused.status, 429)
  t.ok(Number(refused.headers.get('retry-after')) > 0)
  t.match(refused.headers.get('content-type'), 'application/problem+json')
})

t.test('a client that is disabled: its codes are nothing any more', async (t) => {
  const { kora, ask } = await kiosk(t)
  const { services } = kora.inside
  const asked = await ask({ scope: 'openid' })
  await services.db.transaction().execute(async (trx) => {
    await revokeClient(trx, 'demo-device')
  })
  const page = await kora.newBrowser().go(asked.verification_uri_complete ?? '')
  t.equal(page.status, 422)
  t.match(words(page.text), '代码不正确或已失效')
})
