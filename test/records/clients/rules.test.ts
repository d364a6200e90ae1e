import t from 'tap'
import { readFile } from 'node:fs/promises'
import { clientRules } from '../../../src/records/clients/index.ts'

t.test('clients can be registered for exactly what discovery says', async (t) => {
  const golden = JSON.parse(
    await readFile(new URL('../../flows/discovery.golden.json', import.meta.url), 'utf8')
  ) as Record<string, string[]>
  const rules = clientRules({ issuer: 'https://sso.example.gov.cn', sandbox: false, egressAllowed: [], mtls: null })
  const same = (ours: readonly string[], theirs: string[] | undefined, name: string): void => {
    t.same([...ours].sort(), [...(theirs ?? [])].sort(), name)
  }
  same(rules.grantTypes, golden['grant_types_supported'], 'grants')
  same(rules.authMethods, golden['token_endpoint_auth_methods_supported'], 'authentication')
  same(rules.signingAlgs, golden['id_token_signing_alg_values_supported'], 'ID tokens')
  same(rules.clientSigningAlgs, golden['token_endpoint_auth_signing_alg_values_supported'], 'assertions')
  same(rules.responseModes, golden['response_modes_supported'], 'response modes')
  same(rules.requestSigningAlgs, golden['request_object_signing_alg_values_supported'], 'request objects')
  for (const name of ['userinfo', 'introspection', 'authorization']) {
    same(rules.signingAlgs, golden[`${name}_signing_alg_values_supported`], name)
  }
  same([...rules.scopes, 'offline_access'], golden['scopes_supported'], 'scopes')
})
