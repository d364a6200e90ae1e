import { createHash } from 'node:crypto'
import { sql, type Kysely, type RawBuilder, type Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import { statement } from '../../database/statement.ts'
import { liveStates, remainingRequirements, statesBefore, type TicketState } from '../../domain/login/scan-ticket.ts'
import type { Requirement, TicketContext, TicketPurpose } from './types.ts'

export type Db = Kysely<Database> | Transaction<Database>
export type Trx = Transaction<Database>

/** A ticket as the database sees it at this moment. */
export interface TicketRow {
  id: string
  locatorHash: string
  purpose: TicketPurpose
  /** As stored; `expired` below says whether its time is over. */
  state: TicketState
  loginAttemptUid: string | null
  subjectRef: string | null
  browserHash: string
  clientId: string | null
  context: TicketContext
  contextDigest: string
  checkNumber: string
  numberEntry: boolean
  requires: string[]
  expectedPersonId: string | null
  personId: string | null
  deviceId: string | null
  acceptedAt: Date | null
  identityEnc: string | null
  identityAt: Date | null
  faceCheckId: string | null
  proof: 'face' | 'counter' | null
  failure: string | null
  renewals: number
  /** The browser has shown that script runs. */
  rotating: boolean
  /** Seconds since creation. */
  elapsed: number
  secondsLeft: number
  expired: boolean
  /** The face check it points to passed, is in time and unused. */
  facePassed: boolean
}

/** As a phone acts on it. */
export interface PhoneTicketRow extends TicketRow {
  /** The account of its person is locked or disabled. */
  barred: boolean
}

const columns = `t.id, t.locator_hash, t.purpose, t.state, t.login_attempt_uid, t.subject_ref, t.browser_hash, t.client_id, t.context, t.context_digest,
  t.check_number, t.number_entry, t.requires, t.expected_person_id, t.person_id, t.device_id, t.accepted_at, t.identity_enc,
  t.identity_at, t.face_check_id, t.proof, t.failure, t.renewals, t.rotating_at is not null as rotating,
  extract(epoch from now() - t.created_at)::float8 as elapsed,
  greatest(0, ceil(extract(epoch from t.expires_at - now())))::int as seconds_left,
  t.expires_at <= now() as expired,
  exists (select 1 from face_check f where f.id = t.face_check_id and f.scan_ticket_id = t.id
    and f.person_id = t.person_id and f.purpose = t.purpose and f.state = 'passed' and f.expires_at > now()) as face_passed`

// only where a phone acts: the screens that wait read their tickets several times a second
const phoneColumns = `${columns},
  exists (select 1 from person p where p.id in (t.person_id, t.expected_person_id)
    and p.status in ('locked', 'disabled')) as barred`

/** The columns of TicketRow of `scan_ticket t`, for `select` and `returning`. */
export const ticketColumns: RawBuilder<unknown> = sql.raw(columns)

const byIds = statement<[ids: string[]], TicketRow>(
  'scan_tickets_by_ids',
  `select ${columns} from scan_ticket t where t.id = any($1::text[])`
)
const byLocator = statement<[hash: string], PhoneTicketRow>(
  'scan_ticket_by_locator',
  `select ${phoneColumns} from scan_ticket t where t.locator_hash = $1`
)
const byToken = statement<[hash: string, deviceId: string | null], PhoneTicketRow>(
  'scan_ticket_by_token',
  `select ${phoneColumns} from scan_ticket t where t.scan_token_hash = $1 and t.device_id is not distinct from $2::text`
)

export const hashSecret = (secret: string | Buffer): string => createHash('sha256').update(secret).digest('base64url')

export const ticketsByIds = async (db: Db, ids: string[]): Promise<TicketRow[]> => await byIds(db, ids)

export const ticketById = async (db: Db, id: string): Promise<TicketRow | undefined> => (await byIds(db, [id]))[0]

export const ticketByLocator = async (db: Db, locator: Buffer): Promise<PhoneTicketRow | undefined> =>
  (await byLocator(db, hashSecret(locator)))[0]

/** The ticket of a scan token, for the device that got the token and no other. */
export async function ticketByToken (
  db: Db,
  scanToken: string,
  deviceId: string | null
): Promise<PhoneTicketRow | undefined> {
  if (!/^[\w-]{43}$/.test(scanToken)) return undefined
  return (await byToken(db, hashSecret(scanToken), deviceId))[0]
}

/** The effective state: a ticket whose time is over is expired, also before that is stored. */
export const resolveState = (row: Pick<TicketRow, 'state' | 'expired'>): TicketState =>
  row.expired && statesBefore('expired').includes(row.state) ? 'expired' : row.state

export const listRemaining = (row: TicketRow): Requirement[] => remainingRequirements(row)

/** Ends the tickets that a person has scanned or is expected to scan. */
export async function expireTickets (trx: Trx, personId: string): Promise<void> {
  await sql`
    update scan_ticket set expires_at = now()
     where (person_id = ${personId} or expected_person_id = ${personId})
       and state in (${sql.join(liveStates.map((state) => sql.lit(state)))}) and expires_at > now()`.execute(trx)
}

/** For `where state in (…)`: every state from which an arrow leads to `next`. */
export const from = (next: TicketState): RawBuilder<unknown> =>
  sql.join(statesBefore(next).map((state) => sql.lit(state)))

/** What face checks and their tries are counted for. */
export const buildBinding = (row: Pick<TicketRow, 'id' | 'purpose' | 'loginAttemptUid' | 'subjectRef'>): string =>
  row.loginAttemptUid !== null
    ? `login-attempt:${row.loginAttemptUid}`
    : row.subjectRef !== null
      ? `${row.purpose}:${row.subjectRef}`
      : `scan-ticket:${row.id}`
