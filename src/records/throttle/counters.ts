import type { ThrottleDeps } from './deps.ts'
import { incrementBelow, readCounter, takeBack } from './repository.ts'

/** A counter over a window that begins with its first count. */
export interface Counter {
  /** What is counted, for example `scan-ticket.browser`. */
  name: string
  limit: number
  seconds: number
}

type Needs = Pick<ThrottleDeps, 'db' | 'crypto'>

/** Addresses and ids as keyed hashes: a counter says nothing about a person. */
const deriveKey = ({ crypto }: Needs, counter: Counter, whose: string): string =>
  `${counter.name}:${crypto.mac('throttle', whose)}`

/**
 * Counts once; false = the limit was reached before. One statement, never inside a transaction, because a rollback
 * would undo it.
 */
export const count = async (deps: Needs, counter: Counter, whose: string): Promise<boolean> =>
  (await incrementBelow(deps.db, deriveKey(deps, counter, whose), counter.seconds, counter.limit)).length === 1

/** Takes back one count: what was counted in advance did not happen. */
export const uncount = async (deps: Needs, counter: Counter, whose: string): Promise<void> => {
  await takeBack(deps.db, [deriveKey(deps, counter, whose)])
}

/** Whether the limit is reached already, for work that is refused without being counted. */
export const isFull = async (deps: Needs, counter: Counter, whose: string): Promise<boolean> =>
  (await readCounter(deps.db, deriveKey(deps, counter, whose))).some((row) => row.count >= counter.limit)
