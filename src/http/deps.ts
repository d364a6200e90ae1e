import type { FieldCrypto } from '../database/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Config } from '../ports/config.ts'
import type { Metrics } from '../ports/metrics.ts'

/** What http needs from outside; the composition root provides it. */
export interface HttpDeps {
  clock: Clock
  config: Pick<Config, 'contact' | 'issuer' | 'loginStartsPerAddress' | 'metricsToken' | 'sandbox' | 'trustedProxies'>
  crypto: FieldCrypto
  metrics: Metrics
}
