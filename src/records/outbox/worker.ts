import type { Kysely, Transaction } from 'kysely'
import type { Logger } from 'pino'
import type { FieldCrypto } from '../../database/field-crypto.ts'
import type { Database } from '../../database/schema.ts'
import { inTransaction } from '../../database/transaction.ts'
import { scrub } from '../../domain/scrub-text.ts'
import { onEnqueue } from './enqueue.ts'
import {
  buryAbandoned,
  claim,
  dueTopics,
  markDead,
  markDone,
  markExpired,
  markNotTried,
  markRetry,
  markUntrusted,
  oldestSeconds,
  type ClaimedRow
} from './repository.ts'

export interface OutboxMeta {
  /** The same for every attempt of one message: receivers recognize repetitions by it. */
  messageId: string
  /** 1 for the first. */
  attempt: number
  /** Answers before this one that were not the receiver's. */
  untrusted?: number
  createdAt: Date
  /** Aborted when the attempt takes too long. */
  signal: AbortSignal
}

/** Delivers one message, or throws. Never inside a transaction of the worker's. */
export type OutboxHandler = (payload: Record<string, unknown>, meta: OutboxMeta) => Promise<void>

/**
 * What else happens when a message is given up, in the same transaction. `payload` is null when it could not be
 * decrypted.
 */
export type GivenUp = (
  trx: Transaction<Database>,
  payload: Record<string, unknown> | null,
  about: { attempts: number }
) => Promise<void>

/** Thrown by a handler when another attempt cannot help. */
export class OutboxPermanentError extends Error {
  constructor (message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'OutboxPermanentError'
  }
}

/** Thrown by a handler that asked nobody, because the receiver fails at the moment: no attempt. */
export class OutboxNotTried extends Error {
  override readonly name = 'OutboxNotTried'
}

/** Thrown by a handler whose receiver may have got it, but the answer was not the receiver's. */
export class OutboxUntrusted extends Error {
  override readonly name = 'OutboxUntrusted'
}

/** Thrown by a handler when the message is over: it was not delivered, and nobody needs it any more. */
export class OutboxExpired extends Error {
  override readonly name = 'OutboxExpired'
}

/** Messages of a topic that are given up by their age (a day), not after some attempts. */
export interface ByAge {
  /** Seconds until the next attempt. */
  pause(payload: Record<string, unknown>, about: { attempts: number; ageSeconds: number; tried: boolean }): number
}

export interface OutboxWorker {
  start(): void
  /** Takes nothing new and waits for running deliveries, at most `limitMs`; the rest is due again after its lease. */
  drain(limitMs?: number): Promise<void>
  /** Delivers everything that is due, until nothing is. Returns the number of attempts. */
  runDue(): Promise<number>
}

interface WorkerServices {
  db: Kysely<Database>
  crypto: Pick<FieldCrypto, 'decrypt'>
  log: Logger
  metrics?: { outboxDeliveries: { inc(labels: { topic: string; outcome: string }): void } }
  handlers: Record<string, OutboxHandler>
  /** By topic. */
  givenUp?: Record<string, GivenUp>
  /** By topic. */
  byAge?: Record<string, ByAge>
}

interface WorkerOptions {
  maxAttempts?: number
  /** Concurrent deliveries of each topic: one silent receiver must not delay the other topics. */
  concurrency?: number
  leaseSeconds?: number
  pollMs?: number
}

/** Attempts before a message becomes a dead letter. */
const attempts = 8
const longestPauseSeconds = 300

/**
 * Wait after attempt number `attempt`: 2, 6, 18 … 300 s, of which a part is random, because rows should not return
 * together.
 */
export function backoffSeconds (attempt: number, random: number = Math.random()): number {
  const full = Math.min(longestPauseSeconds, 2 * 3 ** (attempt - 1))
  return full / 2 + (random * full) / 2
}

