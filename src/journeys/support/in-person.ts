/**
 * In-person checks (窗口): an operator checks a person at a counter and hands over a code that replaces the face check.
 * The operator sees only what this needs. One session gives one code, and only its page ever shows the code. Owns the
 * table counter_visit.
 */
import { sql } from 'kysely'
import { inTransaction, write } from '../../database/transaction.ts'
import type { Act } from '../../domain/administration/administration.ts'
import { newIdentifier } from '../../domain/identifier.ts'
import { maskCertNo, maskName } from '../../domain/identity/masking.ts'
import { parseCertNo } from '../../domain/identity/cert-type.ts'
import { shanghaiDate } from '../../ports/clock.ts'
import type { SupportDeps } from './deps.ts'
import { issueCounterCode, revokeCounterCode } from '../../records/counter-codes/index.ts'
import { personByCertNo, personById } from '../../records/persons/index.ts'
import { createThrottle } from '../../records/throttle/index.ts'
import { notifyPerson } from './act.ts'

type Needed = Pick<SupportDeps, 'db' | 'crypto' | 'audit' | 'clock'>

/** The checks that the operator must confirm, each with a tick. */
export const inPersonChecks = ['document_seen', 'face_compared', 'number_compared', 'told_one_time'] as const
export type InPersonCheck = (typeof inPersonChecks)[number]

/** The reason for no face check: codes of ours, never free text about a person. */
export const inPersonReasons = ['refuses_face', 'face_fails', 'no_camera', 'accessibility', 'other'] as const
export type InPersonReason = (typeof inPersonReasons)[number]

/** Of one operator: people looked up in an hour, codes given in a day. Minutes in which a session must end. */
export const inPersonLimits = {
  lookups: { limit: 60, seconds: 3600 },
  codes: { limit: 100, seconds: 86_400 },
  sessionMinutes: 15
} as const

/** The operator: an act without free text; the reason is one of `inPersonReasons`. */
export type Operator = Omit<Act, 'reason'>

export type SessionStarted =
  | { ok: true; sessionId: string }
  | { ok: false; code: 'unreadable' | 'unknown' | 'not_usable' }
  | { ok: false; code: 'too_many'; retryAfterSeconds: number }

/** The whole number as printed on the document. Counted before anything is looked up. */
export async function startInPersonSession (deps: Needed, operator: Operator, typed: string): Promise<SessionStarted> {
  const hit = await createThrottle(deps).hit(
    `counter:lookup:${operator.actor}`,
    inPersonLimits.lookups.limit,
    inPersonLimits.lookups.seconds
  )
  if (!hit.allowed) return { ok: false, code: 'too_many', retryAfterSeconds: hit.retryAfterSeconds }
  const number = parseCertNo('resident_id', typed, shanghaiDate(deps.clock.now()))
  if (!number.ok) return { ok: false, code: 'unreadable' }
  const person = await personByCertNo(deps.db, deps.crypto, { certType: 'resident_id', certNo: number.value })
  const id = newIdentifier(16, 'vis_')
  return await inTransaction(deps.db, async (trx) => {
    const { actor, address, traceId } = operator
    await deps.audit.record(trx, {
      type: 'person.searched',
      actor,
      role: 'counter',
      address,
      traceId,
      personId: person?.id ?? null,
      details: { by: 'cert_no', found: person === null ? 0 : 1 }
    })
    if (person === null) return { ok: false, code: 'unknown' }
    if (person.status !== 'active' && person.status !== 'unactivated') return { ok: false, code: 'not_usable' }
    await trx
      .insertInto('counterVisit')
      .values({
        id,
        operator: actor,
        personId: person.id,
        expiresAt: sql<Date>`now() + make_interval(mins => ${inPersonLimits.sessionMinutes})`
      })
      .execute()
    return { ok: true, sessionId: id }
  })
}

export interface InPersonSession {
  id: string
  /** Masked. */ name: string
  certNo: string
  /** A code given before that is still good. */ liveUntil: Date | null
}

/** This operator's open session; null = none, somebody else's, used or over. */
export async function findInPersonSession (
  { db, crypto }: Pick<SupportDeps, 'db' | 'crypto'>,
  operator: Operator,
  id: string
): Promise<InPersonSession | null> {
  const row = await db
    .selectFrom('counterVisit')
    .select('personId')
    .where('id', '=', id)
    .where('operator', '=', operator.actor)
    .where('usedAt', 'is', null)
    .where('expiresAt', '>', sql<Date>`now()`)
    .executeTakeFirst()
  const person = row === undefined ? null : await personById(db, crypto, row.personId)
  if (person === null) return null
  const live = await db
    .selectFrom('counterCode')
    .select('expiresAt')
    .where('personId', '=', person.id)
    .where('usedAt', 'is', null)
    .where('expiresAt', '>', sql<Date>`now()`)
    .executeTakeFirst()
  return { id, name: maskName(person.name), certNo: maskCertNo(person.certNo), liveUntil: live?.expiresAt ?? null }
}

