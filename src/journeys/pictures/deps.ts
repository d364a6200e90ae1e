import type { Kysely } from 'kysely'
import type { Database, FieldCrypto } from '../../database/index.ts'

/** What pictures needs from outside; the composition root provides it. */
export interface PicturesDeps {
  crypto: FieldCrypto
  db: Kysely<Database>
}
