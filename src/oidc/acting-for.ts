/**
 * The representation of a login (domain/representation) in the provider. A grant carries a reference. Its facts are
 * read again at code redemption, refresh, userinfo and introspection, so a representation that ends anywhere ends there
 * at once. A session keeps, for each relying site, the representation that its `sid` stands for. Another representation
 * gets another `sid`, and the tokens of the previous one end.
 */
import type { Client, KoaContextWithOIDC, ResourceServer } from 'oidc-provider'
import { inTransaction } from '../database/transaction.ts'
import { clientPolicy, type ClientPolicy } from '../domain/client/policy.ts'
import { requestedRepresentation } from '../domain/representation/representation-request.ts'
import {
  contextId,
  parseRef,
  toRepresentationRef,
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
import { readSessionConfinement } from './overrides/keep-session-confinement.ts'
import { forgetClientAuthorization } from './overrides/forget-client-authorization.ts'
import { getRequestState, verifiedGrants } from './request-state.ts'
import { revokeClientsOfSession } from '../tokens/revocation.ts'
import type { ClientAuthorization } from '../tokens/session-change.ts'

type Parts = Pick<OidcDeps, 'db' | 'crypto' | 'clock' | 'audit'>

/** A grant of a person who acts in their own name has no context: it ends with the session or the account. */
export const toGrantContext = (ref: RepresentationRef, confined = false): GrantContext | undefined =>
  ref.role === 'self' ? undefined : { id: contextId(ref), ...ref, ...(confined ? { confined } : {}) }

/**
 * The representation of a session at one relying site, also when it has ended and nothing was chosen since; null when
 * the session is not in use there.
 */
export function currentRef (authorization: ClientAuthorization | undefined): RepresentationRef | null {
  if (authorization?.ended === true) return parseRef(authorization.representation)
  if (authorization?.sid === undefined) return null
  return authorization.contextId === undefined ? self : parseRef(authorization['representation'])
}

export interface SiteFacts {
  clientId: string
  policy: ClientPolicy
  catalogue: string[]
  audience: string
}

/** What the rules about representation need to know of a client. */
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
  /** The representation of a code or token at this moment, and whether it says only that; null: it has ended. */
  ofToken(
    personId: string,
    grantId: string | undefined,
    client: Client
  ): Promise<{ representation: Representation; confined: boolean } | null>
  /**
   * The representation for this authorization request; switches the session at this site to it. Null: the person must
   * choose first. Then interaction-policy.ts asks, and the session stays as it is.
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
      // a delegation that is narrower now than what was granted from it
      return representation !== null && meetsRequest(representation, requestedRepresentation(rar), site)
        ? { representation, confined: context?.['confined'] === true }
        : null
    },
    async ofRequest (ctx, personId) {
      const { client, session, result } = ctx.oidc
      if (client === undefined || session === undefined) return null
      const site = readSiteFacts(client)
      const current = currentRef(authorizationAt(session as SessionLike, site.clientId))
      // the person chooses on the page of all identities, so nothing is decided before
      if (ctx.oidc.promptPending('select_account')) return null
      // a login by an organization's password stands for that organization, and for nobody and nothing else
      const confined = parseRef(readSessionConfinement(session))
      const requested = requestedRepresentation(ctx.oidc.params?.['authorization_details'])
      const answer = await resolveRepresentation(
        { representations, clock },
        {
          personId,
          site,
          requested,
          chosen: parseRef((result?.['kora'] as { representation?: unknown } | undefined)?.representation) ?? confined,
          current: async () => current
        }
      )
      const representation = answer.state === 'resolved' ? answer.representation : null
      if (confined !== null && !isWithin(confined, representation, site)) {
        getRequestState(ctx).mustChoose = 'confined'
        return null
      }
      if (representation === null) {
        getRequestState(ctx).mustChoose = requested === null ? 'representation' : 'requested'
      } else if (current !== null && contextId(toRepresentationRef(representation)) !== contextId(current)) {
        await endPreviousRepresentation(deps, ctx, { session: session as SessionLike, clientId: site.clientId })
      }
      return representation
    }
  }
}

/** May a session that is confined to this representation go on at the site? Kora's own pages are of the person. */
const isWithin = (confined: RepresentationRef, representation: Representation | null, site: SiteFacts): boolean =>
  site.policy.ownService !== true &&
  representation !== null &&
  contextId(toRepresentationRef(representation)) === contextId(confined)

interface SessionLike {
  uid: string
  authorizations?: Record<string, ClientAuthorization> | undefined
}

const authorizationAt = (session: SessionLike, clientId: string): ClientAuthorization | undefined =>
  Object.hasOwn(session.authorizations ?? {}, clientId) ? session.authorizations?.[clientId] : undefined

/**
 * Ends the tokens of this session at this site, and queues a logout token for it. The library then makes a new `sid`.
 */
async function endPreviousRepresentation (
  deps: Parts,
  ctx: KoaContextWithOIDC,
  { session, clientId }: { session: SessionLike; clientId: string }
): Promise<void> {
  await inTransaction(deps.db, async (trx) => {
    const ended = await revokeClientsOfSession(trx, session.uid, [clientId])
    if (ended.length > 0) {
      await recordSessionsEnded(trx, deps, {
        ended,
        about: { reason: 'representation-switched', traceId: getTraceId(ctx) }
      })
    }
  })
  forgetClientAuthorization(session, clientId)
}

/** Seconds; an access token in JWT form that acts for an organization lives shorter, because it cannot be revoked. */
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
  Math.max(1, Math.min(lifetime, jwtForOrganizations, lastDay === null ? Infinity : countSecondsUntilEnd(lastDay)))

/** To the end of this day in Shanghai. */
const countSecondsUntilEnd = (day: string): number =>
  Math.floor((Date.parse(`${day}T00:00:00+08:00`) + 86_400_000 - Date.now()) / 1000)
