/** One password tried: counted before it is looked at, always one verification, whether or not there is anybody. */
import { HasherBusy } from '../../ports/password-hasher.ts'
import type { LoginDeps } from './deps.ts'
import type { Attempt, Throttle } from '../../records/throttle/index.ts'

export type Tried =
  | { outcome: 'right' }
  /** `remaining`: further wrong tries in this window. */
  | { outcome: 'wrong'; remaining: number }
  | { outcome: 'refused'; reason: string; retryAfterSeconds: number }
  /** Too many hashes at once: nothing was looked at, nothing is counted. */
  | { outcome: 'busy' }

/** `hash` null = there is no account, or none with a password: the same work, and never right. */
export async function tryPassword (
  { hasher }: Pick<LoginDeps, 'hasher'>,
  throttle: Throttle,
  attempt: Attempt,
  hash: string | null,
  password: string,
  mayPass: boolean
): Promise<Tried> {
  const turn = await throttle.begin(attempt)
  if (!turn.allowed) return { outcome: 'refused', reason: turn.reason, retryAfterSeconds: turn.retryAfterSeconds }
  let right: boolean
  try {
    right = (await hasher.verify(hash, password)) && hash !== null && mayPass
  } catch (error) {
    await turn.release()
    if (error instanceof HasherBusy) return { outcome: 'busy' }
    throw error
  }
  await turn.settle(right)
  return right ? { outcome: 'right' } : { outcome: 'wrong', remaining: turn.remaining }
}
