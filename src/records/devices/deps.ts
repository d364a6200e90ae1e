import type { Kysely } from 'kysely'
import type { Database } from '../../database/index.ts'
import type { Audit } from '../audit/index.ts'

/** What devices needs from outside; the composition root provides it. */
export interface DevicesDeps {
  audit: Audit
  db: Kysely<Database>
}
