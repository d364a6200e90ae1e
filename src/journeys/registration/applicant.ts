/**
 * The applicant, before and after the verification. Typing a document number never reserves it: until the application
 * is complete the row of an unknown applicant is provisional, without a document number in the unique index; then that
 * index decides.
 */
import { sql } from 'kysely'
import { sameName } from '../../domain/identity/person-name.ts'
import type { AgentSection, LegalSection } from '../../domain/representation/registration.ts'
import type { RegistrationDeps } from './deps.ts'
import { recordVerification } from '../../records/identity/index.ts'
import {
  certNoIndex,
  certNoIndexes,
  computeNameIndexes,
  newPersonId,
  newSub,
  personByCertNo,
  personById,
  phoneIndex,
  phoneIndexes,
  type StoredPerson
} from '../../records/persons/index.ts'
import type { Db, Trx } from './repository.ts'

const certType = 'resident_id'

/** Accounts that an applicant may have; other accounts are found when the person is proved. */
const usable = ({ status }: Pick<StoredPerson, 'status'>): boolean => status === 'active' || status === 'unactivated'

/**
 * The person who must scan: the account of exactly this name and number, the row made before, or a new one that
 * reserves nothing.
 */
export async function expectedPerson (
  trx: Trx,
  deps: Pick<RegistrationDeps, 'crypto'>,
  { typed, before }: { typed: LegalSection; before: string | null }
): Promise<string> {
  const fits = (person: StoredPerson): boolean =>
    sameName(person.name, typed.name) || (person.nameBo !== null && sameName(person.nameBo, typed.name))
  const known = await personByCertNo(trx, deps.crypto, { certType, certNo: typed.certNo })
  if (known !== null && usable(known) && fits(known)) return known.id
  const earlier = before === null ? null : await personById(trx, deps.crypto, before)
  if (
    earlier !== null &&
    (await isProvisional(trx, earlier.id)) &&
    earlier.certNo === typed.certNo &&
    earlier.name === typed.name
  ) {
    return earlier.id
  }
  return await insertProvisional(trx, deps, typed)
}

async function insertProvisional (
  trx: Trx,
  { crypto }: Pick<RegistrationDeps, 'crypto'>,
  typed: LegalSection
): Promise<string> {
  const id = newPersonId()
  await trx
    .insertInto('person')
    .values({
      id,
      sub: newSub(),
      status: 'unactivated',
      nameEnc: crypto.encrypt('person', 'name_enc', id, typed.name),
      nameBoEnc: null,
      certType,
      certNoEnc: crypto.encrypt('person', 'cert_no_enc', id, typed.certNo),
      certNoIndex: null,
      identityState: 'provisional',
      deskIndex: computeNameIndexes(crypto, typed),
      certValidFrom: null,
      certValidTo: null,
      certTerm: null,
      phoneEnc: null,
      phoneIndex: null,
      emailEnc: null,
      locale: null,
      passwordHash: null
    })
    .execute()
  return id
}

async function isProvisional (db: Db, id: string): Promise<boolean> {
  const row = await db.selectFrom('person').select('identityState').where('id', '=', id).executeTakeFirst()
  return row?.identityState === 'provisional'
}

export interface Verified {
  personId: string
  typed: LegalSection | AgentSection
  proof: 'face' | 'counter'
  address: string
  traceId: string
}

/**
 * The person is known from here on. If the person already has an account (made at the same time, or under another
 * name), that account is used: name, number and face were the same. Null = that account is closed to its owner. Throws
 * a unique violation when another process was first; the caller starts again.
 */
