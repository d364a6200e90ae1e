import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Database } from '../../database/schema.ts'
import { ticketsByIds, type TicketRow } from './rows.ts'

/** How often all watched tickets are read, in milliseconds: the delay of changes by other processes. */
const period = 400

interface Watcher {
  latest: TicketRow | null
  wake: (() => void) | null
}

export interface TicketWatcher {
  /** The newest rows of one ticket as they are read; ends when the signal aborts. */
  rows(ticketId: string, signal: AbortSignal): AsyncGenerator<TicketRow, void, void>
  /** This process has committed a change: read that ticket now. */
  refreshNow(ticketId: string): void
  /** Number of streams, for tests and metrics. */
  readonly watchers: number
}

/**
 * One reader for all streams of this process: a single query for every watched ticket in each period, and none while
 * nobody watches. It decides nothing; a missed or late row only delays a picture.
 */
export function createTicketWatcher (db: Kysely<Database>, log: Pick<Logger, 'warn'>): TicketWatcher {
  const watched = new Map<string, Set<Watcher>>()
  let timer: NodeJS.Timeout | undefined

  // never rejects, so nobody needs to wait for it
  const read = async (ids: string[]): Promise<void> => {
    try {
      for (const row of await ticketsByIds(db, ids)) {
        for (const watcher of watched.get(row.id) ?? []) {
          watcher.latest = row
          watcher.wake?.()
        }
      }
    } catch (error) {
      // the next period tries again; browsers fall back to polling meanwhile
      log.warn({ err: error }, 'watched scan tickets could not be read')
    }
  }
  // one period starts when the last query has ended, because a slow database must not be asked twice
  const schedule = (): void => {
    timer ??= setTimeout(() => {
      read([...watched.keys()]).then(() => {
        timer = undefined
        if (watched.size > 0) schedule()
      })
    }, period)
    timer.unref()
  }
  const unwatch = (ticketId: string, watcher: Watcher): void => {
    const watchers = watched.get(ticketId)
    watchers?.delete(watcher)
    if (watchers?.size === 0) watched.delete(ticketId)
    if (watched.size === 0) {
      clearTimeout(timer)
      timer = undefined
    }
  }

  return {
    get watchers () {
      return [...watched.values()].reduce((sum, watchers) => sum + watchers.size, 0)
    },
    refreshNow (ticketId) {
      if (watched.has(ticketId)) read([ticketId])
    },
    async * rows (ticketId, signal) {
      const watcher: Watcher = { latest: null, wake: null }
      const watchers = watched.get(ticketId) ?? new Set()
      watched.set(ticketId, watchers.add(watcher))
      const stop = (): void => {
        watcher.wake?.()
      }
      signal.addEventListener('abort', stop)
      schedule()
      read([ticketId])
      try {
        while (!signal.aborted) {
          if (watcher.latest === null) {
            await new Promise<void>((resolve) => {
              watcher.wake = resolve
            })
          }
          watcher.wake = null
          const row = watcher.latest
          watcher.latest = null
          if (row !== null && !signal.aborted) yield row
        }
      } finally {
        signal.removeEventListener('abort', stop)
        unwatch(ticketId, watcher)
      }
    }
  }
}
