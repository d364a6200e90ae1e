/**
 * Work that a process does again and again beside requests: one round at a time, the next planned when the last has
 * ended, none after `stop`, which waits for the round under way.
 */
import type { Logger } from 'pino'

export interface Rounds {
  start(): void
  stop(): Promise<void>
}

export interface RoundsOptions {
  log: Pick<Logger, 'warn'>
  /** What the log says when a round fails; the next one comes all the same. */
  failed: string
  /** Until the next round; asked anew each time when it is a function. */
  pauseMilliseconds: number | (() => number)
  /** Before the first round; without it, the pause. */
  firstMilliseconds?: number
}

/** Between rounds while there is more to do. */
const soonMilliseconds = 200

/** @param round true = there is more, go on soon */
export function createRounds (
  round: () => Promise<boolean>,
  { log, failed, pauseMilliseconds, firstMilliseconds }: RoundsOptions
): Rounds {
  const pause = (): number => (typeof pauseMilliseconds === 'number' ? pauseMilliseconds : pauseMilliseconds())
  let timer: NodeJS.Timeout | undefined
  let running: Promise<unknown> = Promise.resolve()
  let stopped = false

  function plan (milliseconds: number): void {
    if (stopped) return
    timer = setTimeout(() => {
      running = round().then(
        (more) => {
          plan(more ? soonMilliseconds : pause())
        },
        (error: unknown) => {
          if (!stopped) log.warn({ err: error }, failed)
          plan(pause())
        }
      )
    }, milliseconds)
    timer.unref()
  }

  return {
    start: () => {
      plan(firstMilliseconds ?? pause())
    },
    async stop () {
      stopped = true
      clearTimeout(timer)
      await running
    }
  }
}
