/**
 * The device grant (RFC 8628) with unmodified `openid-client`: a kiosk shows a code, somebody lets it log in. On PGlite
 * and, where there is one, on PostgreSQL.
 */
import { sql } from 'kysely'
import * as oidc from 'openid-client'
import t, { type Test } from 'tap'
import { endContext } from '../../src/records/organizations/end-context.ts'
import { createThrottle } from '../../src/records/throttle/index.ts'
import { artifactId } from '../../src/tokens/artifact-repository.ts'
import { endSession } from '../../src/records/sessions/index.ts'
import { testPostgres } from '../support/database.ts'
import {
  addClient,
  at,
  chooseIdentity,
  continueAfterPhone,
  demoParty,
  payloadOf,
  startKora,
  submitOrganization,
  submitPassword,
  words,
  type Answer,
  type Browser,
  type Kora
} from '../support/driver/index.ts'
import { withPostgres } from '../support/needs.ts'
import { codeOf } from '../support/organizations.ts'
import { said } from '../support/texts.ts'

const grantType = 'urn:ietf:params:oauth:grant-type:device_code'
const password = 'Snow-lion-2026'
const ronghe = { account: '15100151000', password }
const zhuoma = { account: '13900139000', password }
const gongsi = '西藏示例科技有限公司'

type Asked = Awaited<ReturnType<typeof oidc.initiateDeviceAuthorization>>

await t.test('PGlite', async (t) => {
  await deviceGrant(t, await startKora(t))
})
await withPostgres(t, 'PostgreSQL', async (t, url) => {
  const database = await testPostgres(t, url)
  await deviceGrant(t, await startKora(t, { databaseUrl: database.url ?? '' }))
})

