/**
 * Links that set credentials: for the very first account, for an invited one, and for one whose credentials were reset.
 * A link is good once and for a short time; only the hash of its secret is stored.
 *
 * Where two administrators make a link, neither can use it: the administrator who approves sees the link, the one who
 * asked was shown a short code, and only both together set credentials (docs/decisions/0007). Tries of the code are
 * counted on the link and end it.
 */
import { randomInt } from 'node:crypto'
import { sql, type Kysely, type Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import type { AdminRole } from '../../domain/administration/administration.ts'
import { foldUserCode, userCodeLength, userCodeLetters } from '../../domain/login/user-code.ts'
import type { AdministratorsDeps } from './deps.ts'
import { createSecret, hashSecret } from '../own-sites/index.ts'

type Db = Kysely<Database> | Transaction<Database>

export type LinkPurpose = 'bootstrap' | 'invitation' | 'reset'

/** Minutes. */
export const linkLife: Readonly<Record<LinkPurpose, number>> = Object.freeze({
  bootstrap: 30,
  invitation: 24 * 60,
  reset: 60
})

/** Wrong codes after which a link is worth nothing. */
export const linkCodeTries = 5

const codePurpose = 'admin link code'
const codeMac = (crypto: AdministratorsDeps['crypto'], code: string): string => crypto.mac(codePurpose, code)

/** A code for the administrator who asks, shown once, and what is stored of it. */
export function newLinkCode (crypto: AdministratorsDeps['crypto']): { code: string; mac: string } {
  const code = Array.from({ length: userCodeLength }, () => userCodeLetters[randomInt(userCodeLetters.length)]).join(
    ''
  )
  return { code, mac: codeMac(crypto, code) }
}

/**
 * Returns the address, which is not stored. Older links of the same account (or of the same bootstrap) end with it.
 * @param link `codeMac`: of the code that is needed beside the address; null = the address is enough
 */
export async function makeLink (
  db: Db,
  issuer: string,
  {
    purpose,
    role,
    accountId,
    createdBy,
    codeMac
  }: { purpose: LinkPurpose; role: AdminRole; accountId: string | null; createdBy: string; codeMac: string | null }
): Promise<string> {
  const secret = createSecret()
  await db
    .updateTable('adminBootstrap')
    .set({ expiresAt: sql<Date>`now()` })
    .where('usedAt', 'is', null)
    .where('expiresAt', '>', sql<Date>`now()`)
    .$if(accountId === null, (query) => query.where('accountId', 'is', null).where('role', '=', role))
    .$if(accountId !== null, (query) => query.where('accountId', '=', accountId))
    .execute()
  await db
    .insertInto('adminBootstrap')
    .values({
      tokenHash: hashSecret(secret),
      purpose,
      role,
      accountId,
      createdBy,
      codeMac,
      codeTriesLeft: linkCodeTries,
      expiresAt: sql<Date>`now() + make_interval(mins => ${linkLife[purpose]})`
    })
    .execute()
  return `${issuer}/admin/begin/${secret}`
}

export interface OpenLink {
  tokenHash: string
  purpose: LinkPurpose
  role: AdminRole
  accountId: string | null
  loginName: string | null
  displayName: string | null
  totpSecretEnc: string | null
  /** This browser has still to give the code. */
  codeNeeded: boolean
}

/** Reads it without using it. Null: unknown, used, outdated, or its account is not what the link was made for. */
export async function findLink (db: Db, secret: string, browserHash: string): Promise<OpenLink | null> {
  if (!/^[\w-]{43}$/.test(secret)) return null
  return (
    (await db
      .selectFrom('adminBootstrap as link')
      .leftJoin('adminAccount as account', 'account.id', 'link.accountId')
      .select([
        'link.tokenHash',
        'link.purpose',
        'link.role',
        'link.accountId',
        'link.totpSecretEnc',
        'account.loginName',
        'account.displayName'
      ])
      .select(
        sql<boolean>`link.code_mac is not null and link.code_browser_hash is distinct from ${browserHash}`.as(
          'codeNeeded'
        )
      )
      .where('link.tokenHash', '=', hashSecret(secret))
      .where('link.usedAt', 'is', null)
      .where('link.expiresAt', '>', sql<Date>`now()`)
      .where((where) => where.or([where('link.accountId', 'is', null), where('account.status', '=', 'invited')]))
      .executeTakeFirst()) ?? null
  )
}

/**
 * One try of the code, counted and decided in one statement. The right code opens the link in this browser only. A
 * secret of one-time codes that another browser may have seen is replaced.
 * @returns wrong: also when the tries are used up; `counted` = a try was taken for it
 */
export async function verifyLinkCode (
  db: Db,
  crypto: AdministratorsDeps['crypto'],
  { tokenHash, typed, browserHash }: { tokenHash: string; typed: string; browserHash: string }
): Promise<{ right: true } | { right: false; counted: boolean }> {
  // while the master key changes the code may have been made under the former one
  const macs = crypto.macs(codePurpose, foldUserCode(typed) ?? '')
  const { rows } = await sql<{ right: boolean }>`
    update admin_bootstrap set
      code_tries_left = code_tries_left - case when code_mac = any(${macs}::text[]) then 0 else 1 end,
      totp_secret_enc = case when code_mac = any(${macs}::text[]) and code_browser_hash is distinct
        from ${browserHash} then null else totp_secret_enc end,
      code_browser_hash = case when code_mac = any(${macs}::text[]) then ${browserHash} else code_browser_hash end
    where token_hash = ${tokenHash} and code_mac is not null and code_tries_left > 0 and used_at is null
      and expires_at > now()
    returning code_mac = any(${macs}::text[]) as right`.execute(db)
  return rows[0]?.right === true ? { right: true } : { right: false, counted: rows.length === 1 }
}

/** Uses it, once, in the browser that gave the code, if it has one. False: used meanwhile, or expired. */
export async function useLink (trx: Transaction<Database>, tokenHash: string, browserHash: string): Promise<boolean> {
  const used = await trx
    .updateTable('adminBootstrap')
    .set({ usedAt: sql<Date>`now()` })
    .where('tokenHash', '=', tokenHash)
    .where('usedAt', 'is', null)
    .where('expiresAt', '>', sql<Date>`now()`)
    .where((where) => where.or([where('codeMac', 'is', null), where('codeBrowserHash', '=', browserHash)]))
    .returning('tokenHash')
    .executeTakeFirst()
  return used !== undefined
}
