/** Organizations and delegations as support sees them, and what staff may do to them. */
import { sql } from 'kysely'
import type { Act } from '../../domain/administration/administration.ts'
import { maskCertNo, maskName } from '../../domain/identity/masking.ts'
import { isCertType } from '../../domain/identity/cert-type.ts'
import { RegisterUnavailable, type CompanyAnswer, type CompanyRecord } from '../../ports/registry.ts'
import type { SupportDeps } from './deps.ts'
import {
  applyRegisterChange,
  createDelegations,
  type DelegationView,
  endByStaff,
  noteChecked,
  type Organization,
  organizationById,
  refuseApprovalByStaff,
  releaseOrganization,
  suspendOrganization
} from '../../records/organizations/index.ts'
import { personById } from '../../records/persons/index.ts'
import { toStamp, type ActOutcome } from './act.ts'

export interface OrganizationLine {
  id: string
  uscc: string
  name: string
  status: Organization['status']
  agents: number
  createdAt: Date
}

export interface OrganizationSearch {
  /** Code (exact), or part of the name. */ text?: string | undefined
  /** Only those whose newest entry in the register cannot be read whole. */
  unreadable?: boolean
  status?: Organization['status'] | undefined
  after?: string | undefined
  limit?: number
}

/** At most `limit`, newest first, with the number of agents in force; one query for a page. */
export async function listOrganizations (
  { db }: Pick<SupportDeps, 'db'>,
  { text = '', status, unreadable = false, after, limit = 50 }: OrganizationSearch
): Promise<OrganizationLine[]> {
  const typed = text.normalize('NFKC').replaceAll('\0', '').trim().slice(0, 100)
  let query = db
    .selectFrom('organization as o')
    .select([
      'o.id',
      'o.uscc',
      'o.name',
      'o.status',
      'o.createdAt',
      sql<number>`(select count(*) from delegation d where d.organization_id = o.id and d.state = 'active')`.as(
        'agents'
      )
    ])
  if (/^[0-9A-Za-z]{18}$/.test(typed)) query = query.where('o.uscc', '=', typed.toUpperCase())
  else if (typed !== '') query = query.where(sql<boolean>`strpos(o.name, ${typed}) > 0`)
  if (unreadable) query = query.where(sql<boolean>`o.register_faults <> '{}'`)
  if (status !== undefined) query = query.where('o.status', '=', status)
  if (after !== undefined) {
    query = query.where(
      sql<boolean>`(o.created_at, o.id) < (select created_at, id from organization l where l.id = ${after})`
    )
  }
  const rows = await query.orderBy('o.createdAt', 'desc').orderBy('o.id', 'desc').limit(limit).execute()
  return rows.map((row) => ({ ...row, agents: Number(row.agents) }))
}

export interface OrganizationDetail {
  id: string
  uscc: string
  name: string
  status: Organization['status']
  /** Suspended by staff. */
  held: boolean
  region: string | null
  createdAt: Date
  register: { version: number; checkedAt: Date | null; faults: string[] }
  passwordMustChange: boolean
  legalRepresentative: { id: string; name: string; certNo: string; since: Date | null } | null
  delegations: DelegationView[]
}

export async function organizationDetail (
  deps: Omit<SupportDeps, 'companies'>,
  id: string
): Promise<OrganizationDetail | null> {
  const row = await deps.db.selectFrom('organization').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined) return null
  const representative =
    row.legalRepresentativeId === null ? null : await personById(deps.db, deps.crypto, row.legalRepresentativeId)
  return {
    id,
    uscc: row.uscc,
    name: row.name,
    status: row.status,
    held: row.staffHold,
    region: row.registeredRegion,
    createdAt: row.createdAt,
    register: { version: row.registerVersion, checkedAt: row.registerCheckedAt, faults: row.registerFaults },
    passwordMustChange: row.passwordMustChange,
    legalRepresentative:
      representative === null
        ? null
        : {
            id: representative.id,
            name: maskName(representative.name),
            certNo: maskCertNo(representative.certNo),
            since: row.legalRepresentativeSince
          },
    delegations: await createDelegations(deps).listOfOrganization(id)
  }
}

export async function suspend (deps: SupportDeps, act: Act, id: string): Promise<ActOutcome> {
  const stamp = toStamp(act)
  if (await suspendOrganization(deps, stamp, id)) return 'done'
  return (await organizationById(deps.db, id)) === null ? 'unknown' : 'unchanged'
}

