/**
 * Organizations (法人 and others): who they are, who represents them by law, how code and password identify them at a
 * login, and which browsers stand for a person behind that password. Owns the tables organization, trusted_browser and
 * representation_choice. An organization never signs in by itself.
 */
export type * from './types.ts'
export { createOrganizationLogin } from './login.ts'
export { createRepresentations, findDelegationOrganization } from './representations.ts'
export {
  applyRegisterChange,
  registeredPerson,
  type RegisterChangeOutcome,
  type RegisterChange,
  type RegisterPerson
} from './register-news.ts'
export {
  acceptsOrganizations,
  meetsRequest,
  resolveReference,
  resolveRepresentation,
  type RepresentationAnswer
} from './resolve-representation.ts'
export { setOrganizationPassword, type PasswordChange } from './password.ts'
export {
  insertOrganization,
  newOrganizationId,
  organizationById,
  organizationByUscc,
  replaceOrganizationPasswordHash,
  type NewOrganization,
  type StoredOrganization
} from './repository.ts'
export {
  isBrowserOfOrganization,
  revokeTrustedBrowsers,
  listTrustedBrowsers,
  trustBrowser
} from './trusted-browsers.ts'
export { noteChecked, releaseOrganization, suspendOrganization } from './staff.ts'
export {
  createDelegations,
  type DelegationView,
  listDelegations,
  endByStaff,
  refuseApprovalByStaff,
  delegationExpiry
} from './delegations/index.ts'
export type { Actor, DraftRefusal, Delegations } from './delegations/types.ts'
export { loadContent } from './delegations/content.ts'
