/** Recent failed requests of a client: what was wrong, from which address, how often. Written by usage.ts. */
import type { Transaction } from 'kysely'
import type { Act } from '../../domain/administration/administration.ts'
import { statement } from '../../database/statement.ts'
import type { Database } from '../../database/schema.ts'
import type { ClientsDeps } from './deps.ts'
import { noteAct } from './history.ts'
import { holdClient, type Db } from './repository.ts'

export interface ClientFailure {
  /** redirect_uri, post_logout_redirect_uri (`address` says which), or the standard error code. */
  code: string
  address: string
  count: number
  firstAt: Date
  lastAt: Date
}

/** Newest first. */
export async function clientFailures (db: Db, clientId: string): Promise<ClientFailure[]> {
  return await db
    .selectFrom('clientFailure')
    .select(['code', 'address', 'count', 'firstAt', 'lastAt'])
    .where('clientId', '=', clientId)
    .orderBy('lastAt', 'desc')
    .orderBy('code')
    .orderBy('address')
    .limit(100)
    .execute()
}

/** Takes one failure off the list; it comes back when it happens again. */
export async function dismissFailure (
  trx: Transaction<Database>,
  deps: Pick<ClientsDeps, 'audit'>,
  input: { act: Act; clientId: string; failure: Pick<ClientFailure, 'code' | 'address'> }
): Promise<boolean> {
  const { act, clientId, failure } = input
  const client = await holdClient(trx, clientId)
  if (client === null) return false
  const { numDeletedRows } = await trx
    .deleteFrom('clientFailure')
    .where('clientId', '=', clientId)
    .where('code', '=', failure.code)
    .where('address', '=', failure.address)
    .executeTakeFirst()
  if (numDeletedRows === 0n) return false
  await noteAct(trx, deps, {
    by: act,
    act: 'failures_dismissed',
    about: {
      clientId,
      version: client.version,
      diff: [{ field: `/failures/${failure.code}`, before: failure.address, after: null }]
    }
  })
  return true
}

const sweepStatement = statement<[number], { n: number }>(
  'client failures sweep',
  `
  with gone as (delete from client_failure where ctid = any(array(select ctid from client_failure
    where last_at < now() - interval '30 days' limit $1)) returning 1)
  select count(*)::int as n from gone`
)

/** Deletes what has not happened for a month. @returns rows deleted */
export async function sweepClientFailures (db: Db, limit: number): Promise<number> {
  return (await sweepStatement(db, limit))[0]?.n ?? 0
}
