/** verified → completed: the organization, its people and the messages to them, in one transaction, once. */
import { sql } from 'kysely'
import { isUniqueViolation } from '../../database/errors.ts'
import { inTransaction } from '../../database/transaction.ts'
import {
  findApplicant,
  type Draft,
  type LegalSection,
  type UnitSection
} from '../../domain/representation/registration.ts'
import { shanghaiDate } from '../../ports/clock.ts'
import { enqueue } from '../../records/outbox/index.ts'
import { shortText, type SmsOrder, smsTopic } from '../../records/messages/index.ts'
import { insertOrganization, registeredPerson, trustBrowser } from '../../records/organizations/index.ts'
import { establishPerson } from './applicant.ts'
import { askRegister } from './company.ts'
import { registrationTopic, type DelegationOrder } from './delegation.ts'
import type { Parts } from './held.ts'
import { completeRegistration, type Registration, type Trx } from './repository.ts'

export type CompletionOutcome =
  'completed' | 'mismatch' | 'not_active' | 'duplicate' | 'blocked' | 'unavailable' | 'elsewhere'

/** Rolls back and becomes the answer. */
export class Refused extends Error {
  readonly outcome: Exclude<CompletionOutcome, 'completed'>
  constructor (outcome: Exclude<CompletionOutcome, 'completed'>) {
    super(outcome)
    this.name = 'Refused'
    this.outcome = outcome
  }
}

export interface Ready {
  registration: Registration
  unit: UnitSection
  legal: LegalSection
  applicant: LegalSection
  draft: Draft & { verification: NonNullable<Draft['verification']>; phone: NonNullable<Draft['phone']> }
  personId: string
  passwordHash: string
  address: string
  traceId: string
}

/** @param passwordHash made by the caller, outside of any transaction */
export async function complete (
  parts: Parts,
  registration: Registration,
  { passwordHash, address, traceId }: { passwordHash: string; address: string; traceId: string }
): Promise<CompletionOutcome> {
  const { draft, personId } = registration
  const { unit, legal, verification, phone } = draft
  const applicant = findApplicant(registration.applicant, draft)
  if (
    unit === null ||
    legal === null ||
    applicant === null ||
    verification === null ||
    phone === null ||
    personId === null
  ) {
    return 'elsewhere'
  }
  const ready: Ready = {
    registration,
    unit,
    legal,
    applicant,
    draft: { ...draft, verification, phone },
    personId,
    passwordHash,
    address,
    traceId
  }
  // the present state, not the one when the form was checked
  const answer = await askRegister(parts, { unit, legal })
  if (answer.outcome !== 'match' && answer.outcome !== 'review') return answer.outcome
  const representative =
    answer.outcome === 'review' || registration.applicant === 'legal_representative'
      ? null
      : await registeredPerson(parts.deps, { certType: 'resident_id', certNo: legal.certNo, name: legal.name })
  // another process was first with the same person, phone or organization: the second try finds what it wrote
  for (let round = 0; ; round++) {
    try {
      await inTransaction(parts.deps.db, async (trx) => {
        if (answer.outcome === 'review') await submitForReview(trx, parts, ready)
        else await register(trx, parts, { ready, representative, registerVersion: answer.version })
      })
      return 'completed'
    } catch (error) {
      if (error instanceof Refused) return error.outcome
      if (!isUniqueViolation(error) || round === 2) throw error
    }
  }
}

async function established (
  trx: Trx,
  { deps, smsCodes }: Parts,
  { registration, applicant, draft, personId, address, traceId }: Ready
): Promise<string> {
  // locked first: a second request waits here and finds it done
  const row = await trx
    .selectFrom('registration')
    .select('state')
    .where('id', '=', registration.id)
    .forUpdate()
    .executeTakeFirst()
  if (row?.state !== 'verified') throw new Refused('elsewhere')
  const { phone, codeId } = draft.phone
  const { browserHash, id: transaction } = registration
  if (!(await smsCodes.spend(trx, codeId, { phone, purpose: 'register', browserHash, transaction }))) {
    throw new Refused('elsewhere')
  }
  const proof = draft.verification.faceCheckId === null ? 'counter' : 'face'
  const id = await establishPerson(trx, deps, { personId, typed: applicant, proof, address, traceId })
  if (id === null) throw new Refused('blocked')
  return id
}

