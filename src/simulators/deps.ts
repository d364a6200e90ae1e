import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Database, FieldCrypto } from '../database/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Config } from '../ports/config.ts'
import type { PasswordHasher } from '../ports/password-hasher.ts'
import type { Audit } from '../records/audit/index.ts'

/** What simulators needs from outside; the composition root provides it. */
export interface SimulatorsDeps {
  audit: Audit
  clock: Clock
  config: Pick<
    Config,
    | 'companyRegister'
    | 'contact'
    | 'demoData'
    | 'environment'
    | 'simulated'
    | 'facePolicy'
    | 'host'
    | 'issuer'
    | 'passwordProfile'
    | 'phoneChannels'
    | 'policyVersion'
    | 'relyingSitePort'
    | 'sandbox'
    | 'sandboxFacePort'
  >
  crypto: FieldCrypto
  db: Kysely<Database>
  hasher: PasswordHasher
  log: Logger
}