export type CodeGiven =
  | { ok: true; codeId: string; /** Eight digits, now and never again. */ code: string; expiresAt: Date; name: string }
  /** `gone`: the session is over, used, or another operator's. */
  | { ok: false; code: 'gone' | 'unchecked' | 'reason' }
  | { ok: false; code: 'too_many'; retryAfterSeconds: number }

interface GiveCodeInput {
  deps: Needed
  operator: Operator
  sessionId: string
  checks: readonly string[];
  reason: string
}

/** One code for one session: the session ends with it, in the same transaction. */
export async function giveCode (
  { deps, operator, sessionId, checks, reason }: GiveCodeInput
): Promise<CodeGiven> {
  if (!inPersonChecks.every((check) => checks.includes(check))) return { ok: false, code: 'unchecked' }
  const why = inPersonReasons.find((one) => one === reason)
  if (why === undefined) return { ok: false, code: 'reason' }
  if ((await findInPersonSession(deps, operator, sessionId)) === null) return { ok: false, code: 'gone' }
  const hit = await createThrottle(deps).hit(
    `counter:code:${operator.actor}`,
    inPersonLimits.codes.limit,
    inPersonLimits.codes.seconds
  )
  if (!hit.allowed) return { ok: false, code: 'too_many', retryAfterSeconds: hit.retryAfterSeconds }
  const { actor, address, traceId } = operator
  return await inTransaction<CodeGiven>(deps.db, async (trx, rollback) => {
    const session = await trx
      .updateTable('counterVisit')
      .set({ usedAt: sql<Date>`now()` })
      .where('id', '=', sessionId)
      .where('operator', '=', actor)
      .where('usedAt', 'is', null)
      .where('expiresAt', '>', sql<Date>`now()`)
      .returning('personId')
      .executeTakeFirst()
    if (session === undefined) throw rollback({ ok: false, code: 'gone' })
    const person = await personById(trx, deps.crypto, session.personId)
    // locked since the session began: nothing is given
    if (person === null || (person.status !== 'active' && person.status !== 'unactivated')) {
      throw rollback({ ok: false, code: 'gone' })
    }
    const issued = await issueCounterCode(trx, deps, {
      personId: person.id,
      issuedBy: actor,
      reason: why,
      address,
      traceId,
      details: { visit: sessionId, checks: [...inPersonChecks] }
    })
    if (issued === null) throw rollback({ ok: false, code: 'gone' })
    await trx.updateTable('counterVisit').set({ codeId: issued.codeId }).where('id', '=', sessionId).execute()
    await notifyPerson(trx, deps, { personId: person.id, kind: 'security-counter-code-issued' })
    return { ok: true, ...issued, name: maskName(person.name) }
  })
}

export interface GivenCode {
  id: string
  name: string
  createdAt: Date
  expiresAt: Date
  state: 'live' | 'used' | 'over'
}

/** This operator's codes of the last day, newest first. */
export async function codesGiven (
  { db, crypto }: Pick<SupportDeps, 'db' | 'crypto'>,
  operator: Operator
): Promise<GivenCode[]> {
  const rows = await db
    .selectFrom('counterCode as c')
    .innerJoin('person as p', 'p.id', 'c.personId')
    .select([
      'c.id',
      'c.createdAt',
      'c.expiresAt',
      'c.usedAt',
      'p.id as personId',
      'p.nameEnc',
      sql<boolean>`c.expires_at > now()`.as('fresh')
    ])
    .where('c.issuedBy', '=', operator.actor)
    .where('c.createdAt', '>', sql<Date>`now() - interval '1 day'`)
    .orderBy('c.createdAt', 'desc')
    .limit(100)
    .execute()
  return rows.map(({ id, createdAt, expiresAt, usedAt, personId, nameEnc, fresh }) => ({
    id,
    createdAt,
    expiresAt,
    name: maskName(crypto.decrypt('person', 'name_enc', personId, nameEnc)),
    state: usedAt !== null ? 'used' : fresh ? 'live' : 'over'
  }))
}

/** An operator withdraws a code of their own. */
export const cancelOwnCode = async (deps: Needed, operator: Operator, codeId: string): Promise<boolean> =>
  await write(deps, revokeCounterCode, {
    codeId,
    actor: operator.actor,
    issuedBy: operator.actor,
    reason: 'cancelled_at_counter',
    address: operator.address,
    traceId: operator.traceId
  })

/** Deletes what is over. Returns how many. */
export async function sweepSupport (db: SupportDeps['db'], limit = 500): Promise<number> {
  const sessions = await sql`
    delete from counter_visit where id in (select id from counter_visit where expires_at < now() - interval '1 day'
      order by expires_at limit ${limit} for update skip locked) returning id`.execute(db)
  const grants = await sql`
    delete from reveal_grant where id in (select id from reveal_grant where expires_at < now() - interval '1 day'
      order by expires_at limit ${limit} for update skip locked) returning id`.execute(db)
  return sessions.rows.length + grants.rows.length
}
