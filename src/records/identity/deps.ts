import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Database, FieldCrypto } from '../../database/index.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Config } from '../../ports/config.ts'
import type { PopulationRegister } from '../../ports/registry.ts'
import type { Audit } from '../audit/index.ts'

/** What identity needs from outside; the composition root provides it. */
export interface IdentityDeps {
  audit: Audit
  clock: Clock
  config: Pick<Config, 'policyVersion'>
  crypto: FieldCrypto
  db: Kysely<Database>
  log: Logger
  population: PopulationRegister
}
