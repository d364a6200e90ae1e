/**
 * The worker that deletes what has expired and fills in what new versions need. It works in small batches, because
 * tables should stay small and nobody should wait.
 */
import { createPeriodicTask, type RunningTask } from './periodic-task.ts'
import type { RuntimeDeps } from './deps.ts'
import { deleteExpired, deleteExpiredAttempts, deleteExpiredTickets } from '../tokens/artifact-cleanup.ts'
import { sweepAdminApi } from '../journeys/admin-api/index.ts'
import { sweepCeremonies } from '../records/administrators/index.ts'
import { sweepApprovalRequests } from '../records/approvals/index.ts'
import { sweepConsole } from '../journeys/console/index.ts'
import { sweepOutbox } from '../records/outbox/index.ts'
import { sweepChallenges } from '../records/challenges/index.ts'
import { sweepClientFailures } from '../records/clients/index.ts'
import { sweepSupport } from '../journeys/support/index.ts'
import { fillDeskIndexes } from '../records/persons/index.ts'
import { sweepRegistrations } from '../journeys/registration/index.ts'
import { sweepSmsCodes } from '../records/sms-codes/index.ts'
import { sweepThrottle } from '../records/throttle/index.ts'
import { sweepUserCentre } from '../journeys/user-center/index.ts'

const batch = 500

export interface CleanUp extends RunningTask {
  runOnce(): Promise<number>
}

export function createCleanUp ({
  db,
  crypto,
  audit,
  log
}: Pick<RuntimeDeps, 'db' | 'crypto' | 'audit' | 'log'>): CleanUp {
  async function runOnce (): Promise<number> {
    let deleted = 0
    for (const clean of [
      deleteExpired,
      deleteExpiredAttempts,
      deleteExpiredTickets,
      sweepThrottle,
      sweepUserCentre,
      sweepConsole,
      sweepCeremonies,
      sweepAdminApi,
      sweepChallenges,
      sweepSmsCodes,
      sweepSupport,
      sweepClientFailures
    ]) {
      deleted += await clean(db, batch)
    }
    deleted += await sweepRegistrations({ db, crypto }, batch)
    deleted += await sweepApprovalRequests({ db, audit }, batch)
    deleted += await sweepOutbox(db, { limit: batch })
    deleted += await fillDeskIndexes(db, crypto, batch)
    return deleted
  }

  // a full batch: there is more
  return {
    ...createPeriodicTask(
      { log },
      {
        round: async () => (await runOnce()) >= batch,
        failed: 'clean-up failed',
        pauseMilliseconds: 10_000
      }
    ),
    runOnce
  }
}
