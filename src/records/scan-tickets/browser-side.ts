import { randomInt } from 'node:crypto'
import { sql } from 'kysely'
import { newIdentifier } from '../../domain/identifier.ts'
import { inTransaction } from '../../database/transaction.ts'
import type { Proof } from '../../domain/login/next-step.ts'
import {
  currentStep,
  computeDigest,
  isSettled,
  liveStates,
  nextRenewal,
  ticketSeconds
} from '../../domain/login/scan-ticket.ts'
import { DomainError } from '../../domain/errors.ts'
import type { ScanTicketsDeps } from './deps.ts'
import { faceTriesLeft, fewest } from '../face-checks/index.ts'
import { buildPayload, deriveSecrets } from './codes.ts'
import { count } from '../throttle/index.ts'
import type { TicketWatcher } from './ticket-watcher.ts'
import { ticketsPerAddress, ticketsPerBrowser, TooManyTickets } from './limits.ts'
import { givenProofs, type ConsumedRow } from './proofs.ts'
import { buildBinding, from, hashSecret, resolveState, ticketById, type Db, type TicketRow, type Trx } from './rows.ts'
import type { BrowserSide, CreatedTicket, NewTicket, TicketContext, TicketStatus } from './types.ts'

const live = sql.join(liveStates.map((state) => sql.lit(state)))

export interface Consumption {
  browserHash: string
  loginAttemptUid?: string
  subjectRef?: string
  purpose: NewTicket['purpose']
}

export interface BrowserTickets extends BrowserSide {
  consume(trx: Trx, ticketId: string, binding: Consumption): Promise<{ personId: string; proofs: Proof[] } | null>
}

