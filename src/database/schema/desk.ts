/** Tables of support: in-person sessions, links that continue an application, notices. */
import type { Generated } from 'kysely'
import type { NullableTimestamp, RequiredTimestamp, Timestamp } from './columns.ts'

export interface RegistrationResumeTable {
  tokenHash: string
  registrationId: string
  createdAt: Timestamp
  expiresAt: RequiredTimestamp
  usedAt: NullableTimestamp
}

export interface CounterVisitTable {
  id: string
  operator: string
  personId: string
  createdAt: Timestamp
  expiresAt: RequiredTimestamp
  codeId: string | null
  usedAt: NullableTimestamp
}

export type NoticeState = 'draft' | 'sending' | 'sent' | 'cancelled'

export interface NoticeTable {
  id: string
  audience: 'person' | 'organization' | 'everybody'
  targetId: string | null
  textsEnc: string
  sms: Generated<boolean>
  state: NoticeState
  /** The last person who was sent it. */
  position: string | null
  sent: Generated<number>
  createdBy: string
  reason: string
  createdAt: Timestamp
  startedAt: NullableTimestamp
  finishedAt: NullableTimestamp
}

export interface RevealGrantTable {
  id: string
  /** Either a person, or an application with the number it had when it was looked at. */
  personId: string | null
  registrationId: string | null
  registrationNumber: string | null
  /** Names of fields, separated by blanks. */
  fields: string
  grantedTo: string
  grantedBy: string
  createdAt: Timestamp
  expiresAt: RequiredTimestamp
  usedAt: NullableTimestamp
}

export interface DeskTables {
  revealGrant: RevealGrantTable
  registrationResume: RegistrationResumeTable
  counterVisit: CounterVisitTable
  notice: NoticeTable
}
