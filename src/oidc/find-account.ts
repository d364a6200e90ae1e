/**
 * oidc-provider's account lookup: a person by `sub`, as stored now. A person who may not log in
 * any more is not found, which makes codes, refresh tokens, userinfo and sessions fail at once.
 */
import type { FindAccount } from 'oidc-provider'
import type { Services } from '../services.ts'
import { mayLogIn } from '../domain/person.ts'
import { claimsByScope, personClaims, self, type Representation } from '../domain/claims.ts'
import { clientPolicy } from '../domain/client-policy.ts'
import { certTypeCode } from '../domain/cert-type.ts'
import { parseResidentId } from '../domain/resident-id.ts'
import { shanghaiDate } from '../ports/clock.ts'
import { personBySub } from '../features/persons/index.ts'
import { policyOf } from './interaction-policy.ts'
import type { RequestRepresentations } from './representations.ts'

type FoundPerson = NonNullable<Awaited<ReturnType<typeof personBySub>>>

export function createFindAccount ({ db, crypto, clock }: Pick<Services, 'db' | 'crypto' | 'clock'>, representations: RequestRepresentations): FindAccount {
  return async (ctx, sub, token) => {
    const person = await personBySub(db, crypto, sub)
    if (!person || !mayLogIn(person)) return undefined
    // a code or token of a context that has ended finds nobody: it fails wherever it is shown
    const ofToken = token === undefined ? undefined : await representations.ofGrant((token as { grantId?: string }).grantId, person.id)
    if (ofToken === null) return undefined
    const representation = async (): Promise<Representation> => {
      if (ofToken !== undefined) return ofToken
      const decision = await representations.decide(ctx, person.id)
      return typeof decision === 'string' ? self : decision.representation
    }
    const functions = clientPolicy(policyOf(ctx.oidc?.client)).functions.map(({ code }) => code)
    return {
      accountId: sub,
      person,
      representation,
      functions,
      claims: async (use: string, scope: string, requested: Record<string, unknown>) => ({
        sub,
        ...personClaims(factsOf(person, await representation(), functions, clock.now()), use === 'id_token' ? 'id_token' : 'userinfo', wantedClaims(scope, requested))
      })
    }
  }
}

/** What the granted scopes and the `claims` parameter can show at all. */
const wantedClaims = (scope: string, requested: Record<string, unknown>): ReadonlySet<string> => new Set([
  ...scope.split(' ').flatMap((name): readonly string[] => claimsByScope[name as keyof typeof claimsByScope] ?? []),
  ...Object.keys(requested)
])

function factsOf (person: FoundPerson, representation: Representation, functions: string[], now: number): Parameters<typeof personClaims>[0] {
  const number = (): ReturnType<typeof parseResidentId> => parseResidentId(person.certNo, shanghaiDate(now))
  return {
    person,
    representation,
    functions,
    get gender () { const parsed = number(); return parsed.ok ? parsed.gender : null },
    get birthdate () { const parsed = number(); return parsed.ok ? parsed.birthdate : null },
    certTypeCode: certTypeCode(person.certType)
  }
}
