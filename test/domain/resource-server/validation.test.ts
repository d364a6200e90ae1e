import t from 'tap'
import { addsApiScopes, findGrantFaults } from '../../../src/domain/client/api-grants.ts'
import { validateClient } from '../../../src/domain/client/metadata.ts'
import { dualControlReasons, withoutPowers } from '../../../src/domain/administration/dual-control.ts'
import { clientPolicy } from '../../../src/domain/client/policy.ts'
import { weakenedProtections } from '../../../src/domain/resource-server/dual-control.ts'
import { localText, type ResourceServerContent } from '../../../src/domain/resource-server/record.ts'
import { resourceIdentifierFault, validateResourceServer } from '../../../src/domain/resource-server/validation.ts'
import { testRules as rules } from '../client/support.ts'

const issuer = 'https://sso.example.gov.cn'
const good = {
  names: { 'zh-CN': '公积金接口', en: 'Housing fund' },
  scopes: { 'fund:read': { 'zh-CN': '查询您的公积金账户', en: 'Read your account' }, 'fund:write': { 'zh-CN': '提取' } }
}

t.test('identifiers: absolute, canonical, nobody else’s', async (t) => {
  for (const identifier of ['https://api.example.gov.cn/fund', 'urn:kora:demo:property', 'https://a.cn?x=1']) {
    t.equal(resourceIdentifierFault(identifier, issuer), null, identifier)
  }
  for (const [identifier, code] of [
    ['', 'missing'],
    [7, 'missing'],
    ['fund', 'not_a_uri'],
    ['/fund', 'not_a_uri'],
    ['https://api.example.gov.cn/#x', 'not_a_uri'],
    ['urn:a b', 'not_a_uri'],
    ['urn:a\nb', 'not_a_uri'],
    ['urn:\0', 'not_a_uri'],
    ['urn:公积金', 'not_a_uri'],
    [`urn:${'a'.repeat(200)}`, 'too_long'],
    [issuer, 'own_origin'],
    [`${issuer}/admin/api`, 'own_origin'],
    [`${issuer}/oidc/userinfo`, 'own_origin']
  ] as const) {
    t.equal(resourceIdentifierFault(identifier, issuer)?.code, code, JSON.stringify(identifier).slice(0, 40))
  }
})

t.test('content: defaults, and every fault at once', async (t) => {
  t.match(validateResourceServer(good), {
    ok: true,
    content: { tokenFormat: 'opaque', signingAlg: 'ES256', ttlSeconds: 600, minimumLevel: null }
  })
  const faults = (input: unknown): string[] => {
    const checked = validateResourceServer(input)
    return checked.ok ? [] : checked.faults.map(({ field, code }) => `${field} ${code}`)
  }
  t.same(faults(null), [' not_an_object'])
  t.same(faults({ ...good, names: { en: 'x' } }), ['/names/zh-CN missing'])
  t.same(faults({ ...good, scopes: {} }), ['/scopes missing'])
  t.same(faults({ ...good, scopes: { openid: { 'zh-CN': 'x' }, 'kora.keys:write': { 'zh-CN': 'x' } } }), [
    '/scopes/openid name_taken',
    '/scopes/kora.keys:write name_taken'
  ])
  t.same(faults({ ...good, scopes: { 'a b': { 'zh-CN': 'x' }, c: {} } }), [
    '/scopes/a b not_a_scope',
    '/scopes/c/zh-CN missing'
  ])
  t.same(faults({ ...good, scopes: { c: { 'zh-CN': 'x\u202ey' } } }), ['/scopes/c/zh-CN unsafe_text'])
  t.same(faults({ ...good, ttlSeconds: 3601 }), ['/ttlSeconds not_in_range'])
  t.same(faults({ ...good, tokenFormat: 'jwt', ttlSeconds: 601 }), ['/ttlSeconds not_in_range'])
  t.same(faults({ ...good, ttlSeconds: 59 }), ['/ttlSeconds not_in_range'])
  t.same(faults({ ...good, ttlSeconds: '600' }), ['/ttlSeconds not_in_range'])
  t.same(faults({ ...good, minimumLevel: 5, tokenFormat: 'x', signingAlg: 'none', colour: 1 }), [
    '/colour unknown',
    '/tokenFormat not_one_of',
    '/signingAlg not_one_of',
    '/minimumLevel not_one_of'
  ])
})

t.test('S8 what protects less needs two, once a client is granted it', async (t) => {
  const checked = validateResourceServer({ ...good, minimumLevel: 3, ttlSeconds: 300 })
  const before = checked.ok ? checked.content : t.fail('faulty')
  const change = (more: Partial<ResourceServerContent>, granted = true): string[] =>
    weakenedProtections(before as ResourceServerContent, { ...(before as ResourceServerContent), ...more }, granted)
  t.same(change({ minimumLevel: null }), ['level_lowered'])
  t.same(change({ minimumLevel: 2, ttlSeconds: 600, tokenFormat: 'jwt' }), [
    'level_lowered',
    'token_longer',
    'token_not_revocable'
  ])
  t.same(change({ minimumLevel: 4, ttlSeconds: 60, names: { 'zh-CN': 'x' } }), [])
  t.same(change({ minimumLevel: null }, false), [])
})

