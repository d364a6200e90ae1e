/**
 * Administrators: their accounts and roles, the links that start an account or a new credential, passwords, one-time
 * codes and passkeys. Owns the tables admin_*.
 */
export {
  credentialEvents,
  endOwnSessions,
  hasPassword,
  parsePasskeyLabel,
  removePasskey,
  renamePasskey,
  sessionMark,
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
  findAdministrator,
  reauthSeconds,
  recordSignIn,
  sweepCeremonies,
  type Administrator,
  type SignInMethod
} from './sessions.ts'
export { readableSecret, totpUri, newTotpSecret, totpStep } from './totp.ts'
export {
  hasActive,
  accountById,
  accountColumns,
  createInvited,
  disableAccount,
  parseDisplayName,
  parseLoginName,
  resetAccount,
  type AccountRow,
  acceptLink,
  newAccountId,
  type NewCredential
} from './accounts.ts'
export { makeLink, newLinkCode, findLink, verifyLinkCode, type OpenLink } from './links.ts'
export { authenticationMethods, signInMethod } from './authentication-methods.ts'
export { verifyAdministratorPassword } from './password.ts'
