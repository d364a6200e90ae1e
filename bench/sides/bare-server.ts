/**
 * The bare engine: oidc-provider with its own in-memory storage and its defaults, behind nothing but node:http.
 * Same clients, same requests, same token formats as Kora; no database, no pages, no audit: what the library
 * itself costs, and so the limit of what Kora can reach. Whoever arrives at the login is logged in.
 */
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import { Provider, type ClientMetadata, type Configuration, type KoaContextWithOIDC } from 'oidc-provider'
import { demoClients, demoResourceServers } from '../../src/simulators/demo-clients.ts'

const port = Number(process.env['PORT'])
const site = process.env['SITE'] ?? ''

const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const scopes = 'openid profile phone email identity organization'

const configuration: Configuration = {
  clients: demoClients(site).map(
    ({ clientId, secret, metadata }) =>
      ({
        ...metadata,
        client_id: clientId,
        ...(secret === null ? {} : { client_secret: secret }),
        backchannel_logout_uri: undefined,
        backchannel_logout_session_required: undefined,
        id_token_signed_response_alg: 'ES256',
        subject_type: 'public'
      }) as unknown as ClientMetadata
  ),
  jwks: { keys: [{ ...jwk, kid: 'bare', alg: 'ES256', use: 'sig' }] } as never,
  scopes: [...scopes.split(' '), 'offline_access'],
  claims: { openid: ['sub'], profile: ['name'] },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_ctx, indicator) => {
        const server = demoResourceServers.find(({ identifier }) => identifier === indicator)
        if (server === undefined) throw new Error('unknown resource')
        return {
          scope: server.scopes,
          audience: server.identifier,
          accessTokenTTL: server.ttlSeconds,
          accessTokenFormat: server.tokenFormat,
          jwt: { sign: { alg: 'ES256' } }
        }
      }
    }
  },
  pkce: { required: () => true },
  issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  interactions: { url: () => '/login' },
  findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, name: '次仁卓玛' }) }),
  loadExistingGrant: async (ctx: KoaContextWithOIDC) => {
    const { provider, session, client, account } = ctx.oidc
    if (client === undefined || account === undefined) return undefined
    const known = session?.grantIdFor(client.clientId)
    const found = known === undefined ? undefined : await provider.Grant.find(known)
    if (found !== undefined) return found
    const grant = new provider.Grant({ accountId: account.accountId, clientId: client.clientId })
    grant.addOIDCScope(scopes)
    await grant.save()
    return grant
  }
}

const provider = new Provider(`http://localhost:${port}`, configuration)
const handle = provider.callback()
const fail = (error: unknown): void => {
  console.error(error)
}
createServer((request, response) => {
  if (request.url === '/healthz') response.end()
  else if (request.url === '/login') {
    provider.interactionFinished(request, response, { login: { accountId: 'zhuoma' }, consent: {} }).catch(fail)
  } else handle(request, response).catch(fail)
}).listen(port, '127.0.0.1')
process.on('SIGTERM', () => {
  process.exit()
})
