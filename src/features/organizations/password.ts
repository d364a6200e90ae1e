import { sql } from 'kysely'
import type { Proof } from '../../domain/login-attempt.ts'
import { presenceOf } from '../../domain/delegation.ts'
import type { Services } from '../../services.ts'
import { notify } from '../messages/index.ts'
import { lockOrganization } from './repository.ts'

export interface PasswordChange {
  organizationId: string
  /** Made by the caller, outside of any transaction (services.hasher). */
  passwordHash: string
  /** Who asks, with the consumed ticket's proofs. */
  personId: string
  ticketId: string
  proofs: Proof[]
  address?: string
  traceId?: string
}

/**
 * The organization's password, by its legal representative of this moment and nobody else, after scan + face (or a
 * counter code). Ends what an ex-agent knows; no session depends on it.
 */
export async function setOrganizationPassword (services: Pick<Services, 'db' | 'crypto' | 'audit'>, change: PasswordChange): Promise<{ ok: true } | { ok: false, code: 'not_legal_representative' | 'face_required' }> {
  const { organizationId, personId, address, traceId } = change
  return await services.db.transaction().execute(async (trx) => {
    const about = { type: 'organization.password-changed', personId, organizationId, address, traceId } as const
    const refused = async (code: 'not_legal_representative' | 'face_required') => {
      await services.audit.record(trx, { ...about, outcome: 'denied', reason: code })
      return { ok: false, code } as const
    }
    if (presenceOf(change.proofs, personId, change.ticketId) === null) return await refused('face_required')
    const organization = await lockOrganization(trx, organizationId)
    const row = await trx.updateTable('organization')
      .set({ passwordHash: change.passwordHash, passwordChangedAt: sql<Date>`now()`, passwordMustChange: false, updatedAt: sql<Date>`now()` })
      .where('id', '=', organizationId).where('legalRepresentativeId', '=', personId).where('status', 'in', ['active', 'pending'])
      .returning('id').executeTakeFirst()
    if (row === undefined) return await refused('not_legal_representative')
    await services.audit.record(trx, { ...about, role: 'legal_representative' })
    await notify(trx, services, { personId, kind: 'security-organization-password-changed', data: { organization: organization?.name ?? '', uscc: organization?.uscc ?? '' }, sms: true })
    return { ok: true }
  })
}
