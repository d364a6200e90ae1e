/**
 * How processes notice that something in their memory is out of date: a change raises a counter in its transaction, and
 * every process reads all counters once a second.
 */
import type { Logger } from 'pino'
import { statement } from '../database/statement.ts'
import type { Connection } from './artifact-repository.ts'

export type EpochName = 'clients' | 'signing-keys'

const incrementStatement = statement<[string], { epoch: number }>(
  'cache epoch increment',
  `
  insert into cache_epoch as c (name, epoch) values ($1, 2)
  on conflict (name) do update set epoch = c.epoch + 1 returning epoch`
)

const readStatement = statement<[], { name: string; epoch: number }>(
  'cache epoch read',
  'select name, epoch from cache_epoch'
)

/** To be called in the transaction that changes what is cached. */
export async function incrementEpoch (trx: Connection, name: EpochName): Promise<void> {
  await incrementStatement(trx, name)
}

export interface EpochWatch {
  /**
   * Reads the counters now and calls the callbacks of those that changed. Errors of the database or of a callback are
   * logged, and the next reading tries again.
   */
  check(): Promise<void>
  /** Resolves when no look is under way any more. */
  stop(): Promise<void>
}

export interface WatchOptions {
  db: Connection
  /** What to do when it changed. */
  changed: Partial<Record<EpochName, () => void | Promise<void>>>
  log: Pick<Logger, 'warn'>
  intervalMs?: number
}

/**
 * The first reading calls every callback, because what was loaded before it may have changed since. A callback must
 * therefore allow a call without a change.
 */
export function watchEpochs ({ db, changed, log, intervalMs = 1_000 }: WatchOptions): EpochWatch {
  const seen = new Map<string, number>()
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let refreshing: Promise<void> = Promise.resolve()

  async function refresh (): Promise<void> {
    try {
      for (const { name, epoch } of await readStatement(db)) {
        if (seen.get(name) === epoch) continue
        await changed[name as EpochName]?.()
        seen.set(name, epoch)
      }
    } catch (error) {
      if (!stopped) log.warn({ err: error }, 'looking for changes failed')
    }
  }

  // one look at a time: a slow one must not be overtaken by the next
  const check = (): Promise<void> => (refreshing = refreshing.then(refresh))

  function schedule (): void {
    if (stopped) return
    timer = setTimeout(() => {
      check().finally(schedule)
    }, intervalMs)
    timer.unref()
  }

  schedule()
  return {
    check,
    async stop () {
      stopped = true
      clearTimeout(timer)
      await refreshing
    }
  }
}
