/** Rules and whole clients for tests of the validation. */
import type { ClientRules } from '../../../src/domain/client/metadata.ts'

export const testRules: ClientRules = {
  issuer: 'https://sso.example.gov.cn',
  sandbox: false,
  egressAllowed: ['app.intranet:8080', '10.1.2.3'],
  scopes: ['openid', 'profile', 'phone', 'email', 'identity', 'organization'],
  grantTypes: [
    'authorization_code',
    'refresh_token',
    'client_credentials',
    'urn:ietf:params:oauth:grant-type:device_code'
  ],
  authMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
  signingAlgs: ['ES256', 'RS256'],
  clientSigningAlgs: ['ES256', 'RS256', 'PS256', 'EdDSA'],
  requestSigningAlgs: ['ES256', 'RS256'],
  responseModes: ['query', 'form_post', 'jwt', 'query.jwt', 'form_post.jwt']
}

export const server = {
  kind: 'server',
  metadata: { redirect_uris: ['https://a.gov.cn/cb'], scope: 'openid profile' },
  policy: { names: { 'zh-CN': '公积金查询' }, purposes: { profile: '显示姓名' } }
}
