import type { Kysely } from 'kysely'
import type { Database, KeyStep } from '../../database/schema.ts'
import { keyTimes } from '../../tokens/signing-keys.ts'

type Executor = Kysely<Database>

export interface KeyView {
  kid: string
  alg: string
  state: 'pre-published' | 'active' | 'retired' | 'removed'
  createdAt: Date
  activatedAt: Date | null
  retiredAt: Date | null
  removedAt: Date | null
  /** Pre-published: from when it may sign. Retired: from when it may be removed. */
  dueAt: Date | null
  history: KeyStep[]
  publicJwk: Record<string, unknown>
}

const after = (time: Date | null, seconds: number): Date | null =>
  time === null ? null : new Date(time.getTime() + seconds * 1000)
const order = ['active', 'pre-published', 'retired', 'removed']

/** Every present and former key: signing ones first, removed ones newest first (at most `removed` of them). */
export async function listKeys (db: Executor, { removed = 50 } = {}): Promise<KeyView[]> {
  const rows = await db
    .selectFrom('signingKey')
    .select(['kid', 'alg', 'state', 'createdAt', 'activatedAt', 'retiredAt', 'removedAt', 'history', 'publicJwk'])
    .orderBy('createdAt', 'desc')
    .orderBy('kid')
    .execute()
  const gone = rows.filter(({ state }) => state === 'removed').slice(removed)
  return rows
    .filter((row) => !gone.includes(row))
    .map((row) => ({
      ...row,
      dueAt:
        row.state === 'pre-published'
          ? after(row.createdAt, keyTimes.published)
          : row.state === 'retired'
            ? after(row.retiredAt, keyTimes.retired)
            : null
    }))
    .sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || a.alg.localeCompare(b.alg))
}

export interface RemovedKeyUse {
  kid: string
  /** Empty: the token does not say for whom it was. */
  clientId: string
  /** Where it was presented: id_token_hint or access_token. */
  place: string
  uses: number
  firstAt: Date
  lastAt: Date
}

/** Sites that still used what a removed key signed, latest first. */
export async function listRemovedKeyUses (db: Executor, { limit = 100 } = {}): Promise<RemovedKeyUse[]> {
  return await db
    .selectFrom('removedKeyUse')
    .select(['kid', 'clientId', 'place', 'uses', 'firstAt', 'lastAt'])
    .orderBy('lastAt', 'desc')
    .orderBy('kid')
    .limit(limit)
    .execute()
}
