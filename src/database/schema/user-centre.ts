/** Sessions of the user centre. */
import type { Timestamp } from './columns.ts'

export interface UserCentreLoginTable {
  stateHash: string
  browserHash: string
  nonce: string
  verifierEnc: string
  returnTo: string
  expiresAt: Timestamp
}

export interface UserCentreSessionTable {
  idHash: string
  browserHash: string
  personId: string
  clientSessionId: string
  createdAt: Timestamp
  expiresAt: Timestamp
}

/** Of one session: typed, not confirmed. */
export interface OrganizationPasswordDraftTable {
  sessionHash: string
  id: string
  organizationId: string
  passwordHash: string
  expiresAt: Timestamp
}

export interface UserCentreTables {
  userCentreLogin: UserCentreLoginTable
  userCentreSession: UserCentreSessionTable
  organizationPasswordDraft: OrganizationPasswordDraftTable
}
