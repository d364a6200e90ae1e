/**
 * How often a password may be tried, as numbers and decisions.
 *
 * Identifiers are guessable (a document number has about a thousand candidates), so throttling must stop the source
 * that guesses and not the person. A browser in which the person has signed in before keeps its own counters, and
 * scanning is never counted (ASVS 6.3.1).
 */

export interface ThrottleRules {
  /** Wrong tries of one identifier from one source, then a pause for that source. */
  pair: { limit: number; windowSeconds: number }
  /**
   * Wrong tries of one identifier in a day, from browsers the person does not know; then one try for each source and
   * window.
   */
  identifier: { limit: number; windowSeconds: number; slowedLimit: number }
  /**
   * Consecutive wrong tries of one identifier, then the password is no longer accepted there (NIST SP 800-63B-4
   * §3.2.2).
   */
  consecutive: { limit: number; windowSeconds: number }
  /** Different identifiers that failed from one source, then a pause for that source. */
  source: { limit: number; windowSeconds: number; blockSeconds: number }
}

export const throttleRules: Readonly<ThrottleRules> = Object.freeze({
  pair: { limit: 5, windowSeconds: 15 * 60 },
  identifier: { limit: 20, windowSeconds: 24 * 3600, slowedLimit: 1 },
  // a success, a new password or thirty days restart the count
  consecutive: { limit: 100, windowSeconds: 30 * 24 * 3600 },
  source: { limit: 20, windowSeconds: 10 * 60, blockSeconds: 15 * 60 }
})

/**
 * The password of an organization: its code is public and many know the password, so strangers must never be able to
 * suspend it. They are still slowed down.
 */
export const organizationThrottleRules: Readonly<ThrottleRules> = Object.freeze({
  ...throttleRules,
  consecutive: { ...throttleRules.consecutive, limit: Number.POSITIVE_INFINITY }
})

/** Why a try is refused. Only logs and audit events have it: the page shows only the time and the other ways. */
export type ThrottleReason = 'pair' | 'identifier' | 'source' | 'suspended'

/** Counters as they stand with this try already counted. */
export interface PairCount {
  count: number
  identifierCount: number
  knownBrowser: boolean
}

/**
 * How many tries this browser or source has in its window. A person's own browser is never slowed by what others did.
 */
export function pairLimit (
  { identifierCount, knownBrowser }: Pick<PairCount, 'identifierCount' | 'knownBrowser'>,
  rules: ThrottleRules = throttleRules
): number {
  return !knownBrowser && identifierCount >= rules.identifier.limit ? rules.identifier.slowedLimit : rules.pair.limit
}

export type PairDecision = { allowed: true; remaining: number } | { allowed: false; reason: ThrottleReason }

/** First question: this identifier from this source (or this known browser). */
export function decidePair (counts: PairCount, rules: ThrottleRules = throttleRules): PairDecision {
  const limit = pairLimit(counts, rules)
  if (counts.count <= limit) return { allowed: true, remaining: limit - counts.count }
  return { allowed: false, reason: limit === rules.pair.limit ? 'pair' : 'identifier' }
}

/**
 * After a wrong try: was it the one that makes the source pause? `count` = different identifiers tried there, less
 * those that succeeded.
 */
export const sourceExhausted = (count: number, rules: ThrottleRules = throttleRules): boolean =>
  count >= rules.source.limit

/** Is the password no longer accepted for this identifier? `count` includes this try. */
export const passwordSuspended = (count: number, rules: ThrottleRules = throttleRules): boolean =>
  count > rules.consecutive.limit

/** Is this try the one since which the password is no longer accepted? `count` includes it. */
export const suspensionBegins = (count: number, rules: ThrottleRules = throttleRules): boolean =>
  count === rules.consecutive.limit + 1
