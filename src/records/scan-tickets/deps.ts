import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Database, FieldCrypto } from '../../database/index.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Config } from '../../ports/config.ts'
import type { FaceProvider } from '../../ports/face-provider.ts'
import type { Metrics } from '../../ports/metrics.ts'
import type { PopulationRegister } from '../../ports/registry.ts'
import type { Audit } from '../audit/index.ts'

/** What scan tickets needs from outside; the composition root provides it. */
export interface ScanTicketsDeps {
  audit: Audit
  clock: Clock
  config: Pick<Config, 'issuer' | 'policyVersion'>
  crypto: FieldCrypto
  db: Kysely<Database>
  face: FaceProvider
  log: Logger
  metrics: Metrics
  population: PopulationRegister
}
