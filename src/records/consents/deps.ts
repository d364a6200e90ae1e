import type { Kysely } from 'kysely'
import type { Database } from '../../database/index.ts'
import type { Config } from '../../ports/config.ts'
import type { Audit } from '../audit/index.ts'

/** What consents needs from outside; the composition root provides it. */
export interface ConsentsDeps {
  audit: Audit
  config: Pick<Config, 'policyVersion'>
  db: Kysely<Database>
}
