/**
 * Finding people. What is typed is personal data: it comes in the body of a form and is never put into an address, log
 * or audit event.
 */
import { sql } from 'kysely'
import type { Act } from '../../domain/administration/administration.ts'
import { maskCertNo, maskName, maskPhone } from '../../domain/identity/masking.ts'
import { parseCertNo, onlineCertTypes, certTypes, type CertType } from '../../domain/identity/cert-type.ts'
import { parseName } from '../../domain/identity/person-name.ts'
import { parsePhone } from '../../domain/identity/phone-number.ts'
import type { PersonStatus } from '../../database/schema.ts'
import { inTransaction } from '../../database/transaction.ts'
import { shanghaiDate } from '../../ports/clock.ts'
import type { SupportDeps } from './deps.ts'
import { certNoIndexes, personIdsByDeskIndex, phoneIndexes } from '../../records/persons/index.ts'

/** A person in a list, masked. */
export interface PersonLine {
  id: string
  name: string
  certType: string
  certNo: string
  phone: string | null
  status: PersonStatus
  level: number
  createdAt: Date
}

export interface PersonSearch {
  /** Document number, phone, account id, subject identifier, or a name. */
  text: string
  /** Last four characters of the document number; only with a name. */
  lastFour: string
}

export type SearchKind = 'cert_no' | 'phone' | 'id' | 'name'

export type FoundPeople =
  | { ok: true; by: SearchKind; people: PersonLine[] }
  /** `last_four`: a name alone is not enough. */
  | { ok: false; code: 'required' | 'unreadable' | 'last_four' }

const columns = [
  'id',
  'nameEnc',
  'certType',
  'certNoEnc',
  'phoneEnc',
  'status',
  'assuranceLevel',
  'createdAt'
] as const
interface Row {
  id: string
  nameEnc: string
  certType: string
  certNoEnc: string
  phoneEnc: string | null
  status: PersonStatus
  assuranceLevel: number
  createdAt: Date
}

function findRoute (
  { crypto }: Pick<SupportDeps, 'crypto'>,
  { id, nameEnc, certNoEnc, phoneEnc, assuranceLevel, ...row }: Row
): PersonLine {
  const open = (column: string, value: string): string => crypto.decrypt('person', column, id, value)
  return {
    id,
    ...row,
    level: assuranceLevel,
    name: maskName(open('name_enc', nameEnc)),
    certNo: maskCertNo(open('cert_no_enc', certNoEnc)),
    phone: phoneEnc === null ? null : maskPhone(open('phone_enc', phoneEnc))
  }
}

type How =
  | { by: 'cert_no' | 'phone'; indexes: string[] }
  | { by: 'id'; id: string }
  | { by: 'name'; name: string; lastFour: string }

function read (
  { crypto, clock }: Pick<SupportDeps, 'crypto' | 'clock'>,
  { text, lastFour }: PersonSearch
): How | Extract<FoundPeople, { ok: false }>['code'] {
  const typed = text.normalize('NFKC').trim()
  if (typed === '' || typed.length > 200) return typed === '' ? 'required' : 'unreadable'
  if (/^per_[\w-]{22}$/.test(typed) || /^[\w-]{27}$/.test(typed)) return { by: 'id', id: typed }
  const phone = parsePhone(typed)
  if (phone.ok) return { by: 'phone', indexes: phoneIndexes(crypto, phone.value) }
  const last = lastFour.normalize('NFKC').trim().toUpperCase()
  const name = parseName(typed)
  if (name.ok && last !== '') {
    return /^[0-9A-Z]{4}$/.test(last) ? { by: 'name', name: name.value, lastFour: last } : 'last_four'
  }
  // a number may be one of several kinds of document: each kind has its own index
  const today = shanghaiDate(clock.now())
  const indexes = certTypes.flatMap((certType) => {
    const number = parseCertNo(certType, typed, today)
    return number.ok && (onlineCertTypes.includes(certType) || /\d/.test(number.value))
      ? certNoIndexes(crypto, certType satisfies CertType, number.value)
      : []
  })
  if (indexes.length > 0) return { by: 'cert_no', indexes }
  return name.ok ? 'last_four' : 'unreadable'
}

/**
 * At most 20, masked. The audit event has the kind of search and the number of results, never what was searched for.
 */
export async function findPeople (
  deps: Pick<SupportDeps, 'db' | 'crypto' | 'clock' | 'audit'>,
  act: Omit<Act, 'reason'>,
  search: PersonSearch
): Promise<FoundPeople> {
  const how = read(deps, search)
  if (typeof how === 'string') return { ok: false, code: how }
  const { db } = deps
  let query = db.selectFrom('person').select(columns).where('identityState', '=', 'established')
  switch (how.by) {
    case 'cert_no':
      query = query.where('certNoIndex', 'in', how.indexes)
      break
    case 'phone':
      query = query.where('phoneIndex', 'in', how.indexes)
      break
    case 'id':
      query = query.where(sql<boolean>`(id = ${how.id} or sub = ${how.id})`)
      break
    case 'name': {
      const ids = await personIdsByDeskIndex(db, { crypto: deps.crypto, ...how })
      query = query.where('id', 'in', ids.length === 0 ? [''] : ids)
    }
  }
  const rows = await query.orderBy('id').limit(20).execute()
  await inTransaction(db, async (trx) => {
    await deps.audit.record(trx, {
      type: 'person.searched',
      actor: act.actor,
      address: act.address,
      traceId: act.traceId,
      details: { by: how.by, found: rows.length }
    })
  })
  return { ok: true, by: how.by, people: rows.map((row) => findRoute(deps, row)) }
}

/** At most `limit` people, newest first, narrowed by status; `after` = id of the last one of the page before. */
export async function listPeople (
  deps: Pick<SupportDeps, 'db' | 'crypto'>,
  { status, after, limit = 50 }: { status?: PersonStatus | undefined; after?: string | undefined; limit?: number }
): Promise<PersonLine[]> {
  let query = deps.db.selectFrom('person').select(columns).where('identityState', '=', 'established')
  if (status !== undefined) query = query.where('status', '=', status)
  if (after !== undefined) {
    query = query.where(sql<boolean>`(created_at, id) < (select created_at, id from person l where l.id = ${after})`)
  }
  const rows = await query.orderBy('createdAt', 'desc').orderBy('id', 'desc').limit(limit).execute()
  return rows.map((row) => findRoute(deps, row))
}

/**
 * Other people with the same name and last four characters: perhaps one human being with two documents. Only shown;
 * nothing is merged.
 */
export async function findNamesakes (
  deps: Pick<SupportDeps, 'db' | 'crypto'>,
  personId: string
): Promise<PersonLine[]> {
  const rows = await deps.db
    .selectFrom('person')
    .select(columns)
    .where('id', '<>', personId)
    .where('identityState', '=', 'established')
    .where(
      sql<boolean>`desk_index && (select coalesce(own.desk_index, '{}') from person own where own.id = ${personId})`
    )
    .orderBy('id')
    .limit(5)
    .execute()
  return rows.map((row) => findRoute(deps, row))
}
