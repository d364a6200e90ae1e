/** Bounded clean-up of what has expired: small batches by an index on expiry, never waiting for a lock. */
import { statement } from '../database/statement.ts'
import type { Connection } from './artifact-repository.ts'

const oneDay = "interval '1 day'"

interface CleanerInput {
  table: string
  key: string
  expired: string
  order: string
}

const cleaner = ({ table, key, expired, order }: CleanerInput) =>
  statement<[number], { n: number }>(
    `cleanup ${table}`,
    `
  with gone as (
    delete from ${table} where (${key}) in (
      select ${key} from ${table} where ${expired} order by ${order} limit $1 for update skip locked)
    returning 1)
  select count(*)::int as n from gone`
  )

const artifacts = cleaner({
  table: 'oidc_artifact',
  key: 'model, id',
  expired: 'expires_at < now()',
  order: 'expires_at'
})
// kept a day, so that support can see what a login of today stopped at
const attempts = cleaner({
  table: 'login_attempt',
  key: 'uid',
  expired: `expires_at < now() - ${oneDay}`,
  order: 'expires_at'
})
const tickets = cleaner({
  table: 'scan_ticket',
  key: 'id',
  expired: `expires_at < now() - ${oneDay}`,
  order: 'expires_at'
})

type Cleaner = (db: Connection, batch: number) => Promise<{ n: number }[]>
const run = async (clean: Cleaner, db: Connection, batch: number): Promise<number> =>
  (await clean(db, batch))[0]?.n ?? 0

/** Deletes at most `batch` expired artifacts. Returns how many; a full batch means there is more. */
export const deleteExpired = (db: Connection, batch = 500): Promise<number> => run(artifacts, db, batch)

/** Login attempts that expired more than a day ago. */
export const deleteExpiredAttempts = (db: Connection, batch = 500): Promise<number> => run(attempts, db, batch)

/** Scan tickets that expired more than a day ago, with the encrypted identity they hold. */
export const deleteExpiredTickets = (db: Connection, batch = 500): Promise<number> => run(tickets, db, batch)
