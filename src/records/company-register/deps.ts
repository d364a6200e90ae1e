import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Database, FieldCrypto } from '../../database/index.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Config } from '../../ports/config.ts'
import type { CompanyRegister } from '../../ports/registry.ts'
import type { Audit } from '../audit/index.ts'

/** What company register needs from outside; the composition root provides it. */
export interface CompanyRegisterDeps {
  audit: Audit
  clock: Clock
  companies: CompanyRegister
  config: Pick<Config, 'companyRegister' | 'companyRegisterSeconds'>
  crypto: FieldCrypto
  db: Kysely<Database>
  log: Logger
}
