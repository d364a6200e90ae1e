/** What the console's form of credentials makes of signed messages. */
import t from 'tap'
import { typedOver } from '../../../../src/journeys/console/clients/forms.ts'
import { testLoginObstacle } from '../../../../src/journeys/console/clients/test-login-site.ts'
import type { ClientRecord } from '../../../../src/domain/client/record.ts'
import { testRules } from '../../../domain/client/support.ts'

const typed = (
  metadata: Record<string, unknown>,
  fields: Record<string, string>,
  kind: 'server' | 'spa' = 'server',
  rules = testRules
): Record<string, unknown> =>
  JSON.parse(
    JSON.stringify(
      typedOver({
        tab: 'credentials',
        client: { kind, metadata, policy: {} },
        field: (name) => fields[name] ?? '',
        rules
      }).metadata
    )
  ) as Record<string, unknown>

t.test('ticked is added, unticked is taken away, and finer settings of files and API stay', async (t) => {
  const all = { signing_requests: 'on', signing_answers: 'on', signing_userinfo: 'on' }
  t.same(typed({}, all), {
    require_signed_request_object: true,
    response_modes: ['jwt', 'query.jwt', 'form_post.jwt'],
    userinfo_signed_response_alg: 'ES256'
  })
  const fine = {
    require_signed_request_object: true,
    request_object_signing_alg: 'RS256',
    response_modes: ['form_post.jwt'],
    userinfo_signed_response_alg: 'RS256',
    introspection_signed_response_alg: 'RS256'
  }
  t.same(typed(fine, all), fine)
  t.same(typed(fine, {}), { request_object_signing_alg: 'RS256', introspection_signed_response_alg: 'RS256' })
  t.same(
    typed({ response_modes: ['query', 'jwt'] }, {}),
    { response_modes: ['query', 'jwt'] },
    'both kinds of answers: no change'
  )
  t.same(
    typed({ require_signed_request_object: true }, {}, 'spa'),
    { require_signed_request_object: true },
    'not asked, not changed'
  )
})

t.test(
  'the subject of a certificate is asked for where there are certificates, and kept where there are none',
  async (t) => {
    const offered = { ...testRules, authMethods: [...testRules.authMethods, 'tls_client_auth'] }
    const fields = { auth_method: 'tls_client_auth', tls_subject: ' CN=a,C=CN ' }
    t.same(typed({}, fields, 'server', offered), {
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_subject_dn: 'CN=a,C=CN'
    })
    t.same(typed({ tls_client_auth_subject_dn: 'CN=b' }, { auth_method: 'client_secret_basic' }, 'server', offered), {
      token_endpoint_auth_method: 'client_secret_basic'
    })
    t.same(typed({ tls_client_auth_subject_dn: 'CN=b' }, {}), { tls_client_auth_subject_dn: 'CN=b' })
  }
)

t.test('the high profile binds tokens to keys, unless they are bound to certificates', async (t) => {
  t.match(typed({}, { profile: 'high' }), {
    dpop_bound_access_tokens: true,
    require_pushed_authorization_requests: true
  })
  t.same(typed({ tls_client_certificate_bound_access_tokens: true }, { profile: 'high' }), {
    tls_client_certificate_bound_access_tokens: true,
    require_pushed_authorization_requests: true
  })
})

t.test('the console cannot stand in for a certificate', async (t) => {
  const obstacle = (metadata: object): unknown =>
    testLoginObstacle({
      status: 'test',
      metadata: { redirect_uris: ['https://a.gov.cn/cb'], ...metadata }
    } as ClientRecord)
  for (const metadata of [
    { token_endpoint_auth_method: 'tls_client_auth' },
    { token_endpoint_auth_method: 'self_signed_tls_client_auth' },
    { tls_client_certificate_bound_access_tokens: true }
  ]) {
    t.equal(obstacle(metadata), 'certificate')
  }
  t.equal(obstacle({ token_endpoint_auth_method: 'client_secret_basic' }), null)
})
