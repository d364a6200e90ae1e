/**
 * In whose name a person goes on at a relying site: as chosen, as the site requests (RFC 9396), or, when nobody says,
 * as the session is at this site already, or as themself. Nobody becomes a representative without having said so: a
 * remembered choice of an organization only preselects on the page. The hosted login and the protocol engine (silent
 * single sign-on) ask the same function.
 */
import type { ClientPolicy } from '../../domain/client/policy.ts'
import { onlyOption, requestedOption } from '../../domain/representation/option.ts'
import { unmetReason, type RequestedRepresentation } from '../../domain/representation/representation-request.ts'
import {
  self,
  usableAt,
  type Representation,
  type RepresentationRef
} from '../../domain/representation/representation.ts'
import { shanghaiDate, type Clock } from '../../ports/clock.ts'
import type { Representations } from './types.ts'

export interface Site {
  clientId: string
  policy: ClientPolicy
}

export interface RepresentationDeps {
  representations: Representations
  clock: Clock
}

export interface RepresentationQuestion {
  personId: string
  site: Site
  /** What the site requests; null: it leaves that to the person. */
  requested: RequestedRepresentation | null
  /** What the person chose in this login, or the organization's tab says. */
  chosen: RepresentationRef | null
  /** The representation of this browser's session at this site; null when it is not in use there. */
  current(): Promise<RepresentationRef | null>
  /** The site wants the choice shown: in any case, or when there is more than one option. Absent: it does not say. */
  show?: 'always' | 'several'
}

export type RepresentationAnswer =
  | { state: 'resolved'; representation: Representation }
  /** The person must choose. */
  | { state: 'choose' }
  /** Not what the site requests. `chosen`: what was chosen is in force, but not as requested. */
  | { state: 'unmet'; chosen: Representation | null }

const accepted = ({ clientId, policy }: Site): Parameters<typeof usableAt>[1] => ({
  clientId,
  subjectKinds: policy.subjectKinds,
  roles: policy.roles,
  ownService: policy.ownService === true
})

const catalogue = ({ policy }: Site): string[] => policy.functions.map(({ code }) => code)

/** Does this site take anybody but the person? */
export const acceptsOrganizations = ({ subjectKinds, roles }: ClientPolicy): boolean =>
  subjectKinds.includes('organization') && roles.some((role) => role !== 'self')

/** The facts behind a reference if it is valid now and this site accepts it; otherwise null. */
export async function resolveReference (
  { representations, clock }: RepresentationDeps,
  { personId, site }: Pick<RepresentationQuestion, 'personId' | 'site'>,
  ref: RepresentationRef
): Promise<Representation | null> {
  // the person was read just now
  const representation = ref.role === 'self' ? self : await representations.resolve(personId, ref)
  return representation !== null && usableAt(representation, accepted(site), shanghaiDate(clock.now())).ok
    ? representation
    : null
}

/** Whether a representation is what the site requests (RFC 9396). If nothing is requested, every one is. */
export const meetsRequest = (
  representation: Representation,
  requested: RequestedRepresentation | null,
  site: Site
): boolean => requested === null || unmetReason(representation, requested, catalogue(site)) === null

export async function resolveRepresentation (
  deps: RepresentationDeps,
  question: RepresentationQuestion
): Promise<RepresentationAnswer> {
  const { personId, site, requested, chosen, show } = question
  const answer = (representation: Representation | null): RepresentationAnswer =>
    representation === null ? { state: 'choose' } : { state: 'resolved', representation }
  if (chosen !== null) {
    const representation = await resolveReference(deps, question, chosen)
    if (requested === null || (representation !== null && meetsRequest(representation, requested, site))) {
      return answer(representation)
    }
    return { state: 'unmet', chosen: representation }
  }
  if (requested !== null) {
    const options = await deps.representations.listOptions(personId, site)
    const representation = requestedOption(options, requested, catalogue(site))
    if (representation === null) return { state: 'unmet', chosen: null }
    return answer(show === 'always' ? null : representation)
  }
  if (show === 'always') return { state: 'choose' }
  if (show === 'several') return answer(asSelf(onlyOption(await deps.representations.listOptions(personId, site))))
  return answer(await resolveSilently(deps, question))
}

async function resolveSilently (
  deps: RepresentationDeps,
  question: RepresentationQuestion
): Promise<Representation | null> {
  const { personId, site } = question
  const { representations } = deps
  if (!acceptsOrganizations(site.policy)) return await resolveReference(deps, question, self)
  const current = await question.current()
  // an ended representation is not silently replaced by another one
  if (current !== null) return await resolveReference(deps, question, current)
  if (!(await representations.actsForAny(personId))) return await resolveReference(deps, question, self)
  const remembered = await representations.rememberedChoice(personId, site.clientId)
  if (remembered?.role === 'self') return await resolveReference(deps, question, self)
  return asSelf(onlyOption(await representations.listOptions(personId, site)))
}

const asSelf = (representation: Representation | null): Representation | null =>
  representation?.role === 'self' ? representation : null
