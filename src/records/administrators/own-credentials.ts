/**
 * What administrators change themselves, without a reset by others: password, secret of the one-time codes, names of
 * passkeys, sessions. Each change of a credential ends every other session and is in the audit trail. The last way to
 * sign in cannot be removed.
 */
import { createHash } from 'node:crypto'
import { sql, type Kysely, type Transaction } from 'kysely'
import { normalisePassword } from '../../domain/login/password-policy.ts'
import type { Database } from '../../database/schema.ts'
import { inTransaction } from '../../database/transaction.ts'
import type { AdminRole } from '../../domain/administration/administration.ts'
import type { AdministratorsDeps } from './deps.ts'
import type { Throttle } from '../throttle/index.ts'
import type { Administrator } from './sessions.ts'
import { endAccountSessions, endSession, listAccountSessions } from '../own-sites/index.ts'
import { newTotpSecret, totpStep } from './totp.ts'

type Db = Kysely<Database> | Transaction<Database>

/** The administrator and the source, for each event. */
export interface OwnAct {
  actor: `admin:${string}`
  role: AdminRole
  address: string
  traceId: string
}

/**
 * Wrong passwords of one account in 15 minutes. Only sessions of the account can cause them, so nobody else is locked
 * out.
 */
const passwordTries = { limit: 5, seconds: 900 }

/** Of a passkey: 1–40 characters, none of them unprintable. Null = not one. */
export const parsePasskeyLabel = (typed: string): string | null => {
  const label = typed.normalize('NFC').trim().replace(/\s+/g, ' ')
  return label.length >= 1 && label.length <= 40 && !/[\p{C}\p{Zl}\p{Zp}]/u.test(label) ? label : null
}

/** Names a session on a page; the name is good only for ending it. */
export const sessionMark = (idHash: string): string =>
  createHash('sha256').update(`mark ${idHash}`).digest('base64url').slice(0, 16)

const toldTypes = [
  'staff.activated',
  'staff.credential-added',
  'staff.credential-changed',
  'staff.credential-removed',
  'staff.signed-in'
] as const
export interface OwnEvent {
  type: (typeof toldTypes)[number]
  at: Date
}

/** The last changes of the account's credentials, for its owner and for those who manage accounts. */
export async function credentialEvents (db: Db, accountId: string): Promise<OwnEvent[]> {
  return (await db
    .selectFrom('auditEvent')
    .select(['type', 'at'])
    .where('actor', '=', `admin:${accountId}`)
    .where('type', 'in', toldTypes)
    .orderBy('at', 'desc')
    .limit(10)
    .execute()) as OwnEvent[]
}

/** Whether the account signs in with a password and codes. */
export async function hasPassword (db: Db, accountId: string): Promise<boolean> {
  return (
    (await db
      .selectFrom('adminAccount')
      .select('id')
      .where('id', '=', accountId)
      .where('passwordHash', 'is not', null)
      .executeTakeFirst()) !== undefined
  )
}

export type PasswordChanged =
  | { ok: true }
  | { ok: false; code: 'wrong' | 'same' | 'changed' }
  | { ok: false; code: 'throttled'; retryAfterSeconds: number }

interface ChangePasswordInput {
  throttle: Throttle
  administrator: Pick<Administrator, 'id' | 'sessionHash'>
  former: string;
  next: string
  act: OwnAct
}

/**
 * @param next as the policy gave it back
 * @throws HasherBusy
 */
export async function changePassword (
  deps: Pick<AdministratorsDeps, 'db' | 'audit' | 'hasher'>,
  { throttle, administrator: { id, sessionHash }, former, next, act }: ChangePasswordInput
): Promise<PasswordChanged> {
  const { db, hasher } = deps
  const counter = `admin-own-password:${id}`
  const turn = await throttle.hit(counter, passwordTries.limit, passwordTries.seconds)
  if (!turn.allowed) return { ok: false, code: 'throttled', retryAfterSeconds: turn.retryAfterSeconds }
  const account = await db
    .selectFrom('adminAccount')
    .select('passwordHash')
    .where('id', '=', id)
    .where('status', '=', 'active')
    .executeTakeFirst()
  const before = account?.passwordHash ?? null
  const known = normalisePassword(former)
  const right = await hasher.verify(before, known ?? '').catch(async (error: unknown) => {
    // never looked at: no guess
    await throttle.release(counter)
    throw error
  })
  if (!right || before === null) {
    await inTransaction(db, async (trx) => {
      await deps.audit.record(trx, {
        type: 'staff.sign-in-failed',
        ...act,
        reason: 'former_password',
        details: { method: 'password' }
      })
    })
    return { ok: false, code: 'wrong' }
  }
  await throttle.release(counter)
  if (known === next) return { ok: false, code: 'same' }
  const passwordHash = await hasher.hash(next)
  return await inTransaction(db, async (trx) => {
    const changed = await trx
      .updateTable('adminAccount')
      .set({ passwordHash, updatedAt: sql<Date>`now()` })
      .where('id', '=', id)
      .where('status', '=', 'active')
      .where('passwordHash', '=', before)
      .returning('id')
      .executeTakeFirst()
    if (changed === undefined) return { ok: false, code: 'changed' }
    await endAccountSessions(trx, id, sessionHash)
    await deps.audit.record(trx, { type: 'staff.credential-changed', ...act, details: { method: 'password' } })
    return { ok: true }
  })
}

/**
 * The secret that this session is about to change to. It stays the same until it is used, because the page may be
 * loaded again.
 */
