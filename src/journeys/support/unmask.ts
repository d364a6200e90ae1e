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
import { toStamp, type Trx } from './act.ts'

export const unmaskFields = ['name', 'cert_no', 'phone'] as const
export type UnmaskField = (typeof unmaskFields)[number]

/** Minutes in which a granted unmasking may be used. */
const unmaskGrantMinutes = 60

export type Unmasked =
  | { outcome: 'shown'; values: Partial<Record<UnmaskField, string | null>> }
  | { outcome: 'unknown' }
  /** Nothing was granted to this administrator, or it was used already, or has expired. */
  | { outcome: 'not_granted' }

const values: Record<UnmaskField, (person: StoredPerson) => string | null> = {
  name: ({ name }) => name,
  cert_no: ({ certNo }) => certNo,
  phone: ({ phone }) => phone
}

/**
 * Without dual control. The fields are named in the audit trail, the values nowhere.
 * @throws DomainError `reason_required`
 */
export async function unmask (
  deps: Pick<SupportDeps, 'db' | 'crypto' | 'audit'>,
  { act, personId, fields }: { act: Act; personId: string; fields: readonly UnmaskField[] }
): Promise<Unmasked> {
  const stamp = toStamp(act)
  return await inTransaction(deps.db, async (trx) => await show(trx, deps, { stamp, personId, fields }))
}

interface ShowInput {
  stamp: ReturnType<typeof toStamp>
  personId: string
  fields: readonly UnmaskField[]
  granted?: string | undefined
}

async function show (
  trx: Trx,
  deps: Pick<SupportDeps, 'crypto' | 'audit'>,
  { stamp, personId, fields, granted }: ShowInput
): Promise<Unmasked> {
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

/** Whose data: a person's, or those of an application as sent under this number. */
export type UnmaskSubject = { personId: string } | { registrationId: string; registrationNumber: string }

const aboutSubject = (subject: UnmaskSubject) =>
  'personId' in subject
    ? sql<boolean>`person_id = ${subject.personId}`
    : sql<boolean>`registration_id = ${subject.registrationId} and registration_number = ${subject.registrationNumber}`

/** Grants it, in the transaction of the approval. `grantedTo`, `grantedBy`: actors. */
export async function grantUnmasking (
  trx: Trx,
  grant: UnmaskSubject & { fields: readonly UnmaskField[]; grantedTo: string; grantedBy: string }
): Promise<string> {
  const id = newIdentifier(16, 'rev_')
  await trx
    .insertInto('revealGrant')
    .values({
      id,
      ...grant,
      fields: grant.fields.join(' '),
      expiresAt: sql<Date>`now() + make_interval(mins => ${unmaskGrantMinutes})`
    })
    .execute()
  return id
}

/** What this administrator may look at now. */
export async function findUnmaskGrants (
  db: SupportDeps['db'],
  actor: string,
  subject: UnmaskSubject
): Promise<Array<{ id: string; fields: UnmaskField[]; expiresAt: Date }>> {
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
  return rows.map(({ fields, ...row }) => ({ ...row, fields: fields.split(' ') as UnmaskField[] }))
}

/**
 * Uses the grant, once, by the administrator it was granted to, in the transaction that shows the values. Null: nothing
 * is granted (any more).
 */
export async function useUnmaskGrant (
  trx: Trx,
  { actor, subject, grantId }: { actor: string; subject: UnmaskSubject; grantId: string }
): Promise<UnmaskField[] | null> {
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
  return grant === undefined ? null : (grant.fields.split(' ') as UnmaskField[])
}

/** Shows what was granted about a person. @throws DomainError `reason_required` */
export async function unmaskGranted (
  deps: Pick<SupportDeps, 'db' | 'crypto' | 'audit'>,
  { act, personId, grantId }: { act: Act; personId: string; grantId: string }
): Promise<Unmasked> {
  const stamp = toStamp(act)
  return await inTransaction(deps.db, async (trx) => {
    const fields = await useUnmaskGrant(trx, { actor: act.actor, subject: { personId }, grantId })
    return fields === null
      ? { outcome: 'not_granted' }
      : await show(trx, deps, { stamp, personId, fields, granted: grantId })
  })
}
