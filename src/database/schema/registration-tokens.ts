/** Dynamic client registration. */
import type { RequiredTimestamp, Timestamp } from './columns.ts'

export interface RegistrationTokenTable {
  id: string
  tokenHash: string
  kinds: string[]
  scopes: string[]
  /** Hosts that addresses may have; empty = any that the registry accepts. */
  hosts: string[]
  usesLeft: number
  createdBy: string
  reason: string
  createdAt: Timestamp
  expiresAt: RequiredTimestamp
}

export interface ClientRegistrationTable {
  clientId: string
  tokenHash: string
  registrationTokenId: string
  createdAt: Timestamp
}

export interface RegistrationTokenTables {
  registrationToken: RegistrationTokenTable
  clientRegistration: ClientRegistrationTable
}
