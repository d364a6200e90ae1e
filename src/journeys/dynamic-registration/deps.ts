import type { Kysely } from 'kysely'
import type { Database, FieldCrypto } from '../../database/index.ts'
import type { Config } from '../../ports/config.ts'
import type { Audit } from '../../records/audit/index.ts'

/** What dynamic registration needs from outside; the composition root provides it. */
export interface DynamicRegistrationDeps {
  audit: Audit
  config: Pick<Config, 'dynamicRegistration' | 'egressAllowed' | 'issuer' | 'mtls' | 'sandbox'>
  crypto: FieldCrypto
  db: Kysely<Database>
}
