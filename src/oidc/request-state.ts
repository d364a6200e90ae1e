/**
 * What the storage adapter keeps within one request of the provider: the session as it was found, the code or refresh
 * token that tokens are issued from, and a consumption that waits for its insert. Only statements on the database
 * decide.
 */
import { Provider, type OIDCContext } from 'oidc-provider'
import type { ApiAccess } from '../records/resource-servers/index.ts'
import type { Source } from '../tokens/artifact-repository.ts'
import type { StoredSession } from '../tokens/session-change.ts'

export interface RequestState {
  /** The session of this request as stored, if it was stored. */
  session?: StoredSession
  source?: Source
  /** Set by `consume`; the next insert under the same grant consumes it (deferred-consumption.ts). */
  waiting?: Source
  /** Why the hosted login must ask: the representation at this site is not chosen, or not the requested one. */
  mustChoose?: 'representation' | 'requested' | 'confined'
  /** Made for a browser without one; sent with the redirect to the hosted login (browser-binding.ts). */
  newBrowserSecret?: string
  /** Resource servers of this request, by identifier, as far as the client may use them. */
  apis: Map<string, ApiAccess>
  /** True once this request has issued a token under `source`. */
  issued: boolean
  /** True when a middleware consumes what is waiting at the end of the request (deferred-consumption.ts). */
  defers: boolean
  /** Look-ups under way, by token: one answers for several models. */
  lookups: Map<string, Promise<Map<string, Record<string, unknown>>>>
  /** Identifiers of grants whose digest this request has verified (tokens/grant-id.ts). */
  verifiedGrants: Set<string>
  /** Revocations under way, by grant hash: the library asks for each model. */
  revocations: Map<string, Promise<void>>
}

const states = new WeakMap<object, RequestState>()

export function getRequestState (ctx: object): RequestState {
  let state = states.get(ctx)
  if (state === undefined) {
    states.set(
      ctx,
      (state = {
        issued: false,
        defers: false,
        apis: new Map(),
        lookups: new Map(),
        verifiedGrants: new Set(),
        revocations: new Map()
      })
    )
  }
  return state
}

/** Undefined outside of a request of the provider (workers, pages of the hosted login). */
export function currentState (): RequestState | undefined {
  const ctx = Provider.ctx
  return ctx === undefined ? undefined : getRequestState(ctx)
}

/** The grants that this request has verified already; undefined outside of a request. */
export const verifiedGrants = (): Set<string> | undefined => currentState()?.verifiedGrants

export const currentRequest = (): OIDCContext | undefined => Provider.ctx?.oidc
