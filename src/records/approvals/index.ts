/**
 * Approval requests (dual control): what one administrator asked for, who endorsed it, and who decided.
 * domain/administration says what needs approval. Owns the table pending_change.
 */
export {
  createApprovals,
  needsEndorsement,
  type Applied,
  type ApprovalDescription,
  type ApprovalHandler,
  type Approvals,
  type Decided,
  type Requested
} from './requests.ts'
export {
  withdrawRequestsAbout,
  withdrawRequestsBy,
  supersedeRequests,
  sweepApprovalRequests
} from './ended-requests.ts'
