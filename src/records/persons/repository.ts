import type { Kysely, Selectable, Transaction } from 'kysely'
import { statement } from '../../database/statement.ts'
import { lookup } from '../../database/together.ts'
import type { Database, PersonTable } from '../../database/schema.ts'
import type { FieldCrypto } from '../../database/field-crypto.ts'
import { certTypes, identifyDocument, type CertType } from '../../domain/identity/cert-type.ts'
import type { Level } from '../../domain/identity/assurance.ts'
import { newIdentifier } from '../../domain/identifier.ts'
import type { Person } from '../../domain/identity/person.ts'
import { computeNameIndexes } from './desk-index.ts'

type Db = Kysely<Database> | Transaction<Database>
type Row = Omit<
  Selectable<PersonTable>,
  'certNoIndex' | 'phoneIndex' | 'passwordChangedAt' | 'createdAt' | 'ethnicGroupEnc' | 'deskIndex' | 'lockedFrom'
>

/** The person and the stored password hash, which never leaves the login step. */
export interface StoredPerson extends Person {
  passwordHash: string | null
}

export const newPersonId = (): string => newIdentifier(16, 'per_')
export const newSub = (): string => newIdentifier(20)

/** Sensitive columns are decrypted when they are first read: most requests need one of them, or none. */
class Opened implements StoredPerson {
  readonly #crypto: FieldCrypto
  readonly #row: Row
  readonly #open = new Map<string, string | null>()

  constructor (crypto: FieldCrypto, row: Row) {
    this.#crypto = crypto
    this.#row = row
  }

  #column (column: string, value: string | null): string | null {
    let text = this.#open.get(column)
    if (text === undefined) {
      text = value === null ? null : this.#crypto.decrypt('person', column, this.#row.id, value)
      this.#open.set(column, text)
    }
    return text
  }

  get id (): string {
    return this.#row.id
  }

  get sub (): string {
    return this.#row.sub
  }

  get status (): Person['status'] {
    return this.#row.status
  }

  get name (): string {
    return this.#column('name_enc', this.#row.nameEnc) ?? ''
  }

  get nameBo (): string | null {
    return this.#column('name_bo_enc', this.#row.nameBoEnc)
  }

  get certType (): string {
    return this.#row.certType
  }

  get certNo (): string {
    return this.#column('cert_no_enc', this.#row.certNoEnc) ?? ''
  }

  get certValidFrom (): string | null {
    return this.#row.certValidFrom
  }

  get certValidTo (): string | null {
    return this.#row.certValidTo
  }

  get certTerm (): string | null {
    return this.#row.certTerm
  }

  get phone (): string | null {
    return this.#column('phone_enc', this.#row.phoneEnc)
  }

  get phoneVerifiedAt (): Date | null {
    return this.#row.phoneVerifiedAt
  }

  get email (): string | null {
    return this.#column('email_enc', this.#row.emailEnc)
  }

  get locale (): string | null {
    return this.#row.locale
  }

  get assuranceLevel (): Level {
    return this.#row.assuranceLevel as Level
  }

  get identityVerifiedAt (): Date | null {
    return this.#row.identityVerifiedAt
  }

  get faceVerifiedAt (): Date | null {
    return this.#row.faceVerifiedAt
  }

  get updatedAt (): Date {
    return this.#row.updatedAt
  }

  get passwordHash (): string | null {
    return this.#row.passwordHash
  }
}

const columns = `id, sub, status, name_enc, name_bo_enc, cert_type, cert_no_enc, cert_valid_from, cert_valid_to, cert_term,
  phone_enc, phone_verified_at, email_enc, locale, assurance_level, identity_verified_at, face_verified_at, updated_at, password_hash`

const byId = statement<[string], Row>('person by id', `select ${columns} from person where id = $1`)
const bySub = lookup<Row>(
  'person by sub',
  `select ${columns} from person where sub = any($1::text[])`,
  ({ sub }) => sub
)
const byCertNo = statement<[string[]], Row>(
  'person by cert no',
  `select ${columns} from person where cert_no_index = any($1::text[])`
)
const byPhone = statement<[string[]], Row>(
  'person by phone',
  `select ${columns} from person where phone_index = any($1::text[])`
)

const opened = (crypto: FieldCrypto, [row]: Row[]): StoredPerson | null =>
  row === undefined ? null : new Opened(crypto, row)

/** Blind index of a document number, the same for every spelling with the same normal form. */
export const certNoIndex = (crypto: FieldCrypto, certType: string, certNo: string): string =>
  crypto.blindIndex('person.cert_no', `${certType}:${certNo}`)

