import type { Kysely } from 'kysely'
import { addConstraint, checkOneOf } from '../src/database/constraints.ts'

/**
 * Columns with a closed list of words hold nothing else, a delegation in force was approved by another person than its
 * agent, a device has what its kind proves itself with, and relying sites that tables name exist
 * (docs/decisions/0009-rules-in-the-database.md). A word that is added later needs a migration too:
 * test/database/schema-types.test.ts compares these lists with the types.
 */
export const transaction = false

const ticketPurposes = [
  'login',
  'step-up',
  'approve-delegation',
  'organization-password',
  'register',
  'recover',
  'change-phone'
]

const vocabularies: Record<string, readonly string[]> = {
  'scan_ticket.purpose': ticketPurposes,
  'scan_ticket.proof': ['face', 'counter'],
  'scan_ticket.failure': ['wrong_person', 'number_mismatch', 'face_failed', 'face_exhausted', 'declined'],
  'face_check.purpose': ticketPurposes,
  'consent.kind': [
    'privacy',
    'terms',
    'identity-verification',
    'face-check',
    'organization-registration',
    'release'
  ],
  'sms_code.purpose': ['register', 'recover', 'change-phone'],
  'message.kind': [
    'delegation-submitted',
    'delegation-approved',
    'delegation-rejected',
    'delegation-withdrawn',
    'delegation-revoked',
    'delegation-suspended',
    'delegation-expired',
    'delegation-resigned',
    'legal-representative-changed',
    'organization-suspended',
    'organization-resumed',
    'organization-dissolved',
    'security-organization-password-changed',
    'security-password-changed',
    'security-phone-changed',
    'security-new-device',
    'security-device-login',
    'security-account-locked',
    'security-account-unlocked',
    'security-sessions-ended',
    'security-device-ended',
    'security-face-tries-reset',
    'security-password-tries-reset',
    'security-counter-code-issued',
    'registration-accepted',
    'registration-refused',
    'registration-returned',
    'notice'
  ],
  'person.cert_type': [
    'resident_id',
    'hkm_residence',
    'tw_residence',
    'foreign_pr',
    'passport',
    'hkm_travel',
    'tw_travel',
    'military',
    'other'
  ],
  'person.locked_from': ['unactivated', 'active'],
  'signing_key.alg': ['ES256', 'RS256'],
  'oidc_artifact.model': [
    'AccessToken',
    'AuthorizationCode',
    'ClientCredentials',
    'ClientSession',
    'DeviceCode',
    'DevicePoll',
    'Interaction',
    'PushedAuthorizationRequest',
    'RefreshToken',
    'ReplayDetection',
    'Session'
  ],
  'client_change.act': [
    'created',
    'changed',
    'status',
    'secret_created',
    'secret_ended',
    'logo',
    'deleted',
    'failures_dismissed'
  ]
}

// a revoked or unbound device keeps its key or secret, so that it is refused by name
const deviceProof = `check (
  (kind = 'app' and key_thumbprint is not null and public_jwk is not null and secret_hash is null)
  or (kind = 'web' and secret_hash is not null and key_thumbprint is null and public_jwk is null))`

const delegationApproved = `check (
  state <> 'active' or (approver_id is not null and approver_id <> agent_id and decided_at is not null))`

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const [where, words] of Object.entries(vocabularies)) {
    const [table, column] = where.split('.') as [string, string]
    await addConstraint(db, { table, name: `${table}_${column}_check`, definition: checkOneOf(column, words) })
  }
  await addConstraint(db, { table: 'device', name: 'device_proof_check', definition: deviceProof })
  await addConstraint(db, { table: 'delegation', name: 'delegation_approved_check', definition: delegationApproved })
  for (const table of ['scan_ticket', 'consent', 'representation_choice']) {
    await addConstraint(db, { table, name: `${table}_client_id_fkey`, definition: 'foreign key (client_id) references client' })
  }
}
