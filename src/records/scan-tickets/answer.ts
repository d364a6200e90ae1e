/** The person's answer: accept (has read it), confirm (everything given), reject. */
import { sql } from 'kysely'
import { inTransaction } from '../../database/transaction.ts'
import { computeDigest, phoneStates, ticketLimits, ticketSeconds } from '../../domain/login/scan-ticket.ts'
import type { ScanTicketsDeps } from './deps.ts'
import { bindDevice } from '../devices/index.ts'
import { useFaceVerdict } from '../face-checks/index.ts'
import { recordVerification, type CardValidity } from '../identity/index.ts'
import { circumstances, eventAbout, heldTicket, buildView, type HeldTicket } from './phone-context.ts'
import { answered, Refused, type RefusalCode } from './refusals.ts'
import {
  buildBinding,
  from,
  hashSecret,
  listRemaining,
  resolveState,
  ticketByToken,
  ticketColumns,
  type TicketRow,
  type Trx
} from './rows.ts'
import type { PhoneActor, PhoneRefusal, ScanView } from './types.ts'

export interface Answer {
  contextDigest: string
  checkNumber?: string
}

const held = sql.join(phoneStates.map((state) => sql.lit(state)))

/** The token and device of `scan_ticket t`, as every statement of the phone side asks for them. */
const heldBy = (scanToken: string, actor: PhoneActor) => sql<boolean>`t.scan_token_hash = ${hashSecret(scanToken)}
  and t.device_id is not distinct from ${actor.device?.id ?? null}::text and t.expires_at > now()`

/**
 * Takes the answer, or counts a wrong number, in one statement: parallel guesses count like guesses one after another.
 * Undefined = it changed nothing; `acceptedAt` null = the number was wrong.
 */
async function take (
  trx: Trx,
  {
    scanToken,
    answer: { contextDigest, checkNumber = '' },
    actor
  }: { scanToken: string; answer: Answer; actor: PhoneActor }
): Promise<TicketRow | undefined> {
  const right = sql<boolean>`(not t.number_entry or t.accepted_at is not null or t.check_number = ${checkNumber})`
  const last = sql<boolean>`(not ${right} and t.number_tries + 1 >= ${ticketLimits.numberTries})`
  // nothing typed is nothing guessed
  const { rows } = await sql<TicketRow>`
    update scan_ticket t
       set accepted_at = case when ${right} then coalesce(t.accepted_at, now()) end,
           number_tries = t.number_tries + case when ${right} then 0 else 1 end,
           state = case when ${last} then 'failed' else t.state end,
           failure = case when ${last} then 'number_mismatch' else t.failure end
     where ${heldBy(scanToken, actor)} and t.state in (${held}) and t.context_digest = ${contextDigest} and (${right}
       or ${checkNumber} <> '')
    returning ${ticketColumns}`.execute(trx)
  return rows[0]
}

/** Stores the answer on the ticket. Throws Refused; a wrong number stays counted. */
async function accepted (
  deps: ScanTicketsDeps,
  { scanToken, answer, actor }: { scanToken: string; answer: Answer; actor: PhoneActor }
): Promise<TicketRow> {
  const before = await heldTicket(deps.db, scanToken, actor)
  requireDigest(before, answer)
  const taken = await inTransaction(deps.db, async (trx) => {
    const row = await take(trx, { scanToken, answer, actor })
    if (row === undefined) return null
    if (row.acceptedAt === null) return await wrongNumber(deps, trx, { row, actor })
    if (before.acceptedAt === null) {
      await deps.audit.record(trx, { type: 'scan-ticket.accepted', ...eventAbout(row, actor) })
    }
    return row
  })
  if (taken === null) throw new Refused(await whyRefused(deps, scanToken, actor))
  if (typeof taken !== 'string') return taken
  if (taken === 'number_exhausted') deps.metrics.scanTickets.inc({ state: 'failed' })
  throw new Refused(taken)
}

