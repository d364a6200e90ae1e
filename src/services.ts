/**
 * Composition root: chooses the database, the production adapters or the simulators, and hands
 * every feature the same frozen set of services. This is the only file that knows them all.
 */
import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import type { Database } from './database/schema.ts'
import type { FieldCrypto } from './database/field-crypto.ts'
import type { Clock } from './ports/clock.ts'
import type { FaceProvider } from './ports/face-provider.ts'
import type { PopulationRegister } from './ports/registry.ts'
import type { SmsSender } from './ports/sms.ts'
import type { PasswordHasher } from './adapters/password-hasher.ts'
import type { Audit } from './features/audit/index.ts'
import type { Metrics } from './http/metrics.ts'

export interface Services {
  config: Readonly<Config>
  db: Kysely<Database>
  crypto: FieldCrypto
  clock: Clock
  log: Logger
  metrics: Metrics
  audit: Audit
  hasher: PasswordHasher
  face: FaceProvider
  population: PopulationRegister
  sms: SmsSender
}
