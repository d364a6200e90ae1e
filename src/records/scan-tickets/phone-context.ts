import { maskCertNo, maskName } from '../../domain/identity/masking.ts'
import type { ScanTicketsDeps } from './deps.ts'
import { faceLimits, faceTriesLeft } from '../face-checks/index.ts'
import { personById } from '../persons/index.ts'
import { buildBinding, listRemaining, resolveState, ticketByToken, type Db, type TicketRow } from './rows.ts'
import { Refused, whyNot } from './refusals.ts'
import type { PhoneActor, ScanView } from './types.ts'

/** Circumstances of a phone's act, for the audit trail. */
export const circumstances = (row: TicketRow, actor: PhoneActor) => ({
  clientId: row.clientId,
  loginAttemptUid: row.loginAttemptUid,
  deviceId: actor.device?.id ?? null,
  address: actor.address,
  traceId: actor.traceId
})

/** What an event about the ticket itself says. */
export const eventAbout = (row: TicketRow, actor: PhoneActor) => ({
  personId: row.personId,
  ...circumstances(row, actor),
  details: { ticketId: row.id, purpose: row.purpose }
})

/** A ticket that a phone has scanned: the person is known. */
export type HeldTicket = TicketRow & { personId: string }

/** The ticket of this token and device, if it can still be acted upon. Throws Refused. */
export async function heldTicket (db: Db, scanToken: string, actor: PhoneActor): Promise<HeldTicket> {
  const row = await ticketByToken(db, scanToken, actor.device?.id ?? null)
  const code = whyNot(row)
  if (code !== null) throw new Refused(code)
  if (row === undefined || row.personId === null) throw new Refused('not_found')
  return row as HeldTicket
}

/** What the phone shows, everything recomputed. */
export async function buildView (deps: ScanTicketsDeps, db: Db, row: TicketRow): Promise<ScanView> {
  const person = row.personId === null ? null : await personById(db, deps.crypto, row.personId)
  return {
    ticketId: row.id,
    purpose: row.purpose,
    context: row.context,
    contextDigest: row.contextDigest,
    remaining: listRemaining(row),
    number: row.numberEntry ? 'enter' : 'compare',
    checkNumber: row.numberEntry ? null : row.checkNumber,
    person: person === null ? null : { maskedName: maskName(person.name), maskedCertNo: maskCertNo(person.certNo) },
    state: resolveState(row),
    accepted: row.acceptedAt !== null,
    secondsLeft: row.secondsLeft,
    faceTries:
      row.personId === null
        ? { attempt: faceLimits.perAttempt, day: faceLimits.perDay }
        : await faceTriesLeft(db, { personId: row.personId, binding: buildBinding(row) })
  }
}
