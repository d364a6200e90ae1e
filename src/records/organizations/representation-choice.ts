/**
 * In whose name a person goes on at a relying site when nobody says so: what the session is at this site already, the
 * remembered choice, or the only hat there is. Asked by the hosted login and by silent single sign-on alike.
 */
import type { ClientPolicy } from '../../domain/client/policy.ts'
import { unmetBy, type AskedRepresentation } from '../../domain/representation/representation-request.ts'
import {
  self,
  usableAt,
  type Representation,
  type RepresentationRef
} from '../../domain/representation/representation.ts'
import { shanghaiDate, type Clock } from '../../ports/clock.ts'
import type { Representations } from './index.ts'

export interface Site {
  clientId: string
  policy: ClientPolicy
}

const accepted = ({ clientId, policy }: Site): Parameters<typeof usableAt>[1] => ({
  clientId,
  subjectKinds: policy.subjectKinds,
  roles: policy.roles,
  ownService: policy.ownService === true
})

/** Does this site take anybody but the person? */
export const acceptsOrganizations = ({ subjectKinds, roles }: ClientPolicy): boolean =>
  subjectKinds.includes('organization') && roles.some((role) => role !== 'self')

/** The facts behind a reference when it is still good and this site accepts it today; else null. */
export async function resolveAt (
  representations: Representations,
  clock: Clock,
  personId: string,
  ref: RepresentationRef,
  site: Site
): Promise<Representation | null> {
  // who the person is was read just now
  const representation = ref.role === 'self' ? self : await representations.resolve(personId, ref)
  return representation !== null && usableAt(representation, accepted(site), shanghaiDate(clock.now())).ok
    ? representation
    : null
}

/** Does a representation answer what the site asks for (RFC 9396)? Nothing asked is always answered. */
export const answers = (
  representation: Representation,
  asked: AskedRepresentation | null,
  { policy }: Site
): boolean =>
  asked === null ||
  unmetBy(
    representation,
    asked,
    policy.functions.map(({ code }) => code)
  ) === null

/** In exactly the capacity that the site asks for; null: this person has none such now. */
export async function chooseAsked (
  representations: Representations,
  personId: string,
  site: Site,
  asked: AskedRepresentation
): Promise<Representation | null> {
  const hats = await representations.hatsOf(personId, site)
  return (
    hats.find(({ representation, blocked }) => blocked === null && answers(representation, asked, site))
      ?.representation ?? null
  )
}

/**
 * `current`: whom this browser's session represents at this site; null when it is not in use there. Null = the person
 * must choose.
 */
export async function chooseSilently (
  representations: Representations,
  clock: Clock,
  personId: string,
  site: Site,
  current: RepresentationRef | null
): Promise<Representation | null> {
  if (!acceptsOrganizations(site.policy)) return await resolveAt(representations, clock, personId, self, site)
  // what has ended is not silently replaced by something else
  if (current !== null) return await resolveAt(representations, clock, personId, current, site)
  if (!(await representations.actsForAny(personId))) {
    return await resolveAt(representations, clock, personId, self, site)
  }
  const remembered = await representations.rememberedChoice(personId, site.clientId)
  if (remembered !== null) {
    const representation = await resolveAt(representations, clock, personId, remembered, site)
    if (representation !== null) return representation
  }
  const free = (await representations.hatsOf(personId, site)).filter(({ blocked }) => blocked === null)
  return free.length === 1 ? (free[0]?.representation ?? null) : null
}
