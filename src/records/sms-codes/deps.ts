import type { Kysely } from 'kysely'
import type { Database, FieldCrypto } from '../../database/index.ts'
import type { Config } from '../../ports/config.ts'
import type { Audit } from '../audit/index.ts'

/** What sms codes needs from outside; the composition root provides it. */
export interface SmsCodesDeps {
  audit: Audit
  config: Pick<Config, 'issuer'>
  crypto: FieldCrypto
  db: Kysely<Database>
}
