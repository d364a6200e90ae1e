/**
 * Sessions of administrators: 15 minutes idle, 8 hours in all, bound to the browser. Account and role are read at each
 * request.
 */
import { createHash } from 'node:crypto'
import { sql, type Kysely, type Transaction } from 'kysely'
import { statement } from '../../database/statement.ts'
import type { Database } from '../../database/schema.ts'
import type { AdminRole } from '../../domain/administration/administration.ts'
import { newIdentifier } from '../../domain/identifier.ts'

type Db = Kysely<Database> | Transaction<Database>

/** Seconds without a request after which a session ends. */
const idleSeconds = 900
/** Seconds after which it ends in any case. */
const absoluteSeconds = 8 * 3600
/** Seconds for which credentials that were given again are valid. */
export const reauthSeconds = 600

export type SignInMethod = 'passkey' | 'password'

export interface Administrator {
  /** `adm_…` */
  id: string
  loginName: string
  displayName: string
  role: AdminRole
  sessionHash: string
  method: SignInMethod
  /** Seconds since credentials were given. */
  authenticatedSecondsAgo: number
  /** Approval requests that this administrator could decide or endorse now. */
  waiting: number
}

export const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url')
export const newSecret = (): string => newIdentifier(32)

/** Null: the account is not active (any more). Returns the secret for the cookie. */
export async function openSession (
  trx: Db,
  {
    accountId,
    browserHash,
    browserLabel,
    method
  }: { accountId: string; browserHash: string; browserLabel: string; method: SignInMethod }
): Promise<string | null> {
  const secret = newSecret()
  const { rows } = await sql`
    with account as (update admin_account set last_sign_in_at = now() where id = ${accountId} and status = 'active'
      returning id)
    insert into admin_session (id_hash, account_id, browser_hash, browser_label, method, expires_at, ends_at)
    select ${hashOf(secret)}, id, ${browserHash}, ${browserLabel}, ${method},
      now() + make_interval(secs => ${idleSeconds}), now() + make_interval(secs => ${absoluteSeconds})
      from account returning id_hash`.execute(trx)
  return rows.length === 1 ? secret : null
}

interface Found extends Omit<Administrator, 'sessionHash'> {
  idHash: string
  secondsLeft: number
}

/** One query: the session, the present account, and the number of waiting requests. */
const findStatement = statement<[idHash: string, browserHash: string], Found>(
  'admin session find',
  `
  select s.id_hash, s.method, a.id, a.login_name, a.display_name, a.role,
         extract(epoch from now() - s.authenticated_at)::float8 as authenticated_seconds_ago,
         extract(epoch from least(s.expires_at, s.ends_at) - now())::float8 as seconds_left,
         (select count(*)::int from pending_change c where c.state = 'pending' and c.expires_at > now() and case
            when c.requested_by not like 'client:%' then c.requested_by <> 'admin:' || a.id
              and a.role = any(c.approvers)
            when c.vouched_by is null then a.role in ('system', 'security')
            else c.vouched_by <> 'admin:' || a.id and a.role = any(c.approvers) end) as waiting
    from admin_session s join admin_account a on a.id = s.account_id and a.status = 'active'
   where s.id_hash = $1 and s.browser_hash = $2 and s.expires_at > now() and s.ends_at > now()`
)

const touchStatement = statement<[idHash: string, seconds: number], { idHash: string }>(
  'admin session touch',
  `
  update admin_session set expires_at = least(now() + make_interval(secs => $2::float8), ends_at)
   where id_hash = $1 and expires_at > now() returning id_hash`
)

export async function findSession (db: Db, secret: string, browserHash: string): Promise<Administrator | null> {
  if (!/^[\w-]{43}$/.test(secret)) return null
  const [found] = await findStatement(db, hashOf(secret), browserHash)
  if (found === undefined) return null
  const { idHash, secondsLeft, ...administrator } = found
  // a write for every tenth of the time, not for every request
  if (secondsLeft < idleSeconds * 0.9) await touchStatement(db, idHash, idleSeconds)
  return { ...administrator, sessionHash: idHash }
}

/** Credentials were given once more in this session. */
export async function refreshAuthentication (trx: Db, sessionHash: string): Promise<void> {
  await trx
    .updateTable('adminSession')
    .set({ authenticatedAt: sql<Date>`now()` })
    .where('idHash', '=', sessionHash)
    .execute()
}

/** Ended sessions are kept for a while: they show in which browsers an account has been used. */
export async function closeSession (db: Db, sessionHash: string): Promise<void> {
  await db
    .updateTable('adminSession')
    .set({ endsAt: sql<Date>`now()` })
    .where('idHash', '=', sessionHash)
    .where('endsAt', '>', sql<Date>`now()`)
    .execute()
}

/** All sessions of an account, but for `except`. */
export async function closeSessionsOf (db: Db, accountId: string, except = ''): Promise<void> {
  await db
    .updateTable('adminSession')
    .set({ endsAt: sql<Date>`now()` })
    .where('accountId', '=', accountId)
    .where('idHash', '<>', except)
    .where('endsAt', '>', sql<Date>`now()`)
    .execute()
}

/** Whether this account has been used in this browser before. */
export async function isKnownBrowser (db: Db, accountId: string, browserHash: string): Promise<boolean> {
  return (
    (await db
      .selectFrom('adminSession')
      .select('idHash')
      .where('accountId', '=', accountId)
      .where('browserHash', '=', browserHash)
      .limit(1)
      .executeTakeFirst()) !== undefined
  )
}

/** Deletes at most `limit` outdated rows. Returns how many. */
export async function sweepAdmin (db: Db, limit = 500): Promise<number> {
  let deleted = 0
  for (const [table, key, days] of [
    ['admin_session', 'id_hash', 30],
    ['admin_ceremony', 'challenge', 0],
    ['admin_login', 'state_hash', 0]
  ] as const) {
    const { rows } = await sql`
      delete from ${sql.table(table)} where ${sql.ref(key)} in (
        select ${sql.ref(key)} from ${sql.table(table)} where expires_at < now() - make_interval(days => ${days})
          order by expires_at limit ${limit} for update skip locked)
      returning 1`.execute(db)
    deleted += rows.length
  }
  return deleted
}
