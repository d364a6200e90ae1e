import t from 'tap'
import {
  dualControlReasons as reasons,
  secretReasons,
  statusReasons,
  withoutPowers,
  type Judged
} from '../../../src/domain/administration/dual-control.ts'
import { clientPolicy } from '../../../src/domain/client/policy.ts'
import { validateClient } from '../../../src/domain/client/metadata.ts'
import { server, testRules } from '../client/support.ts'

const content = (metadata: object = {}, policy: object = {}): Judged => ({
  metadata: { scope: 'openid', redirect_uris: ['https://a.gov.cn/cb'], ...metadata },
  policy: clientPolicy({ names: { 'zh-CN': '公积金' }, ...policy })
})
const at = (status: string, client = content()): Judged & { status: string } => ({ ...client, status })

t.test('powers, whenever they are given', async (t) => {
  t.same(reasons(null, content()), [])
  const table: Array<[Judged, string]> = [
    [content({ scope: 'openid identity' }), 'high_scope'],
    [content({}, { trusted: true }), 'consent_skipped'],
    [content({}, { introspects: ['https://api.a.gov.cn', '*'] }), 'introspects_all'],
    [content({}, { adminScopes: ['kora.keys:read'] }), 'admin_scope']
  ]
  for (const [after, reason] of table) {
    for (const before of [null, ...['draft', 'test', 'live', 'disabled'].map((status) => at(status))]) {
      t.same(reasons(before, after), [reason], `${reason} on ${before?.status ?? 'a new one'}`)
    }
    t.same(reasons(at('live', after), after), [], 'what it has')
    t.same(reasons(at('live', after), content()), [], 'taking it away')
  }
  t.same(
    reasons(null, content({}, { introspects: ['https://api.a.gov.cn'] })),
    [],
    'one named resource is no such power'
  )
  t.same(
    reasons(at('test', content({}, { trusted: true })), content({ scope: 'openid phone' }, { trusted: true })),
    ['scope_added', 'consent_skipped'],
    'more data without asking'
  )
  t.same(reasons(null, content({ scope: 'openid identity' }, { trusted: true, introspects: ['*'] })), [
    'high_scope',
    'consent_skipped',
    'introspects_all'
  ])
  const administers = content({}, { adminScopes: ['kora.keys:read'] })
  for (const change of [
    { jwks: { keys: [] } },
    { jwks_uri: 'https://a.gov.cn/jwks' },
    { token_endpoint_auth_method: 'client_secret_basic' }
  ]) {
    t.same(
      reasons(at('test', administers), content(change, { adminScopes: ['kora.keys:read'] })),
      ['keys_changed'],
      'its keys'
    )
  }
  // S8: who has the keys or the secret has what was given to the client
  for (const [metadata, policy] of [
    [{ scope: 'openid identity' }, {}],
    [{}, { trusted: true }],
    [{}, { introspects: ['*'] }],
    [{}, { resources: { 'urn:a': { scopes: ['a:read'] } } }]
  ] as Array<[object, object]>) {
    for (const status of ['draft', 'test', 'live', 'disabled']) {
      const before = content({ jwks_uri: 'https://a.gov.cn/jwks', ...metadata }, policy)
      t.same(reasons(at(status, before), content({ jwks_uri: 'https://b.gov.cn/jwks', ...metadata }, policy)), [
        'keys_changed'
      ])
      t.same(reasons(at(status, before), content({ jwks_uri: 'https://b.gov.cn/jwks' })), ['keys_changed'])
    }
    t.same(secretReasons(content(metadata, policy)), ['secret_changed'])
  }
  t.same(reasons(at('live'), content({ jwks_uri: 'https://b.gov.cn/jwks' })), [], 'a client without a power')
  t.same(secretReasons(content()), [])
})

t.test('S8: more than a client went live with, and going live', async (t) => {
  for (const status of ['live', 'disabled']) {
    t.same(reasons(at(status), content({ scope: 'openid phone' })), ['scope_added'])
    t.same(reasons(at(status, content({ scope: 'openid phone' })), content()), [], 'less')
  }
  for (const status of ['draft', 'test']) t.same(reasons(at(status), content({ scope: 'openid phone' })), [])
  t.same(statusReasons('live'), ['goes_live'])
  for (const status of ['draft', 'test', 'disabled'] as const) t.same(statusReasons(status), [])
})

