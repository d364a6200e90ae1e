import type { Kysely } from 'kysely'
import type { Database } from '../../database/index.ts'
import type { Audit } from '../audit/index.ts'

/** What outbox needs from outside; the composition root provides it. */
export interface OutboxDeps {
  audit: Audit
  db: Kysely<Database>
}
