import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Database, FieldCrypto } from '../../database/index.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Config } from '../../ports/config.ts'
import type { PasswordHasher } from '../../ports/password-hasher.ts'
import type { CompanyRegister } from '../../ports/registry.ts'
import type { Audit } from '../../records/audit/index.ts'

/** What registration needs from outside; the composition root provides it. */
export interface RegistrationDeps {
  audit: Audit
  clock: Clock
  companies: CompanyRegister
  config: Pick<Config, 'issuer' | 'passwordProfile' | 'phoneChannels' | 'policyVersion'>
  crypto: FieldCrypto
  db: Kysely<Database>
  hasher: PasswordHasher
  log: Logger
}