export function createOutboxWorker (deps: WorkerServices, options: WorkerOptions = {}): OutboxWorker {
  const { db, crypto, log, metrics, handlers, givenUp = {}, byAge = {} } = deps
  const { maxAttempts = attempts, concurrency = 5, leaseSeconds = 30, pollMs = 500 } = options
  const running = new Map<string, Set<Promise<void>>>(Object.keys(handlers).map((topic) => [topic, new Set()]))
  const inHand = (): Array<Promise<void>> => [...running.values()].flatMap((set) => [...set])

  const read = (row: ClaimedRow): Record<string, unknown> =>
    JSON.parse(crypto.decrypt('outbox', 'payload_enc', row.dedupeKey, row.payloadEnc)) as Record<string, unknown>

  const afterGivenUp = async (trx: Transaction<Database>, row: ClaimedRow): Promise<void> => {
    const after = givenUp[row.topic]
    if (after === undefined) return
    let payload: Record<string, unknown> | null = null
    try {
      payload = read(row)
    } catch {
      // the message itself was given up for this reason
    }
    await after(trx, payload, { attempts: row.attempts - row.notTried })
  }

  const attempt = async (row: ClaimedRow, handler: OutboxHandler): Promise<void> => {
    const outcome = (name: string): void => {
      metrics?.outboxDeliveries.inc({ topic: row.topic, outcome: name })
    }
    const attempts = row.attempts - row.notTried
    const ends = byAge[row.topic]
    const fields = { topic: row.topic, outboxId: row.id, attempts }
    let payload: Record<string, unknown> = {}
    try {
      payload = read(row)
      // ends before the lease does, because two processes must not deliver at the same time
      const signal = AbortSignal.timeout(leaseSeconds * 800)
      await orAborted(
        handler(payload, {
          messageId: row.dedupeKey,
          attempt: attempts,
          untrusted: row.untrusted,
          createdAt: row.createdAt,
          signal
        }),
        signal
      )
    } catch (error) {
      const text = describe(error)
      if (error instanceof OutboxExpired) {
        await markExpired(db, row.id, row.attempts)
        outcome('expired')
        log.error(fields, 'outbox: over before it could be delivered')
        return
      }
      const tried = !(error instanceof OutboxNotTried)
      const over = ends === undefined ? tried && attempts >= maxAttempts : row.ageSeconds >= oldestSeconds
      if (error instanceof OutboxPermanentError || over) {
        await inTransaction(db, async (trx) => {
          if ((await markDead(trx, row.id, row.attempts, text)).length > 0) await afterGivenUp(trx, row)
        })
        outcome('dead')
        log.error({ ...fields, err: error }, 'outbox: given up')
      } else {
        const wait =
          ends?.pause(payload, { attempts, ageSeconds: row.ageSeconds, tried }) ?? backoffSeconds(Math.max(1, attempts))
        const mark = !tried ? markNotTried : error instanceof OutboxUntrusted ? markUntrusted : markRetry
        await mark(db, row.id, row.attempts, wait, text)
        outcome(tried ? 'retried' : 'not_tried')
        log.warn(
          { ...fields, err: error, retryInMs: Math.round(wait * 1000) },
          'outbox: not delivered, will be tried again'
        )
      }
      return
    }
    await markDone(db, row.id, row.attempts)
    outcome('delivered')
  }

  /**
   * Claims due messages for which there is room, and starts them. Returns how many were started, and whether a topic
   * had no room left.
   */
  const take = async (): Promise<{ begun: number; full: boolean }> => {
    let begun = 0
    let full = false
    for (const { topic } of await dueTopics(db)) {
      const handler = handlers[topic]
      const own = running.get(topic)
      if (handler === undefined || own === undefined) continue
      const room = concurrency - own.size
      if (room <= 0) {
        full = true
        continue
      }
      const rows = await claim(db, topic, room, leaseSeconds, byAge[topic] === undefined ? maxAttempts : null)
      begun += rows.length
      full ||= rows.length === room
      for (const row of rows) {
        const work: Promise<void> = attempt(row, handler)
          // the database went away meanwhile: the lease passes and the row is due again
          .catch((error: unknown) => {
            log.warn({ err: error, topic, outboxId: row.id }, 'outbox: the outcome could not be stored')
          })
          .finally(() => {
            own.delete(work)
            if (crowded) soon(0)
          })
        own.add(work)
      }
    }
    return { begun, full }
  }

  let active = false
  let crowded = false
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> | null = null
  let lookAgain = false
  let hotUntil = 0
  let buriedAt = 0
  let failures = 0

  const soon = (ms: number): void => {
    if (!active) return
    if (looking !== null) {
      lookAgain = true
      return
    }
    clearTimeout(timer)
    timer = setTimeout(() => {
      looking = look()
    }, ms)
  }
  const look = async (): Promise<void> => {
    try {
      // a clock that only goes forward
      if (performance.now() - buriedAt > 30_000) {
        buriedAt = performance.now()
        const buried = await inTransaction(db, async (trx) => {
          const rows = await buryAbandoned(trx, maxAttempts, Object.keys(byAge))
          for (const row of rows) await afterGivenUp(trx, row)
          return rows
        })
        for (const { topic } of buried) {
          log.error({ topic }, 'outbox: given up, its last attempt ended with its process')
        }
      }
      crowded = (await take()).full
      failures = 0
    } catch (error) {
      failures += 1
      if (failures === 1) log.warn({ err: error, component: 'outbox' }, 'outbox: cannot be read; trying on')
    }
    looking = null
    const again = lookAgain
    lookAgain = false
    // a row of this process is about to be committed: look often for a moment
    soon(failures > 0 ? Math.min(5000, pollMs * failures) : again ? 5 : performance.now() < hotUntil ? 20 : pollMs)
  }
  let unlisten: (() => void) | undefined

  return {
    start () {
      if (active) return
      active = true
      buriedAt = -Infinity
      unlisten = onEnqueue(() => {
        hotUntil = performance.now() + 300
        soon(5)
      })
      soon(0)
    },
    async drain (limitMs = 10_000) {
      active = false
      unlisten?.()
      clearTimeout(timer)
      await looking
      let limit: NodeJS.Timeout | undefined
      await Promise.race([
        Promise.all(inHand()),
        new Promise((resolve) => {
          limit = setTimeout(resolve, limitMs)
        })
      ])
      clearTimeout(limit)
    },
    async runDue () {
      let total = 0
      for (;;) {
        const { begun, full } = await take()
        total += begun
        await Promise.all(inHand())
        if (begun === 0 && !full) return total
      }
    }
  }
}

async function orAborted (work: Promise<void>, signal: AbortSignal): Promise<void> {
  let onAbort: (() => void) | undefined
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => {
      reject(new Error('the attempt took too long'))
    }
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    await Promise.race([work, aborted])
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort)
  }
}

// for the operator who reads dead letters; the text of a foreign error may quote the message
const describe = (error: unknown): string =>
  error instanceof Error ? scrub(`${error.name}: ${error.message}`).slice(0, 300) : 'unknown'
