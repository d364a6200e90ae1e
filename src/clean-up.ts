/** The worker that deletes what has expired and fills in what new versions need, in small batches, so that tables stay small and nobody waits. */
import type { Services } from './services.ts'
import { deleteExpired, deleteExpiredAttempts, deleteExpiredTickets } from './oidc/artifact-cleanup.ts'
import { sweepAdmin, sweepAdminApi, sweepChanges } from './features/admin/index.ts'
import { sweepOutbox } from './features/outbox/index.ts'
import { sweepChallenges } from './features/challenges/index.ts'
import { sweepClientFailures } from './features/clients/index.ts'
import { sweepDesk } from './features/desk/index.ts'
import { fillDeskIndexes } from './features/persons/index.ts'
import { sweepRegistrations } from './features/registration/index.ts'
import { sweepSmsCodes } from './features/sms-codes/index.ts'
import { sweepThrottle } from './features/throttle/index.ts'
import { sweepUserCentre } from './features/user-centre/index.ts'

const batch = 500
const pauseMilliseconds = 10_000

export interface CleanUp { start (): void, stop (): Promise<void>, runOnce (): Promise<number> }

export function createCleanUp ({ db, crypto, audit, log }: Pick<Services, 'db' | 'crypto' | 'audit' | 'log'>): CleanUp {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<unknown> = Promise.resolve()
  let stopped = false

  async function runOnce (): Promise<number> {
    let deleted = 0
    for (const clean of [deleteExpired, deleteExpiredAttempts, deleteExpiredTickets, sweepThrottle, sweepUserCentre, sweepAdmin, sweepAdminApi, sweepChallenges, sweepSmsCodes, sweepDesk, sweepClientFailures]) deleted += await clean(db, batch)
    deleted += await sweepRegistrations({ db, crypto }, batch)
    deleted += await sweepChanges({ db, audit }, batch)
    deleted += await sweepOutbox(db, { limit: batch })
    deleted += await fillDeskIndexes(db, crypto, batch)
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
