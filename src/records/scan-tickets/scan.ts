import { sql } from 'kysely'
import { newIdentifier } from '../../domain/identifier.ts'
import { inTransaction } from '../../database/transaction.ts'
import { decideScan, judgeCode, readPayload, ticketSeconds } from '../../domain/login/scan-ticket.ts'
import type { ScanTicketsDeps } from './deps.ts'
import { deriveSecrets } from './codes.ts'
import { count, isFull } from '../throttle/index.ts'
import { unknownCodes } from './limits.ts'
import { eventAbout, buildView } from './phone-context.ts'
import { refuse } from './refusals.ts'
import { from, hashSecret, resolveState, ticketByLocator, ticketColumns, type TicketRow } from './rows.ts'
import type { PhoneActor, PhoneRefusal, ScanView } from './types.ts'

export type Scanned = { ok: true; scanToken: string; view: ScanView } | PhoneRefusal

/**
 * waiting → scanned, by exactly one phone. The code must be of this issuer, of this ticket and current; guesses are
 * counted. A second phone learns that another one was first, and nothing else.
 */
export async function scan (
  deps: ScanTicketsDeps,
  { payload, actor, seenFresh = false }: { payload: string; actor: PhoneActor; seenFresh?: boolean }
): Promise<Scanned & { ticketId?: string }> {
  const { db } = deps
  const read = readPayload(deps.config.issuer, payload)
  if (read === null) return refuse('not_found')
  const guesser = actor.device?.id ?? actor.address
  if (await isFull(deps, unknownCodes, guesser)) return refuse('too_many_requests')
  const row = await ticketByLocator(db, read.locator)
  const code = row === undefined ? 'forged' : judgeCode(deriveSecrets(deps, row), read.tag, row)
  if (row === undefined || code === 'forged') {
    return refuse((await count(deps, unknownCodes, guesser)) ? 'not_found' : 'too_many_requests')
  }
  const unscannable = whyTaken(row)
  if (unscannable !== null) return refuse(unscannable)
  if (code === 'stale' && !seenFresh) return refuse('expired')

  if (row.barred || actor.device?.ownerBarred === true) return { ...refuse('account_locked'), ticketId: row.id }

  const decision = decideScan(row, actor.device)
  if (!decision.ok) {
    if (decision.code === 'wrong_person') await failForWrongPerson(deps, row, actor)
    return { ...refuse(decision.code), ticketId: row.id }
  }
  const scanToken = newIdentifier(32)
  const scanned = await inTransaction(db, async (trx) => {
    const { rows } = await sql<TicketRow>`
      update scan_ticket t
         set state = 'scanned', scanned_at = now(), expires_at = now() + make_interval(secs => ${ticketSeconds.act}),
             scan_token_hash = ${hashSecret(scanToken)}, device_id = ${actor.device?.id ?? null},
               person_id = ${decision.personId},
             requires = ${JSON.stringify(decision.requires)}::jsonb
       where id = ${row.id} and state in (${from('scanned')}) and expires_at > now()
         and (expected_person_id is null or expected_person_id = ${decision.personId})
      returning ${ticketColumns}`.execute(trx)
    const taken = rows[0]
    if (taken === undefined) return null
    await deps.audit.record(trx, { type: 'scan-ticket.scanned', ...eventAbout(taken, actor) })
    return taken
  })
  if (scanned === null) {
    const now = await ticketByLocator(db, read.locator)
    return refuse(now === undefined ? 'not_found' : (whyTaken(now) ?? 'already_scanned'))
  }
  deps.metrics.scanTickets.inc({ state: 'scanned' })
  return { ok: true, scanToken, view: await buildView(deps, db, scanned), ticketId: row.id }
}

/** Whether the code is the one on the screen now, for a page that only asks whether to continue. */
export async function isFresh (deps: ScanTicketsDeps, payload: string): Promise<boolean> {
  const read = readPayload(deps.config.issuer, payload)
  const row = read === null ? undefined : await ticketByLocator(deps.db, read.locator)
  return (
    read !== null &&
    row !== undefined &&
    resolveState(row) === 'waiting' &&
    judgeCode(deriveSecrets(deps, row), read.tag, row) === 'fresh'
  )
}

function whyTaken (row: TicketRow): 'expired' | 'already_scanned' | null {
  const state = resolveState(row)
  if (state === 'waiting') return null
  return state === 'expired' || state === 'superseded' ? 'expired' : 'already_scanned'
}

/** Both screens show it, and the ticket ends: another person's phone must not get a second try. */
async function failForWrongPerson (deps: ScanTicketsDeps, row: TicketRow, actor: PhoneActor): Promise<void> {
  await inTransaction(deps.db, async (trx) => {
    const { rows } = await sql`
      update scan_ticket set state = 'failed', failure = 'wrong_person'
       where id = ${row.id} and state = 'waiting' and expires_at > now()
         and expected_person_id <> ${actor.device?.personId ?? ''}
      returning id`.execute(trx)
    if (rows.length === 0) return
    await deps.audit.record(trx, {
      type: 'scan-ticket.wrong-person',
      ...eventAbout(row, actor),
      personId: actor.device?.personId ?? null
    })
    deps.metrics.scanTickets.inc({ state: 'failed' })
  })
}
