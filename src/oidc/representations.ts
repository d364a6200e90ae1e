/**
 * In whose name an authorization request is answered. Decided once for each request: what the hosted login chose just
 * now, else the person's last choice at this site, else the only capacity that is left; always resolved afresh.
 */
import type { KoaContextWithOIDC } from 'oidc-provider'
import { clientPolicy } from '../domain/client-policy.ts'
import { contextId, parseRef, refOf, self, usableAt, type Representation } from '../domain/representation.ts'
import { createRepresentations } from '../features/organizations/index.ts'
import { shanghaiDate } from '../ports/clock.ts'
import type { Services } from '../services.ts'
import { grantContext } from './grant-id.ts'
import { policyOf } from './interaction-policy.ts'

/** `undecided`: the person has to choose. `none`: there is nothing that this site accepts. */
export type Decision = { representation: Representation } | 'undecided' | 'none'

export interface RequestRepresentations {
  decide (ctx: KoaContextWithOIDC, personId: string): Promise<Decision>
  /** What a code or token was issued for, if it is still good; null = ended. Without a context: the person for themself. */
  ofGrant (grantId: string | undefined, personId: string): Promise<Representation | null>
}

export function createRequestRepresentations (services: Services): RequestRepresentations {
  const representations = createRepresentations(services)
  const decisions = new WeakMap<object, Promise<Decision>>()

  async function make (ctx: KoaContextWithOIDC, personId: string): Promise<Decision> {
    const { client } = ctx.oidc
    if (client === undefined) return 'none'
    const policy = clientPolicy(policyOf(client))
    const accepted = { clientId: client.clientId, subjectKinds: policy.subjectKinds, roles: policy.roles, ownService: policy.ownService === true }
    const today = shanghaiDate(services.clock.now())
    const usable = (representation: Representation | null): representation is Representation => representation !== null && usableAt(representation, accepted, today).ok
    const chosen = parseRef((ctx.oidc.result as { kora?: { representation?: unknown } } | undefined)?.kora?.representation)
    if (chosen !== null) {
      const representation = await representations.resolve(personId, chosen)
      return usable(representation) ? { representation } : 'none'
    }
    // most sites accept persons only: nothing to look up
    if (!policy.subjectKinds.includes('organization')) return usable(self) ? { representation: self } : 'none'
    const remembered = await representations.rememberedChoice(personId, client.clientId)
    const again = remembered === null ? null : await representations.resolve(personId, remembered)
    if (usable(again)) return { representation: again }
    const open = (await representations.hatsOf(personId, { clientId: client.clientId, policy })).filter((hat) => hat.blocked === null)
    if (open.length === 0) return 'none'
    return open.length === 1 && open[0] !== undefined ? { representation: open[0].representation } : 'undecided'
  }

  return {
    async decide (ctx, personId) {
      let decision = decisions.get(ctx)
      if (decision === undefined) decisions.set(ctx, decision = make(ctx, personId))
      return await decision
    },
    async ofGrant (grantId, personId) {
      const ref = parseRef(grantContext(services.crypto, grantId)) ?? self
      return ref.role === 'self' ? self : await representations.resolve(personId, ref)
    }
  }
}

/** For the grant's identifier; the person for themself needs none. */
export function contextOf (representation: Representation): { id: string } | undefined {
  const ref = refOf(representation)
  return ref.role === 'self' ? undefined : { id: contextId(ref), ...ref }
}
