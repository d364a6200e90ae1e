import type { Kysely, Selectable, Transaction } from 'kysely'
import { randomBytes } from 'node:crypto'
import type { Database, PersonTable } from '../../database/schema.ts'
import type { FieldCrypto } from '../../database/field-crypto.ts'
import type { Level } from '../../domain/assurance.ts'
import type { Person } from '../../domain/person.ts'

type Db = Kysely<Database> | Transaction<Database>
type Row = Selectable<PersonTable>

/** The person and the stored password hash, which never leaves the login step. */
export interface StoredPerson extends Person { passwordHash: string | null }

export const newPersonId = (): string => `per_${randomBytes(16).toString('base64url')}`
export const newSub = (): string => randomBytes(20).toString('base64url')

const decrypted = (crypto: FieldCrypto, row: Row): StoredPerson => {
  const open = (column: string, value: string | null): string | null =>
    value === null ? null : crypto.decrypt('person', column, row.id, value)
  return {
    id: row.id,
    sub: row.sub,
    status: row.status,
    name: open('name_enc', row.nameEnc) ?? '',
    nameBo: open('name_bo_enc', row.nameBoEnc),
    certType: row.certType,
    certNo: open('cert_no_enc', row.certNoEnc) ?? '',
    certValidFrom: row.certValidFrom,
    certValidTo: row.certValidTo,
    certTerm: row.certTerm,
    phone: open('phone_enc', row.phoneEnc),
    email: open('email_enc', row.emailEnc),
    locale: row.locale,
    assuranceLevel: row.assuranceLevel as Level,
    identityVerifiedAt: row.identityVerifiedAt,
    faceVerifiedAt: row.faceVerifiedAt,
    updatedAt: row.updatedAt,
    passwordHash: row.passwordHash
  }
}

/** Blind index of a document number, the same for every spelling of it that normalises alike. */
export const certNoIndex = (crypto: FieldCrypto, certType: string, certNo: string): string =>
  crypto.blindIndex('person.cert_no', `${certType}:${certNo}`)

/** Blind index of a phone in E.164. */
export const phoneIndex = (crypto: FieldCrypto, phone: string): string =>
  crypto.blindIndex('person.phone', phone)

export async function personById (db: Db, crypto: FieldCrypto, id: string): Promise<StoredPerson | null> {
  const row = await db.selectFrom('person').selectAll().where('id', '=', id).executeTakeFirst()
  return row ? decrypted(crypto, row) : null
}

export async function personBySub (db: Db, crypto: FieldCrypto, sub: string): Promise<StoredPerson | null> {
  const row = await db.selectFrom('person').selectAll().where('sub', '=', sub).executeTakeFirst()
  return row ? decrypted(crypto, row) : null
}

export async function personByCertNo (db: Db, crypto: FieldCrypto, certType: string, certNo: string): Promise<StoredPerson | null> {
  const row = await db.selectFrom('person').selectAll()
    .where('certNoIndex', '=', certNoIndex(crypto, certType, certNo)).executeTakeFirst()
  return row ? decrypted(crypto, row) : null
}

export async function personByPhone (db: Db, crypto: FieldCrypto, phone: string): Promise<StoredPerson | null> {
  const row = await db.selectFrom('person').selectAll()
    .where('phoneIndex', '=', phoneIndex(crypto, phone)).executeTakeFirst()
  return row ? decrypted(crypto, row) : null
}

export interface NewPerson {
  status: Person['status']
  name: string
  nameBo?: string
  certType: string
  certNo: string
  certValidFrom?: string
  certValidTo?: string | null
  certTerm?: string
  phone?: string
  email?: string
  passwordHash?: string
  assuranceLevel?: Level
  faceVerifiedAt?: Date
  identityVerifiedAt?: Date
}

/** Insert a person; throws a unique violation when number or phone already belong to somebody. */
export async function insertPerson (trx: Db, crypto: FieldCrypto, person: NewPerson, id = newPersonId()): Promise<{ id: string, sub: string }> {
  const seal = (column: string, value: string | undefined): string | null =>
    value === undefined ? null : crypto.encrypt('person', column, id, value)
  const sub = newSub()
  await trx.insertInto('person').values({
    id,
    sub,
    status: person.status,
    nameEnc: seal('name_enc', person.name) ?? '',
    nameBoEnc: seal('name_bo_enc', person.nameBo),
    certType: person.certType,
    certNoEnc: seal('cert_no_enc', person.certNo) ?? '',
    certNoIndex: certNoIndex(crypto, person.certType, person.certNo),
    certValidFrom: person.certValidFrom ?? null,
    certValidTo: person.certValidTo ?? null,
    certTerm: person.certTerm ?? null,
    phoneEnc: seal('phone_enc', person.phone),
    phoneIndex: person.phone === undefined ? null : phoneIndex(crypto, person.phone),
    emailEnc: seal('email_enc', person.email),
    locale: null,
    passwordHash: person.passwordHash ?? null,
    passwordChangedAt: person.passwordHash === undefined ? null : new Date(),
    assuranceLevel: person.assuranceLevel ?? 1,
    faceVerifiedAt: person.faceVerifiedAt ?? null,
    identityVerifiedAt: person.identityVerifiedAt ?? null
  }).execute()
  return { id, sub }
}

/** Replace an outdated hash (new parameters) unless the password was changed meanwhile. */
export async function replacePasswordHash (db: Db, id: string, from: string, to: string): Promise<void> {
  await db.updateTable('person').set({ passwordHash: to }).where('id', '=', id).where('passwordHash', '=', from).execute()
}
