import type { Kysely } from 'kysely'
import type { Database } from '../../database/index.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Config } from '../../ports/config.ts'

/** What phone pages needs from outside; the composition root provides it. */
export interface PhonePagesDeps {
  clock: Clock
  config: Pick<Config, 'issuer' | 'phoneChannels' | 'policyVersion'>
  db: Kysely<Database>
}
