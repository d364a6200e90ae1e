/**
 * Accounts of administrators: how they are created, get credentials, lose them and end. An account keeps its one role.
 */
import { sql, type Kysely, type Transaction } from 'kysely'
import { newIdentifier } from '../../domain/identifier.ts'
import { isUniqueViolation } from '../../database/errors.ts'
import type { Database } from '../../database/schema.ts'
import { inTransaction } from '../../database/transaction.ts'
import type { Act, AdminRole } from '../../domain/administration/administration.ts'
import type { AdministratorsDeps } from './deps.ts'
import { withdrawRequestsAbout, withdrawRequestsBy } from '../approvals/index.ts'
import { useLink, type OpenLink } from './links.ts'
import { keepPasskey, type NewPasskey } from './passkeys.ts'
import { endAccountSessions } from '../own-sites/index.ts'

type Db = Kysely<Database> | Transaction<Database>

export const newAccountId = (): string => newIdentifier(12, 'adm_')

/** Lower case; null = not one. */
export const parseLoginName = (typed: string): string | null => {
  const name = typed.normalize('NFKC').trim().toLowerCase()
  return /^[a-z][a-z0-9._-]{2,31}$/.test(name) ? name : null
}

/** Null = not one. */
export const parseDisplayName = (typed: string): string | null => {
  const name = typed.normalize('NFC').trim().replace(/\s+/g, ' ')
  return /^[\p{L}\p{M}\p{N} ·.'-]{2,40}$/u.test(name) ? name : null
}

export interface AccountRow {
  id: string
  loginName: string
  displayName: string
  role: AdminRole
  status: 'invited' | 'active' | 'disabled'
  createdBy: string
  createdAt: Date
  lastSignInAt: Date | null
}

export const accountColumns = [
  'id',
  'loginName',
  'displayName',
  'role',
  'status',
  'createdBy',
  'createdAt',
  'lastSignInAt'
] as const

export async function accountById (db: Db, id: string): Promise<AccountRow | null> {
  return (await db.selectFrom('adminAccount').select(accountColumns).where('id', '=', id).executeTakeFirst()) ?? null
}

/** An account without credentials. Null: the login name is taken. */
export async function createInvited (
  trx: Transaction<Database>,
  deps: Pick<AdministratorsDeps, 'audit'>,
  { loginName, displayName, role, act }: { loginName: string; displayName: string; role: AdminRole; act: Act }
): Promise<string | null> {
  const id = newAccountId()
  const made = await trx
    .insertInto('adminAccount')
    .values({
      id,
      loginName,
      displayName,
      role,
      status: 'invited',
      passwordHash: null,
      totpSecretEnc: null,
      createdBy: act.actor
    })
    .onConflict((conflict) => conflict.column('loginName').doNothing())
    .returning('id')
    .executeTakeFirst()
  if (made === undefined) return null
  await deps.audit.record(trx, { type: 'staff.role-granted', ...act, role, details: { accountId: id } })
  return id
}

export type NewCredential =
  | { kind: 'passkey'; passkey: NewPasskey; label: string }
  | { kind: 'password'; passwordHash: string; totpSecret: string; step: number }

export type Accepted = { ok: true; accountId: string } | { ok: false; code: 'link_used' | 'name_taken' }

/** The link is used, the account has its first credential, and what it had before is gone; all of it or nothing. */
export async function acceptLink (
  deps: Pick<AdministratorsDeps, 'db' | 'audit' | 'crypto'>,
  input: {
    link: OpenLink
    who: { loginName: string; displayName: string }
    credential: NewCredential
    about: { address: string; traceId: string }
    browserHash: string
  }
): Promise<Accepted> {
  const { link, who, credential, about, browserHash } = input
  try {
    return await inTransaction<Accepted>(deps.db, async (trx, rollback) => {
      if (!(await useLink(trx, link.tokenHash, browserHash))) throw rollback({ ok: false, code: 'link_used' })
      const accountId = link.accountId ?? newAccountId()
      const values = {
        passwordHash: credential.kind === 'password' ? credential.passwordHash : null,
        totpSecretEnc:
          credential.kind === 'password'
            ? deps.crypto.encrypt('admin_account', 'totp_secret_enc', accountId, credential.totpSecret)
            : null,
        totpLastStep: credential.kind === 'password' ? credential.step : 0
      }
      if (link.accountId === null) {
        const made = await trx
          .insertInto('adminAccount')
          .values({ id: accountId, ...who, role: link.role, status: 'active', createdBy: 'bootstrap', ...values })
          .onConflict((conflict) => conflict.column('loginName').doNothing())
          .returning('id')
          .executeTakeFirst()
        if (made === undefined) throw rollback({ ok: false, code: 'name_taken' })
        await deps.audit.record(trx, {
          type: 'staff.role-granted',
          actor: `admin:${accountId}`,
          role: link.role,
          reason: 'bootstrap',
          ...about,
          details: { accountId }
        })
      } else {
        const active = await trx
          .updateTable('adminAccount')
          .set({ status: 'active', updatedAt: sql<Date>`now()`, ...values })
          .where('id', '=', accountId)
          .where('status', '=', 'invited')
          .returning('id')
          .executeTakeFirst()
        if (active === undefined) throw rollback({ ok: false, code: 'link_used' })
        await trx.deleteFrom('adminCredential').where('accountId', '=', accountId).execute()
      }
      if (credential.kind === 'passkey') {
        await keepPasskey(trx, { accountId, label: credential.label, passkey: credential.passkey })
      }
      await deps.audit.record(trx, {
        type: 'staff.activated',
        actor: `admin:${accountId}`,
        role: link.role,
        ...about,
        details: { accountId, purpose: link.purpose, method: credential.kind }
      })
      return { ok: true, accountId }
    })
  } catch (error) {
    // a passkey that is known already
    if (isUniqueViolation(error)) return { ok: false, code: 'link_used' }
    throw error
  }
}

/**
 * Ends an account for ever: its sessions, its links, its rights, and what it asked for or endorsed. False: there is
 * nothing to end.
 */
export async function disableAccount (
  deps: Pick<AdministratorsDeps, 'db' | 'audit'>,
  id: string,
  act: Act
): Promise<boolean> {
  return await inTransaction(deps.db, async (trx) => {
    const ended = await trx
      .updateTable('adminAccount')
      .set({ status: 'disabled', passwordHash: null, totpSecretEnc: null, updatedAt: sql<Date>`now()` })
      .where('id', '=', id)
      .where('status', '<>', 'disabled')
      .where(sql<boolean>`'admin:' || id <> ${act.actor}`)
      .returning('role')
      .executeTakeFirst()
    if (ended === undefined) return false
    await strip(trx, id)
    await withdrawRequestsAbout(trx, deps, { subject: id, kinds: ['account.reset'], act })
    await withdrawRequestsBy(trx, deps, { actor: `admin:${id}`, act })
    // links that it approved would still make accounts
    await trx
      .updateTable('adminBootstrap')
      .set({ expiresAt: sql<Date>`now()` })
      .where('createdBy', '=', `admin:${id}`)
      .where('usedAt', 'is', null)
      .where('expiresAt', '>', sql<Date>`now()`)
      .execute()
    await deps.audit.record(trx, {
      type: 'staff.disabled',
      ...act,
      role: ended.role,
      details: { accountId: id }
    })
    return true
  })
}

/**
 * Deletes the credentials; only the account's owner ever sets or knows the next ones (ASVS 6.4.6). False: no such
 * account.
 */
export async function resetAccount (
  trx: Transaction<Database>,
  deps: Pick<AdministratorsDeps, 'audit'>,
  { id, act }: { id: string; act: Act }
): Promise<boolean> {
  const reset = await trx
    .updateTable('adminAccount')
    .set({ status: 'invited', passwordHash: null, totpSecretEnc: null, updatedAt: sql<Date>`now()` })
    .where('id', '=', id)
    .where('status', '<>', 'disabled')
    .returning('role')
    .executeTakeFirst()
  if (reset === undefined) return false
  await strip(trx, id)
  await deps.audit.record(trx, {
    type: 'staff.credentials-reset',
    ...act,
    role: reset.role,
    details: { accountId: id }
  })
  return true
}

async function strip (trx: Transaction<Database>, id: string): Promise<void> {
  await trx.deleteFrom('adminCredential').where('accountId', '=', id).execute()
  await trx
    .updateTable('adminBootstrap')
    .set({ expiresAt: sql<Date>`now()` })
    .where('accountId', '=', id)
    .where('usedAt', 'is', null)
    .execute()
  await endAccountSessions(trx, id)
}

/** Whether any account can sign in, of this role or at all. */
export async function hasActive (db: Db, role?: AdminRole): Promise<boolean> {
  return (
    (await db
      .selectFrom('adminAccount')
      .select('id')
      .where('status', '=', 'active')
      .$if(role !== undefined, (query) => query.where('role', '=', role as AdminRole))
      .limit(1)
      .executeTakeFirst()) !== undefined
  )
}
