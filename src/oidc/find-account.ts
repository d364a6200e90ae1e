/**
 * oidc-provider's account lookup: a person by `sub`, as stored now. A person who may not log in
 * any more is not found, which makes codes, refresh tokens, userinfo and sessions fail at once.
 */
import type { FindAccount } from 'oidc-provider'
import type { Services } from '../services.ts'
import { mayLogIn } from '../domain/person.ts'
import { claimsByScope, personClaims, self } from '../domain/claims.ts'
import { certTypeCode } from '../domain/cert-type.ts'
import { parseResidentId } from '../domain/resident-id.ts'
import { shanghaiDate } from '../ports/clock.ts'
import { personBySub } from '../features/persons/index.ts'

type FoundPerson = NonNullable<Awaited<ReturnType<typeof personBySub>>>

export function createFindAccount ({ db, crypto, clock }: Pick<Services, 'db' | 'crypto' | 'clock'>): FindAccount {
  return async (_ctx, sub) => {
    const person = await personBySub(db, crypto, sub)
    if (!person || !mayLogIn(person)) return undefined
    return {
      accountId: sub,
      person,
      claims: (use: string, scope: string, requested: Record<string, unknown>) => ({
        sub,
        ...personClaims(factsOf(person, clock.now()), use === 'id_token' ? 'id_token' : 'userinfo', wantedClaims(scope, requested))
      })
    }
  }
}

/** What the granted scopes and the `claims` parameter can show at all. */
const wantedClaims = (scope: string, requested: Record<string, unknown>): ReadonlySet<string> => new Set([
  ...scope.split(' ').flatMap((name): readonly string[] => claimsByScope[name as keyof typeof claimsByScope] ?? []),
  ...Object.keys(requested)
])

function factsOf (person: FoundPerson, now: number): Parameters<typeof personClaims>[0] {
  const number = (): ReturnType<typeof parseResidentId> => parseResidentId(person.certNo, shanghaiDate(now))
  return {
    person,
    representation: self,
    get gender () { const parsed = number(); return parsed.ok ? parsed.gender : null },
    get birthdate () { const parsed = number(); return parsed.ok ? parsed.birthdate : null },
    certTypeCode: certTypeCode(person.certType)
  }
}
