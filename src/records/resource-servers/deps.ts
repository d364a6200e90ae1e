import type { Kysely } from 'kysely'
import type { Database, FieldCrypto } from '../../database/index.ts'
import type { Config } from '../../ports/config.ts'
import type { Audit } from '../audit/index.ts'

/** What resource servers need from outside; the composition root provides it. */
export interface ResourceServersDeps {
  audit: Audit
  config: Pick<Config, 'egressAllowed' | 'issuer' | 'mtls' | 'sandbox'>
  crypto: FieldCrypto
  db: Kysely<Database>
}
