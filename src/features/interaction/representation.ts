/** In whose name this login will be: what was chosen or fixed, what was chosen last time, or what has to be asked. */
import { contextId, parseRef, refOf, self, usableAt, type RepresentationRef } from '../../domain/representation.ts'
import { shanghaiDate } from '../../ports/clock.ts'
import type { Services } from '../../services.ts'
import { createRepresentations, type Hat } from '../organizations/index.ts'
import type { LoginContext } from './context.ts'

export type Decision = { ref: RepresentationRef } | 'select' | 'none'

/** Every hat of the person with what stands in its way at this site. */
export async function hatsOf (services: Services, context: LoginContext): Promise<Hat[]> {
  const { person, client, policy } = context
  return person === null ? [] : await createRepresentations(services).hatsOf(person.id, { clientId: client.clientId, policy })
}

/**
 * An organization's tab fixes it, and so does a choice on the page. Who logs in with the own password or phone acts for
 * themself where the site takes persons; else the last choice counts, then the only hat there is.
 */
export async function decideRepresentation (services: Services, context: LoginContext): Promise<Decision> {
  const { person, client, policy, row } = context
  if (person === null) return 'none'
  const representations = createRepresentations(services)
  const accepted = { clientId: client.clientId, subjectKinds: policy.subjectKinds, roles: policy.roles, ownService: policy.ownService === true }
  const today = shanghaiDate(services.clock.now())
  const isGood = async (ref: RepresentationRef): Promise<boolean> => {
    const representation = await representations.resolve(person.id, ref)
    return representation !== null && usableAt(representation, accepted, today).ok
  }
  const fixed = parseRef(row.representation)
  if (fixed !== null) return await isGood(fixed) ? { ref: fixed } : 'none'
  // (a step-up from a session keeps the capacity that the session has here)
  if (context.facts.session === null && row.proofs.length > 0 && usableAt(self, accepted, today).ok) return { ref: self }
  const remembered = await representations.rememberedChoice(person.id, client.clientId)
  if (remembered !== null && await isGood(remembered)) return { ref: remembered }
  const open = (await hatsOf(services, context)).filter((hat) => hat.blocked === null)
  if (open.length > 1) return 'select'
  const only = open[0]?.representation
  return only === undefined ? 'none' : { ref: refOf(only) }
}

export const sameContext = (ref: RepresentationRef, value: string): boolean => contextId(ref) === value
