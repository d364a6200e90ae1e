import type { Kysely } from 'kysely'
import type { Database, FieldCrypto } from '../../database/index.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Config } from '../../ports/config.ts'
import type { Audit } from '../../records/audit/index.ts'

/** What the relying party of a site of Kora itself needs from outside; the composition root provides it. */
export interface OwnSiteDeps {
  audit: Audit
  clock: Clock
  config: Pick<Config, 'issuer'>
  crypto: FieldCrypto
  db: Kysely<Database>
}
