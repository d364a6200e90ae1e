import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Database, FieldCrypto, OpenDatabase } from '../database/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Config } from '../ports/config.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { PasswordHasher } from '../ports/password-hasher.ts'
import type { CompanyRegister } from '../ports/registry.ts'
import type { SmsSender } from '../ports/sms.ts'
import type { Audit } from '../records/audit/index.ts'

/** What runtime needs from outside; the composition root provides it. */
export interface RuntimeDeps {
  audit: Audit
  clock: Clock
  close(): Promise<void>
  companies: CompanyRegister
  config: Pick<
    Config,
    | 'companyRegister'
    | 'companyRegisterSeconds'
    | 'dataDir'
    | 'demoData'
    | 'drainNoticeSeconds'
    | 'environment'
    | 'issuer'
    | 'keyRotationDays'
    | 'passwordProfile'
    | 'phoneChannels'
    | 'policyVersion'
    | 'relyingSitePort'
    | 'trustedProxies'
  >
  crypto: FieldCrypto
  database: OpenDatabase
  db: Kysely<Database>
  hasher: PasswordHasher
  log: Logger
  metrics: Metrics
  sms: SmsSender
}
