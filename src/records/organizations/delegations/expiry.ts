import type { PeriodicTask } from '../../../ports/periodic-task.ts'
import type { OrganizationsDeps } from '../deps.ts'
import { expireDue } from './end.ts'

const batch = 200
const pauseMilliseconds = 30_000
/** How far this process's clock may be from the database's, which decides. */
const skewMilliseconds = 3_000
const dayMilliseconds = 24 * 3600_000
const shanghaiOffset = 8 * 3600_000

/**
 * The pause until the next search for delegations past their last day. Days end at midnight in Asia/Shanghai, so around
 * midnight the search runs four times a second, and sites are notified as fast as of any other ending. At other times
 * there is seldom anything left.
 *
 * @param now milliseconds since the epoch, by the clock of this process
 */
export function untilNextLook (now: number): number {
  const sinceMidnight = (now + shanghaiOffset) % dayMilliseconds
  const about = (sinceMidnight + skewMilliseconds) % dayMilliseconds
  return about < 2 * skewMilliseconds ? 250 : Math.min(pauseMilliseconds, dayMilliseconds - about)
}

/**
 * Ends delegations past their last day, notifies sites and ends sessions. Every process does it; each ending happens
 * once. From midnight on nobody may use them in any case (`Representations.resolve`).
 */
export const delegationExpiry = (deps: OrganizationsDeps): PeriodicTask => ({
  round: async () => (await expireDue(deps, batch)) >= batch,
  failed: 'ending delegations failed',
  firstMilliseconds: 1_000,
  pauseMilliseconds: () => untilNextLook(deps.clock.now())
})
