/**
 * A relying site asks for a given organization, functions and capacities (RFC 9396, type
 * `<issuer>/rar/representation`): what such a request may say, and which representation answers it.
 */
import type { ClientPolicy } from '../client/policy.ts'
import { functionsHere } from '../claims/claims.ts'
import type { Representation } from './representation.ts'
import { parseUscc } from '../identity/uscc.ts'

export type OrganizationRole = 'legal_representative' | 'agent'

/** What is requested. Null = the request does not say. */
export interface RequestedRepresentation {
  uscc: string
  actions: string[] | null
  roles: OrganizationRole[] | null
}

/** What was granted, as it stands in codes, tokens and answers (RFC 9396 §7). */
export type GrantedDetail = { type: string; identifier: string; actions?: string[]; roles: OrganizationRole[] }

export const representationType = (issuer: string): string => `${issuer}/rar/representation`

const prefix = 'USCC:'
const members = ['type', 'identifier', 'actions', 'roles']
const organizationRoles: readonly OrganizationRole[] = ['legal_representative', 'agent']
const asciiWord = /^[\w.:/-]{1,64}$/
const shown = (value: unknown): string => (typeof value === 'string' && asciiWord.test(value) ? ` (${value})` : '')

/** Relying sites that may ask: what the policy says, by default those that accept organizations. */
const mayAskForRepresentation = ({
  representationRequests,
  subjectKinds,
  roles
}: Pick<ClientPolicy, 'representationRequests' | 'subjectKinds' | 'roles'>): boolean =>
  representationRequests !== false && subjectKinds.includes('organization') && roles.some((role) => role !== 'self')

/**
 * One element of `authorization_details`, checked as a whole. The fault is an `error_description` for the developer of
 * the site (RFC 9396 §5: unknown members and values are refused, never ignored).
 */
export function readRepresentationRequest (
  detail: Record<string, unknown>,
  policy: ClientPolicy
): { ok: true; requested: RequestedRepresentation } | { ok: false; fault: string } {
  const refuse = (fault: string): { ok: false; fault: string } => ({ ok: false, fault })
  if (!mayAskForRepresentation(policy)) return refuse('this client may not ask for an organization')
  const unknown = Object.keys(detail).find((member) => !members.includes(member))
  if (unknown !== undefined) {
    return refuse(`unknown member${shown(unknown)}: type, identifier, actions and roles are known`)
  }
  const { identifier } = detail
  if (typeof identifier !== 'string' || !identifier.startsWith(prefix)) {
    return refuse('identifier must be USCC: followed by a unified social credit code')
  }
  const uscc = identifier.slice(prefix.length)
  const parsed = parseUscc(uscc)
  if (!parsed.ok) {
    return refuse(
      `identifier is no unified social credit code (GB 32100): ${parsed.code.toLowerCase()}${parsed.position === undefined ? '' : ` at position ${parsed.position}`}`
    )
  }
  if (parsed.value !== uscc) {
    return refuse('identifier must be written in its normal form: 18 capital letters and digits')
  }

  const actions = readList(detail, 'actions')
  if (actions === undefined) return refuse('actions must be a list of different strings, not empty')
  const strange = actions?.find((code) => !policy.functions.some((offered) => offered.code === code))
  if (strange !== undefined) {
    return refuse(`unknown action${shown(strange)}: actions are functions of the published catalogue of this client`)
  }
  const roles = readList(detail, 'roles')
  if (roles === undefined) return refuse('roles must be a list of different strings, not empty')
  const role = roles?.find((name) => !organizationRoles.includes(name as OrganizationRole))
  if (role !== undefined) return refuse(`unknown role${shown(role)}: legal_representative and agent are known`)
  const foreign = roles?.find((name) => !policy.roles.includes(name as OrganizationRole))
  if (foreign !== undefined) return refuse(`role${shown(foreign)} is not accepted at this client`)
  return { ok: true, requested: { uscc, actions, roles: roles as OrganizationRole[] | null } }
}

/** Null: not given. Undefined: not a list of different strings. */
function readList (detail: Record<string, unknown>, member: string): string[] | null | undefined {
  const value = detail[member]
  if (value === undefined) return null
  if (
    !Array.isArray(value) ||
    value.length === 0 ||
    value.length > 200 ||
    value.some((item) => typeof item !== 'string')
  ) {
    return undefined
  }
  return new Set(value).size === value.length ? (value as string[]) : undefined
}

/**
 * The request that a checked `authorization_details` parameter, or what was granted, speaks of; null when there is
 * none.
 */
export function requestedRepresentation (details: unknown): RequestedRepresentation | null {
  const list: unknown = typeof details === 'string' ? JSON.parse(details) : details
  if (!Array.isArray(list) || list.length === 0) return null
  const { identifier, actions, roles } = list[0] as Partial<GrantedDetail>
  return typeof identifier === 'string'
    ? { uscc: identifier.slice(prefix.length), actions: actions ?? null, roles: roles ?? null }
    : null
}

/** Why a representation is not what is requested. */
export type UnmetReason = 'organization' | 'role' | 'function'

/**
 * Null: it is what is requested. `catalogue`: codes that the relying site publishes now; a legal representative may do
 * all.
 */
export function unmetReason (
  representation: Representation,
  requested: RequestedRepresentation,
  catalogue: readonly string[]
): UnmetReason | null {
  if (representation.role === 'self' || representation.organization.uscc !== requested.uscc) return 'organization'
  if (requested.roles !== null && !requested.roles.includes(representation.role)) return 'role'
  if (representation.role === 'legal_representative' || requested.actions === null) return null
  const functions = functionsHere(representation.delegation, catalogue)
  return functions === undefined || requested.actions.every((code) => functions.includes(code)) ? null : 'function'
}

/** What is granted to the representation that answers a request: that capacity, and the functions requested. */
export function grantedDetail (
  issuer: string,
  requested: RequestedRepresentation,
  role: OrganizationRole
): GrantedDetail {
  return {
    type: representationType(issuer),
    identifier: `${prefix}${requested.uscc}`,
    ...(requested.actions === null ? {} : { actions: requested.actions }),
    roles: [role]
  }
}

/** A token request may ask for less than was granted (RFC 9396 §6), never for anything else. */
export function narrowed (granted: GrantedDetail, requested: RequestedRepresentation): GrantedDetail | null {
  const within = requestedRepresentation([granted])
  if (within === null || within.uscc !== requested.uscc) return null
  if (requested.roles !== null && !granted.roles.every((role) => requested.roles?.includes(role))) return null
  if (requested.actions === null) return granted
  if (within.actions !== null && !requested.actions.every((code) => within.actions?.includes(code))) return null
  return { ...granted, actions: requested.actions }
}