export async function establishPerson (
  trx: Trx,
  deps: Pick<RegistrationDeps, 'crypto' | 'audit'>,
  { personId, typed, proof, address, traceId }: Verified
): Promise<string | null> {
  const index = certNoIndex(deps.crypto, certType, typed.certNo)
  const about = { address, traceId, reason: 'registration' }
  let id = personId
  if (await isProvisional(trx, personId)) {
    const indexes = certNoIndexes(deps.crypto, certType, typed.certNo)
    const taken = await trx.selectFrom('person').select('id').where('certNoIndex', 'in', indexes).executeTakeFirst()
    if (taken === undefined) {
      await trx
        .updateTable('person')
        .set({ certNoIndex: index, identityState: 'established', status: 'active', updatedAt: sql<Date>`now()` })
        .where('id', '=', personId)
        .execute()
      await deps.audit.record(trx, { type: 'person.created', personId, ...about })
    } else {
      id = taken.id
      if (!(await adopt(trx, { from: personId, to: id, proof }))) return null
      await deps.audit.record(trx, { type: 'person.linked', personId: id, ...about, details: { from: personId } })
    }
  }
  const row = await trx.selectFrom('person').select('status').where('id', '=', id).executeTakeFirst()
  if (row === undefined || !usable(row)) return null
  if (row.status === 'unactivated') {
    await trx
      .updateTable('person')
      .set({ status: 'active', updatedAt: sql<Date>`now()` })
      .where('id', '=', id)
      .execute()
    await deps.audit.record(trx, { type: 'person.activated', personId: id, ...about })
  }
  await keepFurther(trx, deps, { id, typed })
  return id
}

/** What the provisional person proved moves to the other row, because both are one human being. */
async function adopt (
  trx: Trx,
  { from, to, proof }: { from: string; to: string; proof: Verified['proof'] }
): Promise<boolean> {
  const shown = await trx
    .selectFrom('person')
    .select(['certValidFrom', 'certValidTo', 'certTerm'])
    .where('id', '=', from)
    .executeTakeFirstOrThrow()
  if (!(await recordVerification(trx, { personId: to, identity: null, proof }))) return false
  await trx
    .updateTable('person')
    .set({ ...shown, updatedAt: sql<Date>`now()` })
    .where('id', '=', to)
    .execute()
  await trx.updateTable('device').set({ personId: to }).where('personId', '=', from).execute()
  await trx.updateTable('consent').set({ personId: to }).where('personId', '=', from).execute()
  await trx.updateTable('person').set({ status: 'disabled' }).where('id', '=', from).execute()
  return true
}

/**
 * The proved phone, unless there is a proved one or it is another person's; 民族, if it was given. A number that
 * somebody else typed for another person gives way.
 */
async function keepFurther (
  trx: Trx,
  { crypto }: Pick<RegistrationDeps, 'crypto'>,
  { id, typed }: { id: string; typed: LegalSection | AgentSection }
): Promise<void> {
  const index = phoneIndex(crypto, typed.phone)
  const indexes = phoneIndexes(crypto, typed.phone)
  const { phoneVerifiedAt } = await trx
    .selectFrom('person')
    .select('phoneVerifiedAt')
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  if (phoneVerifiedAt === null) {
    await trx
      .updateTable('person')
      .set({ phoneEnc: null, phoneIndex: null })
      .where('id', '<>', id)
      .where('phoneIndex', 'in', indexes)
      .where('phoneVerifiedAt', 'is', null)
      .execute()
  }
  await trx
    .updateTable('person')
    .set({
      phoneEnc: crypto.encrypt('person', 'phone_enc', id, typed.phone),
      phoneIndex: index,
      phoneVerifiedAt: sql<Date>`now()`
    })
    .where('id', '=', id)
    .where('phoneVerifiedAt', 'is', null)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('person as other')
            .select('other.id')
            .where('other.phoneIndex', 'in', indexes)
            .where('other.id', '<>', id)
        )
      )
    )
    .execute()
  if ('ethnicGroup' in typed && typed.ethnicGroup !== null) {
    await trx
      .updateTable('person')
      .set({ ethnicGroupEnc: crypto.encrypt('person', 'ethnic_group_enc', id, typed.ethnicGroup) })
      .where('id', '=', id)
      .execute()
  }
}
