/** What this deployment offers to clients: the rules for `validateClient`, from the configuration. */
import type { Config } from '../../ports/config.ts'
import { scopes } from '../../domain/claims/claims.ts'
import type { ClientRules } from '../../domain/client/metadata.ts'
import { certificateMethods } from '../../domain/client/certificate.ts'
import { deviceCodeGrant } from '../../domain/client/record.ts'
import { signedResponseModes } from '../../domain/client/signing.ts'

/** Must agree with oidc/configuration.ts; test/records/clients/rules.test.ts compares with discovery. */
export function clientRules (config: Pick<Config, 'issuer' | 'sandbox' | 'egressAllowed' | 'mtls'>): ClientRules {
  return {
    issuer: config.issuer,
    sandbox: config.sandbox,
    egressAllowed: config.egressAllowed,
    scopes,
    grantTypes: ['authorization_code', 'refresh_token', 'client_credentials', deviceCodeGrant],
    authMethods: [
      'client_secret_basic',
      'client_secret_post',
      'private_key_jwt',
      ...certificateMethods(config.mtls),
      'none'
    ],
    signingAlgs: ['ES256', 'RS256'],
    clientSigningAlgs: ['ES256', 'RS256', 'PS256', 'EdDSA'],
    requestSigningAlgs: ['ES256', 'RS256'],
    responseModes: ['query', 'form_post', ...signedResponseModes]
  }
}
