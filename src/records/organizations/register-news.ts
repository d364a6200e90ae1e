/**
 * Changes of the company register: name, status, legal representative, each with a version that only grows. Changes may
 * come late or out of order; an older one than the stored one changes nothing.
 */
import { sql } from 'kysely'
import { isUniqueViolation } from '../../database/errors.ts'
import { inTransaction } from '../../database/transaction.ts'
import { isCertType, parseCertNo } from '../../domain/identity/cert-type.ts'
import { DomainError } from '../../domain/errors.ts'
import { parseName } from '../../domain/identity/person-name.ts'
import { shanghaiDate } from '../../ports/clock.ts'
import type { OrganizationsDeps } from './deps.ts'
import { refreshDigests } from './delegations/content.ts'
import { endDelegations } from './delegations/end.ts'
import { notify } from '../messages/index.ts'
import { insertPerson, personByCertNo } from '../persons/index.ts'
import { endContext } from './end-context.ts'
import type { LockedOrganization, Trx } from './repository.ts'
import { revokeTrustedBrowsers } from './trusted-browsers.ts'
import type { Organization } from './types.ts'

export interface RegisterPerson {
  certType: string
  certNo: string
  name: string
}

/** Absent members are unchanged since the previous version. A caller that missed changes sends the whole record. */
export interface RegisterChange {
  /** Normalized (domain/uscc). */
  uscc: string
  /** The register's own version of this record: a whole number that grows with each change. */
  version: number
  name?: string
  status?: 'active' | 'suspended' | 'dissolved'
  legalRepresentative?: RegisterPerson
  /** What the register said and could not be read: `member` or `member.part`. */
  faults?: readonly string[]
}

type ChangedMember = 'name' | 'status' | 'legal_representative'

export type RegisterChangeOutcome =
  /** `changed` may be empty: the register was asked, nothing changed. */
  | { outcome: 'applied'; organizationId: string; changed: ChangedMember[]; faults: string[] }
  | { outcome: 'outdated'; organizationId: string }
  | { outcome: 'unknown_organization' }

interface Applied {
  organizationId: string
  uscc: string
  type: string
  oldName: string
  name: string
  oldStatus: Organization['status']
  status: Organization['status']
  oldRepresentative: string | null
  representative: string | null
  oldFaults: string[]
  faults: string[]
}

/**
 * Applies changes, with everything that follows from them, in one transaction. Another legal representative suspends
 * all delegations, ends open approvals, the context of the former one and the browsers trusted for the organization's
 * password, and requires a new password. A suspended or dissolved organization loses everything. A representative whose
 * data cannot be read is nobody, with the same consequences, until the register says it again or staff decide; whatever
 * else the entry says applies.
 */
export async function applyRegisterChange (
  deps: OrganizationsDeps,
  news: RegisterChange
): Promise<RegisterChangeOutcome> {
  const known = await deps.db
    .selectFrom('organization')
    .select(['id', 'registerVersion'])
    .where('uscc', '=', news.uscc)
    .executeTakeFirst()
  if (known === undefined) return { outcome: 'unknown_organization' }
  // avoids creating a person for nothing; the statement below decides
  if (known.registerVersion >= news.version) return { outcome: 'outdated', organizationId: known.id }
  const faults = [...(news.faults ?? [])]
  let representative: string | null = null
  if (news.legalRepresentative !== undefined) {
    const read = await readRegisteredPerson(deps, news.legalRepresentative)
    if ('fault' in read) faults.push(`legal_representative.${read.fault}`)
    else representative = read.id
  }
  return await inTransaction(deps.db, async (trx) => {
    const row = await update(trx, news, { representative, faults })
    if (row === null) return { outcome: 'outdated', organizationId: known.id }
    const changed: ChangedMember[] = []
    if (row.name !== row.oldName) changed.push('name')
    if (row.status !== row.oldStatus) changed.push('status')
    if (row.representative !== row.oldRepresentative) changed.push('legal_representative')
    if (row.faults.length > 0 && row.faults.join() !== row.oldFaults.join()) {
      await deps.audit.record(trx, {
        type: 'organization.updated',
        actor: 'system',
        organizationId: row.organizationId,
        reason: 'register_unreadable',
        details: { faults: row.faults, version: news.version }
      })
    }
    if (changed.includes('name')) await renamed(deps, trx, { applied: row, version: news.version })
    if (changed.includes('legal_representative')) {
      await representativeChanged(deps, trx, { row, version: news.version })
    }
    if (changed.includes('status')) await statusChanged(deps, trx, { row, version: news.version })
    return { outcome: 'applied', organizationId: row.organizationId, changed, faults: row.faults }
  })
}

