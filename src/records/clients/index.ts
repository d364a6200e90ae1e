/**
 * The registry of clients (relying sites): creating, changing, ending; secrets; history; failures; pictures. Owns the
 * tables client, client_secret, client_change, client_use, client_failure and client_logo.
 *
 * Services are free of HTTP: console, command line, admin API and dynamic registration call the same ones. Each takes
 * an Act (actor and reason), writes its audit event in the same transaction, and answers with an outcome. `{kind,
 * metadata, policy}` is always given as a whole and validated as a whole (domain/client/metadata.ts); every fault names
 * its field.
 */
export {
  applyClientRequest,
  changeClient,
  checkGrants,
  clientIdFault,
  createClient,
  deleteDraft,
  newClientId,
  setClientStatus,
  statusSteps,
  type ActOptions,
  type Changed,
  type Created,
  type NewClient,
  type NewSecret,
  type RegistryServices,
  type StatusChanged
} from './change.ts'
export {
  clientChangeKind,
  clientStatusKind,
  clientChangeRequest,
  pickContent,
  mergeRequests,
  requestedContent,
  type ClientChangeRequest,
  type ClientStatusRequest
} from './change-request.ts'
export {
  applyClients,
  planClients,
  type ApprovalWanted,
  type AskApproval,
  type PlanLine,
  type Planned,
  type WantedClient
} from './apply.ts'
export {
  readClientDocument,
  writeClientDocument,
  writeResourceServerDocument,
  type DocumentFault,
  type WantedResourceServer
} from './document.ts'
export {
  clientFailures,
  dismissFailure,
  sweepClientFailures,
  type ClientFailure
} from './failures.ts'
export { clientHistory, type ClientAct, type ClientChange } from './history.ts'
export { logoPath, findLogo, smallLogoPath, storeLogo, type LogoStored } from './logo.ts'
export { findClient, findClients, holdClient, listClients, type ClientFilters, type ClientLine } from './repository.ts'
export { clientRules } from './rules.ts'
export {
  applySecretRequest,
  clientSecretKind,
  endClientSecret,
  graceSeconds,
  listSecrets,
  rotateSecret,
  usesSecret,
  type ClientSecretRequest,
  type SecretLine,
  type SecretRotated
} from './secrets.ts'
export { createClientUsage, type ClientUsage } from './usage.ts'
export { smallPicture } from './picture.ts'
