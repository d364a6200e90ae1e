/**
 * The catalogue of audit events: every name that may be recorded, what it is about, who normally
 * does it, and its usual outcome (GB/T 22239-2019 8.1.4.3: time, user, kind, success or not).
 * A golden list: journeys are tested against it, so a name is never reused for something else.
 */
export type AuditOutcome = 'success' | 'failure' | 'denied'
export type AuditSubject =
  | 'person'
  | 'organization'
  | 'delegation'
  | 'device'
  | 'client'
  | 'grant'
  | 'session'
  | 'scan-ticket'
  | 'signing-key'
  | 'staff'
  | 'service'
/** The nature of the actor: `staff` events always name the member of staff. */
export type AuditActorKind = 'person' | 'staff' | 'client' | 'system'

interface Entry {
  about: AuditSubject
  by: AuditActorKind
  outcome: AuditOutcome
}

const about = <const S extends AuditSubject, const B extends AuditActorKind>(
  subject: S,
  by: B,
  outcome: AuditOutcome = 'success'
): { about: S; by: B; outcome: AuditOutcome } => ({ about: subject, by, outcome })

export const auditEvents = {
  // signing in
  'login.succeeded': about('person', 'person'),
  'login.single-sign-on': about('person', 'person'),
  'login.failed': about('person', 'person', 'failure'),
  'login.throttled': about('person', 'person', 'denied'),
  'login.refused': about('person', 'person', 'denied'),
  'login.cancelled': about('session', 'person'),
  'login.password-suspended': about('person', 'system', 'denied'),
  'password.verified': about('person', 'person'),
  'password.rehashed': about('person', 'system'),
  'representation.chosen': about('person', 'person'),
  'session.started': about('session', 'person'),
  'session.ended': about('session', 'person'),
  'session.terminated': about('session', 'staff'),
  'logout.delivery-failed': about('client', 'system', 'failure'),
  'browser.remembered': about('person', 'person'),
  'browser.revoked': about('person', 'person'),

  // scan tickets
  'scan-ticket.created': about('scan-ticket', 'person'),
  'scan-ticket.scanned': about('scan-ticket', 'person'),
  'scan-ticket.accepted': about('scan-ticket', 'person'),
  'scan-ticket.rejected': about('scan-ticket', 'person', 'denied'),
  'scan-ticket.failed': about('scan-ticket', 'person', 'failure'),
  'scan-ticket.confirmed': about('scan-ticket', 'person'),
  'scan-ticket.consumed': about('scan-ticket', 'person'),
  'scan-ticket.expired': about('scan-ticket', 'system', 'failure'),
  'scan-ticket.superseded': about('scan-ticket', 'system'),
  'scan-ticket.wrong-person': about('scan-ticket', 'person', 'denied'),
  'scan-ticket.number-mismatch': about('scan-ticket', 'person', 'failure'),

  // identity and face
  'identity.submitted': about('person', 'person'),
  'identity.mismatch': about('person', 'person', 'failure'),
  'identity.exhausted': about('person', 'person', 'denied'),
  'identity.register-unavailable': about('person', 'system', 'failure'),
  'face-check.started': about('person', 'person'),
  'face-check.passed': about('person', 'person'),
  'face-check.failed': about('person', 'person', 'failure'),
  'face-check.unavailable': about('person', 'system', 'failure'),
  'face-check.exhausted': about('person', 'person', 'denied'),
  'counter-code.issued': about('person', 'staff'),
  'counter-code.used': about('person', 'person'),
  'counter-code.failed': about('person', 'person', 'failure'),
  'counter-code.revoked': about('person', 'staff'),

  // consent
  'consent.given': about('person', 'person'),
  'consent.refused': about('person', 'person', 'denied'),

  // devices
  'device.registered': about('device', 'person'),
  'device.bound': about('device', 'person'),
  'device.revoked': about('device', 'person'),
  'device.proof-refused': about('device', 'person', 'denied'),

  // a device without a keyboard signs in with the help of a person (RFC 8628)
  'device-login.allowed': about('client', 'person'),
  'device-login.refused': about('client', 'person', 'denied'),
  'device-login.throttled': about('service', 'person', 'denied'),

  // tokens and grants
  'token.code-replayed': about('grant', 'client', 'denied'),
  'token.refresh-reused': about('grant', 'client', 'denied'),
  'token.revoked': about('grant', 'client'),
  'client.authentication-failed': about('client', 'client', 'failure'),

  // persons and messages
  'person.created': about('person', 'person'),
  'person.activated': about('person', 'person'),
  'person.linked': about('person', 'person'),
  'person.locked': about('person', 'staff'),
  'person.unlocked': about('person', 'staff'),
  'person.searched': about('person', 'staff'),
  'person.viewed': about('person', 'staff'),
  'person.revealed': about('person', 'staff'),
  'person.sessions-ended': about('person', 'staff'),
  'person.device-ended': about('person', 'staff'),
  'person.face-tries-reset': about('person', 'staff'),
  'person.password-tries-reset': about('person', 'staff'),
  'registration.started': about('person', 'person'),
  'registration.failed': about('person', 'person', 'failure'),
  'registration.resumed': about('person', 'person'),
  'registration.viewed': about('person', 'staff'),
  'registration.accepted': about('person', 'staff'),
  'registration.refused': about('person', 'staff', 'denied'),
  'registration.returned': about('person', 'staff'),
  'sms-code.sent': about('person', 'person'),
  'sms-code.verified': about('person', 'person'),
  'sms-code.failed': about('person', 'person', 'failure'),
  'sms-code.throttled': about('person', 'person', 'denied'),

  // notices
  'notice.drafted': about('service', 'staff'),
  'notice.started': about('service', 'staff'),
  'notice.cancelled': about('service', 'staff'),
  'notice.sent': about('service', 'system'),

  // organizations and delegations
  'organization.checked': about('organization', 'staff'),
  'organization.registered': about('organization', 'person'),
  'organization.submitted': about('organization', 'person'),
  'organization.approved': about('organization', 'person'),
  'organization.updated': about('organization', 'person'),
  'organization.password-changed': about('organization', 'person'),
  'organization.password-verified': about('organization', 'person'),
  'organization.representative-changed': about('organization', 'system'),
  'organization.suspended': about('organization', 'staff'),
  'organization.resumed': about('organization', 'staff'),
  'organization.closed': about('organization', 'staff'),
  'delegation.created': about('delegation', 'person'),
  'delegation.agent-verified': about('delegation', 'person'),
  'delegation.submitted': about('delegation', 'person'),
  'delegation.approved': about('delegation', 'person'),
  'delegation.rejected': about('delegation', 'person', 'denied'),
  'delegation.withdrawn': about('delegation', 'person'),
  'delegation.changed': about('delegation', 'person'),
  'delegation.suspended': about('delegation', 'system'),
  'delegation.revoked': about('delegation', 'person'),
  'delegation.resigned': about('delegation', 'person'),
  'delegation.expired': about('delegation', 'system'),
  'delegation.superseded': about('delegation', 'system'),
  // by a person who may not, or about something else than what was shown
  'delegation.refused': about('delegation', 'person', 'denied'),

  // administration and keys
  'client.created': about('client', 'staff'),
  'client.updated': about('client', 'staff'),
  'resource-server.created': about('client', 'staff'),
  'resource-server.updated': about('client', 'staff'),
  'resource-server.deleted': about('client', 'staff'),
  'client.deleted': about('client', 'staff'),
  'client.enabled': about('client', 'staff'),
  'client.disabled': about('client', 'staff'),
  'client.secret-created': about('client', 'staff'),
  'client.secret-revoked': about('client', 'staff'),
  'signing-key.created': about('signing-key', 'system'),
  'signing-key.activated': about('signing-key', 'system'),
  'signing-key.retired': about('signing-key', 'system'),
  'signing-key.removed': about('signing-key', 'system'),
  'signing-key.removed-used': about('signing-key', 'client', 'denied'),
  'staff.role-granted': about('staff', 'staff'),
  'staff.access-denied': about('staff', 'staff', 'denied'),
  'staff.link-made': about('staff', 'staff'),
  'staff.link-refused': about('staff', 'staff', 'denied'),
  'staff.activated': about('staff', 'staff'),
  'staff.disabled': about('staff', 'staff'),
  'staff.credentials-reset': about('staff', 'staff'),
  'staff.credential-added': about('staff', 'staff'),
  'staff.credential-changed': about('staff', 'staff'),
  'staff.credential-removed': about('staff', 'staff'),
  'staff.signed-in': about('staff', 'staff'),
  'staff.sign-in-failed': about('staff', 'staff', 'failure'),
  'staff.signed-out': about('staff', 'staff'),
  'staff.reauthenticated': about('staff', 'staff'),
  'change.requested': about('service', 'staff'),
  'change.vouched': about('service', 'staff'),
  'change.approved': about('service', 'staff'),
  'change.rejected': about('service', 'staff', 'denied'),
  'change.withdrawn': about('service', 'staff'),
  'change.unapproved': about('service', 'staff'),
  'change.superseded': about('service', 'staff'),
  'change.expired': about('service', 'system', 'failure'),
  'setting.changed': about('service', 'staff'),
  'epoch.bumped': about('service', 'staff'),
  'master-key.reencrypted': about('service', 'staff'),
  'audit.searched': about('service', 'staff'),
  'audit.exported': about('service', 'staff'),
  'audit.verified': about('service', 'system'),
  'audit.archived': about('service', 'system'),
  'audit.broken': about('service', 'system', 'failure'),
  'outbox.resent': about('service', 'staff'),
  'configuration.applied': about('service', 'staff'),
  'service.started': about('service', 'system'),
  'service.stopped': about('service', 'system')
} as const satisfies Record<string, Entry>

export type AuditEventType = keyof typeof auditEvents

/** Events whose actor must be named, because it is a member of staff and not the person concerned. */
export type StaffEventType = {
  [T in AuditEventType]: (typeof auditEvents)[T]['by'] extends 'staff' ? T : never
}[AuditEventType]
