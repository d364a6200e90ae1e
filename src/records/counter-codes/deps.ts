import type { Kysely } from 'kysely'
import type { Database, FieldCrypto } from '../../database/index.ts'
import type { Audit } from '../audit/index.ts'

/** What in-person codes needs from outside; the composition root provides it. */
export interface CounterCodesDeps {
  audit: Audit
  crypto: FieldCrypto
  db: Kysely<Database>
}
