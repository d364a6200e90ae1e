import t from 'tap'
import { createServer } from 'node:http'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import * as oidc from 'openid-client'
import { loadDocuments } from '../../../src/journeys/developers/documents.ts'
import { addClient, freePort, RelyingParty, startKora } from '../../support/driver/index.ts'

type Check = (body: { logout_token: string }, tools: object) => Promise<void>

t.test('the code that the documents give for logout tokens takes a real one, and no other', async (t) => {
  const port = await freePort()
  const kora = await startKora(t, { env: { EGRESS_ALLOWED: `localhost:${port}` } })
  const received = Promise.withResolvers<string>()
  const site = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += String(chunk)
    })
    request.on('end', () => {
      response.end()
      received.resolve(new URLSearchParams(body).get('logout_token') ?? '')
    })
  }).listen(port, 'localhost')
  t.teardown(() => {
    site.close()
  })
  const origin = `http://localhost:${port}`
  await addClient(kora, {
    clientId: 'my-site',
    secret: 'a-secret-of-more-than-thirty-two-characters',
    metadata: {
      redirect_uris: [`${origin}/callback`],
      post_logout_redirect_uris: [`${origin}/`],
      backchannel_logout_uri: `${origin}/backchannel-logout`,
      backchannel_logout_session_required: true,
      scope: 'openid profile',
      client_uri: origin
    }
  })
  const party = await RelyingParty.discover({
    issuer: kora.issuer,
    clientId: 'my-site',
    secret: 'a-secret-of-more-than-thirty-two-characters',
    redirectUri: `${origin}/callback`,
    scope: 'openid'
  })
  const person = await kora.sandbox.account('ronghe')
  const browser = kora.newBrowser()
  const tokens = await party.login(browser, { account: person.phone, password: person.password })
  await browser.go(oidc.buildEndSessionUrl(party.config, { id_token_hint: tokens.id_token ?? '' }).href)
  const logoutToken = await received.promise

  const documents = loadDocuments(kora.inside.services.config)
  const html =
    documents.rendered(
      documents.entries.find(({ slug }) => slug === 'logout')!,
      'en'
    )?.html ?? ''
  const code = (/<code>(const \{ payload \}[\s\S]*?)<\/code>/.exec(html)?.[1] ?? '')
    .replaceAll('&#39;', "'")
    .replaceAll('&quot;', '"')
    .replaceAll('&gt;', '>')
    .replaceAll('&lt;', '<')
    .replaceAll('&amp;', '&')
  // eslint-disable-next-line no-new-func -- the text of the document, as it stands
  const check = new Function(
    'body',
    'tools',
    `const { jwtVerify, createRemoteJWKSet, endSessionsOf } = tools\nreturn (async () => {\n${code}\n})()`
  ) as Check
  const ended: unknown[] = []
  const tools = {
    jwtVerify,
    createRemoteJWKSet,
    endSessionsOf: (sid: unknown) => {
      ended.push(sid)
    }
  }
  await check({ logout_token: logoutToken }, tools)
  t.same(ended, [decodeJwt(tokens.id_token ?? '')['sid']], 'the sid of the login')
  await t.rejects(check({ logout_token: tokens.id_token ?? '' }, tools), 'an ID token is none')
  await t.rejects(check({ logout_token: `${logoutToken.slice(0, -6)}AAAAAA` }, tools), 'nor one that somebody touched')
  t.equal(ended.length, 1)
})