/**
 * The statement that decides: only a newer version is stored. An organization that is `pending`, or suspended by staff,
 * does not become active by a change in the register.
 */
async function update (
  trx: Trx,
  { uscc, version, name, status }: RegisterChange,
  { representative, faults }: { representative: string | null; faults: string[] }
): Promise<Applied | null> {
  const nobody = faults.some((fault) => readMember(fault) === 'legal_representative')
  // what this entry says nothing about stays as unreadable as it was
  const said = [
    ...(name === undefined ? [] : ['name']),
    ...(status === undefined ? [] : ['status']),
    ...(representative === null ? [] : ['legal_representative']),
    ...faults.map(readMember)
  ]
  const { rows } = await sql<Applied>`
    with before as (
      select id, name, status, legal_representative_id, register_version, register_faults, staff_hold from organization
        where uscc = ${uscc} for no key update)
    update organization o
       set register_version = ${version}, register_checked_at = now(), updated_at = now(),
           name = coalesce(${name ?? null}::text, b.name),
           status = case when ${status ?? null}::text is null or ((b.status = 'pending' or b.staff_hold)
             and ${status ?? null}::text = 'active') then b.status else ${status ?? null}::text end,
           legal_representative_id = case when ${nobody}::boolean then null
             else coalesce(${representative}::text, b.legal_representative_id) end,
           legal_representative_since = case when ${nobody}::boolean then null
             when coalesce(${representative}::text, b.legal_representative_id)
             is distinct from b.legal_representative_id
             then now() else o.legal_representative_since end,
           password_must_change = o.password_must_change or (o.password_hash is not null
             and b.legal_representative_id is not null and (${nobody}::boolean
               or coalesce(${representative}::text, b.legal_representative_id) <> b.legal_representative_id)),
           register_faults = array(
             select f from unnest(b.register_faults) f where not split_part(f, '.', 1) = any(${said}::text[]))
             || ${faults}::text[]
      from before b
     where o.id = b.id and b.register_version < ${version}
    returning o.id as organization_id, o.uscc, o.type, b.name as old_name, o.name, b.status as old_status, o.status,
              b.legal_representative_id as old_representative, o.legal_representative_id as representative,
              b.register_faults as old_faults, o.register_faults as faults`.execute(
      trx
    )
  return rows[0] ?? null
}

const readMember = (fault: string): string => fault.split('.')[0]!

const toLockedOrganization = ({
  organizationId: id,
  uscc,
  name,
  type,
  status,
  representative: legalRepresentativeId
}: Applied): LockedOrganization => ({ id, uscc, name, type, status, legalRepresentativeId })

async function renamed (
  deps: OrganizationsDeps,
  trx: Trx,
  { applied: { organizationId }, version }: { applied: Applied; version: number }
): Promise<void> {
  await deps.audit.record(trx, {
    type: 'organization.updated',
    actor: 'system',
    organizationId,
    reason: 'register',
    details: { fields: ['name'], version }
  })
  await refreshDigests(trx, deps, organizationId)
}

