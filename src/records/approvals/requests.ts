/**
 * Approval requests: what one administrator asks for happens only when another one approves exactly what was shown.
 * Journeys register the kinds of changes that are decided in this way. The change is made in the transaction that
 * approves it.
 *
 * Two accounts are not enough where a program asks, because the holder of its credentials may be an administrator too.
 * So an administrator endorses the request first, and another one decides (docs/decisions/0007).
 */
import { createHash } from 'node:crypto'
import { sql, type Kysely, type Transaction } from 'kysely'
import { newIdentifier } from '../../domain/identifier.ts'
import type { Database, ApprovalState } from '../../database/schema.ts'
import { inTransaction, type Rollback } from '../../database/transaction.ts'
import { adminRoles, type Act, type AdminRole } from '../../domain/administration/administration.ts'
import { approvalKinds, endorsers, type ApprovalRule } from '../../domain/administration/approval-kinds.ts'
import type { ApprovalsDeps } from './deps.ts'
import { expireRequests, supersede } from './ended-requests.ts'

type Db = Kysely<Database> | Transaction<Database>

export const approvalDays = 7

export interface ApprovalDescription {
  title: string
  /** All that is decided, for reading. */
  facts: Array<{ name: string; value: string }>
  /**
   * The basis of the request (a version, an ETag): if it is different at the decision, the request must be checked
   * again.
   */
  basis?: string
}

export type Applied =
  /** `once`: a value that is shown to the approver, once (a link). */
  | { ok: true; once?: { label: string; value: string } }
  /**
   * It cannot be done (any more): nothing is changed, and the request still waits. The code is a message
   * `fault.<code>`.
   */
  | { ok: false; code: string }

/** @typeParam W the texts with which a page describes a request */
export interface ApprovalHandler<P extends object, W> {
  /** Null: what it is about is gone. */
  describe(db: Db, payload: P, t: W): Promise<ApprovalDescription | null>
  /**
   * The row that the request is about, where another row can get the same name: a value that no other row ever has.
   * Null: the row is gone.
   */
  findRow?(db: Db, payload: P): Promise<string | null>
  /** Locks what it is about, where a change of it supersedes requests. */
  hold?(trx: Transaction<Database>, payload: P): Promise<void>
  /**
   * What the same person asked for before and asks for now, as one request, which takes the place of the first one.
   * Requests of other people wait beside it. Without it, one request waits at a time.
   */
  merge?(waiting: P, next: P): P
  /** Database only; `act` is the approver's, `requestedBy` the actor who asked. */
  apply(
    trx: Transaction<Database>,
    payload: P,
    decision: { act: Act; requestedBy: Act['actor'] }
  ): Promise<Applied>
}

export interface ApprovalRequest {
  id: string
  kind: string
  subject: string
  reason: string
  requestedBy: string
  state: ApprovalState
  decidedBy: string | null
  decisionReason: string | null
  approvers: AdminRole[]
  createdAt: Date
  expiresAt: Date
  decidedAt: Date | null
  /** Who endorsed the request of a program. */
  vouchedBy: string | null
  vouchedReason: string | null
  vouchedAt: Date | null
  /** The request that took its place; of a superseded one, null: a change that was made did. */
  supersededBy: string | null
}

/** Whether a program asked and nobody has endorsed it yet. */
export const needsEndorsement = (row: Pick<ApprovalRequest, 'requestedBy' | 'vouchedBy'>): boolean =>
  row.requestedBy.startsWith('client:') && row.vouchedBy === null

export type Requested = { ok: true; id: string } | { ok: false; code: 'already_waiting'; id: string }
export type Decided =
  | { ok: true; once: { label: string; value: string } | null }
  /**
   * not_waiting: decided, outdated, withdrawn, their own request, not for this role, or not endorsed; not_standing: who
   * asked or endorsed is disabled; changed: not what was shown.
   */
  | { ok: false; code: 'not_waiting' | 'not_standing' | 'changed' | 'gone' | (string & {}) }

export interface Approvals<W> {
  register<P extends object>(kind: string, handler: ApprovalHandler<P, W>): void
  /** Whether somebody decides changes of this kind. */
  has(kind: string): boolean
  request<P extends object>(
    trx: Transaction<Database>,
    /** `approvers`: fewer roles than the rule of the kind names. */
    change: { kind: string; payload: P; subject: string; act: Act; approvers?: readonly AdminRole[] }
  ): Promise<Requested>
  /** What is shown, with the digest that binds the decision to it. Null: unknown. */
  show(
    id: string,
    t: W
  ): Promise<{ row: ApprovalRequest; description: ApprovalDescription | null; digest: string } | null>
  /** Endorses the request of a program, as if it were the administrator's own. Who endorses does not decide. */
  endorse(id: string, decision: { digest: string; role: AdminRole; act: Act }): Promise<Decided>
  approve(id: string, decision: { digest: string; role: AdminRole; act: Act }): Promise<Decided>
  reject(id: string, role: AdminRole, act: Act): Promise<Decided>
  /** By the administrator who asked for it or endorsed it. */
  withdraw(id: string, act: Act): Promise<Decided>
  /** Active administrators who could decide a change of this kind that `requestedBy` asks for. */
  approversLeft(approvers: readonly AdminRole[], requestedBy: string): Promise<number>
}

