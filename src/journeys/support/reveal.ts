/**
 * Unmasking a document number or phone: with a reason, audited, once, in the answer to a form and never under an
 * address of its own. Where the deployment requires dual control, another administrator must grant it first.
 */
import { sql } from 'kysely'
import { newIdentifier } from '../../domain/identifier.ts'
import { inTransaction } from '../../database/transaction.ts'
import type { Act } from '../../domain/administration/administration.ts'
import type { SupportDeps } from './deps.ts'
import { personById, type StoredPerson } from '../../records/persons/index.ts'
import { stampOf, type Trx } from './act.ts'

export const revealFields = ['name', 'cert_no', 'phone'] as const
export type RevealField = (typeof revealFields)[number]

/** Minutes in which what was granted may be looked at. */
const revealGrantMinutes = 60

export type Revealed =
  | { outcome: 'shown'; values: Partial<Record<RevealField, string | null>> }
  | { outcome: 'unknown' }
  /** Nobody has let this administrator see it, or it was looked at already, or the time is over. */
  | { outcome: 'not_granted' }

const values: Record<RevealField, (person: StoredPerson) => string | null> = {
  name: ({ name }) => name,
  cert_no: ({ certNo }) => certNo,
  phone: ({ phone }) => phone
}

/**
 * Without four eyes. The fields are named in the audit trail, the values nowhere. @throws DomainError `reason_required`
 */
export async function reveal (
  deps: Pick<SupportDeps, 'db' | 'crypto' | 'audit'>,
  act: Act,
  personId: string,
  fields: readonly RevealField[]
): Promise<Revealed> {
  const stamp = stampOf(act)
  return await inTransaction(deps.db, async (trx) => await show(trx, deps, stamp, personId, fields))
}

async function show (
  trx: Trx,
  deps: Pick<SupportDeps, 'crypto' | 'audit'>,
  stamp: ReturnType<typeof stampOf>,
  personId: string,
  fields: readonly RevealField[],
  granted?: string
): Promise<Revealed> {
  const person = await personById(trx, deps.crypto, personId)
  if (person === null) return { outcome: 'unknown' }
  await deps.audit.record(trx, {
    type: 'person.revealed',
    ...stamp,
    personId,
    details: { fields: [...fields], ...(granted === undefined ? {} : { granted }) }
  })
  return { outcome: 'shown', values: Object.fromEntries(fields.map((field) => [field, values[field](person)])) }
}

/** Whose data: a person's, or those of an application as it was sent under this number. */
export type RevealSubject = { personId: string } | { registrationId: string; registrationNumber: string }

const aboutSubject = (subject: RevealSubject) =>
  'personId' in subject
    ? sql<boolean>`person_id = ${subject.personId}`
    : sql<boolean>`registration_id = ${subject.registrationId} and registration_number = ${subject.registrationNumber}`

/** The second administrator agreed: in the transaction of the decision. `grantedTo`, `grantedBy`: actors. */
export async function grantReveal (
  trx: Trx,
  grant: RevealSubject & { fields: readonly RevealField[]; grantedTo: string; grantedBy: string }
): Promise<string> {
  const id = newIdentifier(16, 'rev_')
  await trx
    .insertInto('revealGrant')
    .values({
      id,
      ...grant,
      fields: grant.fields.join(' '),
      expiresAt: sql<Date>`now() + make_interval(mins => ${revealGrantMinutes})`
    })
    .execute()
  return id
}

/** What this administrator may look at now. */
export async function openGrants (
  db: SupportDeps['db'],
  actor: string,
  subject: RevealSubject
): Promise<Array<{ id: string; fields: RevealField[]; expiresAt: Date }>> {
  const rows = await db
    .selectFrom('revealGrant')
    .select(['id', 'fields', 'expiresAt'])
    .where('grantedTo', '=', actor)
    .where(aboutSubject(subject))
    .where('usedAt', 'is', null)
    .where('expiresAt', '>', sql<Date>`now()`)
    .orderBy('createdAt', 'desc')
    .limit(5)
    .execute()
  return rows.map(({ fields, ...row }) => ({ ...row, fields: fields.split(' ') as RevealField[] }))
}

/**
 * Uses up what was granted, once, by whom it was granted to, in the transaction that shows it. Null: nothing is granted
 * (any more).
 */
export async function takeGrant (
  trx: Trx,
  actor: string,
  subject: RevealSubject,
  grantId: string
): Promise<RevealField[] | null> {
  const grant = await trx
    .updateTable('revealGrant')
    .set({ usedAt: sql<Date>`now()` })
    .where('id', '=', grantId)
    .where('grantedTo', '=', actor)
    .where(aboutSubject(subject))
    .where('usedAt', 'is', null)
    .where('expiresAt', '>', sql<Date>`now()`)
    .returning('fields')
    .executeTakeFirst()
  return grant === undefined ? null : (grant.fields.split(' ') as RevealField[])
}

/** Looks at what was granted of a person. @throws DomainError `reason_required` */
export async function revealGranted (
  deps: Pick<SupportDeps, 'db' | 'crypto' | 'audit'>,
  act: Act,
  personId: string,
  grantId: string
): Promise<Revealed> {
  const stamp = stampOf(act)
  return await inTransaction(deps.db, async (trx) => {
    const fields = await takeGrant(trx, act.actor, { personId }, grantId)
    return fields === null ? { outcome: 'not_granted' } : await show(trx, deps, stamp, personId, fields, grantId)
  })
}
