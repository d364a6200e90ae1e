import type { Kysely } from 'kysely'
import type { Database, FieldCrypto } from '../../database/index.ts'

/** What challenges needs from outside; the composition root provides it. */
export interface ChallengesDeps {
  crypto: FieldCrypto
  db: Kysely<Database>
}