export async function nextTotpSecret (
  { db, crypto }: Pick<AdministratorsDeps, 'db' | 'crypto'>,
  { sessionHash }: Pick<Administrator, 'sessionHash'>
): Promise<{ secret: string; stored: string }> {
  const secretEnc = crypto.encrypt('admin_totp_draft', 'secret_enc', sessionHash, newTotpSecret())
  await db
    .insertInto('adminTotpDraft')
    .values({ sessionHash, secretEnc })
    .onConflict((conflict) => conflict.column('sessionHash').doNothing())
    .execute()
  const { secretEnc: stored } = await db
    .selectFrom('adminTotpDraft')
    .select('secretEnc')
    .where('sessionHash', '=', sessionHash)
    .executeTakeFirstOrThrow()
  return { stored, secret: crypto.decrypt('admin_totp_draft', 'secret_enc', sessionHash, stored) }
}

/** The new secret replaces the old one when a code of the new one proves that it has arrived; that code is used. */
export async function changeTotp (
  deps: Pick<AdministratorsDeps, 'db' | 'audit' | 'crypto' | 'clock'>,
  { own, typed, act }: { own: Pick<Administrator, 'id' | 'sessionHash'>; typed: string; act: OwnAct }
): Promise<'changed' | 'wrong_code' | 'gone'> {
  const { db, crypto } = deps
  const { id, sessionHash } = own
  const { secret, stored } = await nextTotpSecret(deps, own)
  const step = totpStep(secret, typed, deps.clock.now())
  if (step === null) return 'wrong_code'
  return await inTransaction(db, async (trx) => {
    const taken = await trx
      .deleteFrom('adminTotpDraft')
      .where('sessionHash', '=', sessionHash)
      .where('secretEnc', '=', stored)
      .returning('sessionHash')
      .executeTakeFirst()
    const changed =
      taken === undefined
        ? undefined
        : await trx
          .updateTable('adminAccount')
          .set({
            totpSecretEnc: crypto.encrypt('admin_account', 'totp_secret_enc', id, secret),
            totpLastStep: step,
            updatedAt: sql<Date>`now()`
          })
          .where('id', '=', id)
          .where('status', '=', 'active')
          .where('passwordHash', 'is not', null)
          .returning('id')
          .executeTakeFirst()
    if (changed === undefined) return 'gone'
    await endAccountSessions(trx, id, sessionHash)
    await deps.audit.record(trx, { type: 'staff.credential-changed', ...act, details: { method: 'totp' } })
    return 'changed'
  })
}

interface RenamePasskeyInput {
  accountId: string
  credentialId: string
  label: string
  act: OwnAct
}

/** False: no such passkey of this account. */
export async function renamePasskey (
  { db, audit }: Pick<AdministratorsDeps, 'db' | 'audit'>,
  { accountId, credentialId, label, act }: RenamePasskeyInput
): Promise<boolean> {
  return await inTransaction(db, async (trx) => {
    const named = await trx
      .updateTable('adminCredential')
      .set({ label })
      .where('id', '=', credentialId)
      .where('accountId', '=', accountId)
      .returning('id')
      .executeTakeFirst()
    if (named !== undefined) {
      await audit.record(trx, {
        type: 'staff.credential-changed',
        ...act,
        details: { method: 'passkey', renamed: true }
      })
    }
    return named !== undefined
  })
}

interface RemovePasskeyInput {
  administrator: Pick<Administrator, 'id' | 'sessionHash'>
  credentialId: string
  act: OwnAct
}

/** False: no such passkey of this account, or nothing would be left to sign in with. Sessions elsewhere end with it. */
export async function removePasskey (
  { db, audit }: Pick<AdministratorsDeps, 'db' | 'audit'>,
  { administrator: { id, sessionHash }, credentialId, act }: RemovePasskeyInput
): Promise<boolean> {
  return await inTransaction(db, async (trx) => {
    // the lock prevents two removals from leaving nothing to sign in with
    const account = await trx
      .selectFrom('adminAccount')
      .select('passwordHash')
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirstOrThrow()
    const { rows } = await sql`delete from admin_credential where id = ${credentialId} and account_id = ${id}
      and (${account.passwordHash !== null} or (select count(*) from admin_credential where account_id = ${id}) > 1)
        returning id`.execute(trx)
    if (rows.length !== 1) return false
    await endAccountSessions(trx, id, sessionHash)
    await audit.record(trx, { type: 'staff.credential-removed', ...act, details: { method: 'passkey' } })
    return true
  })
}

/** @param mark of one session; '' = all but this one. Returns whether anything ended. */
export async function endOwnSessions (
  { db, audit }: Pick<AdministratorsDeps, 'db' | 'audit'>,
  {
    administrator: { id, sessionHash },
    mark,
    act
  }: { administrator: Pick<Administrator, 'id' | 'sessionHash'>; mark: string; act: OwnAct }
): Promise<boolean> {
  return await inTransaction(db, async (trx) => {
    const meant = (await listAccountSessions(trx, id)).filter(
      ({ idHash }) => idHash !== sessionHash && (mark === '' || sessionMark(idHash) === mark)
    )
    if (mark === '') await endAccountSessions(trx, id, sessionHash)
    else if (meant[0] !== undefined) await endSession(trx, meant[0].idHash)
    if (meant.length > 0) {
      await audit.record(trx, { type: 'staff.signed-out', ...act, details: { others: true, sessions: meant.length } })
    }
    return meant.length > 0
  })
}