const columns = [
  'id',
  'kind',
  'subject',
  'reason',
  'requestedBy',
  'state',
  'decidedBy',
  'decisionReason',
  'approvers',
  'createdAt',
  'expiresAt',
  'decidedAt',
  'vouchedBy',
  'vouchedReason',
  'vouchedAt',
  'supersededBy'
] as const

type Refuse = (code: string) => Rollback<Decided>

/**
 * Whoever asked or endorsed still stands: an active administrator, a program with rights in the admin API. Locked until
 * the decision ends, so that disabling comes before it or after it. Roles of accounts never change.
 */
const standing = sql<boolean>`(
  case
    when requested_by like 'admin:%' then exists (
      select from admin_account asker where 'admin:' || asker.id = requested_by and asker.status = 'active' for share)
    when requested_by like 'client:%' then exists (
      select from client asker where 'client:' || asker.client_id = requested_by and asker.status in ('test', 'live')
        and jsonb_array_length(coalesce(asker.policy->'adminScopes', '[]')) > 0 for share)
    else true
  end and (vouched_by is null or exists (
    select from admin_account voucher where 'admin:' || voucher.id = vouched_by and voucher.status = 'active' for share))
)`

const computeDigest = (kind: string, payload: string, basis: string): string =>
  createHash('sha256')
    .update(JSON.stringify([kind, payload, basis]))
    .digest('base64url')

/**
 * @param words for descriptions at the decision, which are compared by their basis only: nobody reads these words
 */
