/** What the user center keeps for a session. */
import type { RequiredTimestamp } from './columns.ts'

/** Of one session: typed, not confirmed. */
export interface OrganizationPasswordDraftTable {
  sessionHash: string
  id: string
  organizationId: string
  passwordHash: string
  expiresAt: RequiredTimestamp
}

export interface UserCentreTables {
  organizationPasswordDraft: OrganizationPasswordDraftTable
}
