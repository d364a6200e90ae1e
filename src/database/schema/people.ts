/** Persons and what belongs to one: browsers, devices, codes, consents, messages. */
import type { ColumnType, Generated } from 'kysely'
import type { CertType } from '../../domain/identity/cert-type.ts'
import type { ConsentRecordKind } from '../../domain/identity/consent.ts'
import type { SmsPurpose } from '../../domain/login/sms-code.ts'
import type { MessageKind } from '../../domain/message-kind.ts'
import type { NullableJson, NullableTimestamp, RequiredTimestamp, Timestamp } from './columns.ts'

export type PersonStatus = 'unactivated' | 'active' | 'locked' | 'disabled'

type LockedFrom = 'unactivated' | 'active' | null

/**
 * established = the document number is this person's, against all others; provisional = typed in an application that is
 * not complete, reserves no number; erased = what is left of such a row.
 */
export type IdentityState = 'established' | 'provisional' | 'erased'

export interface PersonTable {
  id: string
  sub: string
  status: PersonStatus
  nameEnc: string
  nameBoEnc: string | null
  certType: CertType
  certNoEnc: string
  /** Of the document number; null unless the identity is established. */
  certNoIndex: string | null
  certValidFrom: string | null
  certValidTo: string | null
  certTerm: string | null
  phoneEnc: string | null
  phoneIndex: string | null
  /** The person entered a code that was sent there. */
  phoneVerifiedAt: Generated<Date | null>
  emailEnc: string | null
  locale: string | null
  passwordHash: string | null
  passwordChangedAt: NullableTimestamp
  assuranceLevel: Generated<number>
  identityVerifiedAt: NullableTimestamp
  faceVerifiedAt: NullableTimestamp
  createdAt: Timestamp
  updatedAt: Timestamp
  ethnicGroupEnc: ColumnType<string | null, string | null | undefined, string | null>
  /** Keyed digests by which support finds a person; null = not filled in yet. */
  deskIndex: ColumnType<string[] | null, string[] | null | undefined, string[] | null>
  /** Status before the account was locked. */
  lockedFrom: ColumnType<LockedFrom, LockedFrom | undefined, LockedFrom>
  identityState: Generated<IdentityState>
}

export interface KnownBrowserTable {
  personId: string
  browserHash: string
  label: string
  firstSeenAt: Timestamp
  lastLoginAt: Timestamp
  revokedAt: NullableTimestamp
}

export interface DeviceTable {
  id: string
  kind: 'app' | 'web'
  keyThumbprint: string | null
  publicJwk: NullableJson<object>
  secretHash: string | null
  personId: string | null
  label: string
  createdAt: Timestamp
  boundAt: NullableTimestamp
  revokedAt: NullableTimestamp
}

export interface CounterCodeTable {
  id: string
  personId: string
  codeIndex: string
  issuedBy: string
  reason: string
  tries: Generated<number>
  createdAt: Timestamp
  expiresAt: RequiredTimestamp
  usedAt: NullableTimestamp
  usedFor: string | null
}

export interface ConsentTable {
  id: string
  personId: string
  kind: ConsentRecordKind
  version: string
  textHash: string
  locale: string
  clientId: string | null
  scope: string | null
  source: string | null
  givenAt: Timestamp
  withdrawnAt: NullableTimestamp
}

export interface MessageTable {
  id: string
  personId: string
  kind: MessageKind
  bodyEnc: string
  createdAt: Timestamp
  readAt: NullableTimestamp
}

export interface SmsCodeTable {
  id: string
  phoneIndex: string
  purpose: SmsPurpose
  binding: string
  codeIndex: string
  tries: Generated<number>
  createdAt: Timestamp
  expiresAt: RequiredTimestamp
  verifiedAt: NullableTimestamp
  usedAt: NullableTimestamp
}

export interface PeopleTables {
  person: PersonTable
  knownBrowser: KnownBrowserTable
  device: DeviceTable
  counterCode: CounterCodeTable
  consent: ConsentTable
  message: MessageTable
  smsCode: SmsCodeTable
}
