import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Database, FieldCrypto } from '../../database/index.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Config } from '../../ports/config.ts'
import type { FaceProvider } from '../../ports/face-provider.ts'
import type { PasswordHasher } from '../../ports/password-hasher.ts'
import type { CompanyRegister, PopulationRegister } from '../../ports/registry.ts'
import type { SmsSender } from '../../ports/sms.ts'
import type { Audit } from '../../records/audit/index.ts'

/** What admin api needs from outside; the composition root provides it. */
export interface AdminApiDeps {
  audit: Audit
  clock: Clock
  companies: CompanyRegister
  config: Pick<
    Config,
    | 'companyRegister'
    | 'dynamicRegistration'
    | 'egressAllowed'
    | 'environment'
    | 'face'
    | 'facePolicy'
    | 'fieldCipher'
    | 'issuer'
    | 'keyRotationDays'
    | 'loginStartsPerAddress'
    | 'mtls'
    | 'passwordProfile'
    | 'phoneChannels'
    | 'policyVersion'
    | 'populationRegister'
    | 'sandbox'
    | 'sms'
  >
  crypto: FieldCrypto
  db: Kysely<Database>
  face: FaceProvider
  hasher: PasswordHasher
  log: Logger
  population: PopulationRegister
  sms: SmsSender
}
