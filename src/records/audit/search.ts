import { sql, type Kysely } from 'kysely'
import type { Database } from '../../database/schema.ts'
import { isGenuine, rowColumns, type AuditRow } from './canonical.ts'
import type { FieldCrypto } from '../../database/field-crypto.ts'
import type { AuditOutcome } from './events.ts'

/** What to look for; everything given must fit. */
export interface AuditFilters {
  from?: Date | undefined
  /** Not included. */
  to?: Date | undefined
  actor?: string | undefined
  personId?: string | undefined
  organizationId?: string | undefined
  clientId?: string | undefined
  /** A name of the catalogue, or the beginning of names up to a dot (`delegation.`). */
  type?: string | undefined
  outcome?: AuditOutcome | undefined
  traceId?: string | undefined
  /** Result of `addressPattern`. */
  address?: string | undefined
}

export interface FoundEvent extends AuditRow {
  at: Date
  /** Place in the chain; null until sealed. */
  sequence: number | null
  /** Whether content and MAC agree: false = changed after it was recorded. */
  genuine: boolean
}

const equalities = {
  actor: 'actor',
  personId: 'person_id',
  organizationId: 'organization_id',
  clientId: 'client_id',
  outcome: 'outcome',
  traceId: 'trace_id'
} as const

const maxLimit = 5001

const like = (text: string): string => text.replaceAll(/[\\%_]/g, '\\$&') + '%'

/**
 * Events that fit, newest first.
 *
 * @param page before: id of the last event of the page before (null: from the newest); limit: at most 5001
 */
export async function searchAudit (
  db: Kysely<Database>,
  {
    crypto,
    filters,
    page
  }: { crypto: Pick<FieldCrypto, 'verifyMac'>; filters: AuditFilters; page: { before: number | null; limit: number } }
): Promise<FoundEvent[]> {
  const where = [sql`true`]
  if (filters.from !== undefined) where.push(sql`at >= ${filters.from}`)
  if (filters.to !== undefined) where.push(sql`at < ${filters.to}`)
  for (const [name, column] of Object.entries(equalities)) {
    const value = filters[name as keyof typeof equalities]
    if (value !== undefined) where.push(sql`${sql.ref(column)} = ${value}`)
  }
  if (filters.type !== undefined) {
    where.push(filters.type.endsWith('.') ? sql`type like ${like(filters.type)}` : sql`type = ${filters.type}`)
  }
  if (filters.address !== undefined) where.push(sql`address like ${filters.address}`)
  // the order of the time index; ids alone would read everything that is newer than the range
  if (page.before !== null) where.push(sql`(at, id) < (select at, id from audit_event where id = ${page.before})`)
  const { rows } = await sql<Omit<FoundEvent, 'genuine'>>`select ${sql.raw(rowColumns)}, at, sequence from audit_event
    where ${sql.join(where, sql` and `)} order by audit_event.at desc, id desc
      limit ${Math.min(page.limit, maxLimit)}`.execute(db)
  return rows.map((row) => ({ ...row, genuine: isGenuine(crypto, row) }))
}

/** One event by its id. */
export async function findAuditEvent (
  db: Kysely<Database>,
  crypto: Pick<FieldCrypto, 'verifyMac'>,
  id: number
): Promise<FoundEvent | null> {
  const {
    rows: [row]
  } = await sql<
    Omit<FoundEvent, 'genuine'>
  >`select ${sql.raw(rowColumns)}, at, sequence from audit_event where id = ${id}`.execute(db)
  return row === undefined ? null : { ...row, genuine: isGenuine(crypto, row) }
}

/**
 * What an address or network typed by a person means, as a pattern of stored addresses; null: neither.
 * IPv4: whole numbers (`10.1`, `10.1.`, `10.1.0.0/16`, `10.1.2.3`); IPv6: as it is stored, up to a colon (`2001:db8:`).
 */
export function addressPattern (text: string): string | null {
  const [address = '', bits] = text.trim().toLowerCase().split('/')
  if (/^\d{1,3}(\.\d{1,3}){0,3}\.?$/.test(address)) {
    const numbers = address.split('.').filter(Boolean)
    const given =
      bits === undefined ? numbers.length : numbers.length === 4 ? { 8: 1, 16: 2, 24: 3, 32: 4 }[bits] : undefined
    if (given === undefined || numbers.some((number) => Number(number) > 255)) return null
    return numbers.slice(0, given).join('.') + (given === 4 ? '' : '.%')
  }
  if (bits !== undefined || !/^[0-9a-f]{1,4}:[0-9a-f:.]{0,40}$/.test(address)) return null
  return address.endsWith(':') ? `${address}%` : address
}
