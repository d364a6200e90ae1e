/**
 * Sessions of the sites: each ends when it is idle, and some at an absolute end. A session that has ended stays until
 * the clean-up deletes it; at the console that is later, because it tells which browsers an account was used in.
 */
import { sql, type Kysely, type Transaction } from 'kysely'
import { statement } from '../../database/statement.ts'
import type { Database, OwnSiteName } from '../../database/schema.ts'
import { createSecret, hashSecret } from './secrets.ts'

type Db = Kysely<Database> | Transaction<Database>

export interface SessionLifetime {
  /** Seconds without a request after which a session ends. */
  idleSeconds: number
  /** Seconds after which it ends in any case; null = never. */
  absoluteSeconds: number | null
  /** Days for which a session that has ended is kept. */
  keptDays: number
}

/** Of a person at the user center, of an administrator at the console. */
export type SessionSubject =
  | { personId: string; clientSessionId: string }
  | { accountId: string; method: 'passkey' | 'password'; browserLabel: string }

/** Returns the secret for the cookie. */
export async function openSession (
  trx: Db,
  {
    site,
    browserHash,
    subject,
    lifetime: { idleSeconds, absoluteSeconds }
  }: { site: OwnSiteName; browserHash: string; subject: SessionSubject; lifetime: SessionLifetime }
): Promise<string> {
  const secret = createSecret()
  await trx
    .insertInto('ownSiteSession')
    .values({
      idHash: hashSecret(secret),
      site,
      browserHash,
      ...subject,
      expiresAt: sql<Date>`now() + make_interval(secs => ${idleSeconds})`,
      endsAt: absoluteSeconds === null ? null : sql<Date>`now() + make_interval(secs => ${absoluteSeconds})`
    })
    .execute()
  return secret
}

export interface StoredSession {
  idHash: string
  browserHash: string
  personId: string | null
  clientSessionId: string | null
  accountId: string | null
  method: 'passkey' | 'password' | null
  /** Seconds since credentials were given. */
  authenticatedSecondsAgo: number
  secondsLeft: number
}

const findStatement = statement<[idHash: string, site: string, browserHash: string], StoredSession>(
  'own site session find',
  `
  select id_hash, browser_hash, person_id, client_session_id, account_id, method,
         extract(epoch from now() - authenticated_at)::float8 as authenticated_seconds_ago,
         extract(epoch from expires_at - now())::float8 as seconds_left
    from own_site_session where id_hash = $1 and site = $2 and browser_hash = $3 and expires_at > now()`
)

const extendStatement = statement<[idHash: string, seconds: number], { idHash: string }>(
  'own site session extend',
  `
  update own_site_session set expires_at = least(now() + make_interval(secs => $2::float8), ends_at)
   where id_hash = $1 and expires_at > now() returning id_hash`
)

export async function findSession (
  db: Db,
  { site, secret, browserHash }: { site: OwnSiteName; secret: string; browserHash: string }
): Promise<StoredSession | null> {
  if (!/^[\w-]{43}$/.test(secret)) return null
  const [found] = await findStatement(db, hashSecret(secret), site, browserHash)
  return found ?? null
}

/** A write for every tenth of the idle time, not for every request. */
export async function extendSession (
  db: Db,
  { idHash, secondsLeft }: Pick<StoredSession, 'idHash' | 'secondsLeft'>,
  { idleSeconds }: Pick<SessionLifetime, 'idleSeconds'>
): Promise<void> {
  if (secondsLeft < idleSeconds * 0.9) await extendStatement(db, idHash, idleSeconds)
}

/** Credentials were given once more in this session. */
export async function refreshAuthentication (trx: Db, idHash: string): Promise<void> {
  await trx
    .updateTable('ownSiteSession')
    .set({ authenticatedAt: sql<Date>`now()` })
    .where('idHash', '=', idHash)
    .execute()
}

export async function endSession (db: Db, idHash: string): Promise<void> {
  await db
    .updateTable('ownSiteSession')
    .set({ expiresAt: sql<Date>`now()` })
    .where('idHash', '=', idHash)
    .where('expiresAt', '>', sql<Date>`now()`)
    .execute()
}

/** All sessions of an administrator, but for `except`. */
export async function endAccountSessions (db: Db, accountId: string, except = ''): Promise<void> {
  await db
    .updateTable('ownSiteSession')
    .set({ expiresAt: sql<Date>`now()` })
    .where('accountId', '=', accountId)
    .where('idHash', '<>', except)
    .where('expiresAt', '>', sql<Date>`now()`)
    .execute()
}

/** Every session and every request under way ends. Returns how many sessions. */
export async function endOwnSites (trx: Db): Promise<number> {
  await trx.deleteFrom('ownSiteLogin').execute()
  const { numUpdatedRows } = await trx
    .updateTable('ownSiteSession')
    .set({ expiresAt: sql<Date>`now()` })
    .where('expiresAt', '>', sql<Date>`now()`)
    .executeTakeFirst()
  return Number(numUpdatedRows)
}

export interface AccountSession {
  idHash: string
  browserLabel: string
  createdAt: Date
  method: 'passkey' | 'password'
}

/** Live sessions of an administrator, newest first, 50 at most. */
export async function listAccountSessions (db: Db, accountId: string): Promise<AccountSession[]> {
  const rows = await db
    .selectFrom('ownSiteSession')
    .select(['idHash', 'browserLabel', 'createdAt', 'method'])
    .where('accountId', '=', accountId)
    .where('expiresAt', '>', sql<Date>`now()`)
    .orderBy('createdAt', 'desc')
    .limit(50)
    .execute()
  return rows.map((row) => ({ ...row, browserLabel: row.browserLabel ?? '', method: row.method ?? 'password' }))
}

async function countLive (db: Db, column: 'accountId' | 'site', value: string): Promise<number> {
  const { n } = await db
    .selectFrom('ownSiteSession')
    .select(sql<number>`count(*)::int`.as('n'))
    .where(sql<boolean>`${sql.ref(column)} = ${value}`)
    .where('expiresAt', '>', sql<Date>`now()`)
    .executeTakeFirstOrThrow()
  return n
}

/** Live sessions of an administrator. */
export const countAccountSessions = async (db: Db, accountId: string): Promise<number> =>
  await countLive(db, 'accountId', accountId)

/** Live sessions of a site. */
export const countSiteSessions = async (db: Db, site: OwnSiteName): Promise<number> =>
  await countLive(db, 'site', site)

/** Has this administrator been signed in in this browser before? */
export async function hasUsedBrowser (db: Db, accountId: string, browserHash: string): Promise<boolean> {
  return (
    (await db
      .selectFrom('ownSiteSession')
      .select('idHash')
      .where('accountId', '=', accountId)
      .where('browserHash', '=', browserHash)
      .limit(1)
      .executeTakeFirst()) !== undefined
  )
}

/** Deletes at most `limit` authorization requests and as many sessions that have expired. Returns how many. */
export async function deleteExpired (
  db: Db,
  { site, keptDays, limit }: { site: OwnSiteName; keptDays: number; limit: number }
): Promise<number> {
  let deleted = 0
  for (const [table, key, days] of [
    ['own_site_login', 'state_hash', 0],
    ['own_site_session', 'id_hash', keptDays]
  ] as const) {
    const { rows } = await sql`
      delete from ${sql.table(table)} where ${sql.ref(key)} in (
        select ${sql.ref(key)} from ${sql.table(table)}
         where site = ${site} and expires_at < now() - make_interval(days => ${days})
         order by expires_at limit ${limit} for update skip locked)
      returning 1`.execute(db)
    deleted += rows.length
  }
  return deleted
}
