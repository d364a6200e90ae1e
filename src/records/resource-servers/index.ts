/**
 * Resource servers (RFC 8707): APIs that take access tokens, and what a client may do at each. Owns the tables
 * resource_server and resource_server_change; client_resource is written with its client (records/clients).
 */
export {
  findApiAccess,
  findRequestedApis,
  listApiConsents,
  requestedApi,
  type ApiAccess,
  type RequestedApi
} from './access.ts'
export { applyResourceServers, planResourceServers, type ResourceServerPlanLine } from './apply.ts'
export {
  applyResourceServerRequest,
  changeResourceServer,
  createResourceServer,
  deleteResourceServer,
  resourceServerChangeKind,
  setResourceServerStatus,
  type ResourceServerChanged,
  type ResourceServerRequest
} from './change.ts'
export type { ResourceServersDeps } from './deps.ts'
export {
  pickContent,
  findResourceServer,
  findResourceServerById,
  holdResourceServer,
  listGrantedClients,
  listIntrospectors,
  listResourceServerChanges,
  listResourceServers,
  type GrantedClient,
  type ResourceServerLine
} from './repository.ts'
