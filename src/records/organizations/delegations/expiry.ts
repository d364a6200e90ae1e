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
 * Until the next look for delegations past their last day. Days end at midnight in Asia/Shanghai, so about midnight a
 * look is taken four times a second, and sites hear of an ending as soon as of any other; at other times there is
 * seldom something left over.
 *
 * @param now milliseconds since the epoch, by this process's clock
 */
export function untilNextLook (now: number): number {
  const sinceMidnight = (now + shanghaiOffset) % dayMilliseconds
  const about = (sinceMidnight + skewMilliseconds) % dayMilliseconds
  return about < 2 * skewMilliseconds ? 250 : Math.min(pauseMilliseconds, dayMilliseconds - about)
}

/**
 * Ends delegations past their last day, with sites told and sessions ended. Every process does it: each ending happens
 * once. From midnight on nobody may use them anyway (`Representations.resolve`).
 */
export const delegationExpiry = (deps: OrganizationsDeps): PeriodicTask => ({
  round: async () => (await expireDue(deps, batch)) >= batch,
  failed: 'ending delegations failed',
  firstMilliseconds: 1_000,
  pauseMilliseconds: () => untilNextLook(deps.clock.now())
})
