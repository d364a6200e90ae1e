import type { Kysely } from 'kysely'
import type { Database, FieldCrypto } from '../../database/index.ts'
import type { Config } from '../../ports/config.ts'
import type { Metrics } from '../../ports/metrics.ts'
import type { Audit } from '../../records/audit/index.ts'

/** What device login needs from outside; the composition root provides it. */
export interface DeviceLoginDeps {
  audit: Audit
  config: Pick<Config, 'issuer'>
  crypto: FieldCrypto
  db: Kysely<Database>
  metrics: Metrics
}
