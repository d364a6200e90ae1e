import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Database, FieldCrypto } from '../../database/index.ts'
import type { Config } from '../../ports/config.ts'
import type { FaceProvider } from '../../ports/face-provider.ts'
import type { Metrics } from '../../ports/metrics.ts'
import type { Audit } from '../audit/index.ts'

/** What face checks needs from outside; the composition root provides it. */
export interface FaceChecksDeps {
  audit: Audit
  config: Pick<Config, 'policyVersion'>
  crypto: FieldCrypto
  db: Kysely<Database>
  face: FaceProvider
  log: Logger
  metrics: Metrics
}
