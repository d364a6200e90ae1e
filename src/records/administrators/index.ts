/**
 * Administrators: their accounts and roles, the links that start an account or a new credential, passwords, one-time
 * codes, passkeys, and their sessions in the console. Owns the tables admin_*.
 */
export {
  credentialEvents,
  endOwnSessions,
  hasPassword,
  passkeyLabelOf,
  removePasskey,
  renamePasskey,
  sessionMark,
  sessionsOf,
  type OwnEvent,
  changePassword,
  changeTotp,
  nextTotpSecret,
  type OwnAct
} from './own-credentials.ts'
export {
  beginEnrolment,
  finishEnrolment,
  keepPasskey,
  passkeysPossible,
  beginPasskeySignIn,
  finishPasskey
} from './passkeys.ts'
export {
  reauthSeconds,
  type SignInMethod,
  closeSessionsOf,
  hashOf,
  newSecret,
  findSession,
  type Administrator,
  openSession,
  closeSession,
  refreshAuthentication,
  sweepAdmin
} from './sessions.ts'
export { readableSecret, totpUri, newTotpSecret, totpStep } from './totp.ts'
export {
  hasActive,
  accountById,
  accountColumns,
  createInvited,
  disableAccount,
  displayNameOf,
  loginNameOf,
  resetAccount,
  type AccountRow,
  acceptLink,
  newAccountId,
  type NewCredential
} from './accounts.ts'
export { makeLink, newLinkCode, findLink, tryLinkCode, type OpenLink } from './links.ts'
export { authenticationMethods, signInMethod } from './authentication-methods.ts'
export { tryPassword } from './password.ts'
