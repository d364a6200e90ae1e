import t from 'tap'
import { Provider } from 'oidc-provider'
import { createFieldCrypto } from '../../src/database/field-crypto.ts'
import { createGrant } from '../../src/oidc/overrides/create-grant.ts'
import { grantContext, grantPayload } from '../../src/tokens/grant-id.ts'
import { testCrypto } from '../support/database.ts'

const provider = new Provider('http://issuer.example', {
  features: { devInteractions: { enabled: false } },
  cookies: { keys: ['k'] }
})
const crypto = testCrypto()
const input = {
  accountId: 'sub-1',
  clientId: 'site',
  scope: 'openid profile',
  rejectedScope: 'phone',
  claims: ['name'],
  rejectedClaims: ['email'],
  resources: { 'https://api.example': 'read', 'https://nothing.example': '' },
  rar: [{ type: 'representation' }],
  context: { id: 'dlg_1', role: 'agent' }
}

t.test('what a grant allows is read back from its identifier', async (t) => {
  const grant = createGrant(provider, crypto, input)
  t.match(grantPayload(crypto, String(grant.jti)), {
    kind: 'Grant',
    jti: grant.jti,
    accountId: 'sub-1',
    clientId: 'site',
    openid: { scope: 'openid profile', claims: ['name'] },
    rejected: { openid: { scope: 'phone', claims: ['email'] } },
    resources: { 'https://api.example': 'read' },
    rar: [{ type: 'representation' }]
  })
  t.same(grantContext(crypto, grant.jti), { id: 'dlg_1', role: 'agent' })
  t.equal(grant.getOIDCScope(), 'openid profile')
  t.equal(grant.getOIDCScopeEncountered(), 'openid profile phone')
  t.equal(grant.getResourceScope('https://api.example'), 'read')
  t.ok(Number(grant.exp) - Number(grant.iat) > 30 * 86_400)
  t.not(createGrant(provider, crypto, input).jti, grant.jti, 'each is revocable by itself')
})

t.test('an identifier of anybody else is none', async (t) => {
  const id = String(createGrant(provider, crypto, input).jti)
  const [version, json, random, mac] = id.split('.') as [string, string, string, string]
  const more = Buffer.from(
    Buffer.from(json, 'base64url').toString().replace('openid profile', 'openid identity')
  ).toString('base64url')
  const others = [
    '',
    'x',
    '...',
    [version, more, random, mac],
    [version, json, 'AAAA', mac],
    [version, json, random, `${mac}x`],
    [version, json, random, ''],
    ['g2', json, random, mac],
    [version, json, random],
    [version, json, random, mac, 'x'],
    [version, `${json}.${random}`, '', mac]
  ].map((parts) => (Array.isArray(parts) ? parts.join('.') : parts))
  for (const other of others) t.equal(grantPayload(crypto, other), undefined)
  const elsewhere = createFieldCrypto({ masterKey: Buffer.alloc(32, 'other'), keyId: 'test', cipher: 'aes-256-gcm' })
  t.equal(grantPayload(elsewhere, id), undefined)
  t.ok(
    grantPayload(
      createFieldCrypto({
        masterKey: Buffer.alloc(32, 'new'),
        keyId: 'new',
        cipher: 'aes-256-gcm',
        previousKeys: { test: Buffer.alloc(32, 'test') }
      }),
      id
    ),
    'survives a change of the master key'
  )
  t.equal(grantContext(crypto, undefined), undefined)
})

t.test('a grant without anything', async (t) => {
  const grant = createGrant(provider, crypto, { accountId: 'sub-1', clientId: 'site', scope: '' })
  t.equal(grant.getOIDCScope(), '')
  t.equal(grantContext(crypto, grant.jti), undefined)
})