async function wrongNumber (
  deps: ScanTicketsDeps,
  trx: Trx,
  { row, actor }: { row: TicketRow; actor: PhoneActor }
): Promise<'number_mismatch' | 'number_exhausted'> {
  await deps.audit.record(trx, { type: 'scan-ticket.number-mismatch', ...eventAbout(row, actor) })
  if (row.state !== 'failed') return 'number_mismatch'
  await deps.audit.record(trx, {
    type: 'scan-ticket.failed',
    ...eventAbout(row, actor),
    reason: 'number_mismatch'
  })
  return 'number_exhausted'
}

export async function accept (
  deps: ScanTicketsDeps,
  { scanToken, answer, actor }: { scanToken: string; answer: Answer; actor: PhoneActor }
): Promise<{ ok: true; view: ScanView } | PhoneRefusal> {
  return await answered(async () => ({
    ok: true,
    view: await buildView(deps, deps.db, await accepted(deps, { scanToken, answer, actor }))
  }))
}

/**
 * → confirmed, if everything required was given: one statement checks token, device, time, digest, number, identity,
 * face or in-person code, and that the device still belongs to nobody else. What was proved is written to the person
 * and the device in the same transaction; a face verdict is used up by it.
 */
export async function confirm (
  deps: ScanTicketsDeps,
  { scanToken, answer, actor }: { scanToken: string; answer: Answer; actor: PhoneActor }
): Promise<{ ok: true; again?: true } | PhoneRefusal> {
  return await answered(async () => {
    if (await isConfirmed(deps, { scanToken, answer, actor })) return { ok: true, again: true }
    const before = await heldTicket(deps.db, scanToken, actor)
    requireDigest(before, answer)
    if (before.numberEntry && before.acceptedAt === null) await accepted(deps, { scanToken, answer, actor })
    const confirmed = await inTransaction(deps.db, async (trx) => {
      const { rows } = await sql<TicketRow & { personId: string }>`
        update scan_ticket t
           set state = 'confirmed', confirmed_at = now(), accepted_at = coalesce(accepted_at, now()), failure = null,
               expires_at = greatest(expires_at, now() + make_interval(secs => ${ticketSeconds.finish}))
         where ${heldBy(scanToken, actor)} and t.state in (${from('confirmed')})
           and t.context_digest = ${answer.contextDigest}
           and (not t.number_entry or t.accepted_at is not null)
           and (not t.requires @> '["identity"]'::jsonb or t.identity_at is not null)
           and (not t.requires @> '["face"]'::jsonb or t.proof = 'counter' or (t.proof = 'face' and exists (
                 select 1 from face_check f where f.id = t.face_check_id and f.scan_ticket_id = t.id
                   and f.person_id = t.person_id
                    and f.purpose = t.purpose and f.state = 'passed' and f.expires_at > now())))
           and (t.device_id is null or exists (
                 select 1 from device d where d.id = t.device_id and d.revoked_at is null
                    and (d.person_id = t.person_id or (d.person_id is null and t.expected_person_id is not null))))
        returning ${ticketColumns}`.execute(trx)
      const row = rows[0]
      if (row === undefined) return false
      await takeEffect(deps, trx, { row, actor })
      await deps.audit.record(trx, {
        type: 'scan-ticket.confirmed',
        ...eventAbout(row, actor),
        details: { ticketId: row.id, purpose: row.purpose, proof: row.proof }
      })
      return true
    })
    if (!confirmed) {
      // the other of two at once
      if (await isConfirmed(deps, { scanToken, answer, actor })) return { ok: true, again: true }
      throw new Refused(await whyRefused(deps, scanToken, actor))
    }
    deps.metrics.scanTickets.inc({ state: 'confirmed' })
    return { ok: true }
  })
}

