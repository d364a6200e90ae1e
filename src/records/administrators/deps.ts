import type { Kysely } from 'kysely'
import type { Database, FieldCrypto } from '../../database/index.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Config } from '../../ports/config.ts'
import type { PasswordHasher } from '../../ports/password-hasher.ts'
import type { Audit } from '../audit/index.ts'

/** What administrators needs from outside; the composition root provides it. */
export interface AdministratorsDeps {
  audit: Audit
  clock: Clock
  config: Pick<Config, 'issuer'>
  crypto: FieldCrypto
  db: Kysely<Database>
  hasher: PasswordHasher
}