async function deviceGrant (t: Test, kora: Kora): Promise<void> {
  const { services } = kora.inside
  const { db } = services
  const discover = async (clientId: string, auth: oidc.ClientAuth = oidc.None()) =>
    await oidc.discovery(new URL(kora.issuer), clientId, undefined, auth, {
      execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks]
    })
  const kiosk = await discover('demo-device')
  const ask = async (extra: Record<string, string> = {}, config = kiosk): Promise<Asked> =>
    await oidc.initiateDeviceAuthorization(config, { scope: 'openid profile', ...extra })
  const token = async (
    asked: Pick<Asked, 'device_code'>,
    clientId = 'demo-device'
  ): Promise<{ status: number; error?: string; access_token?: string }> => {
    const response = await fetch(`${kora.issuer}/oidc/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: grantType, device_code: asked.device_code, client_id: clientId })
    })
    return { status: response.status, ...((await response.json()) as object) }
  }
  const answerOf = async (asked: Pick<Asked, 'device_code'>): Promise<string> => (await token(asked)).error ?? 'tokens'
  /** As a device does it, only without waiting before the first request. */
  const collect = async (asked: Asked, config = kiosk) =>
    await oidc.pollDeviceAuthorizationGrant(config, { ...asked, interval: 0.001 })
  const enter = async (browser: Browser, code: string): Promise<Answer> =>
    await browser.submit(await browser.go(`${kora.issuer}/device`), { user_code: code })
  const decide = async (browser: Browser, confirm: Answer, decision: 'allow' | 'refuse'): Promise<Answer> =>
    await browser.submit(confirm, { decision })
  const allow = async (browser: Browser, asked: Asked): Promise<Answer> =>
    await decide(browser, await enter(browser, asked.user_code), 'allow')
  const logIn = async (browser: Browser, asked: Asked, who = ronghe): Promise<Answer> =>
    await submitPassword(browser, await allow(browser, asked), who)
  /** By somebody who is logged in already: sees whose account it is, and nothing more. */
  const allowAs = async (browser: Browser, asked: Asked, choice = 'self'): Promise<Answer> => {
    const page = await allow(browser, asked)
    if (!at(page).endsWith('/select')) throw new Error(`not asked whose account: ${page.url}`)
    return await chooseIdentity(browser, page, choice)
  }
  const events = async (type: string) =>
    await db
      .selectFrom('auditEvent')
      .selectAll()
      .where('type', '=', type as never)
      .orderBy('id')
      .execute()
  const active = async (accessToken: string): Promise<boolean> =>
    (await oidc.tokenIntrospection(api.config, accessToken)).active
  const api = await demoParty(kora, 'demo-resource')
  /** The only code that waits, as if it had been asked for this long ago. */
  const age = async (seconds: number): Promise<void> => {
    await sql`update oidc_artifact set payload = payload || jsonb_build_object('exp',
      (payload->>'exp')::int - ${seconds}::int) where model = 'DeviceCode' and payload->'accountId' is null
        and payload->'error' is null`.execute(db)
  }

  await t.test('what a device is told', async (t) => {
    const response = await fetch(`${kora.issuer}/oidc/device-authorization`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'demo-device', scope: 'openid' })
    })
    t.equal(response.status, 200)
    t.equal(response.headers.get('cache-control'), 'no-store')
    const body = (await response.json()) as Asked
    t.match(body, {
      expires_in: 900,
      interval: 5,
      verification_uri: `${kora.issuer}/device`,
      verification_uri_complete: `${kora.issuer}/device?user_code=${body.user_code}`
    })
    t.match(body.user_code, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
    t.match(body.device_code, /^[\w-]{43}$/)
    const refused = async (fields: Record<string, string>): Promise<string> => {
      const answer = await fetch(`${kora.issuer}/oidc/device-authorization`, {
        method: 'POST',
        body: new URLSearchParams(fields)
      })
      t.ok(answer.status >= 400 && answer.status < 500, JSON.stringify(fields))
      t.match(answer.headers.get('content-type'), /json/)
      return ((await answer.json()) as { error: string }).error
    }
    t.equal(
      await refused({ client_id: 'demo-public', scope: 'openid' }),
      'invalid_request',
      'a client without the grant'
    )
    t.equal(await refused({ client_id: 'nobody', scope: 'openid' }), 'invalid_client')
    t.equal(await refused({ client_id: 'demo-device', scope: 'openid identity' }), 'invalid_scope')
    t.equal(await refused({ scope: 'openid' }), 'invalid_request')
    t.equal(
      await refused({ client_id: 'demo-device', scope: 'openid', authorization_details: '[{"type":"x"}]' }),
      'invalid_authorization_details'
    )
    t.equal((await fetch(`${kora.issuer}/oidc/device-authorization`)).status, 405)
  })

  await t.test('a person types the code in, sees what it is for, logs in; the device has its tokens', async (t) => {
    const asked = await ask()
    t.equal(await answerOf(asked), 'authorization_pending')
    const browser = kora.newBrowser()
    const confirm = await enter(browser, ` ${asked.user_code.replace('-', '').toLowerCase()} `)
    t.equal(confirm.status, 200)
    for (const shown of [
      asked.user_code,
      '办事大厅自助机（演示）',
      new URL(kora.site).host,
      '姓名',
      '在屏幕上显示您的姓名',
      '本机'
    ]) {
      t.match(words(confirm.text), shown)
    }
    t.notMatch(confirm.headers.get('content-security-policy') ?? '', 'form-action')
    const login = await decide(browser, confirm, 'allow')
    t.match(at(login), /^\/i\/[\w-]+\/login$/)
    t.match(words(login.text), '办事大厅自助机（演示）')
    t.equal(at(await submitPassword(browser, login, ronghe)), '/device/done')
    t.notMatch(
      browser.history.join(' '),
      new RegExp(`${asked.user_code}|${asked.device_code}`),
      'no address holds a code'
    )

    const tokens = await collect(asked)
    t.match(tokens.claims(), {
      aud: 'demo-device',
      acr: 'urn:kora:loa:2',
      amr: ['pwd'],
      representation: { role: 'self' }
    })
    t.ok(tokens.claims()?.auth_time)
    t.match(await oidc.fetchUserInfo(kiosk, tokens.access_token, tokens.claims()?.sub ?? ''), { name: /./ })
    t.match(await oidc.tokenIntrospection(api.config, tokens.access_token), {
      active: true,
      client_id: 'demo-device',
      acr: 'urn:kora:loa:2',
      auth_time: tokens.claims()?.auth_time,
      representation: { role: 'self' }
    })
    const [event] = await events('device-login.allowed')
    t.match(event, { clientId: 'demo-device', role: 'self' })
    t.ok(event?.personId)
    t.match((await events('login.succeeded')).at(-1), { clientId: 'demo-device', personId: event?.personId })

    const refreshed = await oidc.refreshTokenGrant(kiosk, tokens.refresh_token ?? '')
    t.not(refreshed.refresh_token, tokens.refresh_token, 'a public client rotates')
    t.match(refreshed.claims(), { acr: 'urn:kora:loa:2' })
    await oidc.tokenRevocation(kiosk, refreshed.refresh_token ?? '')
    t.notOk(await active(refreshed.access_token), 'revoked with its line')
    t.equal(await answerOf(asked), 'invalid_grant', 'a code is good once')
    t.notMatch(
      kora.logs().join(''),
      new RegExp(`${asked.user_code}|${asked.user_code.replace('-', '')}|${asked.device_code}`, 'i'),
      'no code in the log'
    )
  })

  await t.test('a link with the code shows the page and decides nothing', async (t) => {
    const asked = await ask()
    const browser = kora.newBrowser()
    for (let i = 0; i < 3; i++) {
      t.match(
        words((await browser.go(asked.verification_uri_complete ?? '')).text),
        asked.user_code,
        'a right code is never too many tries'
      )
    }
    t.equal(await answerOf(asked), 'authorization_pending')
    const english = await browser.go(`${asked.verification_uri_complete ?? ''}&lang=en`)
    t.match(words(english.text), 'Let this device sign in as you?')
    t.match(english.text, `/device?user_code=${asked.user_code}&amp;lang=bo`, 'the language changes on the same page')
    t.notMatch(kora.logs().join(''), asked.user_code)
    t.equal(at(await decide(browser, english, 'refuse')), '/device/refused')
  })

  await t.test('refused: the device hears it as often as it asks, and nobody can go on', async (t) => {
    const asked = await ask()
    const [browser, other] = [kora.newBrowser(), kora.newBrowser()]
    const [mine, theirs] = [await enter(browser, asked.user_code), await enter(other, asked.user_code)]
    const page = await decide(browser, mine, 'refuse')
    t.match([at(page), words(page.text)], ['/device/refused', said('device-login.refused.title')])
    await t.rejects(collect(asked), { error: 'access_denied' } as unknown as Error)
    t.equal(await answerOf(asked), 'access_denied')
    t.equal(at(await decide(other, theirs, 'allow')), '/device/used', 'decided meanwhile')
    t.equal(at(await decide(browser, mine, 'allow')), '/device/used')
    t.match((await events('device-login.refused')).at(-1), {
      clientId: 'demo-device',
      personId: null,
      outcome: 'denied'
    })
  })

  await t.test('wrong, malformed, expired, used', async (t) => {
    const asked = await ask()
    const browser = kora.newBrowser()
    const said = async (code: string, who = browser): Promise<string> => {
      const page = await enter(who, code)
      t.equal(page.status, 422, code)
      return /<p class="msg" id="user_code-e">([^<]+)</.exec(page.text)?.[1] ?? page.url
    }
    const unknown = await said('BBBB-BBBB')
    t.match(unknown, '不正确或已失效')
    t.match(await said(''), '请输入设备上显示的代码')
    for (const code of ['1234', 'AAAA-AAAA', '540102199003072515', "'; drop table person; --", 'Ж'.repeat(8)]) {
      t.match(await said(code), /8 个字母/, code)
    }
    t.equal((await browser.go(`${kora.issuer}/device?user_code=${'%00'.repeat(8)}`)).status, 422)
    t.equal((await browser.go(`${kora.issuer}/device?user_code=B&user_code=C`)).status, 200)
    t.equal((await browser.go(`${kora.issuer}/device/nothing`)).status, 404)
    await age(901)
    t.equal(await said(asked.user_code, kora.newBrowser()), unknown, 'expired: the same words')
    await t.rejects(collect(asked), { error: 'expired_token' } as unknown as Error)
    t.equal(await answerOf({ device_code: 'x'.repeat(43) }), 'invalid_grant')
    t.equal(await answerOf({ device_code: '' }), 'invalid_request')

    const late = await ask()
    const confirm = await enter(browser, late.user_code)
    await age(901)
    t.equal(at(await decide(browser, confirm, 'allow')), '/device/unknown', 'expired while it was looked at')
    const slow = await ask()
    const login = await allow(browser, slow)
    await age(901)
    const end = await submitPassword(browser, login, ronghe)
    t.match([at(end), words(end.text)], ['/device/unknown', /重新获取代码/], 'expired while somebody logged in')
    t.equal(await answerOf(slow), 'expired_token')

    const used = await ask()
    const whose = await allow(browser, used)
    t.match([at(whose), words(whose.text)], [/\/select$/, /洛|荣|\*/], 'who is logged in sees whose account it is')
    t.equal(at(await chooseIdentity(browser, whose, 'self')), '/device/done', 'and is asked nothing more')
    t.match(await said(used.user_code, kora.newBrowser()), '已经用过')
  })

  await t.test(
    'five wrong codes, then a pause for this browser; many from one network, then for all of it',
    async (t) => {
      const [browser, other] = [kora.newBrowser(), kora.newBrowser()]
      const asked = await ask()
      for (let i = 0; i < 5; i++) t.equal((await enter(browser, 'CCCC-CCCC')).status, 422)
      const paused = await enter(browser, asked.user_code)
      t.equal(paused.status, 429)
      t.ok(Number(paused.headers.get('retry-after')) > 0)
      t.match(words(paused.text), /请过 \d 分钟再试/)
      t.equal((await enter(other, asked.user_code)).status, 200)
      t.equal((await events('device-login.throttled')).length, 1)
      const throttle = createThrottle(services)
      const key = 'device-code-network:127.0.0.0/24'
      const six = 'device-code-network::/56'
      await Promise.all(
        [key, six].flatMap((network) => Array.from({ length: 100 }, async () => await throttle.hit(network, 100, 300)))
      )
      t.equal((await enter(kora.newBrowser(), asked.user_code)).status, 429)
      for (const network of [key, six]) for (let i = 0; i < 100; i++) await throttle.release(network)
      t.equal((await enter(other, asked.user_code)).status, 200)
    }
  )

  await t.test('a device that asks too often is told so, each time for longer', async (t) => {
    const asked = await ask()
    t.equal(await answerOf(asked), 'authorization_pending')
    t.equal(await answerOf(asked), 'slow_down')
    t.equal(await answerOf(asked), 'slow_down')
    const rewind = async (seconds: number): Promise<void> => {
      await sql`update oidc_artifact set payload = payload || jsonb_build_object('at',
        (payload->>'at')::float8 - ${seconds}::int) where model = 'DevicePoll'`.execute(db)
    }
    await rewind(10)
    t.equal(await answerOf(asked), 'slow_down', 'five seconds and ten more are the least now')
    await rewind(20)
    t.equal(await answerOf(asked), 'authorization_pending', 'twenty')
    const crowd = await Promise.all(Array.from({ length: 10 }, async () => await answerOf(asked)))
    t.same(new Set(crowd), new Set(['slow_down']))
    t.equal(at(await logIn(kora.newBrowser(), asked)), '/device/done')
    t.equal(await answerOf(asked), 'tokens', 'what is decided is not held back')
    const other = await ask()
    const parallel = await Promise.all(Array.from({ length: 10 }, async () => await answerOf(other)))
    t.equal(
      parallel.filter((answer) => answer === 'authorization_pending').length,
      1,
      'one of ten at once is not too soon'
    )
  })

  await t.test('twenty requests at once after the decision: one has tokens', async (t) => {
    const asked = await ask()
    await logIn(kora.newBrowser(), asked)
    const answers = await Promise.all(Array.from({ length: 20 }, async () => await token(asked)))
    t.equal(answers.filter(({ status }) => status === 200).length, 1)
    t.equal(answers.filter(({ error }) => error === 'invalid_grant').length, 19)
  })

  await t.test('one browser has the code; it may begin again, no other one may', async (t) => {
    const asked = await ask()
    const [browser, other] = [kora.newBrowser(), kora.newBrowser()]
    const theirs = await enter(other, asked.user_code)
    const login = await allow(browser, asked)
    t.match(at(login), /\/login$/)
    t.equal(at(await decide(other, theirs, 'allow')), '/device/used')
    t.equal(at(await decide(other, theirs, 'refuse')), '/device/used')
    t.equal((await enter(other, asked.user_code)).status, 422)
    browser.dropCookies((name) => name.includes('interaction'))
    t.equal(at(await browser.go(login.url)), '/device', 'a lost login leads back to the code')
    t.equal(at(await submitPassword(browser, await allow(browser, asked), ronghe)), '/device/done')
    t.match((await collect(asked)).claims(), { aud: 'demo-device' })

    const crowd = await ask()
    const many = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const one = kora.newBrowser()
        return { one, confirm: await enter(one, crowd.user_code) }
      })
    )
    const ends = await Promise.all(many.map(async ({ one, confirm }) => at(await decide(one, confirm, 'allow'))))
    t.same(
      [ends.filter((end) => end.endsWith('/login')).length, ends.filter((end) => end === '/device/used').length],
      [1, 7],
      'of eight at once'
    )

    const lost = await ask()
    const page = await allow(kora.newBrowser(), lost)
    const stranger = await kora.newBrowser().go(`${kora.issuer}/oidc/device/${at(page).split('/')[2]}`)
    t.equal(at(stranger), '/device/unknown', 'an address alone is nothing')
  })

  await t.test('pages of others decide nothing', async (t) => {
    const [first, second] = [await ask(), await ask()]
    const browser = kora.newBrowser()
    const confirm = await enter(browser, first.user_code)
    const form = confirm.forms.find(({ action }) => action.endsWith('/decision'))
    const post = async (fields: Record<string, string>, headers: Record<string, string> = {}): Promise<number> =>
      (
        await browser.request(`${kora.issuer}/device/decision`, {
          method: 'POST',
          body: new URLSearchParams(fields),
          headers
        })
      ).status
    const csrf = String(form?.fields['csrf'])
    t.equal(
      await post({ user_code: second.user_code, decision: 'allow', csrf }),
      403,
      'a code that this page did not show'
    )
    t.equal(await post({ user_code: first.user_code, decision: 'allow' }), 403)
    t.equal(
      await post({ user_code: first.user_code, decision: 'allow', csrf }, { origin: 'https://evil.example' }),
      403
    )
    t.equal(await post({ user_code: 'x', decision: 'allow', csrf }), 400)
    t.equal(
      (
        await kora.newBrowser().request(`${kora.issuer}/device/decision`, {
          method: 'POST',
          body: new URLSearchParams({ user_code: first.user_code, decision: 'allow', csrf })
        })
      ).status,
      400,
      'no cookie'
    )
    t.equal(
      (
        await browser.request(`${kora.issuer}/device`, {
          method: 'POST',
          body: new URLSearchParams({ user_code: first.user_code })
        })
      ).status,
      403
    )
    t.same(await Promise.all([answerOf(first), answerOf(second)]), ['authorization_pending', 'authorization_pending'])
    t.equal(await post({ user_code: first.user_code, decision: 'somehow', csrf }), 303)
    t.equal(await answerOf(first), 'access_denied', 'only one word allows')
  })

  await t.test('a code is of its client', async (t) => {
    await addClient(kora, {
      clientId: 'other-kiosk',
      metadata: {
        application_type: 'native',
        grant_types: [grantType],
        response_types: [],
        redirect_uris: [],
        token_endpoint_auth_method: 'none',
        scope: 'openid'
      }
    })
    const asked = await ask()
    t.equal((await token(asked, 'other-kiosk')).error, 'invalid_grant')
    t.equal((await token(asked, 'demo-public')).error, 'invalid_request', 'a client without the grant')
    t.equal(await answerOf(asked), 'authorization_pending', 'nothing happened to it')
    await logIn(kora.newBrowser(), asked)
    t.equal((await token(asked, 'other-kiosk')).error, 'invalid_grant')
    t.equal(await answerOf(asked), 'invalid_grant', 'it leaked: nobody has it any more (RFC 9700 §4.5)')
    const mine = await ask({ scope: 'openid' }, await discover('other-kiosk'))
    await logIn(kora.newBrowser(), mine)
    const tokens = await collect(mine, await discover('other-kiosk'))
    t.equal(tokens.refresh_token, undefined, 'a client without refresh tokens gets none')
  })

  await t.test('consent is asked where it is due, and refusing it ends the device too', async (t) => {
    await addClient(kora, {
      clientId: 'asking-kiosk',
      metadata: {
        application_type: 'native',
        grant_types: [grantType],
        response_types: [],
        redirect_uris: [],
        token_endpoint_auth_method: 'none',
        scope: 'openid profile phone'
      },
      policy: { trusted: false, optionalScopes: ['phone'] }
    })
    const asking = await discover('asking-kiosk')
    const browser = kora.newBrowser()
    const refused = await ask({ scope: 'openid profile phone' }, asking)
    const consent = await logIn(browser, refused)
    t.match(at(consent), /\/consent$/)
    t.equal(at(await browser.submit(consent, { decision: 'deny' })), '/device/refused')
    t.equal((await token(refused, 'asking-kiosk')).error, 'access_denied')
    const given = await ask({ scope: 'openid profile phone' }, asking)
    const page = await logIn(browser, given)
    t.equal(at(await browser.submit(page, { decision: 'grant' })), '/device/done')
    const tokens = await collect(given, asking)
    t.equal(tokens.scope, 'openid profile', 'what was not ticked is not given')
  })

  await t.test('a level that is asked for is reached, or the device hears that it cannot be', async (t) => {
    const browser = kora.newBrowser()
    const asked = await ask({ acr_values: 'urn:kora:loa:3' })
    const qr = await logIn(browser, asked)
    t.match(at(qr), /\/qr$/)
    const phone = await kora.sandbox.journey({ payload: payloadOf(qr), person: 'ronghe' })
    t.equal(phone.outcome, 'confirmed')
    t.equal(at(await continueAfterPhone(browser, qr)), '/device/done')
    t.match((await collect(asked)).claims(), { acr: 'urn:kora:loa:3' })
    const never = await ask({ acr_values: 'urn:kora:loa:4' })
    const end = await allowAs(browser, never)
    const last = at(end).endsWith('/qr') ? await finishScan(browser, end) : end
    t.equal(at(last), '/device/failed')
    t.equal(await answerOf(never), 'unmet_authentication_requirements')
  })

  async function finishScan (browser: Browser, qr: Answer): Promise<Answer> {
    await kora.sandbox.journey({ payload: payloadOf(qr), person: 'ronghe' })
    return await continueAfterPhone(browser, qr)
  }

  await t.test('in whose name: chosen on the way, in the tokens, over when it is over', async (t) => {
    const browser = kora.newBrowser()
    const asked = await ask({ scope: 'openid profile organization' })
    const login = await allow(browser, asked)
    const select = await browser.submit(
      login,
      { account: zhuoma.account, password, agree: '1' },
      { form: (form) => 'password' in form.fields }
    )
    t.match(at(select), /\/select$/)
    t.equal(at(await chooseIdentity(browser, select, gongsi)), '/device/done')
    const tokens = await collect(asked)
    t.match(tokens.claims(), {
      representation: { role: 'legal_representative', organization: { uscc: codeOf('gongsi') } }
    })
    t.match((await events('device-login.allowed')).at(-1), { role: 'legal_representative', organizationId: /./ })

    // the same browser at the same kind of device as an agent, by a delegation that then is revoked
    await db.updateTable('delegation').set({ clientIds: null }).where('state', '=', 'active').execute()
    const [agent, waiting] = [await ask({ scope: 'openid organization' }), await ask({ scope: 'openid organization' })]
    for (const one of [agent, waiting]) {
      t.equal(at(await allowAs(browser, one, '林周县示例村股份经济合作社')), '/device/done')
    }
    const acting = await collect(agent)
    const { delegation } = acting.claims()?.['representation'] as { delegation: { id: string } }
    t.ok(await active(acting.access_token))
    await db.transaction().execute(async (trx) => {
      await endContext(trx, services, { contextId: delegation.id, about: { reason: 'delegation_revoked' } })
    })
    t.notOk(await active(acting.access_token))
    await t.rejects(oidc.refreshTokenGrant(kiosk, acting.refresh_token ?? ''), {
      error: 'invalid_grant'
    } as unknown as Error)
    t.equal(await answerOf(waiting), 'invalid_grant', 'nor what was decided and not yet fetched')
  })

  await t.test('an organization by its password', async (t) => {
    const browser = kora.newBrowser()
    const asked = await ask({ scope: 'openid organization' })
    const qr = await submitOrganization(browser, await allow(browser, asked), { uscc: codeOf('gongsi'), password })
    t.match(at(qr), /\/qr$/)
    t.equal((await kora.sandbox.journey({ payload: payloadOf(qr), person: 'zhuoma' })).outcome, 'confirmed')
    t.equal(at(await continueAfterPhone(browser, qr)), '/device/done')
    t.match((await collect(asked)).claims(), { representation: { role: 'legal_representative' } })
  })

  await t.test('what ends the session or the account ends the device', async (t) => {
    const browser = kora.newBrowser()
    const [first, second] = [await ask(), await ask()]
    await logIn(browser, first)
    t.equal(at(await allowAs(browser, second)), '/device/done')
    const tokens = await collect(first)
    const { sessionUid } = await db
      .selectFrom('oidcArtifact')
      .select('sessionUid')
      .where('model', '=', 'AccessToken')
      .orderBy('expiresAt', 'desc')
      .executeTakeFirstOrThrow()
    t.ok(await active(tokens.access_token))
    await endSession(services, sessionUid ?? '', { reason: 'test' })
    t.notOk(await active(tokens.access_token))
    await t.rejects(oidc.refreshTokenGrant(kiosk, tokens.refresh_token ?? ''), {
      error: 'invalid_grant'
    } as unknown as Error)
    t.equal(await answerOf(second), 'invalid_grant')

    // at the same moment: whichever is first, nothing outlives the session
    for (let round = 0; round < 5; round++) {
      const who = kora.newBrowser()
      await logIn(who, await ask())
      const asked = await ask()
      const back = (url: URL): boolean => url.pathname.startsWith('/oidc/device/')
      const returning = await chooseIdentity(who, await allow(who, asked), 'self', back)
      const { uid } = await db
        .selectFrom('oidcArtifact')
        .select('uid')
        .where('id', '=', artifactId('Session', who.cookie('kora_session') ?? ''))
        .executeTakeFirstOrThrow()
      await Promise.all([who.go(returning.url), endSession(services, uid ?? '', { reason: 'test' })])
      const answer = await token(asked)
      t.notOk(
        answer.access_token !== undefined && (await active(answer.access_token)),
        `round ${round}: ${answer.error ?? 'tokens'}`
      )
    }
  })
}
