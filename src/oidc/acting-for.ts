/**
 * In whose name: the representation of a login (domain/representation) in the provider. A grant carries the reference;
 * its facts are looked up anew at code redemption, refresh, userinfo and introspection, so that what has ended anywhere
 * is over at once. A session keeps for each relying site whom its `sid` stands for; another representation gets another
 * `sid`, and what the old one gave ends.
 */
import type { Client, KoaContextWithOIDC, ResourceServer } from 'oidc-provider'
import { inTransaction } from '../database/transaction.ts'
import { clientPolicy, type ClientPolicy } from '../domain/client/policy.ts'
import { requestedRepresentation } from '../domain/representation/representation-request.ts'
import {
  contextId,
  parseRef,
  refOf,
  self,
  type Representation,
  type RepresentationRef
} from '../domain/representation/representation.ts'
import {
  createRepresentations,
  meetsRequest,
  resolveReference,
  resolveRepresentation,
  type Representations
} from '../records/organizations/index.ts'
import type { OidcDeps } from './deps.ts'
import { getTraceId } from './error-pages.ts'
import { grantFacts, type GrantContext } from '../tokens/grant-id.ts'
import { readPolicy } from './interaction-policy.ts'
import { recordSessionsEnded } from '../records/sessions/index.ts'
import { forgetClientAuthorization } from './overrides/forget-client-authorization.ts'
import { getRequestState, verifiedGrants } from './request-state.ts'
import { revokeClientsOfSession } from '../tokens/revocation.ts'
import type { ClientAuthorization } from '../tokens/session-change.ts'

type Parts = Pick<OidcDeps, 'db' | 'crypto' | 'clock' | 'audit'>

/** What a person acting for themself is granted has no context: it ends with the session or the account. */
export const toGrantContext = (ref: RepresentationRef): GrantContext | undefined =>
  ref.role === 'self' ? undefined : { id: contextId(ref), ...ref }

/** Whom a session represents at one relying site; null when it is not in use there. */
export function currentRef (authorization: ClientAuthorization | undefined): RepresentationRef | null {
  if (authorization?.sid === undefined) return null
  return authorization.contextId === undefined ? self : parseRef(authorization['representation'])
}

export interface SiteFacts {
  clientId: string
  policy: ClientPolicy
  catalogue: string[]
  audience: string
}

/** A client as the rules about representation see it. */
export function readSiteFacts (client: Client): SiteFacts {
  const policy = clientPolicy(readPolicy(client))
  return {
    clientId: client.clientId,
    policy,
    catalogue: policy.functions.map(({ code }) => code),
    audience: client.clientUri ?? policy.homeUri ?? client.clientId
  }
}

export interface ActingFor {
  /** Whom a code or token acts for at this moment; null = over. */
  ofToken(personId: string, grantId: string | undefined, client: Client): Promise<Representation | null>
  /**
   * Whom this authorization request is for; switches the session at this site to it. Null: the person must choose
   * first, which the check of interaction-policy.ts sees to, and the session stays as it is.
   */
  ofRequest(ctx: KoaContextWithOIDC, personId: string): Promise<Representation | null>
}

export function createActingFor (
  deps: Parts,
  representations: Representations = createRepresentations(deps)
): ActingFor {
  const { crypto, clock } = deps
  return {
    async ofToken (personId, grantId, client) {
      const { context, rar } = grantFacts(crypto, grantId, verifiedGrants()) ?? {}
      const ref = context === undefined ? self : parseRef(context)
      const site = readSiteFacts(client)
      const representation =
        ref === null ? null : await resolveReference({ representations, clock }, { personId, site }, ref)
      // a delegation that does not reach as far any more as what was granted
      return representation !== null && meetsRequest(representation, requestedRepresentation(rar), site)
        ? representation
        : null
    },
    async ofRequest (ctx, personId) {
      const { client, session, result } = ctx.oidc
      if (client === undefined || session === undefined) return null
      const site = readSiteFacts(client)
      const current = currentRef(authorizationAt(session as SessionLike, site.clientId))
      // the page of all identities comes anyway; nothing is decided before
      if (ctx.oidc.promptPending('select_account')) return null
      const requested = requestedRepresentation(ctx.oidc.params?.['authorization_details'])
      const answer = await resolveRepresentation(
        { representations, clock },
        {
          personId,
          site,
          requested,
          chosen: parseRef((result?.['kora'] as { representation?: unknown } | undefined)?.representation),
          current: async () => current
        }
      )
      const representation = answer.state === 'resolved' ? answer.representation : null
      if (representation === null) getRequestState(ctx).mustChoose = requested === null ? 'representation' : 'asked'
      else if (current !== null && contextId(refOf(representation)) !== contextId(current)) {
        await endPreviousRepresentation(deps, ctx, { session: session as SessionLike, clientId: site.clientId })
      }
      return representation
    }
  }
}

interface SessionLike {
  uid: string
  authorizations?: Record<string, ClientAuthorization> | undefined
}

const authorizationAt = (session: SessionLike, clientId: string): ClientAuthorization | undefined =>
  Object.hasOwn(session.authorizations ?? {}, clientId) ? session.authorizations?.[clientId] : undefined

/**
 * What this session was given at this site in another's name ends, with a logout token; the library makes a new `sid`.
 */
async function endPreviousRepresentation (
  deps: Parts,
  ctx: KoaContextWithOIDC,
  { session, clientId }: { session: SessionLike; clientId: string }
): Promise<void> {
  await inTransaction(deps.db, async (trx) => {
    const ended = await revokeClientsOfSession(trx, session.uid, [clientId])
    if (ended.length > 0) {
      await recordSessionsEnded(trx, deps, ended, { reason: 'representation-switched', traceId: getTraceId(ctx) })
    }
  })
  forgetClientAuthorization(session, clientId)
}

/** Seconds that an access token in JWT form may live when it acts for an organization: nobody can call it back. */
const jwtForOrganizations = 300

/** Lifetime of an access token: as its resource server says, and shorter for a JWT that acts for an organization. */
export function accessTokenLifetime (
  ctx: KoaContextWithOIDC | undefined,
  token: { resourceServer?: ResourceServer | undefined },
  otherwise: number
): number {
  const { accessTokenTTL: lifetime = otherwise, accessTokenFormat } = token.resourceServer ?? {}
  const account = ctx?.oidc?.entities.Account as { representation?: Representation } | undefined
  const representation = account?.representation ?? self
  if (accessTokenFormat !== 'jwt' || representation.role === 'self') return lifetime
  return limitOrganizationJwt(lifetime, representation.role === 'agent' ? representation.delegation.validTo : null)
}

/** @param lastDay of the delegation of an agent */
export const limitOrganizationJwt = (lifetime: number, lastDay: string | null): number =>
  Math.max(
    1,
    Math.min(lifetime, jwtForOrganizations, lastDay === null ? Infinity : countSecondsUntilEnd(lastDay))
  )

/** Of a day in Shanghai, which is included. */
const countSecondsUntilEnd = (day: string): number =>
  Math.floor((Date.parse(`${day}T00:00:00+08:00`) + 86_400_000 - Date.now()) / 1000)
