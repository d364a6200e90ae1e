/**
 * Links that let somebody set credentials: for the very first account, for an invited one, for one whose credentials
 * were reset. Good once and for a short time; only the hash of the secret in them is kept.
 */
import { sql, type Kysely, type Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import type { AdminRole } from '../../domain/administration.ts'
import { hashOf, newSecret } from './sessions.ts'

type Db = Kysely<Database> | Transaction<Database>

export type LinkPurpose = 'bootstrap' | 'invitation' | 'reset'

/** Minutes. */
export const linkLife: Readonly<Record<LinkPurpose, number>> = Object.freeze({ bootstrap: 30, invitation: 24 * 60, reset: 60 })

/** Returns the address; it is kept nowhere. Older links of the same account (or of the same bootstrap) end with it. */
export async function makeLink (db: Db, issuer: string, { purpose, role, accountId, createdBy }: { purpose: LinkPurpose, role: AdminRole, accountId: string | null, createdBy: string }): Promise<string> {
  const secret = newSecret()
  await db.updateTable('adminBootstrap').set({ expiresAt: sql<Date>`now()` })
    .where('usedAt', 'is', null).where('expiresAt', '>', sql<Date>`now()`)
    .$if(accountId === null, (query) => query.where('accountId', 'is', null).where('role', '=', role))
    .$if(accountId !== null, (query) => query.where('accountId', '=', accountId))
    .execute()
  await db.insertInto('adminBootstrap').values({
    tokenHash: hashOf(secret), purpose, role, accountId, createdBy, expiresAt: sql<Date>`now() + make_interval(mins => ${linkLife[purpose]})`
  }).execute()
  return `${issuer}/admin/begin/${secret}`
}

export interface OpenLink { tokenHash: string, purpose: LinkPurpose, role: AdminRole, accountId: string | null, loginName: string | null, displayName: string | null, totpSecretEnc: string | null }

/** Looks without using it. Null: unknown, used, outdated, or its account is not what the link was made for. */
export async function findLink (db: Db, secret: string): Promise<OpenLink | null> {
  if (!/^[\w-]{43}$/.test(secret)) return null
  return await db.selectFrom('adminBootstrap as link').leftJoin('adminAccount as account', 'account.id', 'link.accountId')
    .select(['link.tokenHash', 'link.purpose', 'link.role', 'link.accountId', 'link.totpSecretEnc', 'account.loginName', 'account.displayName'])
    .where('link.tokenHash', '=', hashOf(secret)).where('link.usedAt', 'is', null).where('link.expiresAt', '>', sql<Date>`now()`)
    .where((where) => where.or([where('link.accountId', 'is', null), where('account.status', '=', 'invited')]))
    .executeTakeFirst() ?? null
}

/** Uses it, once. False: somebody was faster, or its time is over. */
export async function useLink (trx: Transaction<Database>, tokenHash: string): Promise<boolean> {
  const used = await trx.updateTable('adminBootstrap').set({ usedAt: sql<Date>`now()` })
    .where('tokenHash', '=', tokenHash).where('usedAt', 'is', null).where('expiresAt', '>', sql<Date>`now()`)
    .returning('tokenHash').executeTakeFirst()
  return used !== undefined
}
