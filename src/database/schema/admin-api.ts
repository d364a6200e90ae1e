/** What the admin API stores: requests that may be repeated, with their answers. */
import type { RequiredTimestamp } from './columns.ts'

export interface AdminApiRequestTable {
  /** SHA-256 of client and Idempotency-Key, base64url. */
  keyHash: string
  requestMac: string
  status: number
  answerEnc: string
  expiresAt: RequiredTimestamp
}

export interface AdminApiTables {
  adminApiRequest: AdminApiRequestTable
}
