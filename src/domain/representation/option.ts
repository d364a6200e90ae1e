/** The capacities that a person could choose at a relying site, and which of them come nearest to a request. */
import { unmetReason, type RequestedRepresentation, type UnmetReason } from './representation-request.ts'
import type { Representation } from './representation.ts'

/** What blocks an option now. */
export type OptionBlock =
  | 'suspended'
  | 'organization_suspended'
  | 'expired'
  | 'pending'
  /** The legal representative has not decided yet about an agent's application for this organization. */
  | 'to_decide'
  | 'not_yet_valid'
  | 'not_allowed_here'

export interface RepresentationOption {
  representation: Representation
  /** Null: it may be chosen. */
  blocked: OptionBlock | null
}

/** The only option that may be chosen; null when there is none or more than one. */
export function onlyOption (options: readonly RepresentationOption[]): Representation | null {
  const free = options.filter(({ blocked }) => blocked === null)
  return free.length === 1 ? (free[0]?.representation ?? null) : null
}

/** The option in force that is what the site requests; null when there is none. */
export function requestedOption (
  options: readonly RepresentationOption[],
  requested: RequestedRepresentation,
  catalogue: readonly string[]
): Representation | null {
  const option = options.find(
    ({ representation, blocked }) => blocked === null && unmetReason(representation, requested, catalogue) === null
  )
  return option?.representation ?? null
}

/** `not_in_force`: it is what the site requests, and `blocked` of the nearest option says why it may not be used. */
export type UnmetCode = UnmetReason | 'not_in_force'

/** Why none of these options is what the site requests, and the one that comes nearest to it. */
export function explainUnmet (
  options: readonly RepresentationOption[],
  requested: RequestedRepresentation,
  catalogue: readonly string[]
): { code: UnmetCode; nearest: RepresentationOption | null } {
  const reason = ({ representation }: RepresentationOption): UnmetReason | null =>
    unmetReason(representation, requested, catalogue)
  const ofOrganization = options.filter((option) => reason(option) !== 'organization')
  // nearest: what would be enough if it were in force, then what is in force
  const nearest =
    ofOrganization.find((option) => reason(option) === null) ??
    ofOrganization.find(({ blocked }) => blocked === null) ??
    ofOrganization[0] ??
    null
  return { code: nearest === null ? 'organization' : (reason(nearest) ?? 'not_in_force'), nearest }
}
