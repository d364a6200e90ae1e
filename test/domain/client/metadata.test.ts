import t from 'tap'
import fc from 'fast-check'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { validateClient, type ClientRules } from '../../../src/domain/client/metadata.ts'
import { readKind } from '../../../src/domain/client/record.ts'
import { certificates } from '../../support/certificates.ts'
import { server, testRules } from './support.ts'

const key = (): Record<string, unknown> =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
const privateKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })

const of = (metadata: object, policy: object = {}, kind = 'server'): unknown => ({
  kind,
  metadata: { ...server.metadata, ...metadata },
  policy: { ...server.policy, ...policy }
})
const faultsOf = (input: unknown, rules: ClientRules = testRules): string[] => {
  const checked = validateClient(input, rules)
  return checked.ok ? [] : checked.faults.map(({ field, code }) => `${field} ${code}`)
}

t.test('a name, an address and a purpose are enough; the rest is secure', async (t) => {
  const checked = validateClient(server, testRules)
  t.match(checked, {
    ok: true,
    content: {
      kind: 'server',
      metadata: {
        application_type: 'web',
        grant_types: ['authorization_code'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_basic',
        scope: 'openid profile'
      },
      policy: { minimumLevel: 1, trusted: false, subjectKinds: ['person'], optionalScopes: [] }
    }
  })
  t.equal(checked.ok && validateClient(checked.content, testRules).ok, true, 'what comes out goes in again')
  t.match(validateClient(of({ jwks: { keys: [key()] } }), testRules), {
    ok: true,
    content: { metadata: { token_endpoint_auth_method: 'private_key_jwt' } }
  })
  for (const kind of ['spa', 'native']) {
    t.match(validateClient(of({}, {}, kind), testRules), {
      ok: true,
      content: { metadata: { token_endpoint_auth_method: 'none' } }
    })
  }
  t.match(validateClient({ kind: 'machine', policy: { names: { 'zh-CN': '交换' } } }, testRules), {
    ok: true,
    content: { metadata: { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] } }
  })
  t.match(
    validateClient(
      { kind: 'resource', policy: { names: { 'zh-CN': '接口' }, introspects: ['https://api.gov.cn'] } },
      testRules
    ),
    { ok: true, content: { metadata: { grant_types: [] } } }
  )
  t.match(validateClient({ kind: 'device', policy: { names: { 'zh-CN': '自助机' } } }, testRules), {
    ok: true,
    content: {
      metadata: { application_type: 'native', grant_types: ['urn:ietf:params:oauth:grant-type:device_code'] }
    }
  })
})

