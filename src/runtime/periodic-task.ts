/**
 * Work that a process repeats beside requests: one round at a time, the next one planned when the last has ended, none
 * after `stop`, which waits for a running round.
 */
import type { Logger } from 'pino'
import type { PeriodicTask } from '../ports/periodic-task.ts'

export interface RunningTask {
  start(): void
  stop(): Promise<void>
}

/** Between rounds while there is more to do. */
const soonMilliseconds = 200

/** Runs a task of a record; a round that fails is logged, and the next one comes as planned. */
export function createPeriodicTask (
  { log }: { log: Pick<Logger, 'warn'> },
  { round, failed, pauseMilliseconds, firstMilliseconds }: PeriodicTask
): RunningTask {
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
