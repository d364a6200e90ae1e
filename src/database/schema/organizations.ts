/** Organizations, the people who act for them, and their registration. */
import type { ColumnType, Generated } from 'kysely'
import type { DelegationState } from '../../domain/representation/delegation.ts'
import type { NullableTimestamp, RequiredTimestamp, Timestamp } from './columns.ts'

export interface OrganizationTable {
  id: string
  uscc: string
  name: string
  type: string
  status: 'pending' | 'active' | 'suspended' | 'dissolved'
  registeredRegion: string | null
  phoneEnc: string | null
  passwordHash: string | null
  passwordChangedAt: NullableTimestamp
  passwordMustChange: Generated<boolean>
  legalRepresentativeId: string | null
  legalRepresentativeSince: NullableTimestamp
  registerVersion: Generated<number>
  registerCheckedAt: NullableTimestamp
  /** What could not be read in the newest entry of the register. */
  registerFaults: Generated<string[]>
  createdAt: Timestamp
  updatedAt: Timestamp
  /** Suspended by staff, independent of the register. */
  staffHold: Generated<boolean>
}

export interface DelegationTable {
  id: string
  version: number
  organizationId: string
  agentId: string
  state: DelegationState
  functions: ColumnType<string[] | null, string | null | undefined, string | null>
  clientIds: ColumnType<string[] | null, string | null | undefined, string | null>
  validFrom: string
  validTo: string
  digest: string | null
  createdBy: string
  approverId: string | null
  approvalTicketId: string | null
  faceCheckId: string | null
  reason: string | null
  createdAt: Timestamp
  submittedAt: NullableTimestamp
  decidedAt: NullableTimestamp
  endedAt: NullableTimestamp
}

export interface TrustedBrowserTable {
  personId: string
  organizationId: string
  browserHash: string
  createdAt: Timestamp
  expiresAt: RequiredTimestamp
  revokedAt: NullableTimestamp
}

export interface RepresentationChoiceTable {
  personId: string
  clientId: string
  contextId: string
  chosenAt: Timestamp
}

export type ReviewState = 'waiting' | 'accepted' | 'refused' | 'returned'

export interface RegistrationTable {
  id: string
  browserHash: string
  applicant: 'legal_representative' | 'agent'
  state: 'draft' | 'verifying' | 'verified' | 'completed' | 'abandoned'
  dataEnc: string | null
  organizationId: string | null
  personId: string | null
  delegationId: string | null
  createdAt: Timestamp
  updatedAt: Timestamp
  expiresAt: RequiredTimestamp
  number: ColumnType<string | null, string | null | undefined, string | null>
  /** Null: the register could decide. */
  review: ColumnType<ReviewState | null, ReviewState | null | undefined, ReviewState | null>
  reviewedAt: NullableTimestamp
  reviewedBy: ColumnType<string | null, string | null | undefined, string | null>
  reviewReason: ColumnType<string | null, string | null | undefined, string | null>
}

export interface RegisterJournalTable {
  register: string
  position: number | null
  turnAt: Timestamp
}

export interface OrganizationsTables {
  organization: OrganizationTable
  delegation: DelegationTable
  trustedBrowser: TrustedBrowserTable
  representationChoice: RepresentationChoiceTable
  registration: RegistrationTable
  registerJournal: RegisterJournalTable
}
