import type { Services } from '../../services.ts'
import { expireDue } from './end.ts'

const batch = 200
const pauseMilliseconds = 30_000

export interface DelegationExpiry { start (): void, stop (): Promise<void> }

/**
 * Ends delegations past their last day, with sites told and sessions ended. Every process does it: each ending happens
 * once. From midnight on nobody may use them anyway (`Representations.resolve`).
 */
export function createDelegationExpiry (services: Services): DelegationExpiry {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<unknown> = Promise.resolve()
  let stopped = false

  function plan (milliseconds: number): void {
    if (stopped) return
    timer = setTimeout(() => {
      running = expireDue(services, batch).then(
        (ended) => { plan(ended >= batch ? 200 : pauseMilliseconds) },
        (error: unknown) => { services.log.warn({ err: error }, 'ending delegations failed'); plan(pauseMilliseconds) })
    }, milliseconds)
    timer.unref()
  }

  return {
    start: () => { plan(1000) },
    async stop () {
      stopped = true
      clearTimeout(timer)
      await running
    }
  }
}
