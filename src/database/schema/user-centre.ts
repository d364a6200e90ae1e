/** Sessions of the user center. */
import type { RequiredTimestamp, Timestamp } from './columns.ts'

export interface UserCentreLoginTable {
  stateHash: string
  browserHash: string
  nonce: string
  verifierEnc: string
  returnTo: string
  expiresAt: RequiredTimestamp
}

export interface UserCentreSessionTable {
  idHash: string
  browserHash: string
  personId: string
  clientSessionId: string
  createdAt: Timestamp
  expiresAt: RequiredTimestamp
}

/** Of one session: typed, not confirmed. */
export interface OrganizationPasswordDraftTable {
  sessionHash: string
  id: string
  organizationId: string
  passwordHash: string
  expiresAt: RequiredTimestamp
}

export interface UserCentreTables {
  userCentreLogin: UserCentreLoginTable
  userCentreSession: UserCentreSessionTable
  organizationPasswordDraft: OrganizationPasswordDraftTable
}
