import type { Kysely } from 'kysely'
import type { Database } from '../../database/index.ts'
import type { Config } from '../../ports/config.ts'

/** What developers needs from outside; the composition root provides it. */
export interface DevelopersDeps {
  config: Pick<Config, 'contact' | 'demoData' | 'facePolicy' | 'issuer' | 'relyingSitePort' | 'sandbox'>
  db: Kysely<Database>
}
