/**
 * The layout of each table: how fast it grows, the key that it is looked up by, and how its rows are deleted. With it
 * the tables can be divided by their keys on an engine that shards. docs/tables.md shows this; a test compares it with
 * the migrated database.
 */
import type { Database } from './schema.ts'

/**
 * reference: small, written by those who run the service; every part of a divided database has it whole.
 * person, organization: grows with the number of people or organizations.
 * login: written at every login or request, deleted after it.
 * history: grows with every login or act, as long as the service runs.
 * work: written by staff, wizards and pages, few at a time.
 */
export type TableKind = 'reference' | 'person' | 'organization' | 'login' | 'history' | 'work'

/** Kinds whose tables can be divided: the rule for new tables is theirs. */
export const dividedKinds: readonly TableKind[] = ['person', 'organization', 'login', 'history']

export interface TableLayout<Column = string> {
  kind: TableKind
  /** What one row is. */
  row: string
  /** Columns that it is looked up by; it can be divided by the first of them. */
  key: readonly Column[]
  /** Other columns that rows are looked up by: each such look-up asks every part. */
  otherKeys?: readonly Column[]
  /** How rows are deleted. */
  end: string
}

const kept = 'kept'
const deletedWith = (table: string): string => `deleted with its ${table}`
const afterExpiry = 'deleted when it has expired'
const unread = 'unread; the table is dropped one version later'

