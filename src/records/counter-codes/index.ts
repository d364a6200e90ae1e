/**
 * In-person codes (窗口核验码): the equal-rank alternative to a face check (人脸识别技术应用安全管理办法: a face must not be the only
 * way). Staff check a person at a counter and hand over eight digits, shown once. Owns `counter_code`.
 *
 * A code works for one person, for 24 hours, and for five tries in all places together.
 */
import { randomInt } from 'node:crypto'
import { sql, type Transaction } from 'kysely'
import { newIdentifier } from '../../domain/identifier.ts'
import type { Database } from '../../database/schema.ts'
import type { CounterCodesDeps } from './deps.ts'
import type { AuditActor, AuditDetails } from '../audit/index.ts'

export const counterCodeHours = 24
const counterCodeTries = 5

export interface CounterCodeIssue {
  personId: string
  /** The member of staff who checked the person at the counter. */
  issuedBy: AuditActor
  /** Why a face check was not used: a code of ours, never free text about the person. */
  reason: string
  address?: string | null
  traceId?: string | null
  /** Further details of the audit event: codes and ids of ours. */
  details?: AuditDetails
}

export interface IssuedCounterCode {
  codeId: string
  /** Eight digits; not kept, so this is the only time. */ code: string
  expiresAt: Date
}

const computeIndex = (deps: Pick<CounterCodesDeps, 'crypto'>, personId: string, code: string): string =>
  deps.crypto.blindIndex('counter_code', `${personId}:${code}`)

/** While the master key changes the code may have been issued under the former one. */
const computeIndexes = (deps: Pick<CounterCodesDeps, 'crypto'>, personId: string, code: string): string[] =>
  deps.crypto.blindIndexes('counter_code', `${personId}:${code}`)

/**
 * A new code for a person; older unused ones end with it. Null: there is no such person, or the person is disabled.
 * The caller has checked that `issuedBy` may do this.
 */
export async function issueCounterCode (
  trx: Transaction<Database>,
  deps: Pick<CounterCodesDeps, 'audit' | 'crypto'>,
  issue: CounterCodeIssue
): Promise<IssuedCounterCode | null> {
  const { personId, issuedBy, reason } = issue
  const code = String(randomInt(0, 100_000_000)).padStart(8, '0')
  const codeId = newIdentifier(16, 'cc_')
  // the lock prevents two members of staff from leaving two live codes
  const person = await trx
    .selectFrom('person')
    .select('id')
    .where('id', '=', personId)
    .where('status', '<>', 'disabled')
    .forUpdate()
    .executeTakeFirst()
  if (person === undefined) return null
  await trx
    .updateTable('counterCode')
    .set({ expiresAt: sql<Date>`now()` })
    .where('personId', '=', personId)
    .where('usedAt', 'is', null)
    .where('expiresAt', '>', sql<Date>`now()`)
    .execute()
  const { expiresAt } = await trx
    .insertInto('counterCode')
    .values({
      id: codeId,
      personId,
      codeIndex: computeIndex(deps, personId, code),
      issuedBy,
      reason,
      expiresAt: sql<Date>`now() + make_interval(hours => ${counterCodeHours})`
    })
    .returning('expiresAt')
    .executeTakeFirstOrThrow()
  await deps.audit.record(trx, {
    type: 'counter-code.issued',
    actor: issuedBy,
    personId,
    address: issue.address,
    traceId: issue.traceId,
    reason,
    details: { codeId, ...issue.details }
  })
  return { codeId, code, expiresAt }
}

export interface CounterCodeUse {
  personId: string
  /** As typed: blanks and hyphens do not matter. */
  code: string
  /** What it is used for, for example `scan-ticket:<id>` or `login-attempt:<uid>`. */
  usedFor: string
  clientId?: string | null | undefined
  loginAttemptUid?: string | null | undefined
  deviceId?: string | null | undefined
  address?: string | null | undefined
  traceId?: string | null | undefined
}

/**
 * Verifies a code. One statement counts the try and, if the code is right, uses it, so parallel guesses cannot exceed
 * the limit. Returns the code's id, or null for wrong, used, outdated, exhausted and absent codes. On null the caller
 * must commit, because the try has to stay counted.
 */
export async function redeemCounterCode (
  trx: Transaction<Database>,
  deps: Pick<CounterCodesDeps, 'audit' | 'crypto'>,
  use: CounterCodeUse
): Promise<string | null> {
  const digits = use.code.normalize('NFKC').replace(/[\s-]/g, '')
  // a slip of the finger is not a guess
  if (!/^\d{8}$/.test(digits)) return null
  const indexes = computeIndexes(deps, use.personId, digits)
  const { rows } = await sql<{ id: string; matches: boolean }>`
    update counter_code
       set tries = tries + 1,
           used_at = case when code_index = any(${indexes}::text[]) then now() end,
           used_for = case when code_index = any(${indexes}::text[]) then ${use.usedFor} end
     where person_id = ${use.personId} and used_at is null and expires_at > now() and tries < ${counterCodeTries}
    returning id, code_index = any(${indexes}::text[]) as matches`.execute(trx)
  const used = rows.find((row) => row.matches)
  await deps.audit.record(trx, {
    type: used === undefined ? 'counter-code.failed' : 'counter-code.used',
    personId: use.personId,
    clientId: use.clientId,
    loginAttemptUid: use.loginAttemptUid,
    deviceId: use.deviceId,
    address: use.address,
    traceId: use.traceId,
    details: { usedFor: use.usedFor, ...(used === undefined ? {} : { codeId: used.id }) }
  })
  return used?.id ?? null
}

/** Withdraws an unused code. False when there is none. */
export async function revokeCounterCode (
  trx: Transaction<Database>,
  deps: Pick<CounterCodesDeps, 'audit'>,
  from: {
    codeId: string
    actor: AuditActor
    /** Only a code that this one issued. */ issuedBy?: AuditActor
    /** Only a code of this person. */ personId?: string
    reason?: string
    address?: string | null
    traceId?: string | null
  }
): Promise<boolean> {
  const row = await trx
    .updateTable('counterCode')
    .set({ expiresAt: sql<Date>`now()` })
    .where('id', '=', from.codeId)
    .where('usedAt', 'is', null)
    .where('expiresAt', '>', sql<Date>`now()`)
    .$if(from.issuedBy !== undefined, (query) => query.where('issuedBy', '=', from.issuedBy ?? ''))
    .$if(from.personId !== undefined, (query) => query.where('personId', '=', from.personId ?? ''))
    .returning('personId')
    .executeTakeFirst()
  if (row === undefined) return false
  await deps.audit.record(trx, {
    type: 'counter-code.revoked',
    actor: from.actor,
    personId: row.personId,
    address: from.address,
    traceId: from.traceId,
    reason: from.reason,
    details: { codeId: from.codeId }
  })
  return true
}
