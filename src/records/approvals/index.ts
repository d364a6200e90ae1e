/**
 * Approval requests (dual control): what one administrator asked for, who endorsed it, and who decided. What two must
 * decide stands in domain/administration. Owns the table pending_change.
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