export const layout: Readonly<{
  [Table in keyof Database]: TableLayout<Extract<keyof Database[Table], string>>
}> = {
  // people
  person: {
    kind: 'person',
    row: 'a person',
    key: ['id'],
    otherKeys: ['sub', 'certNoIndex', 'phoneIndex', 'deskIndex'],
    end: 'kept; data of an unfinished application are erased after two days'
  },
  knownBrowser: { kind: 'person', row: 'a browser in which a person signed in', key: ['personId'], end: kept },
  device: {
    kind: 'person',
    row: 'an app installation, or the browser of a phone',
    key: ['id'],
    otherKeys: ['personId', 'keyThumbprint', 'secretHash'],
    end: kept
  },
  counterCode: {
    kind: 'person',
    row: 'an in-person code',
    key: ['personId'],
    otherKeys: ['issuedBy'],
    end: kept
  },
  consent: { kind: 'history', row: 'what a person agreed to or refused', key: ['personId'], end: kept },
  message: { kind: 'history', row: 'a message in the inbox of a person', key: ['personId'], end: kept },
  representationChoice: {
    kind: 'person',
    row: 'the representation that a person chose last at a client',
    key: ['personId', 'clientId'],
    end: kept
  },

  // organizations
  organization: {
    kind: 'organization',
    row: 'an organization',
    key: ['id'],
    otherKeys: ['uscc', 'legalRepresentativeId'],
    end: kept
  },
  delegation: {
    kind: 'organization',
    row: 'a version of a delegation',
    key: ['organizationId'],
    otherKeys: ['agentId', 'createdBy', 'approverId', 'validTo'],
    end: kept
  },
  trustedBrowser: {
    kind: 'organization',
    row: "a browser in which an organization's password stands for a person",
    key: ['organizationId', 'browserHash'],
    otherKeys: ['personId'],
    end: kept
  },
  registration: {
    kind: 'work',
    row: 'an application of an organization',
    key: ['id'],
    end: 'deleted when it has expired; kept when it is complete'
  },
  registrationResume: {
    kind: 'work',
    row: 'a link that continues an application',
    key: ['tokenHash'],
    end: deletedWith('registration')
  },
  registerJournal: {
    kind: 'reference',
    row: 'how far the journal of a register was read',
    key: ['register'],
    end: kept
  },

  // logins
  loginAttempt: {
    kind: 'login',
    row: 'one run through the hosted login',
    key: ['uid'],
    otherKeys: ['personId'],
    end: 'deleted a day after it expired'
  },
  scanTicket: {
    kind: 'login',
    row: 'the thing behind a QR code',
    key: ['id'],
    otherKeys: [
      'locatorHash',
      'scanTokenHash',
      'browserHash',
      'loginAttemptUid',
      'subjectRef',
      'personId',
      'expectedPersonId',
      'deviceId'
    ],
    end: 'deleted a day after it expired'
  },
  faceCheck: {
    kind: 'history',
    row: 'one transaction with a face verification provider',
    key: ['personId'],
    otherKeys: ['binding', 'provider'],
    end: kept
  },
  challenge: { kind: 'login', row: 'a challenge before a short message', key: ['id'], end: afterExpiry },
  smsCode: { kind: 'login', row: 'a code by short message', key: ['phoneIndex'], end: 'deleted after two days' },
  throttle: {
    kind: 'login',
    row: 'a counter of the throttling',
    key: ['key'],
    end: 'deleted when its window is over'
  },

  // the protocol
  oidcArtifact: {
    kind: 'login',
    row: 'a token, code, session or interaction of the protocol',
    key: ['id'],
    otherKeys: ['grantHash', 'sessionUid', 'accountId', 'contextId', 'clientId', 'uid', 'userCode'],
    end: afterExpiry
  },
  client: { kind: 'reference', row: 'a client', key: ['clientId'], end: 'drafts are deleted by hand; others kept' },
  clientSecret: { kind: 'reference', row: 'a secret of a client', key: ['clientId'], end: deletedWith('client') },
  clientChange: { kind: 'reference', row: 'an act upon a client', key: ['clientId'], end: kept },
  clientLogo: {
    kind: 'reference',
    row: 'a logo of a client',
    key: ['id'],
    end: 'replaced by the next, or deleted with its client'
  },
  clientUse: {
    kind: 'login',
    row: 'how often a client was used on a day',
    key: ['clientId', 'day'],
    end: deletedWith('client')
  },
  clientFailure: {
    kind: 'login',
    row: 'a fault of a client, counted',
    key: ['clientId', 'code', 'address'],
    end: 'deleted 30 days after the last one'
  },
  clientRegistration: {
    kind: 'reference',
    row: 'the token with which a dynamically registered client keeps itself',
    key: ['clientId'],
    end: deletedWith('client')
  },
  registrationToken: { kind: 'reference', row: 'a token that lets clients register', key: ['id'], end: kept },
  resourceServer: {
    kind: 'reference',
    row: 'an API',
    key: ['identifier'],
    otherKeys: ['id'],
    end: 'kept until it is deleted'
  },
  resourceServerChange: { kind: 'reference', row: 'a change of an API', key: ['identifier'], end: kept },
  clientResource: {
    kind: 'reference',
    row: 'what a client may ask for at an API',
    key: ['clientId', 'resource'],
    end: deletedWith('client')
  },
  signingKey: { kind: 'reference', row: 'a signing key', key: ['kid'], end: 'kept without its private part' },
  removedKeyUse: {
    kind: 'login',
    row: 'how often a client used a removed key',
    key: ['kid', 'clientId', 'place'],
    end: kept
  },
  serverSecret: { kind: 'reference', row: 'a secret of the processes', key: ['name'], end: kept },
  cacheEpoch: { kind: 'reference', row: 'the version of what processes cache', key: ['name'], end: kept },

  // the sites of Kora itself
  ownSiteLogin: {
    kind: 'login',
    row: 'an authorization request of the user center or the console',
    key: ['stateHash'],
    end: 'deleted when it is answered or has expired'
  },
  ownSiteSession: {
    kind: 'login',
    row: 'a session of the user center or the console',
    key: ['idHash'],
    otherKeys: ['personId'],
    end: 'deleted when it is signed out or has expired; of the console 30 days later'
  },
  organizationPasswordDraft: {
    kind: 'work',
    row: 'a new password of an organization before its confirmation',
    key: ['sessionHash'],
    end: 'deleted when it is confirmed or has expired'
  },
  adminTotpDraft: {
    kind: 'work',
    row: 'a new secret of one-time codes before its confirmation',
    key: ['sessionHash'],
    end: 'deleted when it is confirmed, or with its own_site_session'
  },
  userCentreLogin: { kind: 'login', row: 'formerly own_site_login', key: ['stateHash'], end: unread },
  userCentreSession: {
    kind: 'login',
    row: 'formerly own_site_session',
    key: ['idHash'],
    otherKeys: ['personId'],
    end: unread
  },
  adminLogin: { kind: 'work', row: 'formerly own_site_login', key: ['stateHash'], end: unread },
  adminSession: { kind: 'work', row: 'formerly own_site_session', key: ['idHash'], end: unread },

  // administration
  adminAccount: { kind: 'reference', row: 'an administrator', key: ['id'], end: kept },
  adminCredential: { kind: 'reference', row: 'a passkey', key: ['id'], end: 'deleted by its owner or a reset' },
  adminCeremony: {
    kind: 'work',
    row: 'a challenge of a passkey',
    key: ['challenge'],
    end: 'deleted when it is answered or has expired'
  },
  adminBootstrap: { kind: 'work', row: 'an invitation or a reset', key: ['tokenHash'], end: kept },
  adminApiRequest: {
    kind: 'work',
    row: 'an answer of the admin API that may be repeated',
    key: ['keyHash'],
    end: afterExpiry
  },
  pendingChange: { kind: 'work', row: 'an approval request', key: ['id'], end: kept },
  setting: { kind: 'reference', row: 'a setting', key: ['name'], end: kept },
  revealGrant: {
    kind: 'work',
    row: 'data that an administrator may see unmasked once',
    key: ['id'],
    end: 'deleted a day after it expired'
  },
  counterVisit: {
    kind: 'work',
    row: 'an in-person session',
    key: ['id'],
    end: 'deleted a day after it expired'
  },
  notice: { kind: 'work', row: 'a notice to people', key: ['id'], end: kept },

  // what happened, and what is to be done
  auditEvent: {
    kind: 'history',
    row: 'an audit event',
    key: ['id'],
    otherKeys: ['sequence', 'personId', 'organizationId', 'clientId', 'actor', 'traceId', 'type', 'eventId'],
    end: 'archived, at the earliest after 180 days'
  },
  auditHead: { kind: 'reference', row: 'the head of the audit chain: one row', key: ['oneRow'], end: kept },
  auditCheckpoint: { kind: 'history', row: 'a signed position of the audit chain', key: ['sequence'], end: kept },
  outbox: {
    kind: 'login',
    row: 'something to be sent',
    key: ['id'],
    otherKeys: ['dedupeKey'],
    end: 'deleted seven days after it was sent, 30 days after it was given up'
  }
}

