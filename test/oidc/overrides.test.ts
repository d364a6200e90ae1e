/**
 * The library's insides that src/oidc/overrides relies on, each by the name of the override that needs attention when
 * an upgrade has taken something away. Most run against the library alone: what fails there is not ours.
 */
import t, { type Test } from 'tap'
import { readFileSync, readdirSync, existsSync } from 'node:fs'
import { hash } from 'node:crypto'
import { decodeJwt, exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { interactionPolicy, type Client, type KoaContextWithOIDC, type Session } from 'oidc-provider'
import { addAccessTokenHash } from '../../src/oidc/overrides/add-access-token-hash.ts'
import { addClaimAliases } from '../../src/oidc/overrides/add-claim-aliases.ts'
import { addPayloadMember } from '../../src/oidc/overrides/add-payload-member.ts'
import { allowRedirectUri } from '../../src/oidc/overrides/allow-redirect-uri.ts'
import { chooseTokenIds } from '../../src/oidc/overrides/choose-token-id.ts'
import { replaceSecretComparison } from '../../src/oidc/overrides/compare-client-secret.ts'
import { createGrant } from '../../src/oidc/overrides/create-grant.ts'
import { createInteraction } from '../../src/oidc/overrides/create-interaction.ts'
import { replaceReplayDetection } from '../../src/oidc/overrides/detect-replay.ts'
import { endSessionNow } from '../../src/oidc/overrides/end-session-now.ts'
import { replaceFindClient } from '../../src/oidc/overrides/find-client.ts'
import { forgetClientAuthorization } from '../../src/oidc/overrides/forget-client-authorization.ts'
import { forgetDeviceForm } from '../../src/oidc/overrides/forget-device-form.ts'
import { pushAuthorizationRequest } from '../../src/oidc/overrides/push-authorization-request.ts'
import { queueBackchannelLogout } from '../../src/oidc/overrides/queue-backchannel-logout.ts'
import { readDeviceBrowser } from '../../src/oidc/overrides/read-device-browser.ts'
import { readDeviceError } from '../../src/oidc/overrides/read-device-error.ts'
import { readReplacedSession } from '../../src/oidc/overrides/read-replaced-session.ts'
import { replaceClaimsParameter } from '../../src/oidc/overrides/replace-claims-parameter.ts'
import { setIntrospectionClaims } from '../../src/oidc/overrides/set-introspection-claims.ts'
import { keepInteractionBrowser, readInteractionBrowser } from '../../src/oidc/overrides/keep-interaction-browser.ts'
import { keepSessionConfinement, readSessionConfinement } from '../../src/oidc/overrides/keep-session-confinement.ts'
import { keepSessionIdentifier } from '../../src/oidc/overrides/keep-session-identifier.ts'
import { KoraProvider } from '../../src/oidc/overrides/sign-error-responses.ts'
import type { BackchannelLogoutMembers } from '../../src/oidc/overrides/types.ts'
import { isFormPost, translateFormPost } from '../../src/oidc/overrides/translate-form-post.ts'
import { sessionMembers } from '../../src/tokens/session-change.ts'
import { testCrypto } from '../support/database.ts'
import { site, startLibrary } from './bare-library.ts'
import { authorizeUrl, redirectUri } from './rig.ts'

const root = new URL('../../', import.meta.url)
const overrides = new URL('src/oidc/overrides/', root)
const read = (path: string | URL): string => readFileSync(new URL(path, root), 'utf8')
const readJson = (path: string): Record<string, unknown> => JSON.parse(read(path)) as Record<string, unknown>
const library = 'node_modules/oidc-provider'
const installed = String(readJson(`${library}/package.json`)['version'])

/** How many parameters a member of the library takes; null: it is no function. */
const parameters = (owner: unknown, name: string): number | null => {
  const member: unknown = (owner as Record<string, unknown>)[name]
  return typeof member === 'function' ? member.length : null
}

/** What each override relies on, by the name of its file. */
const checks: Record<string, (t: Test) => Promise<void>> = {
  async 'add-access-token-hash' (t) {
    const { provider, signIn } = await startLibrary(t)
    t.equal(parameters(provider.AccessToken.prototype, 'save'), 0)
    t.equal(parameters(provider.IdToken.prototype, 'issue'), 0)
    t.equal(parameters(provider.IdToken.prototype, 'set'), 2)
    addAccessTokenHash(provider)
    const tokens = await signIn()
    const digest = hash('sha256', tokens.access_token, 'buffer')
    t.equal(decodeJwt(tokens.id_token)['at_hash'], digest.subarray(0, digest.length / 2).toString('base64url'))
  },

  async 'add-claim-aliases' (t) {
    const { provider } = await startLibrary(t, {
      configuration: { claims: { openid: ['sub'], profile: ['name'] } },
      client: { kora_policy: { aliases: { name: 'display_name' } } }
    })
    t.equal(parameters(provider.Claims.prototype, 'result'), 0)
    addClaimAliases(provider)
    const client = (await provider.Client.find(site.clientId)) as Client
    const answer = async (route: string): Promise<unknown> => {
      const ctx = { oidc: { route, client } } as KoaContextWithOIDC
      return await new provider.Claims({ sub: 'sub-1', name: 'n' }, { ctx }).scope('openid profile').result()
    }
    t.same(await answer('userinfo'), { sub: 'sub-1', name: 'n', display_name: 'n' })
    t.same(await answer('token'), { sub: 'sub-1', name: 'n' })
  },

  async 'add-payload-member' (t) {
    const { provider } = await startLibrary(t)
    addPayloadMember(provider.Session, 'more')
    const session = new provider.Session()
    Object.assign(session, { more: 'kept', other: 'dropped' })
    await session.save(60)
    const found = await provider.Session.find(session.jti)
    t.match(found, { more: 'kept' })
    t.notOk(found !== undefined && 'other' in found, 'only what is named')
  },

  async 'allow-redirect-uri' (t) {
    const { provider, issuer, browser } = await startLibrary(t)
    t.equal(parameters(provider.Client.prototype, 'redirectUriAllowed'), 1)
    const further = 'https://console.example/callback'
    const url = authorizeUrl({ issuer }, site, { prompt: 'none', redirect_uri: further })
    t.equal((await browser.go(url)).status, 400)
    allowRedirectUri(provider, ({ clientId }, uri) => clientId === site.clientId && uri === further)
    t.match((await browser.go(url)).headers.get('location'), /^https:\/\/console\.example\/callback\?error=login_required/)
  },

  async 'choose-token-id' (t) {
    const { provider } = await startLibrary(t)
    t.equal(parameters(provider.AccessToken.prototype, 'generateTokenId'), 0)
    const drawn = ['-begins-with-a-hyphen', '_begins-with-an-underscore', 'begins-with-a-letter']
    const prototype = provider.AccessToken.prototype as unknown as { generateTokenId (): string }
    prototype.generateTokenId = () => drawn.shift() ?? ''
    chooseTokenIds(provider)
    t.equal(prototype.generateTokenId(), 'begins-with-a-letter')
  },

  async 'compare-client-secret' (t) {
    const { provider, requestToken } = await startLibrary(t)
    t.equal(parameters(provider.Client.prototype, 'compareClientSecret'), 1)
    const request = { grant_type: 'client_credentials', client_secret: 'another secret' }
    t.equal((await requestToken(request)).status, 401)
    replaceSecretComparison(provider, async ({ clientId }, given) => {
      return clientId === site.clientId && given === 'another secret'
    })
    t.equal((await requestToken(request)).status, 200)
    t.equal((await requestToken({ grant_type: 'client_credentials' })).status, 401)
  },

  async 'create-grant' (t) {
    const { provider } = await startLibrary(t)
    const grant = createGrant(provider, testCrypto(), {
      accountId: 'sub-1',
      clientId: site.clientId,
      scope: 'openid',
      rejectedScope: 'phone',
      claims: ['name'],
      resources: { 'https://api.example': 'read' },
      rar: [{ type: 'representation' }]
    })
    t.match(grant, { jti: /^g1\./, accountId: 'sub-1', clientId: site.clientId, rar: [{ type: 'representation' }] })
    t.equal(grant.getOIDCScopeEncountered(), 'openid phone')
    t.same(grant.getOIDCClaims(), ['name'])
    t.equal(grant.getResourceScope('https://api.example'), 'read')
  },

  async 'create-interaction' (t) {
    const done: (string | undefined)[] = []
    const { provider, issuer, browser, requestToken } = await startLibrary(t, {
      features: {
        deviceFlow: {
          enabled: true,
          successSource: (ctx) => {
            done.push(ctx.oidc.session?.accountId)
            ctx.body = 'done'
          }
        }
      }
    })
    const started = await fetch(`${issuer}/device/auth`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${site.clientId}:${encodeURIComponent(String(site.secret))}`)}` },
      body: new URLSearchParams({ scope: 'openid' })
    })
    const { device_code: deviceCode } = (await started.json()) as { device_code: string }
    const uid = 'u'.repeat(43)
    const cookies = await createInteraction(provider, {
      uid,
      seconds: 60,
      paths: { login: `/i/${uid}`, resume: `/device/${uid}` },
      payload: {
        prompt: { name: 'login', reasons: ['device_login'], details: {} },
        params: { client_id: site.clientId, scope: 'openid' },
        cid: 'c'.repeat(22),
        deviceCode
      }
    })
    t.same(
      cookies.map(({ path }) => path),
      [`/i/${uid}`, `/device/${uid}`]
    )
    for (const { name, value } of cookies) browser.setCookie(name, value)
    const back = (await browser.go(`${issuer}/i/${uid}`)).headers.get('location')
    t.equal(back, `${issuer}/device/${uid}`)
    t.equal(await (await browser.go(String(back))).text(), 'done')
    t.same(done, ['sub-1'])
    const answer = await requestToken({
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: deviceCode
    })
    t.equal(answer.status, 200)
  },

  async 'detect-replay' (t) {
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const { provider, issuer } = await startLibrary(t, {
      client: {
        client_secret: undefined,
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256' }] }
      }
    })
    t.equal(parameters(provider.ReplayDetection, 'unique'), 3)
    const noted: unknown[] = []
    let unique = true
    replaceReplayDetection(provider, async (...args) => {
      noted.push(args)
      return unique
    })
    const request = async (): Promise<number> =>
      (
        await fetch(`${issuer}/token`, {
          method: 'POST',
          body: new URLSearchParams({
            grant_type: 'client_credentials',
            client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
            client_assertion: await new SignJWT({ jti: 'once', exp: 4_000_000_000 })
              .setProtectedHeader({ alg: 'ES256' })
              .setIssuer(site.clientId)
              .setSubject(site.clientId)
              .setAudience(issuer)
              .sign(privateKey)
          })
        })
      ).status
    t.equal(await request(), 200)
    unique = false
    t.equal(await request(), 401)
    t.match(noted, [[site.clientId, 'once', Number], [site.clientId, 'once', Number]])
  },

  async 'end-session-now' (t) {
    const { provider, issuer, asked, browser, signIn } = await startLibrary(t, {
      client: { post_logout_redirect_uris: ['https://site.example/out'] },
      features: { rpInitiatedLogout: { enabled: true, logoutSource: endSessionNow } }
    })
    let ended = 0
    provider.on('end_session.success', () => {
      ended += 1
    })
    const { id_token: hint } = await signIn()
    asked.length = 0
    const out = await browser.go(
      `${issuer}/session/end?${new URLSearchParams({ id_token_hint: hint, post_logout_redirect_uri: 'https://site.example/out', state: 's' }).toString()}`
    )
    t.equal(out.headers.get('location'), 'https://site.example/out?state=s')
    t.equal(ended, 1)
    t.match(asked, [/^Session\.destroy /], 'the session is gone and not saved again')
    t.match(out.headers.getSetCookie(), [/^_session=;/])
    await signIn()
    const done = await browser.go(`${issuer}/session/end`)
    t.equal(done.headers.get('location'), `${issuer}/session/end/success`)
  },

  async 'find-client' (t) {
    const { provider, requestToken } = await startLibrary(t)
    t.equal(parameters(provider.Client, 'find'), 1)
    const looked: string[] = []
    replaceFindClient(provider, async (id, load) => {
      looked.push(id)
      return await load(id)
    })
    t.equal((await requestToken({ grant_type: 'client_credentials' })).status, 200)
    t.ok(looked.includes(site.clientId))
    t.match(await provider.Client.find(site.clientId), { clientId: site.clientId, kora_policy: undefined })
    replaceFindClient(provider, async () => undefined)
    t.equal((await requestToken({ grant_type: 'client_credentials' })).status, 401)
  },

  async 'forget-client-authorization' (t) {
    const { provider } = await startLibrary(t)
    const session = new provider.Session()
    session.ensureClientContainer('a')
    session.ensureClientContainer('b')
    const [before, other] = [session.sidFor('a'), session.sidFor('b')]
    session.ensureClientContainer('a')
    t.equal(session.sidFor('a'), before)
    forgetClientAuthorization(session, 'a')
    session.ensureClientContainer('a')
    t.type(session.sidFor('a'), 'string')
    t.not(session.sidFor('a'), before)
    t.equal(session.sidFor('b'), other)
  },

  async 'forget-device-form' (t) {
    for (const forgets of [false, true]) {
      const { issuer, asked } = await startLibrary(t, {
        features: {
          deviceFlow: {
            enabled: true,
            userCodeInputSource: (ctx) => {
              t.type(ctx.oidc.session?.state?.['secret'], 'string')
              if (forgets) forgetDeviceForm(ctx.oidc.session as Session)
              ctx.body = 'page'
            }
          }
        }
      })
      const page = await fetch(`${issuer}/device`)
      t.equal(asked.some((call) => call.startsWith('Session.upsert')), !forgets)
      t.equal(page.headers.getSetCookie().length > 0, !forgets)
    }
  },

  async 'push-authorization-request' (t) {
    const { provider, issuer, browser } = await startLibrary(t, {
      client: { require_pushed_authorization_requests: true },
      features: { pushedAuthorizationRequests: { enabled: true } }
    })
    const has = (provider.PushedAuthorizationRequest as unknown as { IN_PAYLOAD: string[] }).IN_PAYLOAD
    t.ok(['request', 'dpopJkt', 'trusted'].every((member) => has.includes(member)))
    const request = new UnsecuredJWT({
      ...Object.fromEntries(new URL(authorizeUrl({ issuer }, site, { prompt: 'none', state: 's' })).searchParams)
    })
      .setIssuer(site.clientId)
      .setAudience(issuer)
      .setExpirationTime('60s')
      .encode()
    const requestUri = await pushAuthorizationRequest(provider, { request, dpopJkt: undefined }, 60)
    const query = new URLSearchParams({ client_id: site.clientId, request_uri: requestUri }).toString()
    t.match((await browser.go(`${issuer}/auth?${query}`)).headers.get('location'), /error=login_required.*state=s/)
    const refused = await browser.go(authorizeUrl({ issuer }, site, { prompt: 'none' }))
    t.match(refused.headers.get('location'), /error=invalid_request/)
  },

  async 'queue-backchannel-logout' (t) {
    const posted: { url: string; body: string }[] = []
    const { provider } = await startLibrary(t, {
      client: { backchannel_logout_uri: 'https://site.example/bc', backchannel_logout_session_required: true },
      features: { backchannelLogout: { enabled: true } },
      configuration: {
        fetch: async (url, options) => {
          posted.push({ url: String(url), body: String(options?.body) })
          return new Response(null, { status: posted.length === 1 ? 200 : 503 })
        }
      }
    })
    t.equal(parameters(provider.Client.prototype, 'backchannelLogout'), 2)
    const post = queueBackchannelLogout(provider)
    const client = (await provider.Client.find(site.clientId)) as Client
    await (client as Client & BackchannelLogoutMembers).backchannelLogout('sub-1', 'sid-1')
    t.same(posted, [])
    await post(client, 'sub-1', 'sid-1')
    t.equal(posted[0]?.url, 'https://site.example/bc')
    const token = new URLSearchParams(posted[0]?.body).get('logout_token') ?? ''
    t.match(decodeJwt(token), { sub: 'sub-1', sid: 'sid-1', aud: site.clientId, jti: String })
    await t.rejects(post(client, 'sub-1', 'sid-1'), 'a site that did not take it is told again')
  },

  async 'read-device-browser' (t) {
    const { provider } = await startLibrary(t, { features: { deviceFlow: { enabled: true } } })
    const client = (await provider.Client.find(site.clientId)) as Client
    const code = new provider.DeviceCode({
      client,
      params: {},
      userCode: 'ABCDEFGH',
      deviceInfo: {},
      grantId: 'g',
      inFlight: 'a browser'
    })
    await code.save()
    const found = await provider.DeviceCode.findByUserCode('ABCDEFGH')
    t.equal(found && readDeviceBrowser(found), 'a browser')
  },

  async 'read-device-error' (t) {
    const seen: unknown[] = []
    const { issuer, browser } = await startLibrary(t, {
      features: {
        deviceFlow: {
          enabled: true,
          userCodeInputSource: (ctx, form, _out, error) => {
            seen.push(readDeviceError(error))
            ctx.body = form
          }
        }
      }
    })
    const form = await (await browser.go(`${issuer}/device`)).text()
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(form)?.[1] ?? ''
    const body = new URLSearchParams({ xsrf, user_code: 'no-such-code' })
    await browser.go(`${issuer}/device`, { method: 'POST', body })
    t.same(seen, [null, 'unknown'])
    const classes = (await import(new URL(`${library}/lib/helpers/re_render_errors.js`, root).href)) as Record<
      string,
      new () => Error
    >
    for (const [name, outcome] of [
      ['AbortedError', 'refused'],
      ['NotFoundError', 'unknown'],
      ['ExpiredError', 'unknown'],
      ['AlreadyUsedError', 'used']
    ] as const) {
      const DeviceError = classes[name]
      t.equal(DeviceError === undefined ? undefined : readDeviceError(new DeviceError()), outcome, name)
    }
  },

  async 'keep-interaction-browser' (t) {
    const { provider } = await startLibrary(t)
    keepInteractionBrowser(provider)
    const uid = 'u'.repeat(43)
    await createInteraction(provider, {
      uid,
      seconds: 60,
      paths: { login: `/i/${uid}`, resume: `/auth/${uid}` },
      payload: {
        prompt: { name: 'login', reasons: [], details: {} },
        params: { client_id: site.clientId },
        cid: 'c'.repeat(22),
        browserHash: 'a hash'
      }
    })
    const found = await provider.Interaction.find(uid)
    t.equal(found && readInteractionBrowser(found), 'a hash')
    await found?.persist()
    const again = await provider.Interaction.find(uid)
    t.equal(again && readInteractionBrowser(again), 'a hash', 'also when it is saved again')
  },

  async 'keep-session-confinement' (t) {
    const { provider, authorize, asked } = await startLibrary(t)
    let confined: unknown = { role: 'agent' }
    keepSessionConfinement(provider, () => confined)
    const find = async () => {
      const id = asked.findLast((call) => call.startsWith('Session.upsert'))?.split(' ')[1] ?? ''
      return readSessionConfinement(await provider.Session.find(id))
    }
    await authorize()
    t.same(await find(), { role: 'agent' })
    await authorize()
    t.same(await find(), { role: 'agent' }, 'it stays while nobody signs in')
    confined = undefined
    await authorize({ prompt: 'login' })
    t.equal(await find(), undefined, 'a login of the whole person removes it')
  },

  async 'keep-session-identifier' (t) {
    for (const same of [true, false]) {
      const { provider, asked, authorize } = await startLibrary(t)
      keepSessionIdentifier(provider, () => same)
      await authorize()
      asked.length = 0
      await authorize({ prompt: 'login' })
      t.equal(asked.some((call) => call.startsWith('Session.upsert')), true)
      t.equal(asked.some((call) => call.startsWith('Session.destroy')), !same)
    }
  },

  async 'read-replaced-session' (t) {
    const { provider, asked } = await startLibrary(t)
    const session = new provider.Session()
    await session.save(60)
    const before = session.jti
    t.equal(readReplacedSession(session), undefined)
    session.resetIdentifier()
    t.equal(readReplacedSession(session), before)
    asked.length = 0
    await session.save(60)
    t.same(asked, [`Session.destroy ${before}`, `Session.upsert ${session.jti}`])
  },

  async 'replace-claims-parameter' (t) {
    const seen: unknown[] = []
    const { issuer, browser } = await startLibrary(t, {
      configuration: {
        claims: { openid: ['sub'], profile: ['name', 'email'] },
        interactions: {
          url: (ctx, { uid }) => {
            seen.push(ctx.oidc.claims, [...ctx.oidc.requestParamClaims])
            return `/i/${uid}`
          }
        }
      },
      features: {
        claimsParameter: {
          enabled: true,
          assertClaimsParameter: (ctx) => {
            replaceClaimsParameter(ctx, { userinfo: { email: null } })
          }
        }
      }
    })
    const response = await browser.go(
      authorizeUrl({ issuer }, site, { claims: JSON.stringify({ userinfo: { name: null } }) })
    )
    t.equal(response.status, 303)
    t.match(seen, [{ userinfo: { email: null } }, ['email']])
  },

  async 'set-introspection-claims' (t) {
    const { issuer, requestToken } = await startLibrary(t, {
      configuration: { extraTokenClaims: () => ({ kept: 'k', replaced: 'before' }) },
      features: {
        introspection: {
          enabled: true,
          allowedPolicy: (_ctx, _client, token) => {
            setIntrospectionClaims(token as { extra?: Record<string, unknown> }, { replaced: 'after' })
            return true
          }
        }
      }
    })
    const { access_token: token } = (await (await requestToken({ grant_type: 'client_credentials' })).json()) as {
      access_token: string
    }
    const answer = await fetch(`${issuer}/token/introspection`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${site.clientId}:${encodeURIComponent(String(site.secret))}`)}` },
      body: new URLSearchParams({ token })
    })
    t.match(await answer.json(), { active: true, kept: 'k', replaced: 'after' })
  },

  async 'sign-error-responses' (t) {
    for (const [modes, signed] of [
      [['jwt', 'form_post.jwt'], true],
      [['query', 'jwt'], false]
    ] as const) {
      const { issuer, browser } = await startLibrary(t, {
        build: (...args) => new KoraProvider(...args),
        features: { jwtResponseModes: { enabled: true } },
        client: { response_modes: modes }
      })
      const refused = await browser.go(authorizeUrl({ issuer }, site, { prompt: 'none' }))
      const answer = new URL(refused.headers.get('location') ?? '').searchParams
      const jwt = answer.get('response')
      t.equal(jwt !== null, signed)
      t.type(jwt === null ? answer.get('error') : decodeJwt(jwt)['error'], 'string')
    }
  },

  async 'translate-form-post' (t) {
    const { issuer, browser } = await startLibrary(t)
    const page = await browser.go(authorizeUrl({ issuer }, site, { prompt: 'none', response_mode: 'form_post' }))
    const html = await page.text()
    t.ok(isFormPost(html))
    const translated = translateFormPost(html, 'bo')
    t.notOk(isFormPost(translated))
    t.match(translated, /<html lang="bo">/)
    t.notMatch(translated, /Continue|Submitting|does not support/)
    t.match(translated, new RegExp(`<form method="post" action="${redirectUri}">`))
    const script = /<script>[\s\S]*<\/script>/
    t.equal(script.exec(translated)?.[0], script.exec(html)?.[0], 'allowed by its hash')
  }
}

