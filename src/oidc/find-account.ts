/**
 * oidc-provider's account lookup: a person by `sub`, as stored now. A person who may not log in
 * any more is not found, which makes codes, refresh tokens, userinfo and sessions fail at once.
 */
import type { FindAccount } from 'oidc-provider'
import type { Services } from '../services.ts'
import { mayLogIn } from '../domain/person.ts'
import { personClaims, self } from '../domain/claims.ts'
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
      claims: (use: string) => ({
        sub,
        ...personClaims(factsOf(person, clock.now()), use === 'id_token' ? 'id_token' : 'userinfo')
      })
    }
  }
}

function factsOf (person: FoundPerson, now: number): Parameters<typeof personClaims>[0] {
  const number = parseResidentId(person.certNo, shanghaiDate(now))
  return {
    person,
    representation: self,
    gender: number.ok ? number.gender : null,
    birthdate: number.ok ? number.birthdate : null,
    certTypeCode: certTypeCode(person.certType)
  }
}
