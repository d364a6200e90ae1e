import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Database, FieldCrypto } from '../../database/index.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Config } from '../../ports/config.ts'
import type { Metrics } from '../../ports/metrics.ts'
import type { PasswordHasher } from '../../ports/password-hasher.ts'
import type { PopulationRegister } from '../../ports/registry.ts'
import type { Audit } from '../../records/audit/index.ts'

/** What user center needs from outside; the composition root provides it. */
export interface UserCenterDeps {
  audit: Audit
  clock: Clock
  config: Pick<
    Config,
    | 'dynamicRegistration'
    | 'egressAllowed'
    | 'issuer'
    | 'mtls'
    | 'passwordProfile'
    | 'phoneChannels'
    | 'policyVersion'
    | 'relyingSitePort'
    | 'sandbox'
    | 'trustedProxies'
  >
  crypto: FieldCrypto
  db: Kysely<Database>
  hasher: PasswordHasher
  log: Logger
  metrics: Metrics
  population: PopulationRegister
}