export function createApprovals<W> (
  deps: Pick<ApprovalsDeps, 'db' | 'crypto' | 'audit'>,
  words: W,
  rules: Readonly<Record<string, ApprovalRule>> = approvalKinds
): Approvals<W> {
  const { db, crypto, audit } = deps
  const kinds = new Map<string, ApprovalHandler<object, W>>()
  const findHandler = (name: string): ApprovalHandler<object, W> => {
    const kind = kinds.get(name)
    if (kind === undefined) throw new Error(`nobody registered changes of kind ${name}`)
    return kind
  }
  const record = async (
    trx: Transaction<Database>,
    {
      type,
      act,
      details
    }: {
      type: 'change.requested' | 'change.vouched' | 'change.approved' | 'change.rejected' | 'change.withdrawn'
      act: Act
      details: { changeId: string; kind: string; subject: string; digest?: string }
    }
  ): Promise<void> => {
    await audit.record(trx, {
      type,
      ...act,
      details
    })
  }
  const readPayload = (id: string, text: string): string => crypto.decrypt('pending_change', 'payload_enc', id, text)

  type NeededColumns = Pick<ApprovalRequest, 'kind' | 'subject' | 'requestedBy'> & {
    payloadEnc: string
    subjectRow: string | null
  }
  const neededColumns = ['kind', 'subject', 'payloadEnc', 'requestedBy', 'subjectRow'] as const

  /** The subject of the request, before the request itself: every change of the subject locks them in this order. */
  async function hold (trx: Transaction<Database>, id: string): Promise<void> {
    const row = await trx
      .selectFrom('pendingChange')
      .select(['kind', 'payloadEnc'])
      .where('id', '=', id)
      .where('state', '=', 'pending')
      .executeTakeFirst()
    if (row === undefined) return
    await kinds.get(row.kind)?.hold?.(trx, JSON.parse(readPayload(id, row.payloadEnc)) as object)
  }

  async function decide (
    trx: Transaction<Database>,
    id: string,
    { state, role, act, refuse }: { state: 'approved' | 'rejected'; role: AdminRole; act: Act; refuse: Refuse }
  ): Promise<NeededColumns> {
    const row = await trx
      .updateTable('pendingChange')
      .set({ state, decidedBy: act.actor, decisionReason: act.reason, decidedAt: sql<Date>`now()` })
      .where('id', '=', id)
      .where('state', '=', 'pending')
      .where('expiresAt', '>', sql<Date>`now()`)
      .where('requestedBy', '<>', act.actor)
      .where(sql<boolean>`${role} = any(approvers)`)
      // the request of a program is endorsed, and by another administrator
      .$if(state === 'approved', (query) =>
        query.where(sql<boolean>`(requested_by not like 'client:%' or vouched_by <> ${act.actor})`).where(standing)
      )
      .returning(neededColumns)
      .executeTakeFirst()
    if (row === undefined) throw refuse(await explainRefusal(trx, id))
    return row
  }

  async function explainRefusal (trx: Transaction<Database>, id: string): Promise<string> {
    const waits = await trx
      .selectFrom('pendingChange')
      .select(standing.as('stands'))
      .where('id', '=', id)
      .where('state', '=', 'pending')
      .executeTakeFirst()
    return waits?.stands === false ? 'not_standing' : 'not_waiting'
  }

  /** The present subject. Null: deleted, or another one that got its name. */
  async function describe (
    from: Db,
    { row, payload, t }: { row: Pick<ApprovalRequest, 'kind'> & { subjectRow: string | null }; payload: string; t: W }
  ): Promise<ApprovalDescription | null> {
    if (!kinds.has(row.kind)) return null
    const kind = findHandler(row.kind)
    if (row.subjectRow !== null && (await kind.findRow?.(from, JSON.parse(payload))) !== row.subjectRow) return null
    return await kind.describe(from, JSON.parse(payload), t)
  }

  /** The payload, when it still is what was shown; the language of what is shown is no part of it. */
  async function requireUnchanged (
    trx: Transaction<Database>,
    { id, row, digest, refuse }: { id: string; row: NeededColumns; digest: string; refuse: Refuse }
  ): Promise<string> {
    const payload = readPayload(id, row.payloadEnc)
    const description = await describe(trx, { row, payload, t: words })
    if (description === null) throw refuse('gone')
    if (computeDigest(row.kind, payload, description.basis ?? '') !== digest) throw refuse('changed')
    return payload
  }
  const inDecision = async (
    work: (trx: Transaction<Database>, refuse: Refuse) => Promise<Decided>
  ): Promise<Decided> =>
    await inTransaction<Decided>(db, async (trx, rollback) => await work(trx, (code) => rollback({ ok: false, code })))

  return Object.freeze({
    has: (name) => kinds.has(name),

    register (name, handler) {
      if (kinds.has(name)) throw new Error(`changes of kind ${name} are registered twice`)
      if (!Object.hasOwn(rules, name)) throw new Error(`nothing is said about who approves ${name}`)
      kinds.set(name, handler)
    },

    async request (trx, { kind, payload, subject, act, approvers = rules[kind]?.approvers ?? [] }) {
      const { findRow, merge } = findHandler(kind)
      await expireRequests(trx, deps, { kind, subject })
      const id = newIdentifier(12, 'chg_')
      // patches of several people may wait at the same time; of another kind only one
      const dedupeKey = merge === undefined ? '' : act.actor
      // again, when the same person's request was stored meanwhile
      for (let round = 0; round < 50; round++) {
        const waiting = await trx
          .selectFrom('pendingChange')
          .select(['id', 'digest'])
          .where('kind', '=', kind)
          .where('subject', '=', subject)
          .where('state', '=', 'pending')
          .execute()
        let text = JSON.stringify(payload)
        const same = waiting.find((one) => merge === undefined || one.digest === computeDigest(kind, text, ''))
        if (same !== undefined) return { ok: false, code: 'already_waiting', id: same.id }
        // not requests of others, and not an endorsed one: it would be approved as what somebody else has read
        const own = await trx
          .selectFrom('pendingChange')
          .select(['id', 'kind', 'subject', 'payloadEnc', 'digest'])
          .where('kind', '=', kind)
          .where('subject', '=', subject)
          .where('dedupeKey', '=', dedupeKey)
          .where('state', '=', 'pending')
          .forUpdate()
          .executeTakeFirst()
        if (own !== undefined && merge !== undefined) {
          const before = JSON.parse(readPayload(own.id, own.payloadEnc)) as object
          text = JSON.stringify(merge(before, payload))
          if (own.digest === computeDigest(kind, text, '')) return { ok: false, code: 'already_waiting', id: own.id }
          await supersede(trx, deps, { request: own, by: id, act })
        }
        const digest = computeDigest(kind, text, '')
        const made = await trx
          .insertInto('pendingChange')
          .values({
            id,
            kind,
            subject,
            payloadEnc: crypto.encrypt('pending_change', 'payload_enc', id, text),
            digest,
            reason: act.reason,
            requestedBy: act.actor,
            approvers: [...approvers],
            subjectRow: (await findRow?.(trx, payload)) ?? null,
            state: 'pending',
            dedupeKey,
            expiresAt: sql<Date>`now() + make_interval(days => ${approvalDays})`
          })
          .onConflict((conflict) =>
            conflict.columns(['kind', 'subject', 'dedupeKey']).where('state', '=', 'pending').doNothing()
          )
          .returning('id')
          .executeTakeFirst()
        if (made === undefined) continue
        await record(trx, { type: 'change.requested', act, details: { changeId: id, kind, subject, digest } })
        return { ok: true, id }
      }
      throw new Error('requests of one person came in between again and again')
    },

    async show (id, t) {
      const row = await db
        .selectFrom('pendingChange')
        .select([...columns, 'payloadEnc', 'subjectRow'])
        .where('id', '=', id)
        .executeTakeFirst()
      if (row === undefined) return null
      const { payloadEnc, subjectRow, ...shown } = row
      const payload = readPayload(id, payloadEnc)
      const description = await describe(db, { row, payload, t })
      const state = shown.state === 'pending' && shown.expiresAt.getTime() <= Date.now() ? 'expired' : shown.state
      return {
        row: { ...shown, state },
        description,
        digest: computeDigest(row.kind, payload, description?.basis ?? '')
      }
    },

    endorse: async (id, { digest, role, act }) =>
      await inDecision(async (trx, refuse) => {
        const row = endorsers.includes(role)
          ? await trx
            .updateTable('pendingChange')
            .set({
              vouchedBy: act.actor,
              vouchedReason: act.reason,
              vouchedAt: sql<Date>`now()`,
              // from now on it is what the endorser has read, so nothing is added to it
              dedupeKey: sql<string>`case when dedupe_key = '' then '' else id end`
            })
            .where('id', '=', id)
            .where('state', '=', 'pending')
            .where('expiresAt', '>', sql<Date>`now()`)
            .where('requestedBy', 'like', 'client:%')
            .where('vouchedBy', 'is', null)
            .where(standing)
            .returning(neededColumns)
            .executeTakeFirst()
          : undefined
        if (row === undefined) throw refuse(await explainRefusal(trx, id))
        await requireUnchanged(trx, { id, row, digest, refuse })
        await record(trx, {
          type: 'change.vouched',
          act,
          details: { changeId: id, kind: row.kind, subject: row.subject, digest }
        })
        return { ok: true, once: null }
      }),

    approve: async (id, { digest, role, act }) =>
      await inDecision(async (trx, refuse) => {
        await hold(trx, id)
        const row = await decide(trx, id, { state: 'approved', role, act, refuse })
        const payload = await requireUnchanged(trx, { id, row, digest, refuse })
        const applied = await findHandler(row.kind).apply(
          trx,
          JSON.parse(payload),
          { act, requestedBy: row.requestedBy as Act['actor'] }
        )
        if (!applied.ok) throw refuse(applied.code)
        await record(trx, {
          type: 'change.approved',
          act,
          details: { changeId: id, kind: row.kind, subject: row.subject, digest }
        })
        return { ok: true, once: applied.once ?? null }
      }),

    reject: async (id, role, act) =>
      await inDecision(async (trx, refuse) => {
        const row = await decide(trx, id, { state: 'rejected', role, act, refuse })
        await record(trx, {
          type: 'change.rejected',
          act,
          details: { changeId: id, kind: row.kind, subject: row.subject }
        })
        return { ok: true, once: null }
      }),

    withdraw: async (id, act) =>
      await inDecision(async (trx, refuse) => {
        const row = await trx
          .updateTable('pendingChange')
          .set({
            state: 'withdrawn',
            decidedBy: act.actor,
            decisionReason: act.reason,
            decidedAt: sql<Date>`now()`
          })
          .where('id', '=', id)
          .where('state', '=', 'pending')
          .where('expiresAt', '>', sql<Date>`now()`)
          .where((where) => where.or([where('requestedBy', '=', act.actor), where('vouchedBy', '=', act.actor)]))
          .returning(['kind', 'subject'])
          .executeTakeFirst()
        if (row === undefined) throw refuse('not_waiting')
        await record(trx, { type: 'change.withdrawn', act, details: { changeId: id, ...row } })
        return { ok: true, once: null }
      }),

    async approversLeft (approvers, requestedBy) {
      const { count } = await db
        .selectFrom('adminAccount')
        .select((where) => where.fn.countAll<number>().as('count'))
        .where('status', '=', 'active')
        .where('role', 'in', approvers.length === 0 ? [...adminRoles] : [...approvers])
        .where(sql<boolean>`'admin:' || id <> ${requestedBy}`)
        .executeTakeFirstOrThrow()
      return count
    }
  } satisfies Approvals<W>)
}
