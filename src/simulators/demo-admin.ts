/**
 * The sandbox's client of the admin API. Everybody knows its key: outside the sandbox its tokens are refused
 * (journeys/admin-api/tokens).
 */
import { adminScopes } from '../domain/administration/admin-scopes.ts'
import type { DemoClient } from './demo-clients.ts'

export const demoAdminKey = {
  kty: 'EC',
  kid: 'demo-admin',
  alg: 'ES256',
  crv: 'P-256',
  x: 'R3-7BVqw13AMhQtiu-mgZeSwN2Tn3YDslPeWLUPq9bg',
  y: 'uRcc-2evBgdLTHxxnxdgL_mhl22VU0lmxwvUd8BpuFI',
  d: 'hhtd2kUKf0ov0u1cWLqbF49f4Tq34Wix_SZF3mYIgyQ'
} as const

const { d: _private, ...publicKey } = demoAdminKey

export const demoAdmin: DemoClient = {
  clientId: 'demo-admin',
  secret: null,
  privateKey: demoAdminKey,
  metadata: {
    application_type: 'web',
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [{ ...publicKey, use: 'sig' }] },
    client_name: '管理接口（演示）'
  },
  policy: {
    names: { 'zh-CN': '管理接口（演示）', en: 'Admin API (demo)' },
    unit: '演示单位',
    adminScopes: [...adminScopes]
  },
  note: 'admin API: client credentials with private_key_jwt, every admin scope'
}
