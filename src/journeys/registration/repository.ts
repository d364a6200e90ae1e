import { randomInt } from 'node:crypto'
import { sql, type Kysely, type Selectable, type Transaction } from 'kysely'
import type { Database, RegistrationTable, ReviewState } from '../../database/schema.ts'
import { newIdentifier } from '../../domain/identifier.ts'
import {
  emptyDraft,
  type Applicant,
  type Draft,
  type RegistrationState
} from '../../domain/representation/registration.ts'
import type { RegistrationDeps } from './deps.ts'

export type Db = Kysely<Database> | Transaction<Database>
export type Trx = Transaction<Database>
type Sealer = Pick<RegistrationDeps, 'crypto'>

/** Hours in which a draft may be gone on with. */
export const draftHours = 24

export interface Registration {
  id: string
  browserHash: string
  applicant: Applicant
  state: RegistrationState
  draft: Draft
  organizationId: string | null
  personId: string | null
  delegationId: string | null
  number: string | null
  review: ReviewState | null
  expired: boolean
}

export const isRegistrationId = (id: string): boolean => /^reg_[\w-]{22}$/.test(id)

export const columns = [
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
  sql<boolean>`expires_at <= now()`.as('expired')
] as const
type Row = Pick<
  Selectable<RegistrationTable>,
  | 'id'
  | 'browserHash'
  | 'applicant'
  | 'state'
  | 'dataEnc'
  | 'organizationId'
  | 'personId'
  | 'delegationId'
  | 'number'
  | 'review'
> & { expired: boolean }

export const opened = ({ crypto }: Sealer, { dataEnc, ...row }: Row): Registration => ({
  ...row,
  draft:
    dataEnc === null ? emptyDraft : (JSON.parse(crypto.decrypt('registration', 'data_enc', row.id, dataEnc)) as Draft)
})

/** The data for the decision of staff: the draft as it was sent, with the password's hash. */
export const sealed = ({ crypto }: Sealer, id: string, draft: object): string =>
  crypto.encrypt('registration', 'data_enc', id, JSON.stringify(draft))

export async function insertRegistration (
  db: Db,
  deps: Sealer,
  { browserHash, applicant }: { browserHash: string; applicant: Applicant }
): Promise<string> {
  const id = newIdentifier(16, 'reg_')
  await db
    .insertInto('registration')
    .values({
      id,
      browserHash,
      applicant,
      state: 'draft',
      dataEnc: sealed(deps, id, emptyDraft),
      expiresAt: sql<Date>`now() + make_interval(hours => ${draftHours})`
    })
    .execute()
  return id
}

/** Null for an unknown id and for another browser's: the same answer. */
export async function findRegistration (
  db: Db,
  { deps, id, browserHash }: { deps: Sealer; id: string; browserHash: string }
): Promise<Registration | null> {
  if (!isRegistrationId(id)) return null
  const row = await db
    .selectFrom('registration')
    .select(columns)
    .where('id', '=', id)
    .where('browserHash', '=', browserHash)
    .executeTakeFirst()
  return row === undefined ? null : opened(deps, row)
}

/** The newest application of this browser that can be continued. */
export async function openRegistration (db: Db, deps: Sealer, browserHash: string): Promise<Registration | null> {
  const row = await db
    .selectFrom('registration')
    .select(columns)
    .where('browserHash', '=', browserHash)
    .where('state', 'in', ['draft', 'verifying', 'verified'])
    .where('expiresAt', '>', sql<Date>`now()`)
    .orderBy('createdAt', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : opened(deps, row)
}

interface ChangeRegistrationInput {
  deps: Sealer
  registration: Pick<Registration, 'id' | 'browserHash'>
  from: readonly RegistrationState[]
  change: (registration: Registration) => { draft: Draft; state: RegistrationState; personId?: string | null }
}

/**
 * Changes an application that is in one of `from`, with its row locked: two windows run one after another and see each
 * other's sections. Null = it is in another state, or has ended.
 */
export async function changeRegistration (
  trx: Trx,
  { deps, registration: { id, browserHash }, from, change }: ChangeRegistrationInput
): Promise<Registration | null> {
  const row = await trx
    .selectFrom('registration')
    .select(columns)
    .where('id', '=', id)
    .where('browserHash', '=', browserHash)
    .where('state', 'in', from)
    .where('expiresAt', '>', sql<Date>`now()`)
    .forUpdate()
    .executeTakeFirst()
  if (row === undefined) return null
  const before = opened(deps, row)
  const { draft, state, personId = before.personId } = change(before)
  await trx
    .updateTable('registration')
    .set({ dataEnc: sealed(deps, id, draft), state, personId, updatedAt: sql<Date>`now()` })
    .where('id', '=', id)
    .execute()
  return { ...before, draft, state, personId }
}

export interface Completion {
  organizationId: string | null
  personId: string
  /** Kept for staff when they must look at it (90 days); null = nothing is kept. */
  keep: object | null
}

interface CompleteRegistrationInput {
  deps: Sealer
  registration: Pick<Registration, 'id' | 'browserHash'>
  today: string
  completion: Completion
}

/** verified → completed, once. Null = somebody was faster. People quote the number on the telephone. */
export async function completeRegistration (
  trx: Trx,
  {
    deps,
    registration: { id, browserHash },
    today,
    completion: { organizationId, personId, keep }
  }: CompleteRegistrationInput
): Promise<string | null> {
  const number = `${today.replaceAll('-', '')}${String(randomInt(0, 1_000_000)).padStart(6, '0')}`
  const row = await trx
    .updateTable('registration')
    .set({
      state: 'completed',
      number,
      organizationId,
      personId,
      dataEnc: keep === null ? null : sealed(deps, id, keep),
      review: keep === null ? null : 'waiting',
      updatedAt: sql<Date>`now()`,
      expiresAt: sql<Date>`now() + make_interval(days => ${keep === null ? 365 : 90})`
    })
    .where('id', '=', id)
    .where('browserHash', '=', browserHash)
    .where('state', '=', 'verified')
    .where('expiresAt', '>', sql<Date>`now()`)
    .returning('number')
    .executeTakeFirst()
  return row?.number ?? null
}
