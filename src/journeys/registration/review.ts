/**
 * Applications that the company register could not decide (查无): staff check them. Accepting writes what a clear answer
 * would have written, and asks the register once more before. Nobody is accepted against a certain answer of the
 * register, and an agent accepted here still needs the approval of the legal representative.
 */
import { sql } from 'kysely'
import type { Act } from '../../domain/administration/administration.ts'
import { DomainError } from '../../domain/errors.ts'
import { requireReason } from '../../domain/reason.ts'
import { maskCertNo, maskName, maskPhone } from '../../domain/identity/masking.ts'
import {
  findApplicant,
  type Applicant,
  type Draft,
  type LegalSection
} from '../../domain/representation/registration.ts'
import { RegisterUnavailable } from '../../ports/registry.ts'
import type { ReviewState } from '../../database/schema.ts'
import { inTransaction } from '../../database/transaction.ts'
import type { RegistrationDeps } from './deps.ts'
import { useUnmaskGrant } from '../support/index.ts'
import { registeredPerson } from '../../records/organizations/index.ts'
import { enqueue } from '../../records/outbox/index.ts'
import { type MessageKind, notify, shortText, type SmsOrder, smsTopic } from '../../records/messages/index.ts'
import { askRegister } from './company.ts'
import { createOrganization, Refused, notifyRepresentative } from './complete.ts'
import { registrationTopic, type DelegationOrder } from './delegation.ts'
import { draftHours, isRegistrationId, opened, sealed, type Trx } from './repository.ts'
import { sendResumeLink } from './resume-links.ts'

type Needed = RegistrationDeps
/** What is stored of an application until it is decided. */
type Kept = Draft & { passwordHash: string }

export interface ApplicationLine {
  id: string
  number: string
  applicant: Applicant
  review: ReviewState
  submittedAt: Date
  reviewedAt: Date | null
  organization: string
  uscc: string
  /** Masked. */
  applicantName: string
}

const columns = [
  'id',
  'browserHash',
  'applicant',
  'state',
  'dataEnc',
  'organizationId',
  'personId',
  'delegationId',
  'number',
  'review',
  'reviewedAt',
  'reviewedBy',
  'reviewReason',
  'updatedAt',
  'createdAt',
  sql<boolean>`expires_at <= now()`.as('expired')
] as const

/** At most `limit`, oldest first. `after` = id of the last one of the previous page. */
export async function listApplications (
  deps: Pick<RegistrationDeps, 'db' | 'crypto'>,
  { review, after, limit = 50 }: { review: ReviewState; after?: string | undefined; limit?: number }
): Promise<ApplicationLine[]> {
  let query = deps.db.selectFrom('registration').select(columns).where('review', '=', review)
  if (after !== undefined) {
    query = query.where(
      sql<boolean>`(created_at, id) > (select created_at, id from registration l where l.id = ${after})`
    )
  }
  const rows = await query.orderBy('createdAt').orderBy('id').limit(limit).execute()
  return rows.map((row) => toApplicationLine(deps, row, review))
}

type Row = Parameters<typeof opened>[1] & { reviewedAt: Date | null; updatedAt: Date }

function toApplicationLine (deps: Pick<RegistrationDeps, 'crypto'>, row: Row, review: ReviewState): ApplicationLine {
  const { draft } = opened(deps, row)
  return {
    id: row.id,
    number: row.number ?? '',
    applicant: row.applicant,
    review,
    submittedAt: row.updatedAt,
    reviewedAt: row.reviewedAt,
    organization: draft.unit?.name ?? '',
    uscc: draft.unit?.uscc ?? '',
    applicantName: maskName(findApplicant(row.applicant, draft)?.name ?? '')
  }
}

interface ShownPerson {
  name: string
  certNo: string
  phone: string
}

export interface ApplicationDetail extends ApplicationLine {
  personId: string | null
  reviewedBy: string | null
  reviewReason: string | null
  /** Null when it has been decided: then nothing is stored. */
  unit: { uscc: string; name: string; named: 'register' | 'typed'; region: string | null } | null
  agent: (ShownPerson & { years: number }) | null
  legal: ShownPerson | null
  /** Whether names, document numbers and phones are unmasked. */
  unmasked: boolean
  /** The present answer of the register, and how it differs from what was typed. */
  register:
    | { answer: 'unavailable' | 'not_found' }
    | { answer: 'found'; name: string; nameDiffers: boolean; status: string }
    | null
}

