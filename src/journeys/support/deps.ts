import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Database, FieldCrypto } from '../../database/index.ts'
import type { Clock } from '../../ports/clock.ts'
import type { CompanyRegister } from '../../ports/registry.ts'
import type { Audit } from '../../records/audit/index.ts'

/** What support needs from outside; the composition root provides it. */
export interface SupportDeps {
  audit: Audit
  clock: Clock
  companies: CompanyRegister
  crypto: FieldCrypto
  db: Kysely<Database>
  log: Logger
}
