/**
 * Throttling: counters on the database clock, shared by all processes and kept over restarts. Owns the table throttle.
 *
 * A try of a password is counted before it is evaluated, so fifty parallel tries evaluate at most five. Keys are keyed
 * hashes: neither identifiers nor addresses are stored. Counters behave in the same way for identifiers that exist and
 * for those that do not.
 */
import type { Kysely, Transaction } from 'kysely'
import type { FieldCrypto } from '../../database/field-crypto.ts'
import type { Database } from '../../database/schema.ts'
import {
  decidePair,
  passwordSuspended,
  sourceExhausted,
  suspensionBegins,
  throttleRules,
  type ThrottleReason,
  type ThrottleRules
} from '../../domain/login/throttle.ts'
import {
  increment,
  incrementBelow,
  deleteCounters,
  forgetSuccess,
  pauseSource,
  readCounter,
  takeBack,
  attemptPair
} from './repository.ts'

export { sweepThrottle } from './repository.ts'

/** One password try about to be made. */
export { count, uncount, type Counter, isFull } from './counters.ts'
export interface Attempt {
  /** `personIdentifier` when the account exists, else what was typed, normalized, with its kind. */
  identifier: string
  /** Where it comes from: address prefix. */
  source: string
  /** The browser proved (by its cookie) that this person has signed in from it. */
  knownBrowser: boolean
}

/** The key under which tries for a known person are counted, for every identifier of that person. */
export const personIdentifier = (personId: string): string => `person:${personId}`

export type Turn =
  | {
    allowed: true
    /** Further wrong tries left in this window. */
    remaining: number
    /** Reports the result, once. Without it the try stays counted as wrong. */
    settle: (success: boolean) => Promise<void>
    /** The password was not verified (our fault, not the person's): the try is taken back. */
    release: () => Promise<void>
  }
  | {
    allowed: false
    retryAfterSeconds: number
    reason: ThrottleReason
    /** With this try the password is no longer accepted for the identifier. */
    suspensionBegins: boolean
  }

export type Hit = { allowed: true; remaining: number } | { allowed: false; retryAfterSeconds: number }

export interface Throttle {
  /** Call before verifying a password. Not inside a transaction, because a rollback would undo the count. */
  begin(attempt: Attempt): Promise<Turn>
  /**
   * The person was proved in another way (new password, recovery, help of staff): the count of the identifier restarts.
   */
  lift(db: Kysely<Database> | Transaction<Database>, identifier: string): Promise<void>
  /**
   * A limit of its own: at most `limit` times in `windowSeconds`. Refused ones do not count. Not inside a transaction.
   */
  hit(key: string, limit: number, windowSeconds: number): Promise<Hit>
  /** What `hit` counted was no guess: it is taken back. */
  release(key: string): Promise<void>
}

/** @param rules of domain/throttle: for persons, or for organizations */
export function createThrottle (
  { db, crypto }: { db: Kysely<Database>; crypto: Pick<FieldCrypto, 'mac'> },
  rules: ThrottleRules = throttleRules
): Throttle {
  const buildKey = (kind: string, ...parts: string[]): string =>
    `${kind}:${crypto.mac('throttle', JSON.stringify([kind, ...parts]))}`
  const identifierKeys = (identifier: string): { daily: string; consecutive: string; consecutiveKnown: string } => ({
    daily: buildKey('identifier', identifier),
    consecutive: buildKey('consecutive', identifier),
    consecutiveKnown: buildKey('consecutive-known', identifier)
  })
  const refused = (reason: ThrottleReason, seconds: number, begins = false): Turn => ({
    allowed: false,
    reason,
    suspensionBegins: begins,
    retryAfterSeconds: Math.max(1, Math.ceil(seconds))
  })

  return Object.freeze({
    async begin ({ identifier, source, knownBrowser }) {
      const { daily, consecutive, consecutiveKnown } = identifierKeys(identifier)
      const pairKey = knownBrowser ? buildKey('pair-known', identifier) : buildKey('pair', identifier, source)
      const sourceKey = buildKey('source', source)

      const [pair] = await attemptPair(db, pairKey, rules.pair.windowSeconds, rules.pair.limit, daily)
      if (pair === undefined) throw new Error('throttle: no counter')
      const decision = decidePair({ count: pair.count, identifierCount: pair.identifierCount, knownBrowser }, rules)
      if (!decision.allowed) return refused(decision.reason, pair.secondsLeft)

      // the first try of an identifier here is one more identifier of this source
      const fresh = pair.count === 1 && !knownBrowser
      let identifiersOfSource = 0
      if (!knownBrowser) {
        const [counter] = fresh
          ? await incrementBelow(db, sourceKey, rules.source.windowSeconds, rules.source.limit)
          : await readCounter(db, sourceKey)
        if ((fresh && counter === undefined) || (counter?.blockedSeconds ?? 0) > 0) {
          const [now] = counter === undefined ? await readCounter(db, sourceKey) : [counter]
          // not paused (yet): running logins fill it, and some of them will succeed
          return refused('source', now === undefined || now.blockedSeconds <= 0 ? 5 : now.blockedSeconds)
        }
        identifiersOfSource = counter?.count ?? 0
      }

      const failures = knownBrowser ? [consecutiveKnown] : [consecutive, daily]
      const windows = knownBrowser
        ? [rules.consecutive.windowSeconds]
        : [rules.consecutive.windowSeconds, rules.identifier.windowSeconds]
      const counted = await increment(db, failures, windows)
      const inARow = counted.find((counter) => counter.key === failures[0])
      if (inARow !== undefined && passwordSuspended(inARow.count, rules)) {
        return refused('suspended', inARow.secondsLeft, suspensionBegins(inARow.count, rules))
      }

      let settled = false
      const once = async (work: () => Promise<unknown>): Promise<void> => {
        if (settled) return
        settled = true
        await work()
      }
      return {
        allowed: true,
        remaining: decision.remaining,
        settle: async (success) =>
          await once(async () => {
            // an identifier that succeeds after a mistake has not failed
            if (success) {
              await forgetSuccess(
                db,
                [pairKey, failures[0]!],
                knownBrowser ? [] : [daily],
                pairKey,
                knownBrowser ? '' : sourceKey
              )
            } else if (sourceExhausted(identifiersOfSource, rules)) {
              await pauseSource(db, sourceKey, rules.source.limit, rules.source.blockSeconds)
            }
          }),
        release: async () =>
          await once(async () => {
            await takeBack(db, [pairKey, ...failures, ...(fresh ? [sourceKey] : [])])
          })
      }
    },

    async lift (executor, identifier) {
      await deleteCounters(executor, [...Object.values(identifierKeys(identifier)), buildKey('pair-known', identifier)])
    },

    async hit (key, limit, windowSeconds) {
      const own = buildKey('hit', key)
      const [counter] = await incrementBelow(db, own, windowSeconds, limit)
      if (counter !== undefined) return { allowed: true, remaining: limit - counter.count }
      const [full] = await readCounter(db, own)
      return { allowed: false, retryAfterSeconds: Math.max(1, Math.ceil(full?.secondsLeft ?? 1)) }
    },

    async release (key) {
      await takeBack(db, [buildKey('hit', key)])
    }
  } satisfies Throttle)
}
