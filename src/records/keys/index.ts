/**
 * Keys: the life of the signing keys, pre-published → active → retired → removed, and who changed their state.
 *
 * A successor is always published, so a planned rotation and the answer to a leak can happen at any time with a key
 * that relying sites already have. Owns the schedule and the audit events; the table `signing_key` and its statements
 * belong to tokens/signing-keys, the use of removed keys to oidc/removed-keys.
 */
export {
  emergencyRemoval,
  publishNext,
  removeRetired,
  rotateNow,
  type EmergencyResult,
  type KeyAct,
  type KeyServices,
  type RotationResult
} from './lifecycle.ts'
export { reencrypt, type Reencrypted } from './reencrypt.ts'
export { listKeys, listRemovedKeyUses, type KeyView, type RemovedKeyUse } from './views.ts'
export { keySchedule, runKeySchedule, type ScheduledStep } from './schedule.ts'