/** One application's line, for pages that only ask whether to do something. */
export async function findApplication (
  deps: Pick<RegistrationDeps, 'db' | 'crypto'>,
  id: string
): Promise<ApplicationLine | null> {
  if (!isRegistrationId(id)) return null
  const row = await deps.db
    .selectFrom('registration')
    .select(columns)
    .where('id', '=', id)
    .where('review', 'is not', null)
    .executeTakeFirst()
  return row === undefined || row.review === null ? null : toApplicationLine(deps, row, row.review)
}

interface ApplicationDetailInput {
  deps: Needed
  act: Omit<Act, 'reason'> & { reason?: string }
  id: string
  options?: { unmask?: boolean; grant?: string } | undefined
}

/**
 * Unmasked only with `reveal`, whose act has a reason; audited in both cases. Asks the register, outside of any
 * transaction.
 * @param options.grant what a second administrator granted, once: masked when there is no such grant (any more)
 */
export async function applicationDetail ({
  deps,
  act,
  id,
  options = {}
}: ApplicationDetailInput): Promise<ApplicationDetail | null> {
  const { unmask = false, grant } = options
  if (!isRegistrationId(id)) return null
  const row = await deps.db
    .selectFrom('registration')
    .select(columns)
    .where('id', '=', id)
    .where('review', 'is not', null)
    .executeTakeFirst()
  if (row === undefined || row.review === null) return null
  const reason = act.reason?.trim() ?? ''
  if (unmask && reason === '') throw new DomainError('reason_required')
  const { unit, agent, legal } = opened(deps, row).draft
  const register = unit === null ? null : await whatRegisterSays(deps, unit)
  const unmasked = await inTransaction(deps.db, async (trx) => {
    const shown =
      unmask &&
      (grant === undefined ||
        (await useUnmaskGrant(trx, {
          actor: act.actor,
          subject: { registrationId: id, registrationNumber: row.number ?? '' },
          grantId: grant
        })) !== null)
    await deps.audit.record(trx, {
      type: 'registration.viewed',
      actor: act.actor,
      personId: row.personId,
      address: act.address,
      traceId: act.traceId,
      ...(shown ? { reason } : {}),
      details: { registration: id, revealed: shown, ...(shown && grant !== undefined ? { granted: grant } : {}) }
    })
    return shown
  })
  const shown = ({ name, certNo, phone }: LegalSection): ShownPerson =>
    unmasked ? { name, certNo, phone } : { name: maskName(name), certNo: maskCertNo(certNo), phone: maskPhone(phone) }
  return {
    ...toApplicationLine(deps, row, row.review),
    personId: row.personId,
    reviewedBy: row.reviewedBy,
    reviewReason: row.reviewReason,
    unit,
    agent: agent === null ? null : { ...shown(agent), years: agent.years },
    legal: legal === null ? null : shown(legal),
    unmasked,
    register
  }
}

async function whatRegisterSays (
  { companies, log }: Needed,
  unit: { uscc: string; name: string }
): Promise<ApplicationDetail['register']> {
  try {
    const record = await companies.lookup(unit.uscc)
    return record.found
      ? { answer: 'found', name: record.name, nameDiffers: record.name !== unit.name, status: record.status }
      : { answer: 'not_found' }
  } catch (error) {
    if (!(error instanceof RegisterUnavailable)) throw error
    log.warn({ register: companies.name }, 'company register unavailable')
    return { answer: 'unavailable' }
  }
}

/**
 * `unchanged`: decided already, or none. `mismatch`, `not_active`: the register says otherwise, for certain.
 * `duplicate`: the organization was registered meanwhile. `blocked`: the applicant's account is closed.
 */
export type ReviewOutcome = 'done' | 'unchanged' | 'mismatch' | 'not_active' | 'unavailable' | 'duplicate' | 'blocked'

interface Held {
  id: string
  applicant: Applicant
  personId: string
  number: string
  kept: Kept
}

interface DecideInput {
  deps: Needed
  act: Act
  id: string
  seen: string | null | undefined
  review: Exclude<ReviewState, 'waiting'>
  reason: string
}

/**
 * waiting → the decision, in one statement; returns the data it was decided on. Null: somebody was faster. @param seen
 * number of the application that was checked: one that was returned and sent again has another
 */
