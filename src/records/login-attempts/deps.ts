import type { Kysely } from 'kysely'
import type { Database, FieldCrypto } from '../../database/index.ts'

/** What login attempts needs from outside; the composition root provides it. */
export interface LoginAttemptsDeps {
  db: Kysely<Database>
  crypto: FieldCrypto
}
