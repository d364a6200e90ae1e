/** What the console's form of credentials makes of signed messages. */
import t from 'tap'
import { typedOver } from '../../../src/features/admin/console/clients/forms.ts'
import { testRules } from '../../domain/client-support.ts'

const typed = (metadata: Record<string, unknown>, fields: Record<string, string>, kind: 'server' | 'spa' = 'server'): Record<string, unknown> =>
  JSON.parse(JSON.stringify(typedOver('credentials', { kind, metadata, policy: {} }, (name) => fields[name] ?? '', testRules).metadata)) as Record<string, unknown>

t.test('ticked is added, unticked is taken away, and finer settings of files and API stay', async (t) => {
  const all = { signing_requests: 'on', signing_answers: 'on', signing_userinfo: 'on' }
  t.same(typed({}, all), { require_signed_request_object: true, response_modes: ['jwt', 'query.jwt', 'form_post.jwt'], userinfo_signed_response_alg: 'ES256' })
  const fine = { require_signed_request_object: true, request_object_signing_alg: 'RS256', response_modes: ['form_post.jwt'], userinfo_signed_response_alg: 'RS256', introspection_signed_response_alg: 'RS256' }
  t.same(typed(fine, all), fine)
  t.same(typed(fine, {}), { request_object_signing_alg: 'RS256', introspection_signed_response_alg: 'RS256' })
  t.same(typed({ response_modes: ['query', 'jwt'] }, {}), { response_modes: ['query', 'jwt'] }, 'both kinds of answers: no change')
  t.same(typed({ require_signed_request_object: true }, {}, 'spa'), { require_signed_request_object: true }, 'not asked, not changed')
})