async function decide (trx: Trx, { deps, act, id, seen, review, reason }: DecideInput): Promise<Held | null> {
  const row = await trx
    .selectFrom('registration')
    .select(columns)
    .where('id', '=', id)
    .where('review', '=', 'waiting')
    .where('state', '=', 'completed')
    .$if(seen != null, (query) => query.where('number', '=', seen ?? ''))
    .forUpdate()
    .executeTakeFirst()
  if (row === undefined || row.personId === null || row.dataEnc === null) return null
  await trx
    .updateTable('registration')
    .set({
      review,
      reviewedAt: sql<Date>`now()`,
      reviewedBy: act.actor,
      reviewReason: reason,
      updatedAt: sql<Date>`now()`
    })
    .where('id', '=', id)
    .execute()
  return {
    id,
    applicant: row.applicant,
    personId: row.personId,
    number: row.number ?? '',
    kept: opened(deps, row).draft as Kept
  }
}

/** @param seen number of the application that was looked at; left out: whatever waits (the others too) */
export async function acceptApplication (deps: Needed, act: Act, id: string, seen?: string): Promise<ReviewOutcome> {
  const reason = requireReason(act.reason)
  const row = await deps.db
    .selectFrom('registration')
    .select(columns)
    .where('id', '=', id)
    .where('review', '=', 'waiting')
    .$if(seen !== undefined, (query) => query.where('number', '=', seen ?? ''))
    .executeTakeFirst()
  if (row === undefined) return 'unchanged'
  const { unit, legal } = opened(deps, row).draft
  if (unit === null || legal === null) return 'unchanged'
  const answer = await askRegister({ companies: deps.companies, deps }, { unit, legal })
  if (answer.outcome !== 'match' && answer.outcome !== 'review') return answer.outcome
  const representative =
    row.applicant === 'legal_representative'
      ? null
      : await registeredPerson(deps, { certType: 'resident_id', certNo: legal.certNo, name: legal.name })
  try {
    return await inTransaction(deps.db, async (trx) => {
      const held = await decide(trx, { deps, act, id, seen: row.number, review: 'accepted', reason })
      if (held === null) return 'unchanged'
      const person = await trx
        .selectFrom('person')
        .select('id')
        .where('id', '=', held.personId)
        .where('status', '=', 'active')
        .executeTakeFirst()
      if (person === undefined) throw new Refused('blocked')
      await accept(trx, {
        deps,
        act,
        held,
        accepting: {
          unit,
          legal,
          legalRepresentativeId: representative ?? held.personId,
          registerVersion: answer.outcome === 'match' ? answer.version : 0,
          reason
        }
      })
      return 'done'
    })
  } catch (error) {
    if (error instanceof Refused && (error.outcome === 'duplicate' || error.outcome === 'blocked')) {
      return error.outcome
    }
    throw error
  }
}

interface Accepting {
  unit: NonNullable<Draft['unit']>
  legal: LegalSection
  legalRepresentativeId: string
  registerVersion: number
  reason: string
}

interface AcceptInput {
  deps: Needed
  act: Act
  held: Held
  accepting: Accepting
}

async function accept (
  trx: Trx,
  { deps, act, held, accepting: { unit, legal, legalRepresentativeId, registerVersion, reason } }: AcceptInput
): Promise<void> {
  const { id, applicant, personId, number, kept } = held
  const [address, traceId] = [act.address ?? '', act.traceId ?? '']
  const organizationId = await createOrganization(trx, {
    parts: { deps },
    ready: { registration: { applicant }, unit, passwordHash: kept.passwordHash, address, traceId },
    legalRepresentativeId,
    registerVersion
  })
  await trx
    .updateTable('registration')
    .set({ organizationId, dataEnc: null, expiresAt: sql<Date>`now() + interval '365 days'` })
    .where('id', '=', id)
    .execute()
  await deps.audit.record(trx, {
    type: 'registration.accepted',
    actor: act.actor,
    personId,
    organizationId,
    role: applicant,
    address: act.address,
    traceId: act.traceId,
    reason,
    details: { registration: id, number, registerVersion }
  })
  await deps.audit.record(trx, {
    type: 'organization.registered',
    actor: act.actor,
    personId,
    organizationId,
    role: applicant,
    address: act.address,
    traceId: act.traceId,
    reason: 'review',
    details: { registration: id, number, registerVersion }
  })
  await notifyApplicant(trx, { deps, held, kind: 'registration-accepted', reason: null })
  if (applicant === 'legal_representative') return
  const order: DelegationOrder = {
    registrationId: id,
    organizationId,
    agentId: personId,
    years: kept.agent?.years ?? 1,
    address,
    traceId
  }
  await enqueue(trx, deps, {
    topic: registrationTopic,
    dedupeKey: `${registrationTopic}:${id}`,
    payload: { ...order }
  })
  await notifyRepresentative(
    trx,
    { deps },
    { organization: unit.name, phone: legal.phone, registrationId: id, personId: legalRepresentativeId }
  )
}