const files = readdirSync(overrides)
  .filter((name) => name !== 'types.ts')
  .map((name) => name.replace(/\.ts$/, ''))

t.same(files, Object.keys(checks).sort(), 'every override is checked here')

for (const name of files) {
  t.test(`src/oidc/overrides/${name}.ts needs no attention`, async (t) => {
    const head = /^\/\*\*([\s\S]*?)\*\//.exec(read(`src/oidc/overrides/${name}.ts`))?.[1] ?? ''
    for (const part of ['Changes: ', 'Reason: ', 'Relies on: ']) t.ok(head.includes(` * ${part}`), part)
    t.ok(
      head.includes(`oidc-provider ${installed}`),
      `written for another version: read it again beside oidc-provider ${installed}, then change the number in it`
    )
    for (const [file] of head.matchAll(/lib\/[\w/]+\.js/g)) t.ok(existsSync(new URL(`${library}/${file}`, root)), file)
    await checks[name]?.(t)
  })
}

t.test('src/oidc/interaction-policy.ts: the checks that it takes out are there', async (t) => {
  const policy = interactionPolicy.base()
  for (const [prompt, reason] of [
    ['login', 'essential_acrs'],
    ['login', 'essential_acr'],
    ['consent', 'rar_prompt']
  ] as const) {
    t.ok(policy.get(prompt)?.checks.get(reason), reason)
  }
})

