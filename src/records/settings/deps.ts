import type { Kysely } from 'kysely'
import type { Database } from '../../database/index.ts'
import type { Config } from '../../ports/config.ts'
import type { Audit } from '../audit/index.ts'

/** What settings needs from outside; the composition root provides it. */
export interface SettingsDeps {
  audit: Audit
  config: Pick<Config, 'contact'>
  db: Kysely<Database>
}
