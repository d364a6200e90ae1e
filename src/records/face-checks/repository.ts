import { sql, type Kysely, type Selectable, type Transaction } from 'kysely'
import type { Database, FaceCheckTable } from '../../database/schema.ts'
import type { TicketPurpose } from '../../domain/login/scan-ticket.ts'
import { faceSeconds, triesLeft, type FaceTries } from './rules.ts'

export type Db = Kysely<Database> | Transaction<Database>
export type FaceCheckRow = Selectable<FaceCheckTable>

/** The subject of a face check; a verdict is valid for nothing else. */
export interface FaceBinding {
  personId: string
  purpose: TicketPurpose
  /** `login-attempt:<uid>`, or what is approved: tries are counted for it. */
  binding: string
  scanTicketId: string | null
}

// midnight in Asia/Shanghai, which has no summer time
const today = sql<Date>`(date_trunc('day', (now() at time zone 'UTC') + interval '8 hours') - interval '8 hours') at
  time zone 'UTC'`

export interface FaceUse {
  /** Tries made. */
  used: FaceTries
  /** Tries made or under way, by which a new one is allowed. */
  reserved: FaceTries
  /** Checks started today that were not passed, in every other state. */
  starts: number
}

export async function faceUse (
  db: Db,
  { personId, binding }: Pick<FaceBinding, 'personId' | 'binding'>
): Promise<FaceUse> {
  const { rows } = await sql<{
    attemptUsed: number
    dayUsed: number
    attemptReserved: number
    dayReserved: number
    starts: number
  }>`
    with tried as (
      select binding, person_id, started_at, state, counted,
             counted and not (state = 'pending' and expires_at > now()) as done,
             person_id = ${personId} and started_at >= ${today} as of_today
        from face_check
       where binding = ${binding} or (person_id = ${personId} and started_at >= ${today}))
    select count(*) filter (where binding = ${binding} and done) as attempt_used,
           count(*) filter (where of_today and done) as day_used,
           count(*) filter (where binding = ${binding} and counted) as attempt_reserved,
           count(*) filter (where of_today and counted) as day_reserved,
           count(*) filter (where of_today and state not in ('passed', 'used')) as starts
      from tried`.execute(db)
  const row = rows[0]
  if (row === undefined) throw new Error('an aggregate gave no row')
  return {
    used: { attempt: row.attemptUsed, day: row.dayUsed },
    reserved: { attempt: row.attemptReserved, day: row.dayReserved },
    starts: row.starts
  }
}

/** Tries of the face check left in this attempt and today. */
export const faceTriesLeft = async (db: Db, about: Pick<FaceBinding, 'personId' | 'binding'>): Promise<FaceTries> =>
  triesLeft((await faceUse(db, about)).used)

/** Tries of today that have ended no longer count: neither for the day nor for an attempt. Returns how many counted. */
export async function resetFaceTries (trx: Transaction<Database>, personId: string): Promise<number> {
  const { rows } = await sql`
    update face_check set counted = false
     where person_id = ${personId} and started_at >= ${today} and counted and not (state = 'pending'
       and expires_at > now())
    returning id`.execute(trx)
  return rows.length
}

/** Checks that nobody asked about in time. A try, unless the provider could not be reached. */
export async function expirePending (trx: Db, personId: string): Promise<void> {
  await sql`
    update face_check set state = 'expired', decided_at = now(), counted = counted and reason is distinct
      from 'UPSTREAM'
     where person_id = ${personId} and state = 'pending' and expires_at <= now()`.execute(trx)
}

/** The unfinished check of the same thing, to be continued. */
export async function openCheck (trx: Db, about: FaceBinding): Promise<{ id: string; expiresAt: Date } | undefined> {
  const { rows } = await sql<{ id: string; expiresAt: Date }>`
    select id, expires_at from face_check
     where person_id = ${about.personId} and purpose = ${about.purpose} and binding = ${about.binding}
       and scan_ticket_id is not distinct from ${about.scanTicketId} and state = 'pending' and expires_at > now()
     order by started_at desc limit 1`.execute(trx)
  return rows[0]
}

/** Reserves a try: it is counted from here on, and released by a pass or a fault of the provider. */
export async function insertCheck (
  trx: Db,
  about: FaceBinding,
  check: { id: string; provider: string; consentId: string }
): Promise<Date> {
  const { expiresAt } = await trx
    .insertInto('faceCheck')
    .values({
      id: check.id,
      personId: about.personId,
      purpose: about.purpose,
      binding: about.binding,
      scanTicketId: about.scanTicketId,
      provider: check.provider,
      providerTxn: null,
      state: 'pending',
      reason: null,
      counted: true,
      score: null,
      consentId: check.consentId,
      expiresAt: sql<Date>`now() + make_interval(secs => ${faceSeconds.check})`
    })
    .returning('expiresAt')
    .executeTakeFirstOrThrow()
  return expiresAt
}

export async function findCheck (
  db: Db,
  id: string,
  about: FaceBinding
): Promise<(FaceCheckRow & { late: boolean }) | undefined> {
  return await db
    .selectFrom('faceCheck')
    .selectAll()
    .select(sql<boolean>`expires_at <= now()`.as('late'))
    .where('id', '=', id)
    .where('personId', '=', about.personId)
    .where('purpose', '=', about.purpose)
    .where('binding', '=', about.binding)
    .where(sql<boolean>`scan_ticket_id is not distinct from ${about.scanTicketId}`)
    .executeTakeFirst()
}

export interface Decision {
  state: 'passed' | 'failed' | 'error' | 'expired'
  counted: boolean
  reason: string | null
  score: number | null
}

/**
 * pending → decided, once. A pass must come in time and starts the time in which it may be used. False: decided
 * elsewhere, or too late for a pass.
 */
export async function decide (trx: Db, id: string, decision: Decision): Promise<boolean> {
  const { rows } = await sql`
    update face_check
       set state = ${decision.state}, counted = ${decision.counted}, reason = ${decision.reason},
         score = ${decision.score}, decided_at = now(),
           expires_at = case when ${decision.state} = 'passed' then now() + make_interval(secs =>
             ${faceSeconds.verdict}) else expires_at end
     where id = ${id} and state = 'pending' and (${decision.state} <> 'passed' or expires_at > now())
    returning id`.execute(trx)
  return rows.length === 1
}

/** passed → used, once, only for the thing that it was made for and within its time. */
export async function useFaceVerdict (trx: Transaction<Database>, id: string, about: FaceBinding): Promise<boolean> {
  const { rows } = await sql`
    update face_check set state = 'used', used_at = now()
     where id = ${id} and state = 'passed' and expires_at > now()
       and person_id = ${about.personId} and purpose = ${about.purpose} and binding = ${about.binding}
       and scan_ticket_id is not distinct from ${about.scanTicketId}
    returning id`.execute(trx)
  return rows.length === 1
}
