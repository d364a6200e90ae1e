/**
 * Support: how staff find people and help them, in-person checks, and what staff may do to organizations and
 * delegations. Owns the tables counter_visit and reveal_grant; everything else belongs to the records that it calls.
 *
 * Everything shown is masked until it is unmasked with a reason. Every act is one transaction with its audit event and
 * the message to the person concerned; the console and the API decide before who may do what.
 */
export { type ActOutcome } from './act.ts'
export {
  actOnDelegation,
  delegationActs,
  listOrganizations,
  organizationDetail,
  recheck,
  release,
  suspend,
  type DelegationAct,
  type OrganizationDetail,
  type OrganizationLine,
  type OrganizationSearch,
  type Recheck
} from './organizations.ts'
export { findPeople, listPeople, type FoundPeople, type PersonLine, type PersonSearch } from './find.ts'
export { personDetail, personHistory, type HistoryLine, type PersonDetail } from './person.ts'
export { lockPerson, unlockPerson } from './lock.ts'
export { endAllSessions, endPersonSession, listPersonSessions, type ListedSession } from './sessions.ts'
export { endDevice, resetPersonFaceTries, resetPasswordTries } from './resets.ts'
export {
  grantUnmasking,
  findUnmaskGrants,
  unmask,
  unmaskFields,
  unmaskGranted,
  useUnmaskGrant,
  type Unmasked,
  type UnmaskField,
  type UnmaskSubject
} from './unmask.ts'
export {
  startInPersonSession,
  cancelOwnCode,
  codesGiven,
  inPersonChecks,
  inPersonLimits,
  inPersonReasons,
  findInPersonSession,
  giveCode,
  sweepSupport,
  type CodeGiven,
  type InPersonReason,
  type GivenCode,
  type Operator,
  type InPersonSession,
  type SessionStarted
} from './in-person.ts'
