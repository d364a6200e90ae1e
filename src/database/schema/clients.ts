/** The registry of relying sites, beside `client` and `client_secret` (oidc.ts). */
import type { ColumnType, Generated } from 'kysely'
import type { ClientAct } from '../../domain/client/record.ts'
import type { Json, NullableTimestamp, Timestamp } from './columns.ts'

export interface ClientChangeTable {
  id: Generated<number>
  clientId: string
  version: number
  act: ClientAct
  actor: string
  reason: string
  diff: Json<Array<{ field: string; before: unknown; after: unknown }>>
  traceId: string | null
  at: Timestamp
}

export interface ClientUseTable {
  clientId: string
  day: ColumnType<string, string, string>
  successes: Generated<number>
  errors: Generated<number>
  lastUsedAt: NullableTimestamp
}

export interface ClientFailureTable {
  clientId: string
  code: string
  address: string
  count: Generated<number>
  firstAt: Timestamp
  lastAt: Timestamp
}

export interface ClientLogoTable {
  id: string
  clientId: string
  png: Uint8Array
  width: number
  height: number
  createdAt: Timestamp
}

export interface ClientsTables {
  clientChange: ClientChangeTable
  clientUse: ClientUseTable
  clientFailure: ClientFailureTable
  clientLogo: ClientLogoTable
}
