import { sql } from 'kysely'
import type { Proof } from '../../domain/login/next-step.ts'
import { findPresence } from '../../domain/representation/delegation.ts'
import type { OrganizationsDeps } from './deps.ts'
import { notify } from '../messages/index.ts'
import { lockOrganization, type Trx } from './repository.ts'
import { revokeTrustedBrowsers } from './trusted-browsers.ts'

export interface PasswordChange {
  organizationId: string
  /** Made by the caller, outside of any transaction (deps.hasher). */
  passwordHash: string
  /** The person who asks, with the proofs of the consumed ticket. */
  personId: string
  ticketId: string
  proofs: Proof[]
  address?: string
  traceId?: string
}

/**
 * Sets the password of an organization, by its present legal representative only, after scan and face (or an in-person
 * code). Ends what a former agent knows, and the browsers that stood for somebody behind the old password; no session
 * depends on it. The legal representative and everybody who uses the password are notified.
 */
export async function setOrganizationPassword (
  trx: Trx,
  deps: Pick<OrganizationsDeps, 'crypto' | 'audit'>,
  change: PasswordChange
): Promise<{ ok: true } | { ok: false; code: 'not_legal_representative' | 'face_required' }> {
  const { organizationId, personId, address, traceId } = change
  const about = { type: 'organization.password-changed', personId, organizationId, address, traceId } as const
  const refused = async (code: 'not_legal_representative' | 'face_required') => {
    await deps.audit.record(trx, { ...about, outcome: 'denied', reason: code })
    return { ok: false, code } as const
  }
  if (findPresence(change.proofs, personId, change.ticketId) === null) return await refused('face_required')
  const organization = await lockOrganization(trx, organizationId)
  const row = await trx
    .updateTable('organization')
    .set({
      passwordHash: change.passwordHash,
      passwordChangedAt: sql<Date>`now()`,
      passwordMustChange: false,
      updatedAt: sql<Date>`now()`
    })
    .where('id', '=', organizationId)
    .where('legalRepresentativeId', '=', personId)
    .where('status', 'in', ['active', 'pending'])
    .returning('id')
    .executeTakeFirst()
  if (row === undefined) return await refused('not_legal_representative')
  const browsers = await revokeTrustedBrowsers(trx, { organizationId })
  await deps.audit.record(trx, {
    ...about,
    role: 'legal_representative',
    details: { ticketId: change.ticketId, browsers }
  })
  const agents = await trx
    .selectFrom('delegation')
    .select('agentId')
    .where('organizationId', '=', organizationId)
    .where('state', '=', 'active')
    .execute()
  const data = { organization: organization?.name ?? '', uscc: organization?.uscc ?? '' }
  for (const told of new Set([personId, ...agents.map(({ agentId }) => agentId)])) {
    await notify(trx, deps, { personId: told, kind: 'security-organization-password-changed', data, sms: true })
  }
  return { ok: true }
}
