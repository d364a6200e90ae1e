/**
 * Approval requests (dual control): what one administrator asked for, who endorsed it, and who decided.
 * domain/administration says what needs approval. Owns the table pending_change.
 */
export {
  createChanges,
  needsVoucher,
  type Applied,
  type ChangeDescription,
  type ChangeKind,
  type Changes,
  type Decided,
  type Requested
} from './changes.ts'
export { endChangesAbout, supersedeRequests, sweepChanges } from './changes-ended.ts'