t.test('addresses, subjects and protections of a client in use, or with a power', async (t) => {
  const power = { trusted: true }
  const isOtherKey = ([before]: [object, object], [after]: [object, object]): boolean => {
    const [had, has] = [before, after].map((one) => (one as Record<string, unknown>)['token_endpoint_auth_method'])
    return had !== has
  }
  const table: Array<[reason: string, before: [object, object], after: [object, object]]> = [
    ['redirect_change', [{}, {}], [{ redirect_uris: ['https://b.gov.cn/cb'] }, {}]],
    ['redirect_change', [{}, {}], [{ post_logout_redirect_uris: ['https://b.gov.cn/'] }, {}]],
    ['redirect_change', [{ backchannel_logout_uri: 'https://a.gov.cn/out' }, {}], [{}, {}]],
    ['redirect_change', [{}, {}], [{ initiate_login_uri: 'https://b.gov.cn/in' }, {}]],
    ['subject_linked', [{ subject_type: 'pairwise' }, {}], [{}, {}]],
    [
      'subject_linked',
      [{ subject_type: 'pairwise' }, {}],
      [{ subject_type: 'pairwise', sector_identifier_uri: 'https://b.gov.cn/sector' }, {}]
    ],
    ['protection_lowered', [{}, { minimumLevel: 3 }], [{}, { minimumLevel: 2 }]],
    ['protection_lowered', [{}, { profile: 'high' }], [{}, { profile: 'standard' }]],
    [
      'protection_lowered',
      [{ token_endpoint_auth_method: 'private_key_jwt' }, {}],
      [{ token_endpoint_auth_method: 'client_secret_basic' }, {}]
    ],
    ['protection_lowered', [{}, {}], [{ token_endpoint_auth_method: 'none' }, {}]],
    ['protection_lowered', [{ dpop_bound_access_tokens: true }, {}], [{}, {}]],
    ['protection_lowered', [{ tls_client_certificate_bound_access_tokens: true }, {}], [{}, {}]],
    ['protection_lowered', [{ token_endpoint_auth_method: 'tls_client_auth' }, {}], [{}, {}]],
    ['protection_lowered', [{ require_signed_request_object: true }, {}], [{}, {}]],
    ['protection_lowered', [{ response_modes: ['jwt'] }, {}], [{ response_modes: ['jwt', 'query'] }, {}]],
    [
      'protection_lowered',
      [{ require_pushed_authorization_requests: true }, {}],
      [{ require_pushed_authorization_requests: false }, {}]
    ]
  ]
  for (const [reason, before, after] of table) {
    const named = `${reason}: ${JSON.stringify(before)} → ${JSON.stringify(after)}`
    for (const status of ['live', 'disabled']) {
      t.same(reasons(at(status, content(...before)), content(...after)), [reason], named)
    }
    for (const status of ['draft', 'test']) {
      t.same(reasons(at(status, content(...before)), content(...after)), [], `${named} in ${status}`)
      t.same(
        reasons(
          at(status, content(before[0], { ...before[1], ...power })),
          content(after[0], { ...after[1], ...power })
        ),
        [...(isOtherKey(before, after) ? ['keys_changed'] : []), reason],
        `${named} in ${status}, with a power`
      )
      t.same(
        reasons(at(status, content(before[0], { ...before[1], ...power })), content(...after)),
        [...(isOtherKey(before, after) ? ['keys_changed'] : []), reason],
        'giving the power up in the same step is no way around'
      )
    }
  }
  t.same(
    reasons(
      at('live'),
      content({ subject_type: 'pairwise' }, { minimumLevel: 3, functions: [{ code: 'a', name: '甲' }] })
    ),
    [],
    'stricter ways need nobody'
  )
  t.same(
    reasons(
      at('live', content({ redirect_uris: ['https://a.gov.cn/1', 'https://a.gov.cn/2'] })),
      content({ redirect_uris: ['https://a.gov.cn/2', 'https://a.gov.cn/1'] })
    ),
    [],
    'another order'
  )
})

t.test('a new client without its powers needs nobody, and is whole', async (t) => {
  const wanted = {
    kind: 'server',
    metadata: { ...server.metadata, scope: 'openid profile identity' },
    policy: {
      ...server.policy,
      trusted: true,
      introspects: ['*', 'https://api.gov.cn'],
      optionalScopes: ['identity'],
      purposes: { profile: '显示', identity: '核对' }
    }
  }
  const checked = validateClient(wanted, testRules)
  if (!checked.ok) throw new Error(JSON.stringify(checked.faults))
  const made = withoutPowers(checked.content)
  t.same(reasons(null, made), [])
  t.equal(validateClient(made, testRules).ok, true)
  t.match(made, {
    metadata: { scope: 'openid profile' },
    policy: { trusted: false, introspects: ['https://api.gov.cn'], optionalScopes: [], purposes: { profile: '显示' } }
  })
  const machine = validateClient(
    {
      kind: 'machine',
      metadata: { token_endpoint_auth_method: 'client_secret_basic' },
      policy: { names: { 'zh-CN': '机' }, introspects: ['*'] }
    },
    testRules
  )
  if (!machine.ok) throw new Error(JSON.stringify(machine.faults))
  t.notOk('scope' in withoutPowers(machine.content).metadata)
})