/**
 * Under every known key: what a look-up asks for. A resident number is also looked for under the other types, under
 * which it may be stored from former versions.
 */
export function certNoIndexes (crypto: FieldCrypto, certType: string, certNo: string): string[] {
  const document = identifyDocument(certType as CertType, certNo)
  const types = document.national ? certTypes : [certType]
  return types.flatMap((type) => crypto.blindIndexes('person.cert_no', `${type}:${document.certNo}`))
}

/** Blind index of a phone in E.164. */
export const phoneIndex = (crypto: FieldCrypto, phone: string): string => crypto.blindIndex('person.phone', phone)

/** The same under every known key: what a look-up asks for. */
export const phoneIndexes = (crypto: FieldCrypto, phone: string): string[] =>
  crypto.blindIndexes('person.phone', phone)

export async function personById (db: Db, crypto: FieldCrypto, id: string): Promise<StoredPerson | null> {
  return opened(crypto, await byId(db, id))
}

/** Identifier of the person with this subject; null: there is none. */
export async function findPersonIdBySub (db: Db, sub: string): Promise<string | null> {
  const row = await db.selectFrom('person').select('id').where('sub', '=', sub).executeTakeFirst()
  return row?.id ?? null
}

export async function personBySub (db: Db, crypto: FieldCrypto, sub: string): Promise<StoredPerson | null> {
  return opened(crypto, await bySub(db, sub))
}

export async function personByCertNo (
  db: Db,
  crypto: FieldCrypto,
  { certType, certNo }: { certType: string; certNo: string }
): Promise<StoredPerson | null> {
  return opened(crypto, await byCertNo(db, certNoIndexes(crypto, certType, certNo)))
}

export async function personByPhone (db: Db, crypto: FieldCrypto, phone: string): Promise<StoredPerson | null> {
  return opened(crypto, await byPhone(db, phoneIndexes(crypto, phone)))
}

export interface NewPerson {
  status: Person['status']
  name: string
  nameBo?: string
  certType: CertType
  certNo: string
  certValidFrom?: string
  certValidTo?: string | null
  certTerm?: string
  phone?: string
  /** The person entered a code that was sent there. */
  phoneVerifiedAt?: Date
  email?: string
  passwordHash?: string
  assuranceLevel?: Level
  faceVerifiedAt?: Date
  identityVerifiedAt?: Date
}

/** Inserts a person; throws a unique violation when number or phone belong to somebody already. */
export async function insertPerson (
  trx: Db,
  crypto: FieldCrypto,
  { person, id = newPersonId() }: { person: NewPerson; id?: string | undefined }
): Promise<{ id: string; sub: string }> {
  const seal = (column: string, value: string | undefined): string | null =>
    value === undefined ? null : crypto.encrypt('person', column, id, value)
  const sub = newSub()
  const { certType, certNo } = identifyDocument(person.certType, person.certNo)
  await trx
    .insertInto('person')
    .values({
      id,
      sub,
      status: person.status,
      nameEnc: seal('name_enc', person.name) ?? '',
      nameBoEnc: seal('name_bo_enc', person.nameBo),
      certType,
      certNoEnc: seal('cert_no_enc', certNo) ?? '',
      certNoIndex: certNoIndex(crypto, certType, certNo),
      deskIndex: computeNameIndexes(crypto, person),
      certValidFrom: person.certValidFrom ?? null,
      certValidTo: person.certValidTo ?? null,
      certTerm: person.certTerm ?? null,
      phoneEnc: seal('phone_enc', person.phone),
      phoneIndex: person.phone === undefined ? null : phoneIndex(crypto, person.phone),
      phoneVerifiedAt: person.phoneVerifiedAt ?? null,
      emailEnc: seal('email_enc', person.email),
      locale: null,
      passwordHash: person.passwordHash ?? null,
      passwordChangedAt: person.passwordHash === undefined ? null : new Date(),
      assuranceLevel: person.assuranceLevel ?? 1,
      faceVerifiedAt: person.faceVerifiedAt ?? null,
      identityVerifiedAt: person.identityVerifiedAt ?? null
    })
    .execute()
  return { id, sub }
}

/** Replaces an outdated hash (new parameters) unless the password was changed meanwhile. */
export async function replacePasswordHash (
  db: Db,
  { id, from, to }: { id: string; from: string; to: string }
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('person')
    .set({ passwordHash: to })
    .where('id', '=', id)
    .where('passwordHash', '=', from)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}