async function register (
  trx: Trx,
  parts: Parts,
  { ready, representative, registerVersion }: { ready: Ready; representative: string | null; registerVersion: number }
): Promise<void> {
  const { deps } = parts
  const { registration, unit, legal, draft, address, traceId } = ready
  const byAgent = registration.applicant === 'agent'
  const personId = await established(trx, parts, ready)
  const legalRepresentativeId = representative ?? personId
  const organizationId = await createOrganization(trx, { parts, ready, legalRepresentativeId, registerVersion })
  const number = await completeRegistration(trx, {
    deps,
    registration,
    today: shanghaiDate(deps.clock.now()),
    completion: {
      organizationId,
      personId,
      keep: null
    }
  })
  if (number === null) throw new Refused('elsewhere')
  await deps.audit.record(trx, {
    type: 'organization.registered',
    personId,
    organizationId,
    role: registration.applicant,
    address,
    traceId,
    details: {
      registration: registration.id,
      number,
      registerVersion,
      ticketId: draft.verification.ticketId,
      faceCheckId: draft.verification.faceCheckId
    }
  })
  // a person who scanned and passed the face check is known in this browser (the password of an organization proves
  // nobody by itself)
  if (!byAgent) {
    await trustBrowser(trx, { organizationId, personId, browserHash: registration.browserHash })
    await deps.audit.record(trx, {
      type: 'browser.remembered',
      personId,
      organizationId,
      role: registration.applicant,
      address,
      traceId
    })
    return
  }
  const order: DelegationOrder = {
    registrationId: registration.id,
    organizationId,
    agentId: personId,
    years: draft.agent?.years ?? 1,
    address,
    traceId
  }
  await enqueue(trx, deps, {
    topic: registrationTopic,
    dedupeKey: `${registrationTopic}:${registration.id}`,
    payload: { ...order }
  })
  await notifyRepresentative(trx, parts, {
    organization: unit.name,
    phone: legal.phone,
    registrationId: registration.id,
    personId: legalRepresentativeId
  })
}

interface CreateOrganizationInput {
  parts: Pick<Parts, 'deps'>
  ready: Pick<Ready, 'unit' | 'passwordHash' | 'address' | 'traceId'> & {
    registration: Pick<Registration, 'applicant'>
  }
  legalRepresentativeId: string
  registerVersion: number
}

/** A new organization; or, for the legal representative, one that somebody else registered and she never confirmed. */
export async function createOrganization (
  trx: Trx,
  {
    parts: { deps },
    ready: { registration, unit, passwordHash, address, traceId },
    legalRepresentativeId,
    registerVersion
  }: CreateOrganizationInput
): Promise<string> {
  const existing = await trx
    .selectFrom('organization')
    .select(['id', 'status'])
    .where('uscc', '=', unit.uscc)
    .forNoKeyUpdate()
    .executeTakeFirst()
  const byAgent = registration.applicant === 'agent'
  if (existing === undefined) {
    const { id } = await insertOrganization(trx, {
      crypto: deps.crypto,
      organization: {
        uscc: unit.uscc,
        name: unit.name,
        status: byAgent ? 'pending' : 'active',
        ...(unit.region === null ? {} : { registeredRegion: unit.region }),
        passwordHash,
        legalRepresentativeId,
        registerVersion
      }
    })
    return id
  }
  if (byAgent || existing.status !== 'pending') throw new Refused('duplicate')
  await trx
    .updateTable('organization')
    .set({
      status: 'active',
      name: unit.name,
      passwordHash,
      passwordChangedAt: sql<Date>`now()`,
      passwordMustChange: false,
      legalRepresentativeId,
      legalRepresentativeSince: sql<Date>`coalesce(legal_representative_since, now())`,
      registerVersion: sql<number>`greatest(register_version, ${registerVersion}::bigint)`,
      registerCheckedAt: sql<Date>`now()`,
      updatedAt: sql<Date>`now()`,
      ...(unit.region === null ? {} : { registeredRegion: unit.region })
    })
    .where('id', '=', existing.id)
    .execute()
  await deps.audit.record(trx, {
    type: 'organization.approved',
    personId: legalRepresentativeId,
    organizationId: existing.id,
    role: 'legal_representative',
    address,
    traceId
  })
  return existing.id
}

/** The register does not know who represents it: nothing is registered or reserved, staff decide. */
async function submitForReview (trx: Trx, parts: Parts, ready: Ready): Promise<void> {
  const { deps } = parts
  const { registration, draft, passwordHash, address, traceId } = ready
  const personId = await established(trx, parts, ready)
  const number = await completeRegistration(trx, {
    deps,
    registration,
    today: shanghaiDate(deps.clock.now()),
    completion: {
      organizationId: null,
      personId,
      keep: { ...draft, passwordHash }
    }
  })
  if (number === null) throw new Refused('elsewhere')
  await deps.audit.record(trx, {
    type: 'organization.submitted',
    personId,
    role: registration.applicant,
    address,
    traceId,
    details: { registration: registration.id, number }
  })
}

/**
 * The phone that the agent gave is for this notice only; it never becomes the phone of the representative's account. A
 * representative with a known phone is notified there, when the application is submitted.
 */
export async function notifyRepresentative (
  trx: Trx,
  { deps }: Pick<Parts, 'deps'>,
  {
    organization,
    phone,
    registrationId,
    personId
  }: { organization: string; phone: string; registrationId: string; personId: string }
): Promise<void> {
  const known = await trx.selectFrom('person').select('phoneIndex').where('id', '=', personId).executeTakeFirst()
  if (known?.phoneIndex != null) return
  const kind = 'delegation-submitted'
  await enqueue(trx, deps, {
    topic: smsTopic,
    dedupeKey: `${smsTopic}:${registrationId}`,
    payload: {
      to: { phone },
      template: 'notice',
      parameters: { kind, notice: shortText(kind), organization }
    } satisfies SmsOrder
  })
}
