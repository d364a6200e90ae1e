import { sql, type Kysely, type Selectable, type Transaction } from 'kysely'
import type { FieldCrypto } from '../../database/field-crypto.ts'
import type { Database, OrganizationTable } from '../../database/schema.ts'
import { newIdentifier } from '../../domain/identifier.ts'
import type { OrganizationFacts } from '../../domain/representation/representation.ts'
import type { Organization } from './types.ts'

export type Db = Kysely<Database> | Transaction<Database>
export type Trx = Transaction<Database>

export const newOrganizationId = (): string => newIdentifier(16, 'org_')

/**
 * 'YYYY-MM-DD' in Asia/Shanghai (no summer time) on the database clock; the days of delegations are compared with it.
 */
export const shanghaiToday = sql<string>`to_char((now() at time zone 'UTC') + interval '8 hours', 'YYYY-MM-DD')`

const columns = [
  'id',
  'uscc',
  'name',
  'type',
  'status',
  'registeredRegion',
  'legalRepresentativeId',
  'legalRepresentativeSince',
  'passwordMustChange',
  'passwordHash'
] as const

export type StoredOrganization = Organization & { passwordHash: string | null }

export async function organizationByUscc (db: Db, uscc: string): Promise<StoredOrganization | null> {
  return (await db.selectFrom('organization').select(columns).where('uscc', '=', uscc).executeTakeFirst()) ?? null
}

export async function organizationById (db: Db, id: string): Promise<StoredOrganization | null> {
  return (await db.selectFrom('organization').select(columns).where('id', '=', id).executeTakeFirst()) ?? null
}

export interface NewOrganization {
  /** Normalized (domain/uscc). */
  uscc: string
  name: string
  status: Organization['status']
  /** 54xxxx, of the account; not the region within the code. */
  registeredRegion?: string
  /** E.164 */
  phone?: string
  passwordHash?: string
  legalRepresentativeId?: string
  /** Version of these data in the register; 0 = never checked. */
  registerVersion?: number
}

/** Inserts an organization; throws a unique violation when the code exists already. */
export async function insertOrganization (
  trx: Db,
  {
    crypto,
    organization,
    id = newOrganizationId()
  }: { crypto: Pick<FieldCrypto, 'encrypt'>; organization: NewOrganization; id?: string | undefined }
): Promise<{ id: string }> {
  const {
    uscc,
    name,
    status,
    registeredRegion,
    phone,
    passwordHash,
    legalRepresentativeId,
    registerVersion = 0
  } = organization
  await trx
    .insertInto('organization')
    .values({
      id,
      uscc,
      name,
      type: uscc.slice(0, 2),
      status,
      registeredRegion: registeredRegion ?? null,
      phoneEnc: phone === undefined ? null : crypto.encrypt('organization', 'phone_enc', id, phone),
      passwordHash: passwordHash ?? null,
      passwordChangedAt: passwordHash === undefined ? null : sql<Date>`now()`,
      legalRepresentativeId: legalRepresentativeId ?? null,
      legalRepresentativeSince: legalRepresentativeId === undefined ? null : sql<Date>`now()`,
      registerVersion,
      registerCheckedAt: registerVersion === 0 ? null : sql<Date>`now()`
    })
    .execute()
  return { id }
}

export type LockedOrganization = OrganizationFacts & Pick<Selectable<OrganizationTable>, 'legalRepresentativeId'>

const lockColumns = ['id', 'uscc', 'name', 'type', 'status', 'legalRepresentativeId'] as const

/**
 * Every change of an organization's people locks its row first: two such acts run one after another, see each other's
 * outcome, and cannot deadlock.
 */
export async function lockOrganization (trx: Trx, id: string): Promise<LockedOrganization | null> {
  return (
    (await trx
      .selectFrom('organization')
      .select(lockColumns)
      .where('id', '=', id)
      .forNoKeyUpdate()
      .executeTakeFirst()) ?? null
  )
}

/** `lockOrganization` of a delegation (any version). */
export async function lockOrganizationByDelegation (
  trx: Trx,
  delegationId: string
): Promise<LockedOrganization | null> {
  return (
    (await trx
      .selectFrom('organization')
      .select(lockColumns)
      .where('id', '=', (query) =>
        query.selectFrom('delegation').select('organizationId').where('delegation.id', '=', delegationId).limit(1)
      )
      .forNoKeyUpdate()
      .executeTakeFirst()) ?? null
  )
}

/** Replaces an outdated hash (new parameters) unless the password was changed meanwhile. */
export async function replaceOrganizationPasswordHash (
  db: Db,
  { id, from, to }: { id: string; from: string; to: string }
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('organization')
    .set({ passwordHash: to })
    .where('id', '=', id)
    .where('passwordHash', '=', from)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}
