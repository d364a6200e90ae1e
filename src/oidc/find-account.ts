/**
 * The account behind a `sub`: the person as stored now, and the representation that the code or token has now. A person
 * who may not sign in any more, or a representation that has ended, is not found. Codes, refresh tokens, userinfo and
 * sessions then fail at once.
 */
import type { FindAccount, KoaContextWithOIDC } from 'oidc-provider'
import type { OidcDeps } from './deps.ts'
import { consoleClientId, isAdministratorId } from '../domain/administration/administration.ts'
import { mayLogIn } from '../domain/identity/person.ts'
import { claimsByScope, claimsOfPerson, personClaims } from '../domain/claims/claims.ts'
import { certTypeCode } from '../domain/identity/cert-type.ts'
import { filterVerifiedClaims, isNormalisedRequest } from '../domain/claims/ida-filter.ts'
import { self, type Representation } from '../domain/representation/representation.ts'
import { parseResidentId } from '../domain/identity/resident-id.ts'
import {
  verifiedClaims,
  verifiedPersonClaims,
  type VerifiedClaims,
  type VerifiedFacts
} from '../domain/claims/verified-claims.ts'
import { shanghaiDate } from '../ports/clock.ts'
import { personBySub } from '../records/persons/index.ts'
import { readSiteFacts, type ActingFor, type SiteFacts } from './acting-for.ts'
import { insideVerifiedClaims } from './grants.ts'

type FoundPerson = NonNullable<Awaited<ReturnType<typeof personBySub>>>

export function createFindAccount (
  { config, db, crypto, clock }: Pick<OidcDeps, 'config' | 'db' | 'crypto' | 'clock'>,
  actingFor: ActingFor
): FindAccount {
  return async (ctx, sub, token) => {
    const { client } = ctx.oidc
    // administrators sign in at the console only, and people everywhere else only
    if (isAdministratorId(sub) || client?.clientId === consoleClientId) {
      return await administrator(db, client?.clientId, sub)
    }
    const person = await personBySub(db, crypto, sub)
    if (!person || !mayLogIn(person)) return undefined
    const site = client === undefined ? null : readSiteFacts(client)
    // without a token (authorization, logout) no claims are issued from this account: the grant has the representation
    const acting =
      token === undefined || client === undefined
        ? { representation: self, confined: false }
        : await actingFor.ofToken(person.id, (token as { grantId?: string }).grantId, client)
    if (acting === null) return undefined
    const { representation, confined } = acting
    return {
      accountId: sub,
      person,
      representation,
      claims: (use: string, scope: string, requested: Record<string, unknown> = {}) => {
        const target = use === 'id_token' ? 'id_token' : 'userinfo'
        const request = requested['verified_claims']
        const within = wantsVerified(target, scope, request) ? releasable(ctx, scope) : null
        const wanted = new Set([...listClaimNames(scope), ...Object.keys(requested), ...(within ?? [])])
        if (confined) for (const name of claimsOfPerson) wanted.delete(name)
        const claims = personClaims(
          collectClaimFacts({ person, representation, site, now: clock.now() }),
          target,
          wanted
        )
        const verified =
          within === null || site === null
            ? []
            : selectVerifiedClaims(
              {
                issuer: config.issuer,
                person,
                representation,
                claims,
                allowed: confined ? new Set([...within].filter((name) => !claimsOfPerson.has(name))) : within,
                catalogue: site.catalogue,
                audience: site.audience
              },
              request,
              clock.now()
            )
        return { sub, ...claims, ...(verified.length === 0 ? {} : { verified_claims: verified }) }
      }
    }
  }
}

/** An administrator with an active account, for the console only. `sub` is the only claim. */
async function administrator (
  db: OidcDeps['db'],
  clientId: string | undefined,
  sub: string
): Promise<Awaited<ReturnType<FindAccount>>> {
  if (clientId !== consoleClientId || !isAdministratorId(sub)) return undefined
  const active = await db
    .selectFrom('adminAccount')
    .select('id')
    .where('id', '=', sub)
    .where('status', '=', 'active')
    .executeTakeFirst()
  return active === undefined ? undefined : { accountId: sub, claims: () => ({ sub }) }
}

/** Claims of the granted scopes. */
const listClaimNames = (scope: string): string[] =>
  scope.split(' ').flatMap((name): readonly string[] => claimsByScope[name as keyof typeof claimsByScope] ?? [])

interface CollectClaimFactsInput {
  person: FoundPerson
  representation: Representation
  site: SiteFacts | null
  now: number
}

/** Getters where a value costs a decryption, so that only requested values are decrypted. */
function collectClaimFacts ({
  person,
  representation,
  site,
  now
}: CollectClaimFactsInput): Parameters<typeof personClaims>[0] {
  const number = (): ReturnType<typeof parseResidentId> => parseResidentId(person.certNo, shanghaiDate(now))
  return {
    person,
    representation,
    catalogue: site?.catalogue ?? [],
    get gender () {
      const parsed = number()
      return parsed.ok ? parsed.gender : null
    },
    get birthdate () {
      const parsed = number()
      return parsed.ok ? parsed.birthdate : null
    },
    certTypeCode: certTypeCode(person.certType)
  }
}

/** Whether the `claims` parameter requests them, or the scope `organization` in userinfo. */
const wantsVerified = (target: 'id_token' | 'userinfo', scope: string, request: unknown): boolean =>
  request !== undefined || (target === 'userinfo' && scope.split(' ').includes('organization'))

/** Claims that may be released within `verified_claims`: granted ones only. */
function releasable (ctx: KoaContextWithOIDC, scope: string): Set<string> {
  const allowed = new Set(listClaimNames(scope))
  if (allowed.has('organization')) allowed.add('authority')
  const granted = ctx.oidc.grant?.getOIDCClaims() ?? []
  for (const name of [...verifiedPersonClaims, 'authority']) {
    if (granted.includes(insideVerifiedClaims(name))) allowed.add(name)
  }
  return allowed
}

const selectVerifiedClaims = (facts: VerifiedFacts, request: unknown, now: number): VerifiedClaims[] =>
  isNormalisedRequest(request) ? filterVerifiedClaims(verifiedClaims(facts), request, now) : verifiedClaims(facts)
