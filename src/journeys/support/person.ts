/** One person as support sees them: masked; every read is in the audit trail. */
import { sql } from 'kysely'
import { inTransaction } from '../../database/transaction.ts'
import type { Act } from '../../domain/administration/administration.ts'
import type { Person } from '../../domain/identity/person.ts'
import { maskCertNo, maskEmail, maskName, maskPhone } from '../../domain/identity/masking.ts'
import type { SupportDeps } from './deps.ts'
import { createDelegations, type DelegationView } from '../../records/organizations/index.ts'
import { listDevices } from '../../records/devices/index.ts'
import { faceLimits, faceTriesLeft } from '../../records/face-checks/index.ts'
import type { MessageKind } from '../../records/messages/index.ts'
import { personById } from '../../records/persons/index.ts'
import { findNamesakes, type PersonLine } from './find.ts'
import { listPersonSessions, type ListedSession } from './sessions.ts'

export interface PersonDetail {
  id: string
  sub: string
  status: Person['status']
  level: number
  name: string
  certType: string
  certNo: string
  certValidTo: string | null
  phone: string | null
  email: string | null
  hasPassword: boolean
  identityVerifiedAt: Date | null
  faceVerifiedAt: Date | null
  /** Today's tries of the face check that are left. */
  faceTries: { left: number; perDay: number }
  sessions: ListedSession[]
  browsers: Array<{ label: string; firstSeenAt: Date; lastLoginAt: Date }>
  devices: Array<{ id: string; kind: 'app' | 'web'; label: string; boundAt: Date | null }>
  represents: Array<{ id: string; name: string; uscc: string; status: string }>
  delegations: DelegationView[]
  messages: Array<{ kind: MessageKind; createdAt: Date; readAt: Date | null }>
  counterCodes: Array<{
    id: string
    issuedBy: string
    reason: string
    createdAt: Date
    expiresAt: Date
    usedAt: Date | null
    live: boolean
    tries: number
  }>
  namesakes: PersonLine[]
}

/** Null = no such person. */
export async function personDetail (
  deps: SupportDeps,
  act: Omit<Act, 'reason'>,
  personId: string
): Promise<PersonDetail | null> {
  const { db, crypto } = deps
  const person = await personById(db, crypto, personId)
  if (person === null) return null
  // one after another, because a page for staff must not take every connection of the pool
  const faceTries = await faceTriesLeft(db, { personId, binding: '' })
  const sessions = await listPersonSessions(deps, person.sub)
  const browsers = await db
    .selectFrom('knownBrowser')
    .select(['label', 'firstSeenAt', 'lastLoginAt'])
    .where('personId', '=', personId)
    .where('revokedAt', 'is', null)
    .orderBy('lastLoginAt', 'desc')
    .limit(20)
    .execute()
  const devices = await listDevices(db, personId)
  const represents = await db
    .selectFrom('organization')
    .select(['id', 'name', 'uscc', 'status'])
    .where('legalRepresentativeId', '=', personId)
    .orderBy('id')
    .limit(50)
    .execute()
  const delegations = await createDelegations(deps).listOfAgent(personId)
  const messages = await db
    .selectFrom('message')
    .select(['kind', 'createdAt', 'readAt'])
    .where('personId', '=', personId)
    .orderBy('createdAt', 'desc')
    .limit(20)
    .execute()
  const counterCodes = await db
    .selectFrom('counterCode')
    .select([
      'id',
      'issuedBy',
      'reason',
      'createdAt',
      'expiresAt',
      'usedAt',
      'tries',
      sql<boolean>`used_at is null and expires_at > now()`.as('live')
    ])
    .where('personId', '=', personId)
    .orderBy('createdAt', 'desc')
    .limit(10)
    .execute()
  const namesakes = await findNamesakes(deps, personId)
  await inTransaction(db, async (trx) => {
    await deps.audit.record(trx, {
      type: 'person.viewed',
      actor: act.actor,
      address: act.address,
      traceId: act.traceId,
      personId
    })
  })
  return {
    id: person.id,
    sub: person.sub,
    status: person.status,
    level: person.assuranceLevel,
    name: maskName(person.name),
    certType: person.certType,
    certNo: maskCertNo(person.certNo),
    certValidTo: person.certTerm === 'long' ? null : person.certValidTo,
    phone: person.phone === null ? null : maskPhone(person.phone),
    email: person.email === null ? null : maskEmail(person.email),
    hasPassword: person.passwordHash !== null,
    identityVerifiedAt: person.identityVerifiedAt,
    faceVerifiedAt: person.faceVerifiedAt,
    faceTries: { left: faceTries.day, perDay: faceLimits.perDay },
    sessions,
    browsers,
    devices: devices.map(({ id, kind, label, boundAt }) => ({ id, kind, label, boundAt })),
    represents,
    delegations,
    messages: messages.map(({ kind, ...rest }) => ({ kind: kind as MessageKind, ...rest })),
    counterCodes,
    namesakes
  }
}

export interface HistoryLine {
  id: number
  at: Date
  type: string
  outcome: 'success' | 'failure' | 'denied'
  clientId: string | null
  address: string | null
  actor: string | null
  reason: string | null
}

const historyDays = 90

/**
 * What happened to the account in 90 days, at most `limit`, newest first; `before` = id of the last line of the page
 * before.
 */
export async function personHistory (
  { db }: Pick<SupportDeps, 'db'>,
  personId: string,
  { before, limit = 50 }: { before?: number | undefined; limit?: number } = {}
): Promise<HistoryLine[]> {
  let query = db
    .selectFrom('auditEvent')
    .select(['id', 'at', 'type', 'outcome', 'clientId', 'address', 'actor', 'reason'])
    .where('personId', '=', personId)
    .where('at', '>', sql<Date>`now() - make_interval(days => ${historyDays})`)
    // looks of staff are for auditors
    .where('type', 'not in', ['person.viewed', 'person.revealed'])
  if (before !== undefined) query = query.where('id', '<', before)
  return await query.orderBy('id', 'desc').limit(limit).execute()
}
