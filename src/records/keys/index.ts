/**
 * Keys: the life of the signing keys, pre-published → active → retired → removed, and who moved them.
 *
 * A successor is always published, so that a planned rotation and the answer to a leak can happen at any moment
 * with a key that relying sites already have. Owns the schedule and the audit events; the table `signing_key` and
 * what is done to it belong to oidc/signing-keys, the use of removed keys to oidc/removed-keys.
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
export { listKeys, listRemovedKeyUses, type KeyView, type RemovedKeyUse } from './views.ts'
export { keySchedule, runKeySchedule, type ScheduledStep } from './schedule.ts'
