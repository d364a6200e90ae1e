import type { Kysely } from 'kysely'
import type { Database, FieldCrypto } from '../../database/index.ts'

/** What throttle needs from outside; the composition root provides it. */
export interface ThrottleDeps {
  crypto: FieldCrypto
  db: Kysely<Database>
}
