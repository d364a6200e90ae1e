/** Administrators, changes that wait for a second one, and settings. */
import type { ColumnType, Generated } from 'kysely'
import type { AdminRole } from '../../domain/administration/administration.ts'
import type { Json, NullableTimestamp, RequiredTimestamp, Timestamp } from './columns.ts'

export interface AdminAccountTable {
  id: string
  loginName: string
  displayName: string
  role: AdminRole
  status: 'invited' | 'active' | 'disabled'
  passwordHash: string | null
  totpSecretEnc: string | null
  totpLastStep: Generated<number>
  createdBy: string
  createdAt: Timestamp
  updatedAt: Timestamp
  lastSignInAt: NullableTimestamp
}

export interface AdminCredentialTable {
  id: string
  accountId: string
  publicKey: string
  signCount: Generated<number>
  transports: Json<string[]>
  label: string
  createdAt: Timestamp
  lastUsedAt: NullableTimestamp
}

export interface AdminCeremonyTable {
  challenge: string
  browserHash: string
  purpose: 'sign-in' | 'enrol' | 'again'
  accountId: string | null
  expiresAt: RequiredTimestamp
}

export interface AdminBootstrapTable {
  tokenHash: string
  purpose: 'bootstrap' | 'invitation' | 'reset'
  role: AdminRole
  accountId: string | null
  totpSecretEnc: string | null
  createdBy: string
  createdAt: Timestamp
  expiresAt: RequiredTimestamp
  usedAt: NullableTimestamp
  codeMac: Generated<string | null>
  codeTriesLeft: Generated<number>
  codeBrowserHash: Generated<string | null>
}

/** Of one session of the console: shown, not confirmed. */
export interface AdminTotpDraftTable {
  sessionHash: string
  secretEnc: string
}

export type ApprovalState = 'pending' | 'approved' | 'rejected' | 'withdrawn' | 'expired' | 'superseded'

export interface PendingChangeTable {
  id: string
  kind: string
  payloadEnc: string
  digest: string
  subject: string
  reason: string
  requestedBy: string
  approvers: AdminRole[]
  state: ApprovalState
  decidedBy: string | null
  decisionReason: string | null
  createdAt: Timestamp
  expiresAt: RequiredTimestamp
  decidedAt: NullableTimestamp
  vouchedBy: Generated<string | null>
  vouchedReason: Generated<string | null>
  vouchedAt: NullableTimestamp
  subjectRow: Generated<string | null>
  dedupeKey: Generated<string>
  supersededBy: Generated<string | null>
}

export interface SettingTable {
  name: string
  value: ColumnType<unknown, string, string>
  version: Generated<number>
  changedBy: string
  reason: string
  changedAt: Timestamp
}

export interface AdminTables {
  adminAccount: AdminAccountTable
  adminCredential: AdminCredentialTable
  adminCeremony: AdminCeremonyTable
  adminBootstrap: AdminBootstrapTable
  adminTotpDraft: AdminTotpDraftTable
  pendingChange: PendingChangeTable
  setting: SettingTable
}