t.test('each field is told apart', async (t) => {
  const table: Array<[unknown, string]> = [
    [null, ' not_an_object'],
    [{ ...server, kind: 'web' }, '/kind not_one_of'],
    [{ ...server, extra: 1 }, '/extra unknown'],
    [of({ redirect_uri: 'https://a.gov.cn' }), '/metadata/redirect_uri unknown'],
    [of({ client_secret: 'x' }), '/metadata/client_secret secret_not_here'],
    [of({ redirect_uris: 'https://a.gov.cn' }), '/metadata/redirect_uris not_a_list'],
    [of({ redirect_uris: [] }), '/metadata/redirect_uris missing'],
    [of({ redirect_uris: ['https://a.gov.cn/cb', 'http://a.gov.cn/cb'] }), '/metadata/redirect_uris/1 not_https'],
    [of({ redirect_uris: ['https://a.gov.cn/cb', 'https://a.gov.cn/cb'] }), '/metadata/redirect_uris/1 twice'],
    [
      of({ redirect_uris: Array.from({ length: 21 }, (_, i) => `https://a.gov.cn/${i}`) }),
      '/metadata/redirect_uris too_many'
    ],
    [of({ post_logout_redirect_uris: ['https://*.gov.cn'] }), '/metadata/post_logout_redirect_uris/0 wildcard'],
    [of({ backchannel_logout_uri: 'https://10.0.0.9/x' }), '/metadata/backchannel_logout_uri ip_address'],
    [of({ initiate_login_uri: 'javascript:alert(1)' }), '/metadata/initiate_login_uri scheme'],
    [of({ logo_uri: 'https://a.gov.cn/l.png' }), '/metadata/logo_uri upload_instead'],
    [of({ policy_uri: 'data:text/html,x' }), '/metadata/policy_uri scheme'],
    [of({ grant_types: ['password', 'authorization_code'] }), '/metadata/grant_types/0 not_one_of'],
    [of({ grant_types: ['refresh_token'] }), '/metadata/grant_types missing'],
    [of({ grant_types: ['implicit'] }, {}, 'spa'), '/metadata/grant_types/0 not_one_of'],
    [of({ response_types: ['token'] }), '/metadata/response_types/0 not_one_of'],
    [of({ response_modes: ['fragment'] }), '/metadata/response_modes/0 not_one_of'],
    [of({ response_modes: ['fragment.jwt'] }), '/metadata/response_modes/0 not_one_of'],
    [of({ userinfo_signed_response_alg: 'none' }), '/metadata/userinfo_signed_response_alg not_one_of'],
    [of({ introspection_signed_response_alg: 'HS256' }), '/metadata/introspection_signed_response_alg not_one_of'],
    [
      of({ introspection_signed_response_alg: 'ES256' }, {}, 'spa'),
      '/metadata/introspection_signed_response_alg needs'
    ],
    [of({ authorization_signed_response_alg: 'HS256' }), '/metadata/authorization_signed_response_alg not_one_of'],
    [
      of({ authorization_signed_response_alg: 'ES256', response_modes: ['query'] }),
      '/metadata/authorization_signed_response_alg needs'
    ],
    [
      of({ request_object_signing_alg: 'none', jwks: { keys: [key()] } }),
      '/metadata/request_object_signing_alg not_one_of'
    ],
    [
      of({ request_object_signing_alg: 'ES256', token_endpoint_auth_method: 'client_secret_basic' }),
      '/metadata/jwks missing'
    ],
    [of({ require_signed_request_object: true }, {}, 'spa'), '/metadata/jwks missing'],
    [
      of({ require_signed_request_object: 'true', jwks: { keys: [key()] } }),
      '/metadata/require_signed_request_object not_a_flag'
    ],
    [of({ application_type: 'native' }), '/metadata/application_type not_one_of'],
    [of({ token_endpoint_auth_method: 'none' }), '/metadata/token_endpoint_auth_method not_one_of'],
    [
      of({ token_endpoint_auth_method: 'client_secret_basic' }, {}, 'spa'),
      '/metadata/token_endpoint_auth_method not_one_of'
    ],
    [of({ token_endpoint_auth_method: 'private_key_jwt' }), '/metadata/jwks missing'],
    [of({ jwks: { keys: [key()] }, jwks_uri: 'https://a.gov.cn/jwks' }), '/metadata/jwks_uri either_or'],
    [of({ jwks: { keys: [privateKey] } }), '/metadata/jwks/keys/0/d private_key'],
    [of({ jwks: { keys: [weak] } }), '/metadata/jwks/keys/0/n too_weak'],
    [of({ jwks: { keys: [{ kty: 'oct', k: 'x' }] } }), '/metadata/jwks/keys/0/k private_key'],
    [of({ jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' }] } }), '/metadata/jwks/keys/0 not_a_key'],
    [
      of({
        jwks: {
          keys: [
            { ...key(), kid: 'a' },
            { ...key(), kid: 'a' }
          ]
        }
      }),
      '/metadata/jwks/keys/1 twice'
    ],
    [of({ jwks: [] }), '/metadata/jwks not_a_key_set'],
    [of({ token_endpoint_auth_signing_alg: 'HS256' }), '/metadata/token_endpoint_auth_signing_alg not_one_of'],
    [of({ scope: 'profile' }), '/metadata/scope missing'],
    [of({ scope: 'openid profile admin' }), '/metadata/scope not_one_of'],
    [of({ scope: 'openid profile phone' }), '/policy/purposes/phone missing'],
    [
      of({ subject_type: 'pairwise', redirect_uris: ['https://a.gov.cn/cb', 'https://b.gov.cn/cb'] }),
      '/metadata/sector_identifier_uri missing'
    ],
    [of({ sector_identifier_uri: 'https://a.gov.cn/s' }), '/metadata/sector_identifier_uri needs'],
    [of({ contacts: ['nobody'] }), '/metadata/contacts/0 not_an_email'],
    [of({ default_max_age: -1 }), '/metadata/default_max_age not_in_range'],
    [of({ default_acr_values: ['urn:x'] }), '/metadata/default_acr_values/0 not_one_of'],
    [of({ dpop_bound_access_tokens: 'yes' }), '/metadata/dpop_bound_access_tokens not_a_flag'],
    [of({}, { names: {} }), '/policy/names/zh-CN missing'],
    [of({}, { names: { 'zh-CN': '政务\u202e' } }), '/policy/names/zh-CN unsafe_text'],
    [of({}, { names: { 'zh-CN': '税'.repeat(61) } }), '/policy/names/zh-CN too_long'],
    [of({}, { minimumLevel: 5 }), '/policy/minimumLevel not_one_of'],
    [of({}, { subjectKinds: ['company'] }), '/policy/subjectKinds/0 not_one_of'],
    [of({}, { subjectKinds: ['organization'], roles: ['self'] }), '/policy/roles missing'],
    [of({}, { roles: ['agent'], subjectKinds: ['person'] }), '/policy/roles missing'],
    [of({}, { functions: [{ code: 'Tax Filing', name: 'x' }] }), '/policy/functions/0/code not_a_code'],
    [
      of(
        {},
        {
          functions: [
            { code: 'a', name: 'x' },
            { code: 'a', name: 'y' }
          ]
        }
      ),
      '/policy/functions/1/code twice'
    ],
    [of({}, { aliases: { nam: 'userName' } }), '/policy/aliases/nam unknown'],
    [of({}, { aliases: { name: 'sub' } }), '/policy/aliases/name name_taken'],
    [of({}, { aliases: { name: 'x', gender: 'x' } }), '/policy/aliases/gender twice'],
    [of({}, { optionalScopes: ['phone'] }), '/policy/optionalScopes/0 not_one_of'],
    [of({}, { purposes: { profile: 'x', phone: 'y' } }), '/policy/purposes/phone not_in_scope'],
    [of({}, { homeUri: 'http://a.gov.cn' }), '/policy/homeUri not_https'],
    [of({}, { ownService: true }), '/policy/ownService unknown'],
    [of({}, { introspects: ['x'] }), '/policy/introspects/0 not_a_uri'],
    [of({}, { introspects: ['*'] }, 'spa'), '/policy/introspects/0 not_for_this_kind'],
    [of({}, { logo: 'https://x/y.png' }), '/policy/logo upload_instead'],
    [of({}, { profile: 'high' }), '/metadata/token_endpoint_auth_method high_profile']
  ]
  for (const [input, fault] of table) t.ok(faultsOf(input).includes(fault), fault, { found: faultsOf(input) })
  t.same(
    faultsOf(of({}, {}, 'device'), { ...testRules, grantTypes: ['authorization_code'] }).filter((fault) =>
      fault.endsWith('not_offered')
    ),
    ['/metadata/grant_types not_offered']
  )
})

t.test('every fault at once, with what was received and what would be right; no secret among them', async (t) => {
  const checked = validateClient(
    of(
      {
        redirect_uris: ['https://A.gov.cn/cb'],
        scope: 'openid phone',
        redirecturis: [],
        jwks: { keys: [{ ...key(), d: 'very-secret' }] }
      },
      { minimumLevel: 9 }
    ),
    testRules
  )
  t.equal(checked.ok, false)
  if (checked.ok) return
  t.match(
    checked.faults.find(({ field }) => field === '/metadata/redirect_uris/0'),
    { code: 'host_case', received: 'https://A.gov.cn/cb', expected: 'https://a.gov.cn/cb' }
  )
  t.match(
    checked.faults.find(({ field }) => field === '/metadata/redirecturis'),
    { code: 'unknown', expected: 'redirect_uris' }
  )
  t.ok(checked.faults.length >= 5)
  t.notMatch(JSON.stringify(checked.faults), /very-secret/)
})

t.test('high profile', async (t) => {
  const good = of(
    { jwks: { keys: [key()] }, require_pushed_authorization_requests: true, dpop_bound_access_tokens: true },
    { profile: 'high' }
  )
  t.same(faultsOf(good), [])
  t.same(
    faultsOf(of({}, { profile: 'high' }, 'spa')).sort(),
    [
      '/metadata/dpop_bound_access_tokens high_profile',
      '/metadata/require_pushed_authorization_requests high_profile',
      '/metadata/token_endpoint_auth_method high_profile',
      '/policy/profile not_for_this_kind'
    ]
      .filter((fault) => !fault.includes('pushed'))
      .sort()
  )
  t.ok(
    faultsOf(
      of(
        {
          jwks: { keys: [key()] },
          require_pushed_authorization_requests: true,
          dpop_bound_access_tokens: true,
          token_endpoint_auth_signing_alg: 'RS256'
        },
        { profile: 'high' }
      )
    ).includes('/metadata/token_endpoint_auth_signing_alg high_profile')
  )
  for (const name of [
    'id_token_signed_response_alg',
    'userinfo_signed_response_alg',
    'introspection_signed_response_alg',
    'authorization_signed_response_alg',
    'request_object_signing_alg'
  ]) {
    const asked = (alg: string): unknown =>
      of(
        {
          jwks: { keys: [key()] },
          require_pushed_authorization_requests: true,
          dpop_bound_access_tokens: true,
          [name]: alg
        },
        { profile: 'high' }
      )
    t.same([faultsOf(asked('ES256')), faultsOf(asked('RS256'))], [[], [`/metadata/${name} high_profile`]])
  }
  t.ok(
    faultsOf(
      of(
        {
          redirect_uris: ['http://localhost:1/cb'],
          jwks: { keys: [key()] },
          require_pushed_authorization_requests: true,
          dpop_bound_access_tokens: true
        },
        { profile: 'high' }
      ),
      { ...testRules, sandbox: true }
    ).includes('/metadata/redirect_uris/0 not_https')
  )
})

t.test('signed messages: what a kind has no use for', async (t) => {
  const keys = { jwks: { keys: [key()] } }
  const members = {
    userinfo_signed_response_alg: 'ES256',
    authorization_signed_response_alg: 'RS256',
    request_object_signing_alg: 'ES256',
    require_signed_request_object: true,
    introspection_signed_response_alg: 'ES256'
  }
  t.same(faultsOf(of({ ...keys, ...members })), [])
  const resource = {
    kind: 'resource',
    metadata: members,
    policy: { names: { 'zh-CN': '接口' }, introspects: ['https://api.gov.cn'] }
  }
  t.same(
    faultsOf(resource).sort(),
    Object.keys(members)
      .filter((name) => !name.startsWith('introspection'))
      .map((name) => `/metadata/${name} not_for_this_kind`)
      .sort()
  )
})

t.test('client certificates, each member by itself', async (t) => {
  const offered = {
    ...testRules,
    authMethods: [...testRules.authMethods, 'tls_client_auth', 'self_signed_tls_client_auth']
  }
  const byName = (more: object): unknown => of({ token_endpoint_auth_method: 'tls_client_auth', ...more })
  const { publicKey } = new X509Certificate(certificates.site)
  const x5c = [new X509Certificate(certificates.site).raw.toString('base64')]
  const own = { ...publicKey.export({ format: 'jwk' }), x5c }
  for (const good of [
    byName({ tls_client_auth_subject_dn: 'CN=tax-client,O=西藏示例\\, 公司,C=CN' }),
    byName({ tls_client_auth_san_dns: 'a.gov.cn' }),
    byName({ tls_client_auth_san_uri: 'urn:a:b' }),
    byName({ tls_client_auth_san_ip: '2001:db8::1' }),
    byName({ tls_client_auth_san_email: 'a@a.gov.cn' }),
    of({ token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: { keys: [own] } }),
    of({ tls_client_certificate_bound_access_tokens: true }),
    of(
      {
        token_endpoint_auth_method: 'self_signed_tls_client_auth',
        jwks: { keys: [own] },
        require_pushed_authorization_requests: true,
        tls_client_certificate_bound_access_tokens: true
      },
      { profile: 'high' }
    )
  ]) {
    t.same(faultsOf(good, offered), [])
  }
  const table: Array<[unknown, string]> = [
    [byName({}), '/metadata/tls_client_auth_subject_dn missing'],
    [
      byName({ tls_client_auth_san_dns: 'a.gov.cn', tls_client_auth_san_ip: '10.0.0.1' }),
      '/metadata/tls_client_auth_san_ip either_or'
    ],
    ...['tax-client', 'CN=', 'CN=a, O=b', 'CN=a ', 'cn=a', 'CN=a+O=b', 'CN=a,', 'CN="a"'].map(
      (name): [unknown, string] => [
        byName({ tls_client_auth_subject_dn: name }),
        '/metadata/tls_client_auth_subject_dn not_text'
      ]
    ),
    ...['*.gov.cn', 'A.gov.cn', 'gov'].map((name): [unknown, string] => [
      byName({ tls_client_auth_san_dns: name }),
      '/metadata/tls_client_auth_san_dns not_text'
    ]),
    [byName({ tls_client_auth_subject_dn: 'CN=a\nO=b' }), '/metadata/tls_client_auth_subject_dn unsafe_text'],
    [byName({ tls_client_auth_san_ip: '010.1.1.1' }), '/metadata/tls_client_auth_san_ip not_text'],
    [byName({ tls_client_auth_san_uri: 'no address' }), '/metadata/tls_client_auth_san_uri not_text'],
    [byName({ tls_client_auth_san_email: 'nobody' }), '/metadata/tls_client_auth_san_email not_text'],
    [of({ tls_client_auth_san_dns: 'a.gov.cn' }), '/metadata/tls_client_auth_san_dns needs'],
    [of({ token_endpoint_auth_method: 'self_signed_tls_client_auth' }), '/metadata/jwks missing'],
    [
      of({ token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: { keys: [key()] } }),
      '/metadata/jwks/keys/0/x5c missing'
    ],
    [
      of({ token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: { keys: [{ ...key(), x5c }] } }),
      '/metadata/jwks/keys/0/x5c not_a_key'
    ],
    [
      of({ tls_client_certificate_bound_access_tokens: true, dpop_bound_access_tokens: true }),
      '/metadata/tls_client_certificate_bound_access_tokens either_or'
    ]
  ]
  for (const [input, expected] of table) t.same(faultsOf(input, offered), [expected], JSON.stringify(input))
  t.same(faultsOf(of({ tls_client_certificate_bound_access_tokens: true })), [
    '/metadata/tls_client_certificate_bound_access_tokens not_offered'
  ])
  t.ok(
    faultsOf(byName({ tls_client_auth_san_dns: 'a.gov.cn' })).includes(
      '/metadata/token_endpoint_auth_method not_one_of'
    ),
    'not where the deployment has none'
  )
})

t.test('the kind of a client stored without one', async (t) => {
  for (const [metadata, kind] of [
    [{}, 'server'],
    [{ token_endpoint_auth_method: 'none' }, 'spa'],
    [{ application_type: 'native', token_endpoint_auth_method: 'none' }, 'native'],
    [{ grant_types: ['client_credentials'] }, 'machine'],
    [{ grant_types: [] }, 'resource'],
    [{ grant_types: ['urn:ietf:params:oauth:grant-type:device_code'] }, 'device']
  ] as const) {
    t.equal(readKind(metadata), kind)
  }
})

t.test('anything may be given', async (t) => {
  const members = [
    'redirect_uris',
    'scope',
    'jwks',
    'grant_types',
    'contacts',
    'jwks_uri',
    'subject_type',
    'default_max_age',
    'names',
    'roles',
    'functions',
    'aliases',
    'purposes',
    'introspects',
    'homeUri',
    'profile',
    '__proto__',
    'toString'
  ]
  const values = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom('high', 'pairwise', ['https://a.gov.cn/cb']))
  const object = fc
    .array(fc.tuple(fc.constantFrom(...members), values), { maxLength: 6 })
    .map((pairs) => Object.fromEntries(pairs))
  t.doesNotThrow(() => {
    fc.assert(
      fc.property(
        fc.record({
          kind: fc.oneof(
            fc.constantFrom('server', 'spa', 'native', 'device', 'machine', 'resource', undefined),
            values
          ),
          metadata: fc.oneof(object, values),
          policy: fc.oneof(object, values)
        }),
        (input) => {
          const checked = validateClient(input, testRules)
          if (checked.ok) {
            if (!validateClient(checked.content, testRules).ok) throw new Error('not stable')
          } else {
            if (checked.faults.length === 0) throw new Error('refused without a fault')
            for (const { field, received } of checked.faults) {
              if (typeof received !== 'string' || received.length > 200 || (field !== '' && !field.startsWith('/'))) {
                throw new Error(`shape ${field}`)
              }
            }
          }
        }
      ),
      { numRuns: 1500 }
    )
  })
})

t.test('each address of a site is away from Kora; its own services are there', async (t) => {
  const own = 'https://sso.example.gov.cn/x'
  const metadata = {
    redirect_uris: [own],
    post_logout_redirect_uris: [own],
    backchannel_logout_uri: own,
    initiate_login_uri: own,
    client_uri: own,
    policy_uri: own,
    tos_uri: own,
    jwks_uri: own
  }
  const given = of({ ...metadata }, { homeUri: own })
  t.same(
    faultsOf(given)
      .filter((fault) => fault.endsWith('own_origin'))
      .sort(),
    [
      '/metadata/backchannel_logout_uri',
      '/metadata/client_uri',
      '/metadata/initiate_login_uri',
      '/metadata/jwks_uri',
      '/metadata/policy_uri',
      '/metadata/post_logout_redirect_uris/0',
      '/metadata/redirect_uris/0',
      '/metadata/tos_uri',
      '/policy/homeUri'
    ].map((field) => `${field} own_origin`)
  )
  t.ok(
    faultsOf(of({ subject_type: 'pairwise', sector_identifier_uri: own })).includes(
      '/metadata/sector_identifier_uri own_origin'
    )
  )
  t.ok(faultsOf(of({ logo_uri: own })).includes('/metadata/logo_uri own_origin'))
  t.same(
    faultsOf(of({ redirect_uris: [own], post_logout_redirect_uris: [own] }, { homeUri: own, ownService: true }), {
      ...testRules,
      ownService: true
    }),
    []
  )
  const checked = validateClient(of({ redirect_uris: [own] }), testRules)
  t.match(checked, {
    faults: [{ field: '/metadata/redirect_uris/0', received: own, expected: 'https://name.example.gov.cn/…' }]
  })
})