export function createBrowserSide (deps: ScanTicketsDeps, watcher: TicketWatcher): BrowserTickets {
  const { db } = deps

  async function create (ticket: NewTicket): Promise<CreatedTicket> {
    // without a password only a bound device identifies the person, and only a login may be requested like that
    if (ticket.purpose !== 'login' && ticket.expectedPersonId === undefined) {
      throw new DomainError('ticket_person_required')
    }
    if (!(await count(deps, ticketsPerBrowser, ticket.browserHash))) throw new TooManyTickets()
    if (ticket.address !== undefined && !(await count(deps, ticketsPerAddress, ticket.address))) {
      throw new TooManyTickets()
    }
    const made = await inTransaction(db, async (trx) => await insert(deps, trx, ticket))
    for (const id of made.superseded) watcher.refreshNow(id)
    deps.metrics.scanTickets.inc({ state: 'waiting' })
    const row = { id: made.id, purpose: ticket.purpose, elapsed: 0, rotating: false }
    return {
      ticketId: made.id,
      checkNumber: made.checkNumber,
      payloadUrl: buildPayload(deps, row),
      secondsLeft: ticketSeconds.scan
    }
  }

  /** Null = not this browser's. */
  async function owned (ticketId: string, browserHash: string): Promise<TicketRow | null> {
    const row = await ticketById(db, ticketId)
    return row !== undefined && row.browserHash === browserHash ? row : null
  }

  async function startRotation (row: TicketRow): Promise<TicketRow> {
    if (row.rotating || resolveState(row) !== 'waiting') return row
    await sql`update scan_ticket set rotating_at = now() where id = ${row.id} and state = 'waiting'
      and rotating_at is null`.execute(db)
    return { ...row, rotating: true }
  }

  return {
    create,
    async status (ticketId, browserHash, options = {}) {
      const row = await owned(ticketId, browserHash)
      if (row === null) return null
      return await readStatus(deps, db, options.scripted === true ? await startRotation(row) : row)
    },
    async * watch (ticketId, browserHash, signal) {
      const first = await owned(ticketId, browserHash)
      if (first === null || signal.aborted) return
      // a browser that can follow a stream can draw a new picture
      const status = await readStatus(deps, db, await startRotation(first))
      yield status
      if (isSettled(status.state)) return
      let shown = signature(status, first)
      for await (const row of watcher.rows(ticketId, signal)) {
        const next = await readStatus(deps, db, row)
        if (signature(next, row) === shown) continue
        shown = signature(next, row)
        yield next
        if (isSettled(next.state)) return
      }
    },
    async consume (trx, ticketId, binding) {
      const consumed = await consume(deps, trx, { ticketId, binding })
      if (consumed !== null) {
        deps.metrics.scanTickets.inc({ state: 'consumed' })
        // the transaction is not committed yet: then the next period sees it
        watcher.refreshNow(ticketId)
      }
      return consumed
    },
    async findLatest (loginAttemptUid, browserHash, expectedPersonId) {
      const row = await db
        .selectFrom('scanTicket')
        .select('id')
        .where('loginAttemptUid', '=', loginAttemptUid)
        .where('browserHash', '=', browserHash)
        .$if(expectedPersonId !== undefined, (query) =>
          query.where('expectedPersonId', 'is not distinct from', expectedPersonId ?? null)
        )
        .orderBy('createdAt', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row?.id ?? null
    },
    async latestAbout (purpose, subjectRef, browserHash) {
      const row = await db
        .selectFrom('scanTicket')
        .select('id')
        .where('browserHash', '=', browserHash)
        .where('purpose', '=', purpose)
        .where('subjectRef', '=', subjectRef)
        .where('loginAttemptUid', 'is', null)
        .orderBy('createdAt', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row?.id ?? null
    }
  }
}

/** What makes one status differ from the last, besides the clock. */
const signature = (status: TicketStatus, row: TicketRow): string =>
  JSON.stringify([
    status.state,
    status.failure,
    status.triesLeft,
    status.payloadUrl === null ? null : currentStep(row)
  ])

/** An enum, a clock and a picture: nothing about who scanned. */
async function readStatus (deps: ScanTicketsDeps, db: Db, row: TicketRow): Promise<TicketStatus> {
  const state = resolveState(row)
  const faceFailed = row.failure?.startsWith('face_') === true && row.personId !== null
  return {
    state,
    secondsLeft: isSettled(state) ? 0 : row.secondsLeft,
    checkNumber: row.checkNumber,
    failure: row.failure,
    triesLeft: faceFailed
      ? fewest(await faceTriesLeft(db, { personId: row.personId ?? '', binding: buildBinding(row) }))
      : null,
    payloadUrl: state === 'waiting' ? buildPayload(deps, row) : null,
    renewals: row.renewals
  }
}

async function insert (
  deps: ScanTicketsDeps,
  trx: Trx,
  ticket: NewTicket
): Promise<{ id: string; checkNumber: string; superseded: string[] }> {
  const id = newIdentifier(16, 'st_')
  const checkNumber = String(randomInt(10, 100))
  const context = JSON.parse(JSON.stringify(ticket.context)) as TicketContext
  const { purpose } = ticket
  const [clientId, subjectRef, loginAttemptUid] = [
    ticket.clientId ?? null,
    ticket.subjectRef ?? null,
    ticket.loginAttemptUid ?? null
  ]
  const about = { clientId, loginAttemptUid, address: ticket.address, traceId: ticket.traceId }
  // two windows of one browser run one after another, and the later one has the live ticket; the unique index decides
  await sql`select pg_advisory_xact_lock(hashtextextended(${`scan-ticket ${ticket.browserHash}`}, 0))`.execute(trx)
  const renewals = nextRenewal(await unscannedBefore(trx, ticket))
  const old = await sql<{ id: string; state: string }>`
    update scan_ticket set state = case when expires_at > now() then 'superseded' else 'expired' end,
      identity_enc = null
     where browser_hash = ${ticket.browserHash} and state in (${live})
    returning id, state`.execute(trx)
  for (const row of old.rows) {
    await deps.audit.record(trx, {
      type: row.state === 'expired' ? 'scan-ticket.expired' : 'scan-ticket.superseded',
      ...about,
      details: { ticketId: row.id }
    })
  }
  // clock_timestamp(): now() is when the transaction began, before it waited its turn
  await sql`
    insert into scan_ticket (id, locator_hash, purpose, state, login_attempt_uid, subject_ref, browser_hash, client_id,
      context, context_digest,
                             check_number, number_entry, requires, expected_person_id, renewals, created_at, expires_at)
    values (${id}, ${hashSecret(deriveSecrets(deps, { id, purpose }).locator)}, ${purpose}, 'waiting', ${loginAttemptUid},
      ${subjectRef}, ${ticket.browserHash},
            ${clientId}, ${JSON.stringify(context)}::jsonb, ${computeDigest({ id, purpose, clientId, subjectRef, context })},
            ${checkNumber}, ${ticket.numberEntry}, ${JSON.stringify(ticket.requires)}::jsonb,
              ${ticket.expectedPersonId ?? null}, ${renewals},
            clock_timestamp(), clock_timestamp() + make_interval(secs => ${ticketSeconds.scan}))`.execute(trx)
  await deps.audit.record(trx, {
    type: 'scan-ticket.created',
    personId: ticket.expectedPersonId,
    ...about,
    details: { ticketId: id, purpose, renewals }
  })
  return { id, checkNumber, superseded: old.rows.map((row) => row.id) }
}

/** Renewals of the ticket that the new one replaces, if nobody had scanned it; null = this is the first of its kind. */
async function unscannedBefore (trx: Trx, ticket: NewTicket): Promise<number | null> {
  const query = trx
    .selectFrom('scanTicket')
    .select(['renewals', 'scannedAt'])
    .where('browserHash', '=', ticket.browserHash)
    .where('purpose', '=', ticket.purpose)
    .where(sql<boolean>`subject_ref is not distinct from ${ticket.subjectRef ?? null}::text`)
    .orderBy('createdAt', 'desc')
    .limit(1)
  const row = await (
    ticket.loginAttemptUid === undefined
      ? query.where('loginAttemptUid', 'is', null).where('state', 'in', liveStates)
      : query.where('loginAttemptUid', '=', ticket.loginAttemptUid)
  ).executeTakeFirst()
  return row === undefined || row.scannedAt !== null ? null : row.renewals
}

async function consume (
  deps: ScanTicketsDeps,
  trx: Trx,
  { ticketId, binding }: { ticketId: string; binding: Consumption }
): Promise<{ personId: string; proofs: Proof[] } | null> {
  const { rows } = await sql<ConsumedRow>`
    update scan_ticket set state = 'consumed', consumed_at = now()
     where id = ${ticketId} and state in (${from('consumed')}) and expires_at > now()
       and browser_hash = ${binding.browserHash} and purpose = ${binding.purpose}
       and login_attempt_uid is not distinct from ${binding.loginAttemptUid ?? null}::text
       and subject_ref is not distinct from ${binding.subjectRef ?? null}::text
    returning id, person_id, device_id, client_id, login_attempt_uid, purpose, proof, face_check_id, identity_at,
      scanned_at, confirmed_at`.execute(trx)
  const row = rows[0]
  if (row === undefined) return null
  await deps.audit.record(trx, {
    type: 'scan-ticket.consumed',
    personId: row.personId,
    clientId: row.clientId,
    loginAttemptUid: row.loginAttemptUid,
    deviceId: row.deviceId,
    details: { ticketId, purpose: row.purpose }
  })
  return { personId: row.personId, proofs: await givenProofs(trx, row) }
}
