// A relying site in one file: npm install openid-client, then node quick-start.mjs
import { createServer } from 'node:http'
import * as oidc from 'openid-client'

const { ISSUER = 'http://localhost:3000', CLIENT_ID = 'demo-public', PORT = '3002' } = process.env
const redirectUri = `http://127.0.0.1:${PORT}/callback`
const config = await oidc.discovery(new URL(ISSUER), CLIENT_ID, undefined, oidc.None(), {
  execute: ISSUER.startsWith('http:') ? [oidc.allowInsecureRequests] : []
})
const pending = new Map() // state → PKCE verifier and nonce; a real site keeps them in its session

createServer(async (request, response) => {
  const url = new URL(request.url, redirectUri)
  try {
    if (url.pathname === '/callback') {
      const { verifier, nonce } = pending.get(url.searchParams.get('state')) ?? {}
      const tokens = await oidc.authorizationCodeGrant(config, url, {
        pkceCodeVerifier: verifier,
        expectedState: url.searchParams.get('state'),
        expectedNonce: nonce
      })
      const { name } = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
      response.end(`${name} is signed in: ${JSON.stringify(tokens.claims(), null, 2)}`)
    } else {
      const [verifier, state, nonce] = [oidc.randomPKCECodeVerifier(), oidc.randomState(), oidc.randomNonce()]
      pending.set(state, { verifier, nonce })
      const address = oidc.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: 'openid profile',
        state,
        nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256'
      })
      response.writeHead(303, { location: address.href }).end()
    }
  } catch (error) {
    response.writeHead(400).end(`${error.code ?? error.name}: start again at /`)
  }
}).listen(Number(PORT), () => { console.log(`open http://127.0.0.1:${PORT}/`) })