t.test('S8 grants at APIs need two, whichever the status of the client', async (t) => {
  const metadata = { redirect_uris: ['https://a.gov.cn/cb'], scope: 'openid' }
  const content = (resources: object, more: object = {}) => ({
    kind: 'server' as const,
    metadata: { ...metadata, ...more },
    policy: clientPolicy({ names: { 'zh-CN': 'x' }, resources })
  })
  const read = { 'urn:a': { scopes: ['a:read'] } }
  t.same(dualControlReasons(null, content(read)), ['api_scope'])
  t.same(dualControlReasons({ ...content(read), status: 'draft' }, content(read)), [])
  t.same(dualControlReasons({ ...content(read), status: 'test' }, content({})), [], 'less needs one')
  for (const more of [
    { 'urn:a': { scopes: ['a:read', 'a:write'] } },
    { 'urn:a': { scopes: ['a:read'], machineScopes: ['a:read'] } },
    { ...read, 'urn:b': { scopes: ['a:read'] } }
  ]) {
    t.same(dualControlReasons({ ...content(read), status: 'draft' }, content(more)), ['api_scope'])
  }
  const elsewhere = content(read, { redirect_uris: ['https://b.gov.cn/cb'] })
  t.same(dualControlReasons({ ...content(read), status: 'test' }, elsewhere), ['redirect_change'])
  const keys = content(read, { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [] } })
  const taken = dualControlReasons({ ...content(read), status: 'live' }, keys)
  t.same(taken, ['keys_changed'], 'who has the keys has the grant')
  t.same(withoutPowers(content(read)).policy.resources, {})
  t.notOk(addsApiScopes(undefined, undefined))
})

t.test('grants are written as they must be, at APIs that there are', async (t) => {
  const faults = (resources: unknown, more: object = {}): string[] => {
    const checked = validateClient(
      {
        kind: 'server',
        metadata: { redirect_uris: ['https://a.gov.cn/cb'], scope: 'openid', ...more },
        policy: { names: { 'zh-CN': 'x' }, resources }
      },
      rules
    )
    return checked.ok ? [] : checked.faults.map(({ field, code }) => `${field} ${code}`)
  }
  t.same(faults({ 'urn:a': { scopes: ['a:read'] } }), [])
  t.same(faults([]), ['/policy/resources not_an_object'])
  t.same(faults({ 'urn:a': [] }), ['/policy/resources/urn:a not_an_object'])
  t.same(faults({ 'urn:a': {} }), ['/policy/resources/urn:a missing'])
  t.same(faults({ 'urn:\0': { scopes: ['a'] } }), ['/policy/resources/urn:\0 not_a_uri'])
  t.same(faults({ __proto__x: { scopes: ['a'] } }), ['/policy/resources/__proto__x not_a_uri'])
  t.same(faults({ 'urn:a': { scopes: [1] } }), ['/policy/resources/urn:a/scopes/0 not_text'])
  t.same(faults({ 'urn:a': { scopes: ['a', 'a'] } }), ['/policy/resources/urn:a/scopes/1 twice'])
  t.same(faults({ 'urn:a': { scopes: ['a'], all: true } }), ['/policy/resources/urn:a/all unknown'])
  t.same(faults({ 'urn:a': { machineScopes: ['a'] } }), ['/policy/resources/urn:a/machineScopes needs'])
  t.same(
    faults({ 'urn:a': { machineScopes: ['a'] } }, { grant_types: ['authorization_code', 'client_credentials'] }),
    []
  )
  const offered = new Map([['urn:a', ['a:read']]])
  t.same(findGrantFaults({ 'urn:a': { scopes: ['a:read'], machineScopes: [] } }, offered), [])
  t.match(findGrantFaults({ 'urn:b': { scopes: ['a:read'], machineScopes: [] } }, offered), [
    { field: '/policy/resources/urn:b', code: 'unknown_resource' }
  ])
  t.match(findGrantFaults({ 'urn:a': { scopes: [], machineScopes: ['a:write'] } }, offered), [
    { field: '/policy/resources/urn:a/machineScopes/0', code: 'not_one_of' }
  ])
})

t.test('texts fall back to Chinese, and to the name', async (t) => {
  t.same(localText({ 'zh-CN': '中', en: 'E' }, 'en', 'x'), { text: 'E', lang: 'en' })
  t.same(localText({ 'zh-CN': '中' }, 'bo', 'x'), { text: '中', lang: 'zh-CN' })
  t.same(localText({}, 'bo', 'a:read'), { text: 'a:read', lang: null })
})
