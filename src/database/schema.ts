/**
 * The tables as Kysely sees them (camelCase through CamelCasePlugin). One interface for each table,
 * in the order of the migrations. Timestamps are read as Date; `date`-like identity dates are
 * 'YYYY-MM-DD' text, because an identity card's dates have no time zone.
 */
import type { ColumnType, Generated, JSONColumnType } from 'kysely'
import type { DelegationState } from '../domain/delegation.ts'
import type { Proof } from '../domain/login-attempt.ts'

type Timestamp = ColumnType<Date, Date | string | undefined, Date | string>
type NullableTimestamp = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>
type Json<T extends object> = JSONColumnType<T, string, string>
type NullableJson<T extends object> = ColumnType<T | null, string | null | undefined, string | null>

export type PersonStatus = 'unactivated' | 'active' | 'locked' | 'disabled'

export interface PersonTable {
  id: string
  sub: string
  status: PersonStatus
  nameEnc: string
  nameBoEnc: string | null
  certType: string
  certNoEnc: string
  certNoIndex: string
  certValidFrom: string | null
  certValidTo: string | null
  certTerm: string | null
  phoneEnc: string | null
  phoneIndex: string | null
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

export interface LoginAttemptTable {
  uid: string
  browserHash: string
  clientId: string
  request: Json<object>
  personId: string | null
  proofs: ColumnType<Proof[], string | undefined, string>
  representation: NullableJson<object>
  createdAt: Timestamp
  expiresAt: Timestamp
  finishedAt: NullableTimestamp
}

export type ScanTicketState = 'waiting' | 'scanned' | 'identity' | 'face' | 'confirmed' | 'consumed' |
  'rejected' | 'failed' | 'expired' | 'superseded'

export interface ScanTicketTable {
  id: string
  locatorHash: string
  purpose: string
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
  proof: string | null
  failure: string | null
  renewals: Generated<number>
  rotatingAt: NullableTimestamp
  createdAt: Timestamp
  scannedAt: NullableTimestamp
  confirmedAt: NullableTimestamp
  consumedAt: NullableTimestamp
  expiresAt: Timestamp
}

export interface FaceCheckTable {
  id: string
  personId: string
  purpose: string
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
  expiresAt: Timestamp
}

export interface CounterCodeTable {
  id: string
  personId: string
  codeIndex: string
  issuedBy: string
  reason: string
  tries: Generated<number>
  createdAt: Timestamp
  expiresAt: Timestamp
  usedAt: NullableTimestamp
  usedFor: string | null
}

export interface ConsentTable {
  id: string
  personId: string
  kind: string
  version: string
  textHash: string
  locale: string
  clientId: string | null
  scope: string | null
  source: string | null
  givenAt: Timestamp
  withdrawnAt: NullableTimestamp
}

export interface ThrottleTable {
  key: string
  count: number
  windowEndsAt: Timestamp
  blockedUntil: NullableTimestamp
}

export interface OidcArtifactTable {
  model: string
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
  lastUsedOn: ColumnType<Date | string | null, string | null | undefined, string | null>
  revokedAt: NullableTimestamp
}

export interface ResourceServerTable {
  identifier: string
  name: string
  scopes: string
  tokenFormat: 'opaque' | 'jwt'
  signingAlg: Generated<string>
  ttlSeconds: number
  minimumLevel: number | null
  createdAt: Timestamp
}

export interface SigningKeyTable {
  kid: string
  alg: string
  state: 'pre-published' | 'active' | 'retired' | 'removed'
  privateEnc: string
  publicJwk: Json<Record<string, unknown>>
  createdAt: Timestamp
  activatedAt: NullableTimestamp
  retiredAt: NullableTimestamp
  removedAt: NullableTimestamp
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

export interface AuditEventTable {
  id: Generated<number>
  at: Timestamp
  type: string
  outcome: 'success' | 'failure' | 'denied'
  actor: string | null
  personId: string | null
  organizationId: string | null
  delegationId: string | null
  role: string | null
  clientId: string | null
  loginAttemptUid: string | null
  deviceId: string | null
  address: string | null
  traceId: string | null
  reason: string | null
  details: ColumnType<Record<string, unknown>, string | undefined, string>
  mac: string
  sequence: number | null
  previousHash: string | null
  hash: string | null
}

export interface OutboxTable {
  id: Generated<number>
  topic: string
  dedupeKey: string | null
  payloadEnc: string
  attempts: Generated<number>
  createdAt: Timestamp
  runAt: Timestamp
  doneAt: NullableTimestamp
  deadAt: NullableTimestamp
  lastError: string | null
}

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
  createdAt: Timestamp
  updatedAt: Timestamp
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
  expiresAt: Timestamp
  revokedAt: NullableTimestamp
}

export interface RepresentationChoiceTable {
  personId: string
  clientId: string
  contextId: string
  chosenAt: Timestamp
}

export interface MessageTable {
  id: string
  personId: string
  kind: string
  bodyEnc: string
  createdAt: Timestamp
  readAt: NullableTimestamp
}

export interface SmsCodeTable {
  id: string
  phoneIndex: string
  purpose: string
  binding: string
  codeIndex: string
  tries: Generated<number>
  createdAt: Timestamp
  expiresAt: Timestamp
  verifiedAt: NullableTimestamp
  usedAt: NullableTimestamp
}

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
  expiresAt: Timestamp
  number: ColumnType<string | null, string | null | undefined, string | null>
}

export interface ChallengeTable {
  id: string
  browserHash: string
  action: string
  answerEnc: string
  createdAt: Timestamp
  expiresAt: Timestamp
  usedAt: NullableTimestamp
}

export interface UserCentreLoginTable {
  stateHash: string
  browserHash: string
  nonce: string
  verifierEnc: string
  returnTo: string
  expiresAt: Timestamp
}

export interface UserCentreSessionTable {
  idHash: string
  browserHash: string
  personId: string
  clientSessionId: string
  createdAt: Timestamp
  expiresAt: Timestamp
}

export interface RegisterJournalTable {
  register: string
  position: number | null
  turnAt: Timestamp
}

export interface Database {
  person: PersonTable
  knownBrowser: KnownBrowserTable
  device: DeviceTable
  loginAttempt: LoginAttemptTable
  scanTicket: ScanTicketTable
  faceCheck: FaceCheckTable
  counterCode: CounterCodeTable
  consent: ConsentTable
  throttle: ThrottleTable
  oidcArtifact: OidcArtifactTable
  client: ClientTable
  clientSecret: ClientSecretTable
  resourceServer: ResourceServerTable
  signingKey: SigningKeyTable
  serverSecret: ServerSecretTable
  cacheEpoch: CacheEpochTable
  auditEvent: AuditEventTable
  outbox: OutboxTable
  organization: OrganizationTable
  delegation: DelegationTable
  trustedBrowser: TrustedBrowserTable
  representationChoice: RepresentationChoiceTable
  message: MessageTable
  smsCode: SmsCodeTable
  registration: RegistrationTable
  challenge: ChallengeTable
  userCentreLogin: UserCentreLoginTable
  userCentreSession: UserCentreSessionTable
  registerJournal: RegisterJournalTable
}