/** Asks the register first: an organization that is suspended or dissolved there does not become active here. */
export async function release (deps: SupportDeps, act: Act, id: string): Promise<ActOutcome | 'register_unavailable'> {
  const stamp = toStamp(act)
  const organization = await organizationById(deps.db, id)
  if (organization === null) return 'unknown'
  const record = await asked(deps, async () => await deps.companies.lookup(organization.uscc))
  if (record === null) return 'register_unavailable'
  return (await releaseOrganization(deps, {
    act: stamp,
    organizationId: id,
    active: !record.found || record.status === 'active'
  }))
    ? 'done'
    : 'unchanged'
}

export interface Recheck {
  found: boolean
  /** What was changed here because the register has a newer version. */
  changed: string[]
  /** Of the register, as it was shown. */
  name: string | null
  status: CompanyRecord['status'] | null
  /**
   * Whether the stored person is the legal representative in the register. Null: there is none, or the register does
   * not know.
   */
  legalRepresentative: boolean | null
}

/**
 * Asks the company register now, applies newer data (never another representative, who comes by the journal), and
 * reports differences. Never inside a transaction. @throws DomainError `reason_required`
 */
export async function recheck (
  deps: SupportDeps,
  act: Act,
  id: string
): Promise<{ outcome: 'checked'; result: Recheck } | { outcome: 'unknown' | 'register_unavailable' }> {
  const stamp = toStamp(act)
  const organization = await organizationById(deps.db, id)
  if (organization === null) return { outcome: 'unknown' }
  const { uscc } = organization
  const record = await asked(deps, async () => await deps.companies.lookup(uscc))
  if (record === null) return { outcome: 'register_unavailable' }
  const answer = await askAboutRepresentative(deps, organization, record)
  if (answer === undefined) return { outcome: 'register_unavailable' }
  // without the representative it would not be the whole record, and the journal's entry of this version would come too
  // late
  const whole =
    record.found && answer?.certain === true && answer.isLegalRepresentative && answer.version === record.version
  const news = whole
    ? await applyRegisterChange(deps, { uscc, version: record.version, name: record.name, status: record.status })
    : null
  const result: Recheck = {
    found: record.found,
    changed: news?.outcome === 'applied' ? news.changed : [],
    name: record.found ? record.name : null,
    status: record.found ? record.status : null,
    legalRepresentative: answer === null || !answer.certain ? null : answer.isLegalRepresentative
  }
  await noteChecked(deps, {
    act: stamp,
    organizationId: id,
    details: {
      found: result.found,
      changed: result.changed,
      status: result.status,
      legalRepresentative: result.legalRepresentative
    }
  })
  return { outcome: 'checked', result }
}

/** Null: nobody to ask about; undefined: the register did not answer. */
async function askAboutRepresentative (
  deps: SupportDeps,
  organization: Organization,
  record: CompanyRecord | { found: false }
): Promise<CompanyAnswer | null | undefined> {
  const person =
    organization.legalRepresentativeId === null
      ? null
      : await personById(deps.db, deps.crypto, organization.legalRepresentativeId)
  if (person === null || !record.found || !isCertType(person.certType)) return null
  const { certType, certNo, name } = person
  const answer = await asked(
    deps,
    async () =>
      await deps.companies.verify({
        uscc: organization.uscc,
        name: record.name,
        legalRepresentative: { certType, certNo, name }
      })
  )
  return answer ?? undefined
}

async function asked<T> (
  { companies, log }: Pick<SupportDeps, 'companies' | 'log'>,
  question: () => Promise<T>
): Promise<T | null> {
  try {
    return await question()
  } catch (error) {
    if (!(error instanceof RegisterUnavailable)) throw error
    log.warn({ register: companies.name }, 'company register unavailable')
    return null
  }
}

export const delegationActs = ['suspend', 'revoke'] as const
export type DelegationAct = (typeof delegationActs)[number]

/**
 * `refused`: something that is not for staff (approving in the legal representative's place); kept in the audit trail.
 */
export async function actOnDelegation (
  deps: Omit<SupportDeps, 'companies'>,
  { act, id, what }: { act: Act; id: string; what: string }
): Promise<ActOutcome | 'refused'> {
  const stamp = toStamp(act)
  const known = await deps.db.selectFrom('delegation').select('id').where('id', '=', id).limit(1).executeTakeFirst()
  if (known === undefined) return 'unknown'
  const chosen = delegationActs.find((one) => one === what)
  if (chosen === undefined) {
    await refuseApprovalByStaff(deps, id, stamp)
    return 'refused'
  }
  return (await endByStaff(deps, { id, to: chosen === 'suspend' ? 'suspended' : 'revoked', staffAct: stamp }))
    ? 'done'
    : 'unchanged'
}
