import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Database, FieldCrypto } from '../database/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Config } from '../ports/config.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { Audit } from '../records/audit/index.ts'

/** What oidc needs from outside; the composition root provides it. */
export interface OidcDeps {
  audit: Audit
  clock: Clock
  config: Pick<
    Config,
    'dynamicRegistration' | 'egressAllowed' | 'issuer' | 'mtls' | 'relyingSitePort' | 'sandbox' | 'trustedProxies'
  >
  crypto: FieldCrypto
  db: Kysely<Database>
  log: Logger
  metrics: Metrics
}
