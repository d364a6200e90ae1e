/**
 * Face checks: one transaction each with a face verification provider. Owns the table `face_check`.
 *
 * Kora never sees a picture. A check is started for one person, one purpose and one thing (a scan ticket of a login
 * attempt, an approval). Its verdict is pulled from the provider, counted, and used once by that thing: pending →
 * passed → used, or failed, error (a fault of the provider: no try), expired.
 */
export {
  beginFaceCheck,
  type BeginHooks,
  type BeginRefusal,
  type FaceCircumstances,
  type FaceRequest
} from './begin.ts'
export { faceVerdict, type Verdict, type VerdictHooks } from './verdict.ts'
export { faceTriesLeft, resetFaceTries, useFaceVerdict, type FaceBinding } from './repository.ts'
export { faceLimits, faceThresholds, fewest, type FaceTries } from './rules.ts'
