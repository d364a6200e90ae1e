/**
 * Login attempts: one run through the hosted login, bound to the browser that started it, with the proofs given so far.
 * Owns the table login_attempt.
 */
export {
  expireAttempts,
  findAttempt,
  finishAttempt,
  openAttempt,
  addProofs,
  type AttemptRow,
  type StoredRequest,
  identifyOrganization,
  nameAgent,
  identify,
  startAfresh,
  chooseRepresentation
} from './attempts.ts'
export { findExpiredInteraction, type ExpiredInteraction } from './expired-interaction.ts'
