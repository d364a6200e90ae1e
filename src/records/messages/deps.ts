import type { Kysely } from 'kysely'
import type { Database, FieldCrypto } from '../../database/index.ts'
import type { SmsSender } from '../../ports/sms.ts'
import type { Audit } from '../audit/index.ts'

/** What messages needs from outside; the composition root provides it. */
export interface MessagesDeps {
  audit: Audit
  crypto: FieldCrypto
  db: Kysely<Database>
  sms: SmsSender
}
