/** What a relying site requests of a person's data, and what the person has still to decide. */
import { claimsByScope } from './claims.ts'

/** Sensitive personal information needs a consent of its own (PIPL art. 29). */
export const sensitiveScopes = ['identity']

const words = (value: unknown): string[] => (typeof value === 'string' ? value.split(' ') : [])

/** Scopes of a request that mean data and that the client may request. */
export function requestedScopes (scope: unknown, client: { scope?: string | undefined }): string[] {
  const allowed = words(client.scope)
  return words(scope).filter((name) => name in claimsByScope && name !== 'openid' && allowed.includes(name))
}

/**
 * An optional scope is undecided until it is decided, a required one until it is given. `decided`: scope → given or
 * refused.
 */
export const isUndecided = (
  scopes: readonly string[],
  decided: ReadonlyMap<string, boolean>,
  optionalScopes: readonly string[]
): boolean =>
  scopes.some((scope) => (optionalScopes.includes(scope) ? !decided.has(scope) : decided.get(scope) !== true))

/** Those that the person has agreed to, and those that mean no data. */
export const releasedScopes = (scopes: readonly string[], decided: ReadonlyMap<string, boolean>): string[] =>
  scopes.filter((scope) => scope === 'openid' || !(scope in claimsByScope) || decided.get(scope) === true)