t.test('src/tokens/session-change.ts: every member of a session is stored', async (t) => {
  const { provider } = await startLibrary(t)
  const { IN_PAYLOAD: members } = provider.Session
  t.same(
    members.filter((name) => !['iat', 'exp', 'jti', 'kind', 'uid', 'authorizations'].includes(name)).sort(),
    [...sessionMembers].filter((name) => name !== 'confined').sort()
  )
})

t.test('the library is pinned exactly, and this version is installed', async (t) => {
  const { dependencies, devDependencies } = readJson('package.json') as Record<string, Record<string, string>>
  const { packages } = readJson('package-lock.json') as { packages: Record<string, { version: string }> }
  for (const [name, pin] of [
    ['oidc-provider', dependencies?.['oidc-provider']],
    ['@types/oidc-provider', devDependencies?.['@types/oidc-provider']]
  ] as const) {
    t.match(pin, /^\d+\.\d+\.\d+$/, name)
    t.equal(packages[`node_modules/${name}`]?.version, pin, name)
    t.equal(readJson(`node_modules/${name}/package.json`)['version'], pin, name)
  }
})

t.test('nothing else touches the insides of a library', async (t) => {
  const insides = /\boidc-provider\/lib\b|\bas never\b/
  const withoutComments = (text: string): string => text.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*/g, '')
  const found = readdirSync(new URL('src/', root), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.startsWith('oidc/overrides/'))
    .filter((name) => insides.test(withoutComments(read(`src/${name}`))))
  t.same(found, [])
})
