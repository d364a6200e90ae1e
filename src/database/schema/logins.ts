/** One run of the hosted login: attempt, scan ticket, face check, and the counters of the throttling. */
import type { ColumnType, Generated } from 'kysely'
import type { Proof } from '../../domain/login/next-step.ts'
import type { TicketFailure, TicketProof, TicketPurpose, TicketState } from '../../domain/login/scan-ticket.ts'
import type { Json, NullableJson, NullableTimestamp, RequiredTimestamp, Timestamp } from './columns.ts'

export interface LoginAttemptTable {
  uid: string
  browserHash: string
  clientId: string
  request: Json<object>
  personId: string | null
  proofs: ColumnType<Proof[], string | undefined, string>
  representation: NullableJson<object>
  createdAt: Timestamp
  expiresAt: RequiredTimestamp
  finishedAt: NullableTimestamp
}

export type ScanTicketState = TicketState

export interface ScanTicketTable {
  id: string
  locatorHash: string
  purpose: TicketPurpose
  state: ScanTicketState
  loginAttemptUid: string | null
  subjectRef: string | null
  browserHash: string
  clientId: string | null
  context: Json<object>
  contextDigest: string
  checkNumber: string
  numberEntry: boolean
  numberTries: Generated<number>
  requires: ColumnType<string[], string, string>
  expectedPersonId: string | null
  personId: string | null
  deviceId: string | null
  scanTokenHash: string | null
  acceptedAt: NullableTimestamp
  identityEnc: string | null
  identityAt: NullableTimestamp
  faceCheckId: string | null
  proof: TicketProof | null
  failure: TicketFailure | null
  renewals: Generated<number>
  rotatingAt: NullableTimestamp
  createdAt: Timestamp
  scannedAt: NullableTimestamp
  confirmedAt: NullableTimestamp
  consumedAt: NullableTimestamp
  expiresAt: RequiredTimestamp
}

export interface FaceCheckTable {
  id: string
  personId: string
  purpose: TicketPurpose
  binding: string
  scanTicketId: string | null
  provider: string
  providerTxn: string | null
  state: 'pending' | 'passed' | 'failed' | 'error' | 'used' | 'expired'
  reason: string | null
  counted: Generated<boolean>
  score: number | null
  consentId: string | null
  startedAt: Timestamp
  decidedAt: NullableTimestamp
  usedAt: NullableTimestamp
  expiresAt: RequiredTimestamp
}

export interface ThrottleTable {
  key: string
  count: number
  windowEndsAt: RequiredTimestamp
  blockedUntil: NullableTimestamp
}

export interface ChallengeTable {
  id: string
  browserHash: string
  action: string
  answerEnc: string
  createdAt: Timestamp
  expiresAt: RequiredTimestamp
  usedAt: NullableTimestamp
}

export interface LoginsTables {
  loginAttempt: LoginAttemptTable
  scanTicket: ScanTicketTable
  faceCheck: FaceCheckTable
  throttle: ThrottleTable
  challenge: ChallengeTable
}
