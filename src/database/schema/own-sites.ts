/** The sites of Kora itself: authorization requests under way, and sessions. */
import type { Generated } from 'kysely'
import type { NullableTimestamp, RequiredTimestamp, Timestamp } from './columns.ts'

export type OwnSiteName = 'console' | 'user-center'

export interface OwnSiteLoginTable {
  stateHash: string
  site: OwnSiteName
  browserHash: string
  nonce: string
  verifierEnc: string
  returnTo: string
  expiresAt: RequiredTimestamp
}

/** Of a person at the user center, of an administrator at the console. */
export interface OwnSiteSessionTable {
  idHash: string
  site: OwnSiteName
  browserHash: string
  browserLabel: string | null
  personId: string | null
  clientSessionId: string | null
  accountId: string | null
  method: 'passkey' | 'password' | null
  authenticatedAt: Timestamp
  createdAt: Timestamp
  /** Never later than `endsAt`. */
  expiresAt: RequiredTimestamp
  endsAt: NullableTimestamp
}

/** Unread since migration 0021; dropped one version later. */
export interface FormerLoginTable {
  stateHash: string
  browserHash: string
  nonce: string
  verifierEnc: string
  returnTo: string
  expiresAt: RequiredTimestamp
}

/** The same. */
export interface FormerUserCentreSessionTable {
  idHash: string
  browserHash: string
  personId: string
  clientSessionId: string
  createdAt: Timestamp
  expiresAt: RequiredTimestamp
}

/** The same. */
export interface FormerAdminSessionTable {
  idHash: string
  accountId: string
  browserHash: string
  browserLabel: string
  method: 'passkey' | 'password'
  authenticatedAt: Timestamp
  createdAt: Timestamp
  expiresAt: RequiredTimestamp
  endsAt: RequiredTimestamp
  totpNextEnc: Generated<string | null>
}

export interface OwnSitesTables {
  ownSiteLogin: OwnSiteLoginTable
  ownSiteSession: OwnSiteSessionTable
  userCentreLogin: FormerLoginTable
  userCentreSession: FormerUserCentreSessionTable
  adminLogin: FormerLoginTable
  adminSession: FormerAdminSessionTable
}
