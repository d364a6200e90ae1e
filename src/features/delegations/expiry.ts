import { createRounds, type Rounds } from '../../rounds.ts'
import type { Services } from '../../services.ts'
import { expireDue } from './end.ts'

const batch = 200

/**
 * Ends delegations past their last day, with sites told and sessions ended. Every process does it: each ending happens
 * once. From midnight on nobody may use them anyway (`Representations.resolve`).
 */
export const createDelegationExpiry = (services: Services): Rounds =>
  createRounds(async () => await expireDue(services, batch) >= batch,
    { log: services.log, failed: 'ending delegations failed', firstMilliseconds: 1_000, pauseMilliseconds: 30_000 })
