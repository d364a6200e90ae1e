/**
 * What the storage adapter remembers within one request of the provider: the session as it was found,
 * the code or refresh token that tokens are issued from, and a consumption that waits for its insert.
 * Never used to decide anything by itself; decisions are the database's.
 */
import { Provider, type OIDCContext } from 'oidc-provider'
import type { Source } from '../tokens/artifact-repository.ts'
import type { StoredSession } from '../tokens/session-change.ts'

export interface RequestState {
  /** The session of this request as stored, if it was stored. */
  session?: StoredSession
  source?: Source
  /** Set by `consume`, carried out with the next insert under the same grant (deferred-consumption). */
  waiting?: Source
  /**
   * Whom the person represents at this site is not decided, or not what the site asks for: the hosted login must ask.
   */
  mustChoose?: 'representation' | 'asked'
  /** True once this request has issued a token under `source`. */
  issued: boolean
  /** True when somebody guarantees that a waiting consumption is carried out at the end of the request. */
  defers: boolean
  /** Look-ups of one token in several models at once. */
  lookups: Map<string, Promise<Map<string, Record<string, unknown>>>>
  /** Identifiers of grants whose digest this request has verified (tokens/grant-id.ts). */
  verifiedGrants: Set<string>
  /** Revocations under way, by grant hash: the library asks once for each model. */
  revocations: Map<string, Promise<void>>
}

const states = new WeakMap<object, RequestState>()

export function getRequestState (ctx: object): RequestState {
  let state = states.get(ctx)
  if (state === undefined) {
    states.set(
      ctx,
      (state = { issued: false, defers: false, lookups: new Map(), verifiedGrants: new Set(), revocations: new Map() })
    )
  }
  return state
}

/** Undefined outside of a request of the provider (workers, the interaction's own pages). */
export function currentState (): RequestState | undefined {
  const ctx = Provider.ctx
  return ctx === undefined ? undefined : getRequestState(ctx)
}

/** The grants that this request has verified already; undefined outside of a request. */
export const verifiedGrants = (): Set<string> | undefined => currentState()?.verifiedGrants

export const currentRequest = (): OIDCContext | undefined => Provider.ctx?.oidc
