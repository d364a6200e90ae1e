/** The library without Kora around it: over real HTTP, with its storage in memory, and with what one override needs. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'
import { Provider, type Adapter, type AdapterPayload, type Configuration, type Grant } from 'oidc-provider'
import type { Test } from 'tap'
import { Browser, authorize, redeem, redirectUri, type Site, type TokenResponse } from './rig.ts'

/** What the adapter was asked, in order: `Session.destroy abc`. */
export type Asked = string[]

export interface BareLibrary {
  provider: Provider
  issuer: string
  asked: Asked
  browser: Browser
  /** Authorization with this client's own parameters; what the site got. */
  authorize(more?: Record<string, string>): Promise<URLSearchParams>
  /** Login at this site and redemption of the code. */
  signIn(): Promise<TokenResponse>
  /** A token request of this site; `more` may hold another secret. */
  requestToken(more: Record<string, string>): Promise<Response>
}

export const site: Site = { clientId: 'site', secret: 'a secret of the site' }

const keys = await generateKeyPair('ES256', { extractable: true })
const jwk = { ...(await exportJWK(keys.privateKey)), kid: 'key', alg: 'ES256', use: 'sig' }

function memory (asked: Asked): (model: string) => Adapter {
  const stored = new Map<string, AdapterPayload>()
  return (model) => {
    const find = async (id: string) => stored.get(`${model} ${id}`)
    const findBy = async (member: string, value: string) =>
      [...stored].find(([key, payload]) => key.startsWith(`${model} `) && payload[member] === value)?.[1]
    return {
      find,
      findByUid: (uid) => findBy('uid', uid),
      findByUserCode: (code) => findBy('userCode', code),
      async upsert (id, payload) {
        asked.push(`${model}.upsert ${id}`)
        stored.set(`${model} ${id}`, payload)
      },
      async consume (id) {
        const payload = await find(id)
        if (payload !== undefined) payload.consumed = true
      },
      async destroy (id) {
        asked.push(`${model}.destroy ${id}`)
        stored.delete(`${model} ${id}`)
      },
      revokeByGrantId: async () => {}
    }
  }
}

export interface Wanted {
  configuration?: Configuration
  features?: Configuration['features']
  client?: Record<string, unknown>
  build?: (issuer: string, configuration: Configuration) => Provider
}

export async function startLibrary (t: Test, wanted: Wanted = {}): Promise<BareLibrary> {
  const asked: Asked = []
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      response.statusCode = 500
      response.end(String(error))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const configuration: Configuration = {
    adapter: memory(asked),
    jwks: { keys: [jwk] },
    clients: [
      {
        client_id: site.clientId,
        client_secret: String(site.secret),
        redirect_uris: [redirectUri],
        grant_types: [
          'authorization_code',
          'client_credentials',
          ...(wanted.features?.deviceFlow?.enabled === true ? ['urn:ietf:params:oauth:grant-type:device_code'] : [])
        ],
        id_token_signed_response_alg: 'ES256',
        authorization_signed_response_alg: 'ES256',
        ...wanted.client
      }
    ],
    enabledJWA: { authorizationSigningAlgValues: ['ES256'] },
    extraClientMetadata: { properties: ['kora_policy'], validator () {} },
    cookies: { keys: [], long: { signed: false }, short: { signed: false } },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      ...wanted.features
    } as NonNullable<Configuration['features']>,
    scopes: ['openid'],
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    loadExistingGrant: async (ctx): Promise<Grant | undefined> => {
      const { account, client } = ctx.oidc
      if (account === undefined || client === undefined) return undefined
      const grant = new ctx.oidc.provider.Grant({ accountId: account.accountId, clientId: client.clientId })
      grant.addOIDCScope('openid')
      await grant.save()
      return grant
    },
    interactions: { url: (_ctx, { uid }) => `/i/${uid}` },
    renderError: (ctx, out) => {
      ctx.body = out
    },
    ttl: {
      AccessToken: 60,
      ClientCredentials: 60,
      DeviceCode: 60,
      Grant: 600,
      IdToken: 60,
      Interaction: 600,
      Session: 600
    },
    ...wanted.configuration
  }
  const provider = (wanted.build ?? ((...args) => new Provider(...args)))(issuer, configuration)
  const callback = provider.callback()
  type Handler = typeof callback
  async function handle (request: Parameters<Handler>[0], response: Parameters<Handler>[1]): Promise<void> {
    if (request.url?.startsWith('/i/') === true) {
      await provider.interactionFinished(request, response, { login: { accountId: 'sub-1' } })
    } else await callback(request, response)
  }
  const browser = new Browser()
  return {
    provider,
    issuer,
    asked,
    browser,
    authorize: (more = {}) => authorize({ issuer }, browser, site, more),
    signIn: async () => redeem({ issuer }, site, (await authorize({ issuer }, browser, site)).get('code')),
    requestToken: async ({ client_secret: secret = String(site.secret), ...body }) =>
      await fetch(`${issuer}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${site.clientId}:${encodeURIComponent(secret)}`)}` },
        body: new URLSearchParams(body)
      })
  }
}
