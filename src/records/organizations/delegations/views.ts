import { sql } from 'kysely'
import { maskCertNo, maskName, maskPhone } from '../../../domain/identity/masking.ts'
import type { OrganizationsDeps } from '../deps.ts'
import type { Db } from '../repository.ts'
import type { DelegationView } from './types.ts'

/** Newest first; limited, because a list is for a page. */
const longest = 500

const query = (db: Db) =>
  db
    .selectFrom('delegation as d')
    .innerJoin('organization as o', 'o.id', 'd.organizationId')
    .innerJoin('person as p', 'p.id', 'd.agentId')
    .select([
      'd.id',
      'd.version',
      'd.organizationId',
      'o.name as organizationName',
      'o.uscc',
      'd.agentId',
      'd.state',
      'd.functions',
      'd.clientIds',
      'd.validFrom',
      'd.validTo',
      'd.digest',
      'd.reason',
      'd.createdAt',
      'd.submittedAt',
      'd.decidedAt',
      'd.endedAt',
      'p.nameEnc',
      'p.certNoEnc',
      'p.phoneEnc'
    ])

type Row = Awaited<ReturnType<ReturnType<typeof query>['execute']>>[number]

function toDelegationView (
  { crypto }: Pick<OrganizationsDeps, 'crypto'>,
  { nameEnc, certNoEnc, phoneEnc, ...row }: Row
): DelegationView {
  const open = (column: string, value: string): string => crypto.decrypt('person', column, row.agentId, value)
  return {
    ...row,
    agent: {
      maskedName: maskName(open('name_enc', nameEnc)),
      maskedCertNo: maskCertNo(open('cert_no_enc', certNoEnc)),
      maskedPhone: phoneEnc === null ? null : maskPhone(open('phone_enc', phoneEnc))
    }
  }
}

/** Without drafts: their agents are not verified yet. */
export async function listOfOrganization (
  deps: Pick<OrganizationsDeps, 'db' | 'crypto'>,
  organizationId: string
): Promise<DelegationView[]> {
  const rows = await query(deps.db)
    .where('d.organizationId', '=', organizationId)
    .where('d.state', '<>', 'draft')
    .orderBy('d.createdAt', 'desc')
    .orderBy('d.version', 'desc')
    .limit(longest)
    .execute()
  return rows.map((row) => toDelegationView(deps, row))
}

export async function listOfAgent (
  deps: Pick<OrganizationsDeps, 'db' | 'crypto'>,
  personId: string
): Promise<DelegationView[]> {
  const rows = await query(deps.db)
    .where('d.agentId', '=', personId)
    .orderBy('d.createdAt', 'desc')
    .orderBy('d.version', 'desc')
    .limit(longest)
    .execute()
  return rows.map((row) => toDelegationView(deps, row))
}

export interface DelegationSearch {
  organizationId?: string | undefined
  agentId?: string | undefined
  state?: string | undefined
  /** The last row of the page before. */
  after: { id: string; version: number } | null
  limit: number
}

/** One page for staff, newest first: of an organization (without drafts, as above), of an agent, or both. */
export async function listDelegations (
  deps: Pick<OrganizationsDeps, 'db' | 'crypto'>,
  { organizationId, agentId, state, after, limit }: DelegationSearch
): Promise<DelegationView[]> {
  let page = query(deps.db)
    .orderBy('d.createdAt', 'desc')
    .orderBy('d.id', 'desc')
    .orderBy('d.version', 'desc')
    .limit(limit)
  if (organizationId !== undefined) {
    page = page.where('d.organizationId', '=', organizationId).where('d.state', '<>', 'draft')
  }
  if (agentId !== undefined) page = page.where('d.agentId', '=', agentId)
  if (state !== undefined) page = page.where('d.state', '=', state as DelegationView['state'])
  // by the row and not by its time, because the database has more digits
  if (after !== null) {
    page = page.where(
      sql<boolean>`(d.created_at, d.id, d.version) < (select created_at, id, version from delegation
        where id = ${after.id} and version = ${after.version})`
    )
  }
  return (await page.execute()).map((row) => toDelegationView(deps, row))
}

/** The version in force, else the latest. */
export async function find (
  deps: Pick<OrganizationsDeps, 'db' | 'crypto'>,
  id: string
): Promise<DelegationView | null> {
  const row = await query(deps.db)
    .where('d.id', '=', id)
    .orderBy(sql`d.state in ('active', 'suspended')`, 'desc')
    .orderBy('d.version', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : toDelegationView(deps, row)
}