/** By this token and device, with this digest; what nobody used in time is no confirmation any more. */
async function isConfirmed (
  deps: ScanTicketsDeps,
  { scanToken, answer, actor }: { scanToken: string; answer: Answer; actor: PhoneActor }
): Promise<boolean> {
  const row = await ticketByToken(deps.db, scanToken, actor.device?.id ?? null)
  if (row === undefined || row.barred || answer.contextDigest !== row.contextDigest) return false
  return ['confirmed', 'consumed'].includes(resolveState(row))
}

async function takeEffect (
  deps: ScanTicketsDeps,
  trx: Trx,
  { row, actor }: { row: HeldTicket; actor: PhoneActor }
): Promise<void> {
  const { personId } = row
  if (row.proof === 'face') {
    const about = { personId, purpose: row.purpose, binding: buildBinding(row), scanTicketId: row.id }
    if (row.faceCheckId === null || !(await useFaceVerdict(trx, row.faceCheckId, about))) {
      throw new Refused('face_required')
    }
  }
  const identity =
    row.identityAt === null || row.identityEnc === null
      ? null
      : (JSON.parse(deps.crypto.decrypt('scan_ticket', 'identity_enc', row.id, row.identityEnc)) as CardValidity)
  if (!(await recordVerification(trx, { personId, identity, proof: row.proof }))) throw new Refused('wrong_state')
  // the ticket no longer needs the data: the person has them now
  if (row.identityEnc !== null) await sql`update scan_ticket set identity_enc = null where id = ${row.id}`.execute(trx)
  if (row.proof !== null && row.deviceId !== null) {
    const bound = await bindDevice(trx, deps, { ...circumstances(row, actor), deviceId: row.deviceId, personId })
    if (bound === 'refused') throw new Refused('wrong_person')
  }
}

export async function reject (
  deps: ScanTicketsDeps,
  scanToken: string,
  actor: PhoneActor
): Promise<{ ok: true } | PhoneRefusal> {
  return await answered(async () => {
    const before = await heldTicket(deps.db, scanToken, actor)
    const rejected = await inTransaction(deps.db, async (trx) => {
      const { rows } = await sql`
        update scan_ticket t set state = 'rejected', failure = 'declined', identity_enc = null
         where ${heldBy(scanToken, actor)} and t.state in (${from('rejected')})
        returning t.id`.execute(trx)
      if (rows.length === 0) return false
      await deps.audit.record(trx, {
        type: 'scan-ticket.rejected',
        ...eventAbout(before, actor),
        reason: 'declined'
      })
      return true
    })
    if (!rejected) {
      await heldTicket(deps.db, scanToken, actor)
      throw new Refused('wrong_state')
    }
    deps.metrics.scanTickets.inc({ state: 'rejected' })
    return { ok: true }
  })
}

/** The digest is computed again from what is stored, not compared with a copy of itself. */
function requireDigest (row: TicketRow, { contextDigest }: Answer): void {
  if (contextDigest !== row.contextDigest || contextDigest !== computeDigest(row)) throw new Refused('digest_mismatch')
}

/** An answer changed nothing: read once why. */
async function whyRefused (deps: ScanTicketsDeps, scanToken: string, actor: PhoneActor): Promise<RefusalCode> {
  const row = await heldTicket(deps.db, scanToken, actor)
  if (row.numberEntry && row.acceptedAt === null) return 'number_mismatch'
  const remaining = listRemaining(row)
  if (remaining.includes('identity')) return 'wrong_state'
  if (remaining.includes('face')) return 'face_required'
  return await deviceRefusal(deps, row)
}

async function deviceRefusal (deps: ScanTicketsDeps, row: HeldTicket): Promise<RefusalCode> {
  if (row.deviceId === null) return 'wrong_state'
  const device = await deps.db
    .selectFrom('device')
    .select(['personId', 'revokedAt'])
    .where('id', '=', row.deviceId)
    .executeTakeFirst()
  if (device === undefined || device.revokedAt !== null || device.personId === null) return 'device_not_bound'
  return device.personId === row.personId ? 'wrong_state' : 'wrong_person'
}
