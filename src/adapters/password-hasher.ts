/**
 * Password hashing behind a bulkhead.
 *
 * Owns the parameters (argon2id, m=19 MiB, t=2, p=1: OWASP's minimum, PHC strings) and a bounded
 * queue: a hash costs 10–30 ms of one core and 19 MiB, so an unbounded flood of logins would starve
 * everything else, token signatures first, because they share libuv's thread pool. At most
 * `concurrency` run at once, at most `maxQueue` wait, none waits longer than `deadlineMs`.
 */
import { randomBytes } from 'node:crypto'
import argon2 from 'argon2'
import { HasherBusy, type PasswordHasher } from '../ports/password-hasher.ts'

export interface PasswordHasherOptions {
  concurrency: number
  maxQueue?: number
  deadlineMs?: number
  /** Memory in KiB and passes; only tests use less than the defaults. */
  memoryCost?: number
  timeCost?: number
}

const argon2Defaults = { memoryKib: 19_456, passes: 2 } as const
const queueDefaults = { waiting: 16, deadlineMs: 1500 } as const

interface Waiting {
  start: () => void
  refuse: () => void
}

/** @param options deadlineMs: longest wait in the queue in milliseconds; maxQueue: waiting, besides those running. */
export function createPasswordHasher (options: PasswordHasherOptions): PasswordHasher {
  const { concurrency, maxQueue = queueDefaults.waiting, deadlineMs = queueDefaults.deadlineMs } = options
  const { memoryCost = argon2Defaults.memoryKib, timeCost = argon2Defaults.passes } = options
  const parameters = { type: argon2.argon2id as 2, memoryCost, timeCost, parallelism: 1 }
  const dummy = dummyHash(memoryCost, timeCost)
  // what every verification costs, whatever is stored: the dearest hash that was met, at least our own
  let target = memoryCost * timeCost
  const queue = new Set<Waiting>()
  let running = 0

  const turn = (): Promise<void> => {
    if (running < concurrency) {
      running++
      return Promise.resolve()
    }
    if (queue.size >= maxQueue) return Promise.reject(new HasherBusy())
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        start: () => {
          clearTimeout(timer)
          resolve()
        },
        refuse: () => {
          queue.delete(waiting)
          reject(new HasherBusy())
        }
      }
      const timer = setTimeout(waiting.refuse, deadlineMs)
      queue.add(waiting)
    })
  }
  const done = (): void => {
    const [next] = queue
    if (next === undefined) {
      running--
      return
    }
    // the place is handed on, so `running` stays
    queue.delete(next)
    next.start()
  }
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    await turn()
    try {
      return await work()
    } finally {
      done()
    }
  }

  return {
    hash: (password) => inTurn(async () => standardOrder(await argon2.hash(password, parameters))),
    verify: (phc, password) =>
      inTurn(async () => {
        const cost = phc === null ? null : readCost(phc)
        const usable = phc !== null && cost !== null && cost <= memoryCost * timeCost * dearestFactor
        const equal = await argon2.verify(usable ? phc : dummy, password)
        const spent = usable ? cost : memoryCost * timeCost
        target = Math.max(target, spent)
        const rest = missingMemory(target - spent, timeCost)
        if (rest !== null) await argon2.verify(dummyHash(rest, timeCost), password)
        return usable && equal
      }),
    needsRehash: (phc) => !isArgon2id(phc) || argon2.needsRehash(phc, parameters),
    depth: () => ({ running, waiting: queue.size })
  }
}

/** A stored hash that is dearer than this many of ours is a wrong password: it could use up all memory. */
const dearestFactor = 16

/** Cost of verifying a hash in KiB × passes, which time follows; null: it is none. */
export function readCost (phc: string): number | null {
  if (!isArgon2id(phc)) return null
  const read = (name: string): number => Number(new RegExp(`[$,]${name}=(\\d+)`).exec(phc)?.[1])
  return read('m') * read('t')
}

/** Memory in KiB of a further hash of so many passes that costs the rest; null: nothing is missing. */
export function missingMemory (rest: number, passes: number): number | null {
  // the least that argon2 takes (RFC 9106 §3.1); less than that is not measurable
  const memory = Math.round(rest / passes)
  return memory < 8 ? null : memory
}

// the package writes m,p,t; the reference implementation and the PHC specification read m,t,p only
const standardOrder = (phc: string): string => phc.replace(/\$m=(\d+),p=(\d+),t=(\d+)\$/, '$m=$1,t=$3,p=$2$')

// the whole form, because a damaged value must be a wrong password and not an exception
const isArgon2id = (phc: string): boolean =>
  /^\$argon2id\$v=19\$(?:m=\d{1,7},t=\d{1,3},p=\d{1,2}|m=\d{1,7},p=\d{1,2},t=\d{1,3})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}$/.test(
    phc
  )

/** Random bytes in the shape of a hash with these parameters: costs as much as a real one and matches nothing. */
function dummyHash (memoryCost: number, timeCost: number): string {
  const part = (bytes: number): string => randomBytes(bytes).toString('base64').replace(/=+$/, '')
  return `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=1$${part(16)}$${part(32)}`
}
