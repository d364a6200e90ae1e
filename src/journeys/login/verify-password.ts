/** Verifies one password: counted before the verification, always one hash, with or without an account. */
import { HasherBusy } from '../../ports/password-hasher.ts'
import type { LoginDeps } from './deps.ts'
import type { Attempt, Throttle } from '../../records/throttle/index.ts'

export type VerificationResult =
  | { outcome: 'right' }
  /** `remaining`: further wrong attempts in this window. */
  | { outcome: 'wrong'; remaining: number }
  | { outcome: 'throttled'; reason: string; retryAfterSeconds: number; suspensionBegins: boolean }
  /** Too many hashes at once: nothing was verified and nothing is counted. */
  | { outcome: 'busy' }

export interface Verification {
  attempt: Attempt
  /** Null = there is no account, or none with a password: the same work, and never right. */
  hash: string | null
  password: string
}

export async function verifyPassword (
  { hasher }: Pick<LoginDeps, 'hasher'>,
  throttle: Throttle,
  { attempt, hash, password }: Verification
): Promise<VerificationResult> {
  const turn = await throttle.begin(attempt)
  if (!turn.allowed) {
    const { reason, retryAfterSeconds, suspensionBegins } = turn
    return { outcome: 'throttled', reason, retryAfterSeconds, suspensionBegins }
  }
  let right: boolean
  try {
    right = (await hasher.verify(hash, password)) && hash !== null
  } catch (error) {
    await turn.release()
    if (error instanceof HasherBusy) return { outcome: 'busy' }
    throw error
  }
  await turn.settle(right)
  return right ? { outcome: 'right' } : { outcome: 'wrong', remaining: turn.remaining }
}
