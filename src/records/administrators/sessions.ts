/**
 * Who is signed in at the console: an administrator's session (records/own-sites) with the account as it is at this
 * request.
 */
import { sql, type Kysely, type Transaction } from 'kysely'
import { statement } from '../../database/statement.ts'
import type { Database } from '../../database/schema.ts'
import type { AdminRole } from '../../domain/administration/administration.ts'
import type { StoredSession } from '../own-sites/index.ts'

type Db = Kysely<Database> | Transaction<Database>

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

/** The account has signed in. False: it is not active (any more). */
export async function recordSignIn (trx: Db, accountId: string): Promise<boolean> {
  const active = await trx
    .updateTable('adminAccount')
    .set({ lastSignInAt: sql<Date>`now()` })
    .where('id', '=', accountId)
    .where('status', '=', 'active')
    .returning('id')
    .executeTakeFirst()
  return active !== undefined
}

type Account = Pick<Administrator, 'id' | 'loginName' | 'displayName' | 'role' | 'waiting'>

/** One query: the present account, and the number of waiting requests. */
const findStatement = statement<[accountId: string], Account>(
  'admin account of a session',
  `
  select a.id, a.login_name, a.display_name, a.role,
         (select count(*)::int from pending_change c where c.state = 'pending' and c.expires_at > now() and case
            when c.requested_by not like 'client:%' then c.requested_by <> 'admin:' || a.id
              and a.role = any(c.approvers)
            when c.vouched_by is null then a.role in ('system', 'security')
            else c.vouched_by <> 'admin:' || a.id and a.role = any(c.approvers) end) as waiting
    from admin_account a where a.id = $1 and a.status = 'active'`
)

/** Null: the account is not active (any more). */
export async function findAdministrator (db: Db, session: StoredSession): Promise<Administrator | null> {
  const { idHash, accountId, method, authenticatedSecondsAgo } = session
  if (accountId === null || method === null) return null
  const [account] = await findStatement(db, accountId)
  return account === undefined ? null : { ...account, sessionHash: idHash, method, authenticatedSecondsAgo }
}

/** Deletes at most `limit` challenges of passkeys that have expired. Returns how many. */
export async function sweepCeremonies (db: Db, limit = 500): Promise<number> {
  const { rows } = await sql`
    delete from admin_ceremony where challenge in (
      select challenge from admin_ceremony where expires_at < now() order by expires_at limit ${limit}
        for update skip locked)
    returning 1`.execute(db)
  return rows.length
}
