/**
 * A fresh grant for each authorization request: exactly what was asked for, allowed to the client and agreed to.
 * Reusing one grant would accumulate scopes and leak claims. Grants have no row (grant-id.ts).
 */
import type { Grant, KoaContextWithOIDC } from 'oidc-provider'
import type { OidcDeps } from './deps.ts'
import { consoleClientId } from '../domain/administration/administration.ts'
import { claimsByScope, restrictedClaims } from '../domain/claims/claims.ts'
import { clientPolicy } from '../domain/client/policy.ts'
import { releasedScopes } from '../domain/claims/requested-scopes.ts'
import { decidedScopes } from '../records/consents/index.ts'
import { verifiedClaimNames } from '../domain/claims/ida-filter.ts'
import { requestedRepresentation, grantedDetail } from '../domain/representation/representation-request.ts'
import { refOf } from '../domain/representation/representation.ts'
import { personBySub } from '../records/persons/index.ts'
import { toGrantContext, type ActingFor } from './acting-for.ts'
import { createGrant } from './overrides/create-grant.ts'
import { readPolicy } from './interaction-policy.ts'

/** Claims that a granted set of scopes allows to be asked for one by one (OIDC Core §5.5). */
function claimsAllowed (scopes: readonly string[]): Set<string> {
  return new Set(scopes.flatMap((scope) => claimsByScope[scope as keyof typeof claimsByScope] ?? []))
}

/** How a grant names a claim that may be given within `verified_claims`. */
export const insideVerifiedClaims = (claim: string): string => `verified_claims.${claim}`

export function createGrantLoader (
  deps: OidcDeps,
  actingFor: ActingFor
): (ctx: KoaContextWithOIDC) => Promise<Grant | undefined> {
  return async (ctx) => {
    const { client, account, provider, params } = ctx.oidc
    if (!client || !account) return undefined
    // findAccount lets nobody but administrators in here
    if (client.clientId === consoleClientId) {
      return createGrant(provider, deps.crypto, {
        accountId: account.accountId,
        clientId: client.clientId,
        scope: 'openid'
      })
    }
    const personId = (account as { person?: { id: string } }).person?.id
    const representation = personId === undefined ? null : await actingFor.ofRequest(ctx, personId)
    // no grant and no change of the session: the hosted login asks first
    if (representation === null) return undefined
    const context = toGrantContext(refOf(representation))
    const policy = clientPolicy(readPolicy(client))
    const details = requestedRepresentation(params?.['authorization_details'])
    const allowed = (client.scope ?? '').split(' ')
    const asked = String(params?.['scope'] ?? '')
      .split(' ')
      .filter((scope) => allowed.includes(scope) || scope === 'openid' || scope === 'offline_access')
    const granted = policy.trusted ? asked : await agreed(deps, account.accountId, client.clientId, asked)
    const refused = asked.filter((scope) => !granted.includes(scope))

    const requestedClaims = [...ctx.oidc.requestParamClaims]
    const reachable = claimsAllowed(policy.trusted ? allowed : granted)
    // what is most sensitive is asked for by its scope, which people and administrators see, or not at all
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
      // nothing is asked for twice: what was refused or is not allowed counts as decided
      rejectedScope: [
        ...refused,
        ...String(params?.['scope'] ?? '')
          .split(' ')
          .filter((scope) => scope !== '' && !asked.includes(scope))
      ].join(' '),
      claims: [...claims, ...within.map(insideVerifiedClaims)],
      rejectedClaims: requestedClaims.filter((claim) => !reachable.has(claim)),
      resources: resourceScopes(ctx),
      ...(details === null || representation.role === 'self'
        ? {}
        : { rar: [grantedDetail(deps.config.issuer, details, representation.role)] }),
      ...(context === undefined ? {} : { context })
    })
  }
}

const parsedClaims = (claims: unknown): Record<string, unknown> =>
  typeof claims === 'string' ? (JSON.parse(claims) as Record<string, unknown>) : {}

async function agreed (deps: OidcDeps, sub: string, clientId: string, scopes: string[]): Promise<string[]> {
  const person = await personBySub(deps.db, deps.crypto, sub)
  if (!person) return []
  const decided = await decidedScopes(deps.db, person.id, clientId)
  return releasedScopes(scopes, decided)
}

/** Scopes of each resource server of the request, as far as it has them. */
function resourceScopes (ctx: KoaContextWithOIDC): Record<string, string> {
  const asked = ctx.oidc.requestParamScopes
  return Object.fromEntries(
    Object.entries(ctx.oidc.resourceServers ?? {}).map(([indicator, server]) => [
      indicator,
      [...server.scopes].filter((scope) => asked.has(scope)).join(' ')
    ])
  )
}
