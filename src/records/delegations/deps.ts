import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Database, FieldCrypto } from '../../database/index.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Audit } from '../audit/index.ts'

/** What delegations needs from outside; the composition root provides it. */
export interface DelegationsDeps {
  audit: Audit
  clock: Clock
  crypto: FieldCrypto
  db: Kysely<Database>
  log: Logger
}
