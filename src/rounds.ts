/**
 * Work that a process does again and again beside requests: one round at a time, the next planned when the last has
 * ended, none after `stop`, which waits for the round under way.
 */
import type { Logger } from 'pino'

export interface Rounds { start (): void, stop (): Promise<void> }

export interface RoundsOptions {
  log: Pick<Logger, 'warn'>
  /** What the log says when a round fails; the next one comes all the same. */
  failed: string
  pauseMilliseconds: number
  /** Before the first round; without it, the pause. */
  firstMilliseconds?: number
}

/** Between rounds while there is more to do. */
const soonMilliseconds = 200

/** @param round true = there is more, go on soon */
export function createRounds (round: () => Promise<boolean>, { log, failed, pauseMilliseconds, firstMilliseconds = pauseMilliseconds }: RoundsOptions): Rounds {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<unknown> = Promise.resolve()
  let stopped = false

  function plan (milliseconds: number): void {
    if (stopped) return
    timer = setTimeout(() => {
      running = round().then(
        (more) => { plan(more ? soonMilliseconds : pauseMilliseconds) },
        (error: unknown) => {
          if (!stopped) log.warn({ err: error }, failed)
          plan(pauseMilliseconds)
        })
    }, milliseconds)
    timer.unref()
  }

  return {
    start: () => { plan(firstMilliseconds) },
    async stop () {
      stopped = true
      clearTimeout(timer)
      await running
    }
  }
}