async function representativeChanged (
  deps: OrganizationsDeps,
  trx: Trx,
  { row, version }: { row: Applied; version: number }
): Promise<void> {
  const { organizationId, oldRepresentative, representative } = row
  await deps.audit.record(trx, {
    type: 'organization.representative-changed',
    personId: representative,
    organizationId,
    reason: 'register',
    details: { from: oldRepresentative, to: representative, version }
  })
  // the first one takes nothing from anybody
  if (oldRepresentative !== null) {
    await endContext(trx, deps, {
      contextId: `lr:${organizationId}`,
      about: { reason: 'legal_representative_changed' }
    })
    await endDelegations(trx, deps, {
      organization: toLockedOrganization(row),
      ending: {
        to: 'suspended',
        withdrawSubmitted: true,
        reason: 'legal_representative_changed',
        message: 'delegation-suspended'
      }
    })
    await revokeTrustedBrowsers(trx, { organizationId })
  }
  for (const personId of [oldRepresentative, representative]) {
    if (personId !== null) {
      await notify(trx, deps, {
        personId,
        kind: 'legal-representative-changed',
        data: { organization: row.name, uscc: row.uscc },
        sms: true
      })
    }
  }
}

async function statusChanged (
  deps: OrganizationsDeps,
  trx: Trx,
  { row, version }: { row: Applied; version: number }
): Promise<void> {
  const { organizationId, oldStatus, status, representative } = row
  const ends = status === 'dissolved' || status === 'suspended'
  const type =
    status === 'dissolved'
      ? 'organization.closed'
      : status === 'suspended'
        ? 'organization.suspended'
        : 'organization.resumed'
  await deps.audit.record(trx, {
    type,
    actor: 'system',
    organizationId,
    reason: 'register',
    details: { from: oldStatus, to: status, version }
  })
  if (!ends) return
  const reason = `organization_${status}` as const
  const message = `organization-${status}` as const
  await endContext(trx, deps, { contextId: `lr:${organizationId}`, about: { reason } })
  await endDelegations(trx, deps, {
    organization: toLockedOrganization(row),
    ending: {
      to: status === 'dissolved' ? 'revoked' : 'suspended',
      withdrawSubmitted: status === 'dissolved',
      reason,
      message
    }
  })
  await revokeTrustedBrowsers(trx, { organizationId })
  if (representative !== null) {
    await notify(trx, deps, {
      personId: representative,
      kind: message,
      data: { organization: row.name, uscc: row.uscc },
      sms: true
    })
  }
}

/**
 * The person whom the register names, by document number. An unknown person is created without password and at level 1;
 * scan, identity and face can then prove exactly that person. A name here never changes a known person.
 */
export async function registeredPerson (deps: OrganizationsDeps, person: RegisterPerson): Promise<string> {
  const read = await readRegisteredPerson(deps, person)
  if ('fault' in read) throw new DomainError('register_news')
  return read.id
}

/** The same, or a code for what cannot be read. A name is only read where the number names nobody known. */
async function readRegisteredPerson (
  deps: OrganizationsDeps,
  { certType, certNo, name }: RegisterPerson
): Promise<{ id: string } | { fault: string }> {
  if (!isCertType(certType)) return { fault: 'cert_type' }
  const number = parseCertNo(certType, certNo, shanghaiDate(deps.clock.now()))
  if (!number.ok) return { fault: `cert_no_${number.code.toLowerCase()}` }
  const known = await personByCertNo(deps.db, deps.crypto, { certType, certNo: number.value })
  if (known !== null) return { id: known.id }
  const read = parseName(name)
  if (!read.ok) return { fault: `name_${read.code.toLowerCase()}` }
  try {
    return await inTransaction(deps.db, async (trx) => {
      const { id } = await insertPerson(trx, deps.crypto, {
        person: {
          status: 'active',
          name: read.value,
          certType,
          certNo: number.value
        }
      })
      await deps.audit.record(trx, {
        type: 'person.created',
        actor: 'system',
        personId: id,
        reason: 'company_register'
      })
      return { id }
    })
  } catch (error) {
    // another process made the same person at the same time
    if (!isUniqueViolation(error, 'person_cert_no')) throw error
    const other = await personByCertNo(deps.db, deps.crypto, { certType, certNo: number.value })
    if (other === null) throw error
    return { id: other.id }
  }
}
