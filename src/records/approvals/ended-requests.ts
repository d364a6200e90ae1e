/** Requests that end by themselves: nobody decided in time, or their subject is deleted. */
import { sql, type Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import { inTransaction } from '../../database/transaction.ts'
import type { Act } from '../../domain/administration/administration.ts'
import type { ApprovalsDeps } from './deps.ts'

/**
 * Ends the requests about a thing that is being deleted, in the transaction that deletes it, because another thing may
 * get its name.
 * @param kinds only changes of these kinds
 * @returns how many
 */
export async function withdrawRequestsAbout (
  trx: Transaction<Database>,
  { audit }: Pick<ApprovalsDeps, 'audit'>,
  { subject, kinds, act }: { subject: string; kinds: readonly string[]; act: Act }
): Promise<number> {
  const ended = await trx
    .updateTable('pendingChange')
    .set({ state: 'withdrawn', decidedBy: act.actor, decisionReason: act.reason, decidedAt: sql<Date>`now()` })
    .where('state', '=', 'pending')
    .where('subject', '=', subject)
    .where('kind', 'in', [...kinds, ''])
    .returning(['id', 'kind', 'subject'])
    .execute()
  for (const { id, ...about } of ended) {
    await audit.record(trx, {
      type: 'change.withdrawn',
      ...act,
      details: { changeId: id, ...about, subjectGone: true }
    })
  }
  return ended.length
}

/**
 * Ends what somebody asked for or endorsed, in the transaction that disables the account or the program: nobody stands
 * for it any more.
 * @param who.actor of the requests, as in `Act`
 */
export async function withdrawRequestsBy (
  trx: Transaction<Database>,
  { audit }: Pick<ApprovalsDeps, 'audit'>,
  { actor, act }: { actor: Act['actor']; act: Act }
): Promise<void> {
  const ended = await trx
    .updateTable('pendingChange')
    .set({ state: 'withdrawn', decidedBy: act.actor, decisionReason: act.reason, decidedAt: sql<Date>`now()` })
    .where('state', '=', 'pending')
    .where((where) => where.or([where('requestedBy', '=', actor), where('vouchedBy', '=', actor)]))
    .returning(['id', 'kind', 'subject'])
    .execute()
  for (const { id, ...about } of ended) {
    await audit.record(trx, { type: 'change.withdrawn', ...act, details: { changeId: id, ...about, askerGone: true } })
  }
}

/**
 * Ends a request whose basis has changed; its page says so from now on.
 * @param ending.by the request that takes its place; null: a change that was made
 */
export async function supersede (
  trx: Transaction<Database>,
  { audit }: Pick<ApprovalsDeps, 'audit'>,
  { request, by, act }: { request: { id: string; kind: string; subject: string }; by: string | null; act: Act }
): Promise<void> {
  const { id, kind, subject } = request
  await trx
    .updateTable('pendingChange')
    .set({
      state: 'superseded',
      supersededBy: by,
      decidedBy: act.actor,
      decisionReason: act.reason,
      decidedAt: sql<Date>`now()`
    })
    .where('id', '=', id)
    .where('state', '=', 'pending')
    .execute()
  await audit.record(trx, {
    type: 'change.superseded',
    ...act,
    details: { changeId: id, kind, subject, ...(by === null ? {} : { supersededBy: by }) }
  })
}

/**
 * Ends the requests about something that was just changed otherwise, where the change touches what was requested.
 * @param about.touches whether a request with this payload is about what was changed
 */
export async function supersedeRequests (
  trx: Transaction<Database>,
  deps: Pick<ApprovalsDeps, 'audit' | 'crypto'>,
  about: { kind: string; subject: string; touches: (payload: object) => boolean; act: Act }
): Promise<void> {
  const { kind, subject, touches, act } = about
  const waiting = await trx
    .selectFrom('pendingChange')
    .select(['id', 'kind', 'subject', 'payloadEnc'])
    .where('kind', '=', kind)
    .where('subject', '=', subject)
    .where('state', '=', 'pending')
    .orderBy('id')
    .forUpdate()
    .execute()
  for (const { payloadEnc, ...request } of waiting) {
    const payload = JSON.parse(deps.crypto.decrypt('pending_change', 'payload_enc', request.id, payloadEnc)) as object
    if (touches(payload)) await supersede(trx, deps, { request, by: null, act })
  }
}

/** Ends an old request that has waited too long, for a new one. */
export async function expireRequests (
  trx: Transaction<Database>,
  { audit }: Pick<ApprovalsDeps, 'audit'>,
  only: { kind: string; subject: string }
): Promise<void> {
  const ended = await trx
    .updateTable('pendingChange')
    .set({ state: 'expired' })
    .where('state', '=', 'pending')
    .where('expiresAt', '<=', sql<Date>`now()`)
    .where('kind', '=', only.kind)
    .where('subject', '=', only.subject)
    .returning(['id', 'kind', 'subject'])
    .execute()
  for (const { id, ...about } of ended) {
    await audit.record(trx, { type: 'change.expired', details: { changeId: id, ...about } })
  }
}

/** Marks requests that nobody decided in time, at most `limit`. Returns how many. */
export async function sweepApprovalRequests (
  { db, audit }: Pick<ApprovalsDeps, 'db' | 'audit'>,
  limit: number
): Promise<number> {
  return await inTransaction(db, async (trx) => {
    const { rows } = await sql<{ id: string; kind: string; subject: string }>`
      update pending_change set state = 'expired' where id in (
        select id from pending_change where state = 'pending' and expires_at <= now() order by expires_at
          limit ${limit} for update skip locked)
      returning id, kind, subject`.execute(trx)
    for (const { id, kind, subject } of rows) {
      await audit.record(trx, { type: 'change.expired', details: { changeId: id, kind, subject } })
    }
    return rows.length
  })
}
