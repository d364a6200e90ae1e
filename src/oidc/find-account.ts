/**
 * oidc-provider's account lookup: a person by `sub`, as stored now, and in whose name the code or token at hand acts
 * now. A person who may not log in any more, or a context that has ended, is not found, which makes codes, refresh
 * tokens, userinfo and sessions fail at once.
 */
import type { FindAccount, KoaContextWithOIDC } from 'oidc-provider'
import type { Services } from '../services.ts'
import { mayLogIn } from '../domain/person.ts'
import { claimsByScope, personClaims, restrictedClaims } from '../domain/claims.ts'
import { certTypeCode } from '../domain/cert-type.ts'
import { filterVerifiedClaims, isNormalisedRequest } from '../domain/ida-filter.ts'
import { self, type Representation } from '../domain/representation.ts'
import { parseResidentId } from '../domain/resident-id.ts'
import { verifiedClaims, type VerifiedClaims } from '../domain/verified-claims.ts'
import { shanghaiDate } from '../ports/clock.ts'
import { personBySub } from '../features/persons/index.ts'
import { siteOf, type ActingFor, type SiteFacts } from './acting-for.ts'
import { insideVerifiedClaims } from './grants.ts'

type FoundPerson = NonNullable<Awaited<ReturnType<typeof personBySub>>>

export function createFindAccount ({ config, db, crypto, clock }: Pick<Services, 'config' | 'db' | 'crypto' | 'clock'>, actingFor: ActingFor): FindAccount {
  return async (ctx, sub, token) => {
    const person = await personBySub(db, crypto, sub)
    if (!person || !mayLogIn(person)) return undefined
    const { client } = ctx.oidc
    const site = client === undefined ? null : siteOf(client)
    // without a token (authorization, logout) nothing is issued from what is found here: the grant says for whom
    const representation = token === undefined || client === undefined ? self : await actingFor.ofToken(person.id, (token as { grantId?: string }).grantId, client)
    if (representation === null) return undefined
    return {
      accountId: sub,
      person,
      representation,
      claims: (use: string, scope: string, requested: Record<string, unknown> = {}) => {
        const target = use === 'id_token' ? 'id_token' : 'userinfo'
        const claims = personClaims(factsOf(person, representation, site, clock.now()), target)
        const verified = site === null
          ? []
          : verifiedOf(ctx, { issuer: config.issuer, person, representation, site, claims, scope, request: requested['verified_claims'], target, now: clock.now() })
        return { sub, ...claims, ...(verified.length === 0 ? {} : { verified_claims: verified }) }
      }
    }
  }
}

function factsOf (person: FoundPerson, representation: Representation, site: SiteFacts | null, now: number): Parameters<typeof personClaims>[0] {
  const number = parseResidentId(person.certNo, shanghaiDate(now))
  return {
    person,
    representation,
    catalogue: site?.catalogue ?? [],
    gender: number.ok ? number.gender : null,
    birthdate: number.ok ? number.birthdate : null,
    certTypeCode: certTypeCode(person.certType)
  }
}

interface Wanted {
  issuer: string
  person: FoundPerson
  representation: Representation
  site: SiteFacts
  claims: Record<string, unknown>
  scope: string
  /** From the `claims` parameter, granted; undefined when it asks for none. */
  request: unknown
  target: 'id_token' | 'userinfo'
  now: number
}

/** By the scope `organization` in userinfo, or as the `claims` parameter asks; never more than is granted. */
function verifiedOf (ctx: KoaContextWithOIDC, { scope, request, target, now, site, ...facts }: Wanted): VerifiedClaims[] {
  const scopes = scope.split(' ')
  const asked = isNormalisedRequest(request)
  if (!asked && request === undefined && (target === 'id_token' || !scopes.includes('organization'))) return []
  const allowed = new Set<string>(scopes.flatMap((name) => claimsByScope[name as keyof typeof claimsByScope] ?? []))
  if (allowed.has('organization')) allowed.add('authority')
  const granted = ctx.oidc.grant?.getOIDCClaims() ?? []
  for (const name of [...restrictedClaims, ...claimsByScope.profile, 'authority']) if (granted.includes(insideVerifiedClaims(name))) allowed.add(name)
  const available = verifiedClaims({ ...facts, allowed, catalogue: site.catalogue, audience: site.audience })
  return asked ? filterVerifiedClaims(available, request, now) : available
}