/** The words for the applicant; the text that staff add goes to the applicant too. */
export const refusalReasons = ['not_proved', 'not_representative', 'wrong_data', 'not_eligible', 'other'] as const
export type RefusalReason = (typeof refusalReasons)[number]

interface RefuseApplicationInput {
  deps: Needed
  act: Act
  id: string
  code: RefusalReason
  seen?: string | undefined
}

/** Nothing is kept of what was typed. */
export async function refuseApplication ({
  deps,
  act,
  id,
  code,
  seen
}: RefuseApplicationInput): Promise<ReviewOutcome> {
  const reason = requireReason(act.reason)
  return await inTransaction(deps.db, async (trx) => {
    const held = await decide(trx, { deps, act, id, seen, review: 'refused', reason })
    if (held === null) return 'unchanged'
    await trx
      .updateTable('registration')
      .set({
        dataEnc: sealed(deps, id, { ...emptied, unit: held.kept.unit }),
        expiresAt: sql<Date>`now() + interval '90 days'`
      })
      .where('id', '=', id)
      .execute()
    await deps.audit.record(trx, {
      type: 'registration.refused',
      actor: act.actor,
      personId: held.personId,
      role: held.applicant,
      address: act.address,
      traceId: act.traceId,
      reason,
      details: { registration: id, number: held.number, code }
    })
    await notifyApplicant(trx, { deps, held, kind: 'registration-refused', reason: `${code}: ${reason}` })
    return 'done'
  })
}

const emptied: Draft = { unit: null, agent: null, legal: null, phone: null, verification: null }

/**
 * 退回补正: it is a draft again, for a day; the link goes to the proved phone. Phone, face check and password are required
 * again.
 */
export async function returnApplication (deps: Needed, act: Act, id: string, seen?: string): Promise<ReviewOutcome> {
  const reason = requireReason(act.reason)
  return await inTransaction(deps.db, async (trx) => {
    const held = await decide(trx, { deps, act, id, seen, review: 'returned', reason })
    if (held === null) return 'unchanged'
    const { passwordHash: _gone, phone, ...draft } = held.kept
    await trx
      .updateTable('registration')
      .set({
        state: 'draft',
        dataEnc: sealed(deps, id, { ...draft, phone: null, verification: null }),
        expiresAt: sql<Date>`now() + make_interval(hours => ${draftHours})`
      })
      .where('id', '=', id)
      .execute()
    await deps.audit.record(trx, {
      type: 'registration.returned',
      actor: act.actor,
      personId: held.personId,
      role: held.applicant,
      address: act.address,
      traceId: act.traceId,
      reason,
      details: { registration: id, number: held.number }
    })
    await notify(trx, deps, {
      personId: held.personId,
      kind: 'registration-returned',
      data: buildMessageData(held, reason)
    })
    if (phone !== null) {
      await sendResumeLink(trx, deps, {
        registrationId: id,
        phone: phone.phone,
        kind: 'registration-returned',
        notice: `${shortText('registration-returned')}，请在 24 小时内打开链接修改`
      })
    }
    return 'done'
  })
}

const buildMessageData = ({ kept: { unit }, number }: Held, reason: string | null): Record<string, string | null> => ({
  organization: unit?.name ?? '',
  uscc: unit?.uscc ?? '',
  number,
  reason
})

interface NotifyApplicantInput {
  deps: Needed
  held: Held
  kind: Extract<MessageKind, `registration-${string}`>
  reason: string | null
}

/** In the inbox, and by short message to the proved phone of the application. */
async function notifyApplicant (trx: Trx, { deps, held, kind, reason }: NotifyApplicantInput): Promise<void> {
  const messageId = await notify(trx, deps, { personId: held.personId, kind, data: buildMessageData(held, reason) })
  const { phone, unit } = held.kept
  if (phone === null) return
  await enqueue(trx, deps, {
    topic: smsTopic,
    dedupeKey: `${smsTopic}:${messageId}`,
    payload: {
      to: { phone: phone.phone },
      template: 'notice',
      parameters: { kind, notice: shortText(kind), organization: unit?.name ?? '' }
    } satisfies SmsOrder
  })
}
