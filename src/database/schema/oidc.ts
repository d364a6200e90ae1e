/** The provider: artifacts, clients, resource servers, keys. */
import type { ColumnType, Generated } from 'kysely'
import type { ClientDifference } from '../../domain/client/diff.ts'
import type { ClientKind } from '../../domain/client/record.ts'
import type { LocalTexts, ResourceServerAct, ResourceServerStatus } from '../../domain/resource-server/record.ts'
import type { Json, NullableTimestamp, Timestamp } from './columns.ts'

export type SigningAlg = 'ES256' | 'RS256'

/** What the engine stores, and one row for each `sid` that a relying site was given (tokens/session-repository). */
export type ArtifactModel =
  | 'AccessToken'
  | 'AuthorizationCode'
  | 'ClientCredentials'
  | 'ClientSession'
  | 'DeviceCode'
  | 'DevicePoll'
  | 'Interaction'
  | 'PushedAuthorizationRequest'
  | 'RefreshToken'
  | 'ReplayDetection'
  | 'Session'

export interface OidcArtifactTable {
  model: ArtifactModel
  id: string
  payload: Json<Record<string, unknown>>
  grantHash: string | null
  sessionUid: string | null
  accountId: string | null
  clientId: string | null
  contextId: string | null
  uid: string | null
  userCode: string | null
  consumedAt: NullableTimestamp
  expiresAt: NullableTimestamp
}

export interface ClientTable {
  clientId: string
  /** Null = stored before kinds were: derived (domain/client-record). */
  kind: ColumnType<ClientKind | null, ClientKind | null | undefined, ClientKind | null>
  status: 'draft' | 'test' | 'live' | 'disabled'
  metadata: Json<Record<string, unknown>>
  policy: Json<Record<string, unknown>>
  version: Generated<number>
  createdAt: Timestamp
  updatedAt: Timestamp
}

export interface ClientSecretTable {
  id: string
  clientId: string
  secretHash: string
  hint: string
  createdAt: Timestamp
  expiresAt: NullableTimestamp
  lastUsedOn: ColumnType<string | null, string | null | undefined, string | null>
  revokedAt: NullableTimestamp
}

export interface ResourceServerTable {
  identifier: string
  name: string
  scopes: string
  tokenFormat: 'opaque' | 'jwt'
  signingAlg: Generated<SigningAlg>
  ttlSeconds: number
  minimumLevel: number | null
  createdAt: Timestamp
  id: ColumnType<string, undefined, never>
  nameBo: ColumnType<string | null, string | null | undefined, string | null>
  nameEn: ColumnType<string | null, string | null | undefined, string | null>
  /** What each scope means, by scope and language. */
  scopeTexts: ColumnType<Record<string, LocalTexts>, string | undefined, string>
  status: ColumnType<ResourceServerStatus, ResourceServerStatus | undefined, ResourceServerStatus>
  version: Generated<number>
  updatedAt: Timestamp
}

/** Which APIs a client may ask tokens for, and how far. */
export interface ClientResourceTable {
  clientId: string
  resource: string
  scopes: string[]
  machineScopes: ColumnType<string[], string[] | undefined, string[]>
}

export interface ResourceServerChangeTable {
  id: Generated<number>
  identifier: string
  version: number
  act: ResourceServerAct
  actor: string
  reason: string
  diff: ColumnType<ClientDifference[], string | undefined, string>
  traceId: string | null
  at: Timestamp
}

export interface SigningKeyTable {
  kid: string
  alg: SigningAlg
  state: 'pre-published' | 'active' | 'retired' | 'removed'
  privateEnc: string
  publicJwk: Json<Record<string, unknown>>
  createdAt: Timestamp
  activatedAt: NullableTimestamp
  retiredAt: NullableTimestamp
  removedAt: NullableTimestamp
  history: ColumnType<KeyStep[], string | undefined, string>
}

/** One step in the life of a signing key. */
export interface KeyStep {
  state: 'pre-published' | 'active' | 'retired' | 'removed'
  at: string
  by: string
  reason: string | null
}

export interface RemovedKeyUseTable {
  kid: string
  clientId: string
  place: string
  uses: number
  firstAt: Timestamp
  lastAt: Timestamp
}

export interface ServerSecretTable {
  name: string
  valueEnc: string
  createdAt: Timestamp
}

export interface CacheEpochTable {
  name: string
  epoch: Generated<number>
}

export interface OidcTables {
  oidcArtifact: OidcArtifactTable
  client: ClientTable
  clientSecret: ClientSecretTable
  resourceServer: ResourceServerTable
  resourceServerChange: ResourceServerChangeTable
  clientResource: ClientResourceTable
  signingKey: SigningKeyTable
  removedKeyUse: RemovedKeyUseTable
  serverSecret: ServerSecretTable
  cacheEpoch: CacheEpochTable
}
