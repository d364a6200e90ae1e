/** The worker that deletes what has expired, in small batches, so that tables stay small and nobody waits. */
import type { Services } from './services.ts'
import { deleteExpired, deleteExpiredAttempts, deleteExpiredThrottles, deleteExpiredTickets } from './oidc/artifact-cleanup.ts'

const batch = 500
const pauseMilliseconds = 10_000

export interface CleanUp { start (): void, stop (): Promise<void>, runOnce (): Promise<number> }

export function createCleanUp ({ db, log }: Pick<Services, 'db' | 'log'>): CleanUp {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<unknown> = Promise.resolve()
  let stopped = false

  async function runOnce (): Promise<number> {
    let deleted = 0
    for (const clean of [deleteExpired, deleteExpiredAttempts, deleteExpiredTickets, deleteExpiredThrottles]) deleted += await clean(db, batch)
    return deleted
  }

  function plan (milliseconds: number): void {
    if (stopped) return
    timer = setTimeout(() => {
      running = runOnce().then(
        // a full batch: there is more, go on soon
        (deleted) => { plan(deleted >= batch ? 200 : pauseMilliseconds) },
        (error: unknown) => { log.warn({ err: error }, 'clean-up failed'); plan(pauseMilliseconds) })
    }, milliseconds)
    timer.unref()
  }

  return {
    start: () => { plan(pauseMilliseconds) },
    async stop () {
      stopped = true
      clearTimeout(timer)
      await running
    },
    runOnce
  }
}
