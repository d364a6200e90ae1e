// Prints an access token of the admin API: node examples/admin-token.mjs "kora.clients:read kora.clients:write"
// In the sandbox the key comes from the sandbox; elsewhere set CLIENT_ID and KEY_FILE (the private JWK of your client).
import { readFile } from 'node:fs/promises'
import { importJWK } from 'jose'
import * as oidc from 'openid-client'

const { ISSUER = 'http://localhost:3000', CLIENT_ID = 'demo-admin', KEY_FILE } = process.env
const scope = process.argv[2] ?? 'kora.clients:read'

const jwk = KEY_FILE === undefined
  ? (await (await fetch(`${ISSUER}/sandbox/api/clients`)).json()).clients.find((client) => client.client_id === CLIENT_ID).private_jwk
  : JSON.parse(await readFile(KEY_FILE, 'utf8'))
const alg = jwk.alg ?? 'ES256'
const key = await importJWK(jwk, alg)

const authentication = oidc.PrivateKeyJwt({ key, kid: jwk.kid })
const metadata = { token_endpoint_auth_signing_alg: alg }
const config = await oidc.discovery(new URL(ISSUER), CLIENT_ID, metadata, authentication, {
  execute: ISSUER.startsWith('http:') ? [oidc.allowInsecureRequests] : []
})
const tokens = await oidc.clientCredentialsGrant(config, { scope, resource: `${ISSUER}/admin/api` })
console.log(tokens.access_token)