/** Tables made before the rule, which have rows and are looked up in ways that it does not allow; with the reason. */
export const beforeTheRule: Partial<Record<keyof Database, string>> = {
  person: 'unique numbers are in the row itself; a divided engine gets a small table for each',
  device: 'a phone has only its key or its secret',
  counterCode: 'the number of people checked at counters is small',
  consent: 'it is never looked up by its id',
  message: 'its id comes together with its person',
  organization: 'the social credit code is in the row itself',
  delegation: 'it is looked up by its id, and by its agent at every login',
  trustedBrowser: 'the user center lists the browsers of a person',
  loginAttempt: 'the index on its person serves the foreign key alone',
  scanTicket: 'phone and browser have different secrets',
  faceCheck: 'the provider names a check by its own transaction',
  smsCode: 'its id comes together with its phone',
  oidcArtifact: 'revocation is by session, account, context, client and grant',
  userCentreSession: 'the index on its person serves the foreign key alone',
  ownSiteSession: 'the index on its person serves the foreign key alone',
  auditEvent: 'it is searched in many ways; docs/decisions/0002-audit-chain.md',
  outbox: 'a message that must be sent once has a name'
}

/** Foreign keys made before the rule that lead to another divided table by another key. */
export const foreignKeysBeforeTheRule: readonly string[] = [
  'delegation_agent_id_fkey',
  'delegation_approver_id_fkey',
  'delegation_created_by_fkey',
  'device_person_id_fkey',
  'login_attempt_person_id_fkey',
  'organization_legal_representative_id_fkey',
  'own_site_session_person_id_fkey',
  'scan_ticket_device_id_fkey',
  'scan_ticket_expected_person_id_fkey',
  'scan_ticket_person_id_fkey',
  'trusted_browser_person_id_fkey',
  'user_centre_session_person_id_fkey'
]
