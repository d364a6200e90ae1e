/**
 * A new grant for each authorization request: what was requested, is allowed to the client, and the person agreed to. A
 * grant that is used again would accumulate scopes and leak claims. Grants have no row (tokens/grant-id.ts).
 */
import type { Grant, KoaContextWithOIDC, Session } from 'oidc-provider'
import type { OidcDeps } from './deps.ts'
import { consoleClientId } from '../domain/administration/administration.ts'
import { apiConsent } from '../domain/client/api-grants.ts'
import { claimsByScope, restrictedClaims } from '../domain/claims/claims.ts'
import { clientPolicy } from '../domain/client/policy.ts'
import { releasedScopes } from '../domain/claims/requested-scopes.ts'
import { decidedScopes } from '../records/consents/index.ts'
import { verifiedClaimNames } from '../domain/claims/ida-filter.ts'
import { requestedRepresentation, grantedDetail } from '../domain/representation/representation-request.ts'
import { toRepresentationRef } from '../domain/representation/representation.ts'
import { personBySub } from '../records/persons/index.ts'
import { toGrantContext, type ActingFor } from './acting-for.ts'
import { readSessionConfinement } from './overrides/keep-session-confinement.ts'
import { createGrant } from './overrides/create-grant.ts'
import { readPolicy } from './interaction-policy.ts'

/** Claims that may be requested one by one with the granted scopes (OIDC Core §5.5). */
function claimsAllowed (scopes: readonly string[]): Set<string> {
  return new Set(scopes.flatMap((scope) => claimsByScope[scope as keyof typeof claimsByScope] ?? []))
}

/** Name in a grant of a claim that may be released within `verified_claims`. */
export const insideVerifiedClaims = (claim: string): string => `verified_claims.${claim}`

export function createGrantLoader (
  deps: OidcDeps,
  actingFor: ActingFor
): (ctx: KoaContextWithOIDC) => Promise<Grant | undefined> {
  return async (ctx) => {
    const { client, account, provider, params } = ctx.oidc
    if (!client || !account) return undefined
    // findAccount finds only administrators for this client
    if (client.clientId === consoleClientId) {
      return createGrant(provider, deps.crypto, {
        accountId: account.accountId,
        clientId: client.clientId,
        scope: 'openid'
      })
    }
    const personId = (account as { person?: { id: string } }).person?.id
    const representation = personId === undefined ? null : await actingFor.ofRequest(ctx, personId)
    // the hosted login asks first; without a grant the session stays as it is
    if (representation === null) return undefined
    const confined = readSessionConfinement(ctx.oidc.session as Session | undefined) !== undefined
    const context = toGrantContext(toRepresentationRef(representation), confined)
    const policy = clientPolicy(readPolicy(client))
    const details = requestedRepresentation(params?.['authorization_details'])
    const allowed = (client.scope ?? '').split(' ')
    const requested = String(params?.['scope'] ?? '')
      .split(' ')
      .filter((scope) => allowed.includes(scope) || scope === 'openid' || scope === 'offline_access')
    const apis = resourceScopes(ctx)
    const decided = policy.trusted ? null : await decisions(deps, account.accountId, client.clientId)
    const granted = decided === null ? requested : releasedScopes(requested, decided)
    const refused = requested.filter((scope) => !granted.includes(scope))

    const requestedClaims = [...ctx.oidc.requestParamClaims]
    const reachable = claimsAllowed(policy.trusted ? allowed : granted)
    // the most sensitive claims need their scope, which the consent page and the console show
    if (!granted.includes('identity')) for (const claim of restrictedClaims) reachable.delete(claim)
    const within = [...verifiedClaimNames(parsedClaims(params?.['claims']))].filter((claim) =>
      reachable.has(claim === 'authority' ? 'organization' : claim)
    )
    if (within.length > 0) reachable.add('verified_claims')
    const claims = requestedClaims.filter((claim) => reachable.has(claim))
    return createGrant(provider, deps.crypto, {
      accountId: account.accountId,
      clientId: client.clientId,
      scope: granted.join(' '),
      // scopes that were refused or are not allowed count as decided, so that the person is not asked again
      rejectedScope: [
        ...refused,
        ...String(params?.['scope'] ?? '')
          .split(' ')
          .filter((scope) => scope !== '' && !requested.includes(scope))
      ].join(' '),
      claims: [...claims, ...within.map(insideVerifiedClaims)],
      rejectedClaims: requestedClaims.filter((claim) => !reachable.has(claim)),
      resources: decided === null ? apis : agreedApis(apis, decided),
      ...(details === null || representation.role === 'self'
        ? {}
        : { rar: [grantedDetail(deps.config.issuer, details, representation.role)] }),
      ...(context === undefined ? {} : { context })
    })
  }
}

const parsedClaims = (claims: unknown): Record<string, unknown> =>
  typeof claims === 'string' ? (JSON.parse(claims) as Record<string, unknown>) : {}

async function decisions (deps: OidcDeps, sub: string, clientId: string): Promise<Map<string, boolean>> {
  const person = await personBySub(deps.db, deps.crypto, sub)
  return person === null ? new Map<string, boolean>() : await decidedScopes(deps.db, person.id, clientId)
}

/** What the person agreed to of it. */
const agreedApis = (
  apis: Readonly<Record<string, string>>,
  decided: ReadonlyMap<string, boolean>
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(apis).map(([identifier, scopes]) => [
      identifier,
      scopes
        .split(' ')
        .filter((scope) => decided.get(apiConsent(identifier, scope)) === true)
        .join(' ')
    ])
  )

/** The requested scopes that each resource server of the request has. */
function resourceScopes (ctx: KoaContextWithOIDC): Record<string, string> {
  const requested = ctx.oidc.requestParamScopes
  return Object.fromEntries(
    Object.entries(ctx.oidc.resourceServers ?? {}).map(([indicator, server]) => [
      indicator,
      [...server.scopes].filter((scope) => requested.has(scope)).join(' ')
    ])
  )
}
