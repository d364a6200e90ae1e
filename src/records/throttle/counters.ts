import type { Services } from '../../services.ts'
import { bumpBelow, readCounter, takeBack } from './repository.ts'

/** A counter over a window that begins with its first count. */
export interface Counter {
  /** What is counted, for example `scan-ticket.browser`. */
  name: string
  limit: number
  seconds: number
}

type Needs = Pick<Services, 'db' | 'crypto'>

/** Addresses and ids as keyed hashes: a counter says nothing about a person. */
const keyOf = ({ crypto }: Needs, counter: Counter, whose: string): string =>
  `${counter.name}:${crypto.mac('throttle', whose)}`

/**
 * Count once; false = the limit was reached before. One statement, never inside a transaction: a rollback would forget
 * it.
 */
export const count = async (services: Needs, counter: Counter, whose: string): Promise<boolean> =>
  (await bumpBelow(services.db, keyOf(services, counter, whose), counter.seconds, counter.limit)).length === 1

/** Take back one count: what was counted beforehand turned out not to be one. */
export const uncount = async (services: Needs, counter: Counter, whose: string): Promise<void> => {
  await takeBack(services.db, [keyOf(services, counter, whose)])
}

/** Is the limit reached already? For work that is refused without being counted. */
export const isFull = async (services: Needs, counter: Counter, whose: string): Promise<boolean> =>
  (await readCounter(services.db, keyOf(services, counter, whose))).some((row) => row.count >= counter.limit)
